"""How a model is opened, as the settings and what was chosen for it say; pure."""

from offload.protocol import EngineConfig
from offload_app.settings import Settings


def config_of(settings: Settings, model: str | None) -> EngineConfig:
    """Return how `model` (None: the demo model) is opened."""
    choice = settings.choices.of(model or "")
    return EngineConfig(
        memory=choice.budget_bytes or settings.budget,
        n_ctx=choice.n_ctx,
        n_threads=settings.threads,
        device=settings.device,
        vram=settings.vram,
        on_miss=settings.on_miss,
    )


def plan_config_of(settings: Settings, n_ctx: int) -> EngineConfig:
    """Return what plans at context `n_ctx` are asked with: their budget is the automatic one."""
    return EngineConfig(
        memory=settings.budget,
        n_ctx=n_ctx,
        n_threads=settings.threads,
        device=settings.device,
        vram=settings.vram,
    )
