"""What goes into the bundle: of Qt only what the application shows, of llama.cpp one copy of each library.

Pure functions over lists as PyInstaller keeps them, (name in the bundle, source file, kind); used by offload.spec.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

Entry = tuple[str, str, str]

QT_LIBRARIES = frozenset({"Core", "DBus", "Gui", "Network", "OpenGL", "Svg", "WaylandClient", "Widgets", "XcbQpa"})
"""Qt's libraries that stay: those imported, and what the plugins below are linked with."""
QT_PLUGINS = frozenset(
    {
        "iconengines/qsvgicon",
        "imageformats/qsvg", "imageformats/qico", "imageformats/qicns",
        "platforms/qxcb", "platforms/qwayland", "platforms/qoffscreen", "platforms/qwindows", "platforms/qcocoa",
        "platforminputcontexts/composeplatforminputcontextplugin",
        "platforminputcontexts/ibusplatforminputcontextplugin",
        "platformthemes/qxdgdesktopportal",
        "styles/qmodernwindowsstyle", "styles/qmacstyle",
        "wayland-decoration-client/adwaita", "wayland-decoration-client/bradient",
        "wayland-shell-integration/xdg-shell",
    }
)  # fmt: skip
"""Folder and name without `lib` and ending. The pictures are SVG, Fusion is Qt's own style, and nothing is drawn with
OpenGL: loading the system's drivers with our older libstdc++ is what breaks bundles on newer systems."""
EXCLUDED_MODULES = (
    "tkinter", "unittest", "pydoc", "doctest", "setuptools", "pkg_resources", "pip", "IPython", "matplotlib", "PIL",
    "torch", "gguf", "pytest", "llama_cpp.server", "llama_cpp.mtmd_cpp", "hf_xet", "numpy.f2py", "numpy.testing",
    "zstandard._cffi", "zstandard.backend_cffi",
)  # fmt: skip
"""hf_xet: downloads do without it (offload/hub/client.py). zstandard: its C backend is the one it uses."""

LEFT_TO_THE_SYSTEM = ("libreadline.so",)
"""Readline is under the GPL, which would hold for the whole bundle. Where the system has it, lines can be edited."""

_QT_LIBRARY = re.compile(r"^(?:lib)?Qt6?(?P<name>[A-Z]\w*?)(?:\.so[\d.]*|\.dll|\.framework.*)?$")


def is_wanted(name: str) -> bool:
    """Say whether the file of that name in the bundle stays in it."""
    path = PurePosixPath(name.replace("\\", "/"))
    # Versions are asked for at run time; the rest tells how and from where something was installed.
    if path.parts[0].endswith(".dist-info"):
        return path.name == "METADATA"
    if path.parts[0] != "PySide6":
        return _is_wanted_library(path.name) and "numpy/tests" not in str(path)
    if "translations" in path.parts or "qml" in path.parts:
        return False
    if "plugins" in path.parts:
        plugin = "/".join(path.parts[path.parts.index("plugins") + 1 :]).partition(".")[0]
        folder, _, file = plugin.partition("/")
        return f"{folder}/{file.removeprefix('lib')}" in QT_PLUGINS
    return _is_wanted_library(path.name)


def _is_wanted_library(file: str) -> bool:
    match = _QT_LIBRARY.match(file)
    return (match is None or match["name"] in QT_LIBRARIES) and not file.startswith(LEFT_TO_THE_SYSTEM)


def is_llama(name: str) -> bool:
    """Say whether the file is one of llama.cpp's libraries, or a link to one."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.parts[:2] == ("llama_cpp", "lib") or path.name.startswith(("libggml", "libllama", "libmtmd"))


def trimmed(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that stay, in the order of their names."""
    return sorted(entry for entry in entries if is_wanted(entry[0]))


def reachable(entries: Iterable[Entry], needed_by: Callable[[str], Iterable[str]], roots: Iterable[str]) -> list[Entry]:
    """Return `entries` without the system's libraries that nothing left in the bundle is linked with.

    Those lie at the top of the bundle, where the plugins that wanted them may have been left out. `needed_by` gives the
    names of the libraries that a file is linked with; `roots` are files that are not among `entries`.
    """
    everything = list(entries)
    libraries = {entry[0]: entry for entry in everything if "/" not in entry[0] and ".so" in entry[0]}
    kept = [entry for entry in everything if entry[0] not in libraries]
    files = [entry[1] for entry in kept if ".so" in entry[1]] + list(roots)
    found: set[str] = set()
    while files:
        new = set(needed_by(files.pop())) & libraries.keys() - found
        found |= new
        files += [libraries[name][1] for name in new if libraries[name][2] != "SYMLINK"]
    return sorted(kept + [libraries[name] for name in found])


def llama_libraries(folder: Path, kernels: Path) -> list[Entry]:
    """Return llama.cpp's libraries of the wheel in `folder`, each by the one name it is asked for by.

    `kernels` may hold the CPU kernels for several levels of processors, which then come in place of the wheel's own.
    """
    levels = sorted(kernels.glob("*/libggml-cpu.so.0"))
    chosen = [file for file in sorted(folder.iterdir()) if _is_asked_for(file.name)]
    if levels:
        chosen = [file for file in chosen if not file.name.startswith("libggml-cpu.")]
    kind = "BINARY" if sys.platform == "darwin" else "DATA"  # macOS signs what is code, and wants it to lie with code
    plain = [(f"llama_cpp/lib/{file.name}", str(file), kind) for file in chosen]
    return plain + [(f"llama_cpp/lib/kernels/{file.parent.name}/{file.name}", str(file), kind) for file in levels]


def _is_asked_for(file: str) -> bool:
    """The binding opens `libllama.so`, the others are needed by their SONAME; a wheel has each under three names."""
    if ".so" not in file:
        return file.endswith((".dll", ".dylib"))
    return file == "libllama.so" or (file.endswith(".so.0") and not file.startswith(("libllama", "libmtmd")))
