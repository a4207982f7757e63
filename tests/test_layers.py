"""The layers of the program: who may import whom, read from the source without running it.

Imports inside functions and under `TYPE_CHECKING` count like all others: they are knowledge too.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"offload": ROOT / "offload", "offload_app": ROOT / "app"}

LEAVES = frozenset(
    f"offload.{name}"
    for name in (
        "errors",
        "bytesize",
        "config",
        "stats",
        "model_offer",
        "model_summary",
        "plan_outline",
        "device_plan",
        "listed_device",
        "gguf",
        "machine",
        "cgroup",
        "demo_model",
        "catalog",
        "model_details",
    )
)
NATIVE = frozenset({"ctypes", "llama_cpp"})
QT = frozenset({"PySide6", "shiboken6", "pygments"})


class Rule(NamedTuple):
    """What the modules of one unit may import, besides their own unit and the standard library without ctypes."""

    units: frozenset[str]
    """Units of this project."""
    outside: frozenset[str] | None
    """Packages of others; None: any, but for the native library and Qt."""
    native: bool = False
    """Whether ctypes and llama_cpp may be imported."""
    qt: bool = False


BELOW_ENGINE = LEAVES | {"offload.experts", "offload.llama", "offload.ggml"}
WIRED = frozenset(
    f"offload.{name}"
    for name in (
        "batch",
        "generation",
        "lockstep",
        "memory_needs",
        "memory_plan",
        "memory_use",
        "device_budget",
        "device_needs",
        "device_share",
        "routing",
        "paged_model",
        "slot_home",
        "ram_tier",
        "miss_costs",
        "route_recorder",
        "forecasting",
        "keeping",
        "forecast_wiring",
        "forecast_state",
        "store_choice",
        "inspection",
        "fit",
    )
)
FACES = LEAVES | {"offload", "offload.engine", "offload.inspection", "offload.protocol", "offload.served"}

RULES: dict[str, Rule] = {
    **{leaf: Rule(LEAVES, outside=frozenset({"psutil"})) for leaf in LEAVES},
    "offload.demo_model": Rule(LEAVES, outside=frozenset({"platformdirs", "zstandard"})),
    # The bottom: two views of the native library.
    "offload.llama": Rule(LEAVES | {"offload.ggml"}, outside=frozenset({"numpy", "jinja2"}), native=True),
    "offload.ggml": Rule(LEAVES | {"offload.llama"}, outside=frozenset({"numpy"}), native=True),
    # Moves bytes: knows neither who computes with them nor who forecasts.
    "offload.experts": Rule(LEAVES, outside=frozenset({"numpy", "psutil", "zstandard"})),
    # Forecasts and judges routes: numbers in, numbers out. Its traces are compressed.
    "offload.routing": Rule(LEAVES, outside=frozenset({"numpy", "zstandard"})),
    # Sequences that compute together, and the prompts they answer.
    "offload.lockstep": Rule(LEAVES | {"offload.ggml"}, outside=frozenset()),
    "offload.batch": Rule(LEAVES | {"offload.generation", "offload.lockstep"}, outside=frozenset()),
    "offload.generation": Rule(BELOW_ENGINE, outside=frozenset({"numpy"})),
    "offload.memory_needs": Rule(LEAVES | {"offload.experts"}, outside=frozenset()),
    "offload.memory_plan": Rule(BELOW_ENGINE | {"offload.memory_needs"}, outside=frozenset({"numpy", "psutil"})),
    # A second memory: what lies in it, what a model needs of it, and how both are shared out.
    "offload.memory_use": Rule(LEAVES | {"offload.memory_plan"}, outside=frozenset()),
    "offload.device_budget": Rule(LEAVES, outside=frozenset()),
    "offload.device_needs": Rule(LEAVES | {"offload.experts"}, outside=frozenset()),
    "offload.device_share": Rule(
        LEAVES | {"offload.experts", "offload.memory_needs", "offload.memory_plan", "offload.device_needs"},
        outside=frozenset(),
    ),
    # Models from the hub into a folder; the only one that asks a network.
    # The only places that wire the parts.
    "offload.miss_costs": Rule(BELOW_ENGINE, outside=frozenset({"numpy"})),
    "offload.ram_tier": Rule(BELOW_ENGINE, outside=frozenset()),
    "offload.slot_home": Rule(BELOW_ENGINE | {"offload.ram_tier"}, outside=frozenset()),
    "offload.paged_model": Rule(BELOW_ENGINE | {"offload.slot_home"}, outside=frozenset()),
    "offload.store_choice": Rule(BELOW_ENGINE, outside=frozenset()),
    "offload.inspection": Rule(BELOW_ENGINE | {"offload.store_choice"}, outside=frozenset()),
    "offload.route_recorder": Rule(BELOW_ENGINE | {"offload.routing"}, outside=frozenset({"numpy"})),
    "offload.forecasting": Rule(BELOW_ENGINE | {"offload.routing"}, outside=frozenset({"numpy"})),
    "offload.forecast_wiring": Rule(
        BELOW_ENGINE | {"offload.routing", "offload.paged_model", "offload.forecasting", "offload.keeping"},
        outside=frozenset({"numpy"}),
    ),
    "offload.forecast_state": Rule(LEAVES | {"offload.routing"}, outside=frozenset({"platformdirs"})),
    # Predicts speeds of plans it is given; knows neither who plans nor who opens a model.
    "offload.fit": Rule(
        BELOW_ENGINE | {"offload.routing", "offload.memory_plan", "offload.paged_model"},
        outside=frozenset({"numpy", "platformdirs", "psutil"}),
    ),
    "offload.keeping": Rule(BELOW_ENGINE | {"offload.routing"}, outside=frozenset({"numpy"})),
    # Models as files: what is here, what goes and comes, whether it is whole.
    "offload.hub": Rule(LEAVES, outside=frozenset({"huggingface_hub"})),
    "offload.model_folder": Rule(LEAVES | {"offload.hub"}, outside=frozenset()),
    "offload.model_import": Rule(LEAVES | {"offload.hub", "offload.model_folder"}, outside=frozenset()),
    "offload.model_check": Rule(LEAVES | {"offload.hub", "offload.experts"}, outside=frozenset()),
    "offload.model_removal": Rule(
        LEAVES | {"offload.hub", "offload.experts", "offload.forecast_state", "offload.model_folder"},
        outside=frozenset(),
    ),
    "offload.model_gates": Rule(LEAVES | {"offload.experts", "offload.routing"}, outside=frozenset()),
    "offload.engine": Rule(BELOW_ENGINE | WIRED, outside=None),
    # What a machine is able to do, for a person who asks why it does not.
    "offload.diagnosis": Rule(BELOW_ENGINE, outside=None),
    "offload.benchmark": Rule(LEAVES, outside=frozenset()),
    "offload.protocol": Rule(LEAVES, outside=frozenset()),
    "offload.served": Rule(LEAVES | {"offload.protocol"}, outside=frozenset()),
    # The faces know the engine, and nothing below it.
    "offload.worker": Rule(FACES, outside=frozenset()),
    "offload.cli": Rule(
        FACES
        | {
            "offload.worker",
            "offload.hub",
            "offload.diagnosis",
            "offload.benchmark",
            "offload.routing",
            "offload.model_gates",
            "offload.model_folder",
            "offload.model_import",
            "offload.model_check",
            "offload.model_removal",
        }
        | {"offload.cli.app"},
        outside=None,
    ),
    # Starts the application, which it knows nothing else of.
    "offload.cli.app": Rule(LEAVES | {"offload.cli", "offload_app"}, outside=frozenset()),
    "offload.__main__": Rule(frozenset({"offload.cli"}), outside=frozenset()),
    "offload": Rule(LEAVES | {"offload.engine", "offload.generation"}, outside=frozenset()),
    # Another process: knows what is said to the worker, and how to say it.
    "offload_app": Rule(frozenset({"offload.protocol"}), outside=None, qt=True),
}


def unit_of(module: str) -> str | None:
    """Return the unit of the table that `module` belongs to.

    A unit is a module, with all modules of a package of that name, and with its neighbours of the same first name:
    `offload.gguf_header` belongs to `offload.gguf`. Nothing belongs to `offload` but the package's own six names.
    """
    return max((unit for unit in RULES if _belongs(module, unit)), key=len, default=None)


def _belongs(module: str, unit: str) -> bool:
    return module == unit or (unit != "offload" and module.startswith((f"{unit}.", f"{unit}_")))


def sources(folders: Mapping[str, Path]) -> dict[str, Path]:
    """Return module name to file, for every module below `folders` (package name to folder)."""
    modules = {}
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
            modules[".".join((package, *parts))] = path
    return modules


def imports(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every module that `module` imports."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"), filename=str(path))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=origin, names=names, level=level):
                base = ".".join([*package[: len(package) - level + 1], *filter(None, [origin])]) if level else origin
                for alias in names:
                    inner = f"{base}.{alias.name}"
                    yield node.lineno, inner if inner in known else str(base)


def complaint(unit: str, imported: str) -> str | None:
    """Return why `unit` may not import `imported`; None if it may."""
    rule = RULES[unit]
    top = imported.partition(".")[0]
    if top in FOLDERS:
        target = unit_of(imported)
        allowed = target == unit or target in rule.units
        return None if allowed else f"{unit} may import of this project: {', '.join(sorted(rule.units))}"
    if top in NATIVE:
        return None if rule.native else "only offload.llama and offload.ggml may touch the native library"
    if top in QT:
        return None if rule.qt else "only offload_app may know Qt"
    if top in sys.stdlib_module_names or rule.outside is None or top in rule.outside:
        return None
    return f"{unit} may import of others: {', '.join(sorted(rule.outside)) or 'nothing'}"


def violations(folders: Mapping[str, Path]) -> list[str]:
    """Return one line for every import that breaks a rule, and for every module that no rule names."""
    found = []
    modules = sources(folders)
    for module, path in modules.items():
        unit = unit_of(module)
        if unit is None:
            found.append(f"{module}: belongs to no unit; give it one in tests/test_layers.py")
            continue
        for line, imported in imports(module, path, modules):
            reason = complaint(unit, imported)
            if reason is not None:
                found.append(f"{module}:{line} imports {imported}: {reason}")
    return found


def test_every_module_imports_downwards_only() -> None:
    assert violations(FOLDERS) == []


def test_the_tree_that_is_checked_is_the_program_s() -> None:
    modules = sources(FOLDERS)
    assert {"offload.errors", "offload.experts.key", "offload_app"} <= modules.keys()


ALLOWED = [
    ("offload/experts/pager.py", "from offload.experts.slots import Slots\nimport numpy as np, os"),
    ("offload/experts/pager.py", "from .slots import Slots"),
    ("offload/experts/pager.py", "from offload import errors"),
    ("offload/ggml/device.py", "import ctypes\nfrom llama_cpp import llama_cpp"),
    ("offload/engine.py", "from offload.routing.blend import Blend\nfrom offload.experts.pager import Pager"),
    ("offload/cli/generate.py", "from offload.engine import Engine\nfrom offload import open_model"),
    ("offload/routing/blend.py", "import numpy\nfrom collections import deque"),
    ("app/window.py", "from PySide6.QtWidgets import QWidget\nfrom offload.protocol import Load"),
    ("app/chat/panel.py", "from offload_app.window import Window\nfrom ..window import Window"),
]
FORBIDDEN = [
    ("offload/experts/pager.py", "from offload.routing.path import Path", "offload.routing.path"),
    ("offload/experts/pager.py", "from offload.ggml import device", "offload.ggml"),
    ("offload/experts/pager.py", "from ..llama.model import Model", "offload.llama.model"),
    ("offload/experts/reader.py", "def read():\n    import ctypes", "ctypes"),
    ("offload/experts/reader.py", "import llama_cpp.llama_cpp", "llama_cpp.llama_cpp"),
    ("offload/experts/reader.py", "from offload import open_model", "offload"),
    ("offload/routing/blend.py", "import scipy.special", "scipy.special"),
    ("offload/routing/blend.py", "from offload.experts.key import ExpertKey", "offload.experts.key"),
    ("offload/ggml/device.py", "from offload.experts.pager import Pager", "offload.experts.pager"),
    ("offload/llama/model.py", "from offload.engine import Engine", "offload.engine"),
    ("offload/memory_plan.py", "from offload.generation import generate", "offload.generation"),
    ("offload/engine.py", "from offload.cli.main import main", "offload.cli.main"),
    ("offload/errors.py", "from offload.engine import Engine", "offload.engine"),
    ("offload/cli/pack.py", "from offload.experts.packed_store import pack", "offload.experts.packed_store"),
    ("offload/cli/chat.py", "import PySide6", "PySide6"),
    ("offload/worker.py", "from offload.llama.model import Model", "offload.llama.model"),
    ("offload/protocol.py", "from offload.engine import Engine", "offload.engine"),
    (
        "offload/protocol.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import offload.worker",
        "offload.worker",
    ),
    ("app/window.py", "from offload.engine import Engine", "offload.engine"),
    ("app/window.py", "from offload.errors import OffloadError", "offload.errors"),
    ("app/window.py", "import offload", "offload"),
    ("app/window.py", "import llama_cpp", "llama_cpp"),
]


def made_up(tmp_path: Path, name: str, source: str) -> dict[str, Path]:
    """Write a tree of one module beside an empty `offload.errors`, and return its folders."""
    for file, text in (("offload/errors.py", ""), (name, source)):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {"offload": tmp_path / "offload", "offload_app": tmp_path / "app"}


@pytest.mark.parametrize(("name", "source"), ALLOWED)
def test_an_import_downwards_is_allowed(tmp_path: Path, name: str, source: str) -> None:
    assert violations(made_up(tmp_path, name, source)) == []


@pytest.mark.parametrize(("name", "source", "imported"), FORBIDDEN)
def test_an_import_against_the_layers_is_found(tmp_path: Path, name: str, source: str, imported: str) -> None:
    (found,) = violations(made_up(tmp_path, name, source))
    assert f" imports {imported}: " in found


def test_a_module_that_no_rule_names_is_found(tmp_path: Path) -> None:
    (found,) = violations(made_up(tmp_path, "offload/extra.py", ""))
    assert "offload.extra: belongs to no unit" in found
