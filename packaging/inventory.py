"""The inventory: what is in the bundle besides our own files, with versions and licences.

Python's packages come from the environment that the bundle was made in, the system's libraries from dpkg.
"""

import os
import platform
import re
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from packaging.requirements import Requirement

LEFT_OUT = frozenset({"hf-xet"})
"""Distributions that are required, but not in the bundle: bundle_contents.EXCLUDED_MODULES."""
_LICENCE_FILE = re.compile(r"(?:licen[cs]e|copying|notice|authors)[^/]*$", re.IGNORECASE)
_MOST_LICENCES = 3
_CLASSIFIER = "License :: OSI Approved :: "


@dataclass(frozen=True, slots=True)
class Component:
    """One thing in the bundle that others made."""

    name: str
    version: str
    licence: str
    """SPDX expression where its makers give one, else their own words."""
    purl: str
    texts: tuple[str, ...] = ()
    """What its licence wants to be passed on."""


def required(root: str, extras: Iterable[str]) -> list[str]:
    """Return the normalised names of all distributions that `root` with `extras` needs here, itself left out."""
    wanted = [(root, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        name, asked = wanted.pop()
        if (name, asked) in seen or name in LEFT_OUT:
            continue
        seen.add((name, asked))
        wanted += _needs(name, asked)
    return sorted({name for name, _ in seen} - {root})


def _needs(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        applies = requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras | {""})
        if applies:
            yield normalised(requirement.name), frozenset(requirement.extras)


def normalised(name: str) -> str:
    """Return the one spelling of a distribution's name. Source: PyPA, names and normalization."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(name: str) -> Component:
    """Return an installed distribution of Python's."""
    found = metadata.distribution(name)
    files = [found.locate_file(file) for file in found.files or () if _is_licence(str(file))]
    texts = [Path(str(file)).read_text("utf-8", "replace") for file in files]
    version = found.version
    return Component(
        found.metadata["Name"], version, licence_of(found.metadata), f"pkg:pypi/{name}@{version}", tuple(texts)
    )


def _is_licence(file: str) -> bool:
    return ".dist-info/" in file and _LICENCE_FILE.search(file) is not None and not file.endswith(".py")


class Fields(Protocol):
    """The metadata of a distribution."""

    def get_all(self, name: str) -> list[Any] | None:
        """Return all values of a field; None where there is none."""


def licence_of(fields: Fields) -> str:
    """Return what a distribution's metadata say its licence is: the expression, the old field, or its classifiers."""
    words = [*(fields.get_all("License-Expression") or ()), *(fields.get_all("License") or ())]
    # In the old field some have the whole text.
    if short := [str(word) for word in words if "\n" not in word]:
        return short[0]
    classifiers = fields.get_all("Classifier") or []
    named = [line.removeprefix(_CLASSIFIER) for line in classifiers if line.startswith(_CLASSIFIER)]
    return " AND ".join(named) or "not stated"


def python_itself() -> Component:
    """Return the interpreter."""
    version = platform.python_version()
    file = Path(sysconfig.get_path("stdlib"), "LICENSE.txt")
    texts = (file.read_text("utf-8", "replace"),) if file.is_file() else ()
    return Component("Python", version, "PSF-2.0", f"pkg:generic/python@{version}", texts)


def llama_cpp(sources: Path, binding_version: str) -> Iterator[Component]:
    """Yield llama.cpp, and what is compiled into it, as the sources of its binding have them."""
    vendored = sources / "vendor" / "llama.cpp"
    licence = vendored / "LICENSE"
    if licence.is_file():
        version = f"of llama-cpp-python {binding_version}"
        texts = [file.read_text("utf-8", "replace") for file in (licence, *sorted((vendored / "licenses").glob("*")))]
        yield Component("llama.cpp and ggml", version, "MIT", f"pkg:generic/llama.cpp@{binding_version}", tuple(texts))


def system_libraries(folder: Path, search: Iterable[Path]) -> list[Component]:
    """Return the packages of the system whose libraries lie in `folder`, as dpkg knows them; none without dpkg."""
    places = list(search)
    paths = {
        os.path.realpath(place / file.name)
        for file in folder.glob("*.so*")
        for place in places
        if not file.is_symlink() and not file.name.startswith("libpython") and (place / file.name).exists()
    }
    try:
        # Where /lib is a link to /usr/lib, dpkg knows a file by the path its package has, which may be either.
        asked = sorted(paths | {path.removeprefix("/usr") for path in paths})
        owners = subprocess.run(["dpkg", "-S", *asked], capture_output=True, text=True, check=False).stdout
        names = sorted({line.partition(": ")[0] for line in owners.splitlines() if ": /" in line})
        return [_debian_package(name) for name in names]
    except FileNotFoundError:
        return []


def _debian_package(name: str) -> Component:
    show = ["dpkg-query", "--show", "--showformat=${Version}\n${Architecture}", name]
    version, architecture = subprocess.run(show, capture_output=True, text=True, check=True).stdout.split("\n")
    plain = name.partition(":")[0]
    copyright_file = Path("/usr/share/doc", plain, "copyright")
    text = copyright_file.read_text("utf-8", "replace") if copyright_file.is_file() else ""
    named = sorted(set(re.findall(r"^License:[ \t]*(\S.*)$", text, re.MULTILINE)))
    # A source package names those of its tests and tools too: a long list says nothing of the library.
    licence = ", ".join(named) if 0 < len(named) <= _MOST_LICENCES else "see its text"
    return Component(plain, version, licence, f"pkg:deb/debian/{plain}@{version}?arch={architecture}", (text,))
