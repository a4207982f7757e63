"""The fits: how models that are still on the hub will run here, and what was chosen for them; no widget.

    a person ──ask──▶ client: the header is fetched, planned with ──▶ known: plans with speeds, or why not
             └─another context──▶ asked again; what is known stays until then

Invariants, each with its test in tests/app/library/test_hub_fits.py:
1. The hub is asked only by `ask`, and by another context of a model that it was asked about.
2. One model is asked about at a time: whoever turns to another one drops the answer.
3. The plans of a context stay until there are those of the next.
4. An answer holds as long as the settings it was planned with.
5. What was chosen is in the settings only after `keep_choice`, under the path that the model will have.

Thread rule: the thread of Qt's event loop only.
"""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from offload.protocol_errors import ErrorReport
from offload.protocol_hub import Fit, Fitted
from offload_app.library.hub_fit import HubFit
from offload_app.library.library_client import LibraryClient
from offload_app.library.shelf import Outlook
from offload_app.model_choices import ModelChoice
from offload_app.model_config import plan_config_of
from offload_app.settings import Settings
from offload_app.settings_control import SettingsControl


class HubFits(QObject):
    """Knows what was asked since the start. `client` may be another's too: then the two never measure at once."""

    changed = Signal()

    def __init__(self, client: LibraryClient, settings: SettingsControl, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client, self._settings = client, settings
        self._fits: dict[str, HubFit] = {}
        self._choices: dict[str, ModelChoice] = {}
        self._asking: tuple[int, str] | None = None
        """The request, and the name in small letters."""
        client.fitted.connect(self._on_fitted)
        client.refused.connect(self._on_refused)
        client.cancelled.connect(self._on_cancelled)
        settings.changed.connect(self._on_settings)

    def of(self, name: str) -> HubFit | None:
        """Return what is known of a model; None: nothing was asked about it."""
        return self._fits.get(name.casefold())

    def choice(self, name: str) -> ModelChoice:
        """Return the budget and the context that are chosen for a model."""
        fit = self.of(name)
        # Without a path it would be the demo model's.
        path = fit.summary.path if fit is not None and fit.summary is not None else ""
        kept = self._settings.current.choices.of(path) if path else ModelChoice()
        return self._choices.get(name.casefold(), kept)

    def ask(self, name: str, models_folder: str) -> None:
        """Ask how a model will run from `models_folder`, with the context that is chosen for it."""
        self._stop()
        key, before, n_ctx = name.casefold(), self.of(name), self.choice(name).n_ctx
        outlook = Outlook(name, n_ctx, before.outlook.outline if before is not None else None)
        self._fits[key] = HubFit(outlook, before.summary if before is not None else None, is_asking=True)
        config = plan_config_of(self._settings.current, n_ctx)
        self._asking = self._client.fit(name, models_folder, config), key
        self.changed.emit()

    def turn_to(self, name: str) -> None:
        """Be about that model from now on: what another one is asked about is stopped, and told to nobody."""
        if self._asking is not None and self._asking[1] != name.casefold():
            self._fits.pop(self._asking[1], None)
            self._stop()

    def choose(self, name: str, models_folder: str, choice: ModelChoice) -> None:
        """Choose budget and context of a model that was asked about; another context is asked about at once."""
        is_asked_for = choice.n_ctx == self.choice(name).n_ctx
        self._choices[name.casefold()] = choice
        if is_asked_for:
            self.changed.emit()
        else:
            self.ask(name, models_folder)

    def keep_choice(self, name: str) -> None:
        """Have the model opened with what is chosen for it, once it is here; nothing where its path is not known."""
        fit = self.of(name)
        if fit is not None and fit.summary is not None:
            choices = self._settings.current.choices.with_choice(fit.summary.path, self.choice(name))
            self._settings.change(choices=choices)

    def _stop(self) -> None:
        """Stop what is asked; its answer, should it have come already, belongs to nobody."""
        if self._asking is not None:
            id, self._asking = self._asking[0], None
            self._client.cancel(id)

    def _take(self, request: object) -> str | None:
        """Return the name that `request` asked about, where that is what is waited for, and wait no more."""
        if not isinstance(request, Fit) or self._asking is None or self._asking[0] != request.id:
            return None
        key, self._asking = self._asking[1], None
        return key

    def _on_fitted(self, request: Fit, fitted: Fitted) -> None:
        key = self._take(request)
        if key is None:
            return
        self._fits[key] = HubFit(Outlook(request.name, request.config.n_ctx, fitted.outline), fitted.model)
        if self.choice(request.name).n_ctx != request.config.n_ctx:
            # Chosen the last time: for which model, its path alone says.
            self.ask(request.name, request.models_folder)
        else:
            self.changed.emit()

    def _on_refused(self, request: object, report: ErrorReport) -> None:
        key = self._take(request)
        if key is not None:
            fit = self._fits[key]
            self._fits[key] = HubFit(replace(fit.outlook, outline=None, refusal=report), fit.summary)
            self.changed.emit()

    def _on_cancelled(self, request: object) -> None:
        key = self._take(request)
        if key is not None:
            self._fits.pop(key, None)
            self.changed.emit()

    def _on_settings(self, before: Settings, now: Settings) -> None:
        if _planned_with(before) != _planned_with(now):
            self._stop()
            self._fits.clear()
            self.changed.emit()


def _planned_with(settings: Settings) -> tuple[object, ...]:
    return settings.budget, settings.threads, settings.device, settings.vram, settings.models_folder
