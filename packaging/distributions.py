"""The check of wheel and sdist: everything a person needs is in them, and nothing else.

Usage: distributions.py FOLDER      prints what is wrong with the wheel and the sdist in FOLDER, and ends with 1
"""

import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"offload": "offload", "offload_app": "app"}
"""Installed name and folder of the packages whose modules are all installed."""
DATA = (
    "offload/py.typed",
    *(f"offload_app/icons/{name}.svg" for name in ("arrow-down", "arrow-up", "offload")),
    "offload_models/__init__.py",
    "offload_models/catalog.toml",
    "offload_models/demo/demo.gguf.zst",
    "offload_models/demo/demo.gguf.sha256",
)
SOURCES = ("LICENSE", "README.md", "pyproject.toml", "setup.py", "models/catalog.toml", "models/demo/demo.gguf.zst")


def modules(root: Path) -> set[str]:
    """Return the names that the modules of `PACKAGES` in the tree `root` are installed by."""
    return {
        f"{package}/{path.relative_to(root / folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in (root / folder).rglob("*.py")
    }


def wheel_problems(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return one sentence for every file of a wheel that is missing or too many."""
    there, wanted = {name for name in names if ".dist-info/" not in name}, modules(root) | set(DATA)
    missing = [f"the wheel has no {name}" for name in sorted(wanted - there)]
    # The recipe of the demo model is source, not product.
    return missing + [f"the wheel has {name}, which is not part of it" for name in sorted(there - wanted)]


def sdist_problems(names: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return one sentence for every file of an sdist that is missing or too many; names are without its folder."""
    there = set(names)
    sources = {f"{PACKAGES[package]}/{rest}" for package, _, rest in (name.partition("/") for name in modules(root))}
    missing = sorted((sources | set(SOURCES)) - there)
    strange = sorted(name for name in there if name.startswith(("build/", "dist/", ".")) or "__pycache__" in name)
    return [f"the sdist has no {name}" for name in missing] + [f"the sdist has {name}" for name in strange]


def main(folder: Path) -> int:
    """Print all problems; 1 where there is one."""
    (wheel,) = folder.glob("offload-*-py3-none-any.whl")
    sdist = folder / f"{wheel.name.removesuffix('-py3-none-any.whl')}.tar.gz"
    with zipfile.ZipFile(wheel) as archive:
        problems = wheel_problems(archive.namelist())
    with tarfile.open(sdist) as archive_of_sources:
        members = archive_of_sources.getmembers()
    problems += sdist_problems(entry.name.partition("/")[2] for entry in members if entry.isfile())
    sys.stdout.write("".join(f"{line}\n" for line in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
