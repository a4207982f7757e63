"""The demo model that travels with the package."""

from importlib.resources import files
from pathlib import Path

from offload.errors import ModelNotFoundError


def demo_model_path(package: str = "offload_models") -> Path:
    """Return the file of the demo model, in a checkout (`models/demo/demo.gguf`) as in an installed wheel.

    Raises:
        ModelNotFoundError: this installation has no demo model.
    """
    hint = "Name a model with -m, or install again from a complete copy of the project."
    try:
        path = Path(str(files(package) / "demo" / "demo.gguf"))
    except ModuleNotFoundError as error:
        raise ModelNotFoundError("The demo model is not installed.", path="demo.gguf", hint=hint) from error
    if not path.is_file():
        raise ModelNotFoundError(f"The demo model is not at {path}.", path=path, hint=hint)
    return path
