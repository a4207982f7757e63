"""Run a Mixture-of-Experts model bigger than memory: the six names a program needs.

with open_model("model.gguf", EngineConfig(memory="4G")) as engine:
    for token in engine.complete("Once upon a time", GenerationParams(n_predict=64)):
        print(token.text, end="", flush=True)
"""

from typing import TYPE_CHECKING

from offload.config import EngineConfig, GenerationParams, Token
from offload.errors import OffloadError

if TYPE_CHECKING:
    from offload.engine import Engine, open_model

__all__ = ["Engine", "EngineConfig", "GenerationParams", "OffloadError", "Token", "open_model"]


def __getattr__(name: str) -> object:
    """Import the engine when it is first asked for: the protocol's users never need it."""
    if name in ("Engine", "open_model"):
        from offload import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
