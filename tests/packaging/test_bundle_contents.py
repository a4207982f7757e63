"""What the bundle keeps of Qt and of the system's libraries, and which of llama.cpp's it takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import bundle_contents
import pytest
from bundle_contents import is_llama, is_wanted, llama_libraries, reachable, trimmed


@pytest.mark.parametrize(
    "name",
    [
        "PySide6/Qt/lib/libQt6Core.so.6",
        "PySide6/Qt/lib/libicudata.so.73",
        "PySide6/QtWidgets.abi3.so",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6\\plugins\\platforms\\qwindows.dll",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "libQt6Gui.so.6",
        "libxcb-cursor.so.0",
        "numpy/_core/_multiarray_umath.so",
        "offload-0.1.0.dist-info/METADATA",
    ],
)
def test_what_the_application_shows_with_stays(name: str) -> None:
    assert is_wanted(name)


@pytest.mark.parametrize(
    "name",
    [
        "PySide6/Qt/lib/libQt6Qml.so.6",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt6Pdf.dll",
        "libQt6VirtualKeyboard.so.6",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/Qt/qml/QtQuick/qmldir",
        "PySide6/Qt/plugins/platforms/libqvnc.so",
        "PySide6/Qt/plugins/imageformats/libqpdf.so",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "libreadline.so.8",
        "offload-0.1.0.dist-info/direct_url.json",
    ],
)
def test_what_nothing_asks_for_goes(name: str) -> None:
    assert not is_wanted(name)


def test_what_stays_is_sorted_so_that_two_builds_are_one() -> None:
    entries = [("b.so", "/b", "BINARY"), ("PySide6/Qt/qml/a", "/a", "DATA"), ("a.so", "/a", "BINARY")]
    assert [name for name, _, _ in trimmed(entries)] == ["a.so", "b.so"]


@pytest.mark.parametrize("module", ["PySide6.QtQml", "PySide6.QtWebEngineCore", "PySide6.QtPdf"])
def test_the_application_imports_nothing_of_what_is_left_out(module: str) -> None:
    app = Path(__file__).resolve().parents[2] / "app"
    assert not [path for path in app.rglob("*.py") if module in path.read_text("utf-8")]


def linked(links: Mapping[str, Sequence[str]]) -> list[bundle_contents.Entry]:
    return [(name, f"/system/{name}", "BINARY") for name in links]


def test_a_library_that_only_a_plugin_left_out_wanted_goes_with_it() -> None:
    links = {"libcairo.so.2": ["libpng.so"], "libpng.so": [], "libxcb.so.1": ["libXau.so.6"], "libXau.so.6": []}
    plugin = ("PySide6/plugins/platforms/libqxcb.so", "/qt/libqxcb.so", "BINARY")
    needs = {"/qt/libqxcb.so": ["libxcb.so.1"], **{f"/system/{name}": other for name, other in links.items()}}
    kept = reachable([plugin, *linked(links)], lambda file: needs[file], roots=[])
    assert [name for name, _, _ in kept] == ["PySide6/plugins/platforms/libqxcb.so", "libXau.so.6", "libxcb.so.1"]


def test_a_library_that_only_a_root_wants_stays() -> None:
    needs = {"/usr/bin/python3": ["libpython3.so"], "/system/libpython3.so": []}
    kept = reachable(linked({"libpython3.so": []}), lambda file: needs[file], roots=["/usr/bin/python3"])
    assert [name for name, _, _ in kept] == ["libpython3.so"]


def wheel_of(folder: Path) -> Path:
    names = ("libggml", "libggml-base", "libggml-cpu", "libllama", "libmtmd")
    folder.mkdir()
    for name in names:
        for ending in (".so", ".so.0", ".so.0.1.2"):
            (folder / f"{name}{ending}").touch()
    return folder


def test_of_three_names_of_each_library_the_one_that_is_asked_for_comes(tmp_path: Path) -> None:
    taken = llama_libraries(wheel_of(tmp_path / "lib"), tmp_path / "none")
    names = ["libggml-base.so.0", "libggml-cpu.so.0", "libggml.so.0", "libllama.so"]
    assert [name for name, _, _ in taken] == [f"llama_cpp/lib/{name}" for name in names]


def test_kernels_of_several_levels_come_in_place_of_the_wheel_s(tmp_path: Path) -> None:
    for level in ("x86-64-v2", "x86-64-v3"):
        (tmp_path / "kernels" / level).mkdir(parents=True)
        (tmp_path / "kernels" / level / "libggml-cpu.so.0").touch()
    taken = [name for name, _, _ in llama_libraries(wheel_of(tmp_path / "lib"), tmp_path / "kernels")]
    assert [name for name in taken if "cpu" in name] == [
        "llama_cpp/lib/kernels/x86-64-v2/libggml-cpu.so.0",
        "llama_cpp/lib/kernels/x86-64-v3/libggml-cpu.so.0",
    ]


def test_macos_gets_them_as_code_which_it_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel_of(tmp_path / "lib")
    (tmp_path / "lib" / "libllama.dylib").touch()
    monkeypatch.setattr("sys.platform", "darwin")
    assert {kind for _, _, kind in llama_libraries(tmp_path / "lib", tmp_path / "none")} == {"BINARY"}


def test_links_to_llama_s_libraries_are_known() -> None:
    assert is_llama("libggml-base.so.0")
    assert is_llama("llama_cpp\\lib\\llama.dll")
    assert not is_llama("libgomp.so.1")
