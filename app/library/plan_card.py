"""The plan card: the plan of the chosen model, with the budget and the context to choose."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QComboBox, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Words
from offload_app.gauges.widgets.gauge import FOCUS_MARGIN
from offload_app.library.budget_slider import MARGIN, BudgetSlider
from offload_app.library.plan_bar import PlanBar
from offload_app.library.readings.context_choices import context_choices
from offload_app.library.readings.device_plan import read_device_plan
from offload_app.library.readings.plan import AUTO, PlanReading, budget_of, read_plan
from offload_app.library.readings.speed import no_speed, read_speed
from offload_app.library.shelf import Outlook
from offload_app.library.speed_curve import SpeedCurve
from offload_app.model_choices import ModelChoice
from offload_app.notice import Weight
from offload_app.report_words import report_words
from offload_app.theme import SIZES, Theme

_FIELD_HEIGHT = 28


class PlanCard(QFrame):
    """Shows an outlook at a choice, and tells of another choice. Thread rule: the UI thread only."""

    chosen = Signal(object)
    """ModelChoice."""

    def __init__(self, theme: Theme, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._language = language
        self._choice = ModelChoice()
        self._outlook: Outlook | None = None
        title = self.tr("Memory plan")
        self._nothing = PlanReading(Words(title, "", "", title), is_known=False)
        self._reading = self._nothing
        self.bar = PlanBar(theme, self._nothing)
        self.device_bar = PlanBar(theme, self._nothing)
        self.speed = SpeedCurve(theme, no_speed(language))
        self.slider = BudgetSlider(theme)
        self.automatic = QCheckBox(self.tr("&Automatic"))
        self.context = QComboBox()
        self.share, self.note, self.waiting = QLabel(), QLabel(), QLabel()
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    @property
    def reading(self) -> PlanReading:
        """What is shown; without parts while nothing is known."""
        return self._reading

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        self.bar.set_theme(theme)
        self.device_bar.set_theme(theme)
        self.speed.set_theme(theme)
        self.slider.set_theme(theme)
        self._colour_note()

    def show_plan(self, outlook: Outlook | None, choice: ModelChoice, context_length: int, budget: str) -> None:
        """Show `outlook` at `choice`; `budget` is that of the settings, which "automatic" stands for."""
        self._choice, self._outlook = choice, outlook
        self._show_contexts(context_length, choice.n_ctx)
        text = self.tr("&Automatic") if budget == AUTO else self.tr("&As in the preferences: {budget}")
        self.automatic.setText(text.format(budget=budget))
        self._set_checked(choice.budget_bytes == 0)
        outline = outlook.outline if outlook is not None else None
        is_known = outline is not None
        for part in (self.bar, self.slider, self.share):
            part.setVisible(is_known)
        self.automatic.setEnabled(outline is not None and bool(outline.points))
        self.waiting.setVisible(not is_known)
        self._show_device(read_device_plan(outline, self._language) if outline is not None else None)
        if outline is None:
            self._reading = self._nothing
            self.speed.setVisible(False)
            refusal = outlook.refusal if outlook is not None else None
            self.waiting.setText(report_words(refusal) if refusal is not None else self.tr("Planning…"))
            self._show_note("", Weight.NEWS)
            return
        reading = read_plan(outline, choice.budget_bytes, self._language, budget)
        self._reading = reading
        self.bar.show_reading(reading)
        speed = read_speed(outline, reading.point, reading.whole_bytes, self._language)
        self.speed.show_reading(speed if reading.is_possible else no_speed(self._language))
        self.speed.setVisible(bool(self.speed.reading.points))
        self.slider.show_budgets([point.budget_bytes for point in outline.points], reading.whole_bytes, reading.marks)
        self.slider.show_step(reading.point, reading.words.value)
        self.share.setText(reading.share)
        self.share.setVisible(bool(reading.share))
        note = reading.notes[0] if reading.notes else None
        self._show_note(note.text if note else "", note.weight if note else Weight.NEWS)

    def set_narrow(self, is_narrow: bool) -> None:
        """Put the options below each other, or side by side."""
        direction = QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        self._options.setDirection(direction)

    def _show_device(self, reading: PlanReading | None) -> None:
        self.device_bar.setVisible(reading is not None)
        self.device_bar.show_reading(reading if reading is not None else self._nothing)

    def _show_note(self, text: str, weight: Weight) -> None:
        self._weight = weight
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self._colour_note()

    def _colour_note(self) -> None:
        weight = getattr(self, "_weight", Weight.NEWS)
        colours = {Weight.ERROR: self._theme.error, Weight.WARNING: self._theme.warning}
        self.note.setStyleSheet(f"color: {colours.get(weight, self._theme.text)};")

    def _show_contexts(self, context_length: int, n_ctx: int) -> None:
        choices = context_choices(context_length, n_ctx, self._language)
        if [self.context.itemText(place) for place in range(self.context.count())] != [c.text for c in choices]:
            blocked = self.context.blockSignals(True)
            self.context.clear()
            for choice in choices:
                self.context.addItem(choice.text, choice.n_ctx)
            self.context.blockSignals(blocked)
        blocked = self.context.blockSignals(True)
        self.context.setCurrentIndex(self.context.findData(n_ctx))
        self.context.blockSignals(blocked)

    def _set_checked(self, is_checked: bool) -> None:
        blocked = self.automatic.blockSignals(True)
        self.automatic.setChecked(is_checked)
        self.automatic.blockSignals(blocked)

    def _connect(self) -> None:
        self.slider.chosen.connect(self._choose_step)
        self.automatic.toggled.connect(self._choose_automatic)
        self.context.activated.connect(
            lambda _: self._tell(ModelChoice(self._choice.budget_bytes, self.context.currentData() or 0))
        )

    def _choose_step(self, step: int) -> None:
        outline = self._outlook.outline if self._outlook is not None else None
        if outline is not None and 0 <= step < len(outline.points):
            self._tell(ModelChoice(budget_of(outline, step), self._choice.n_ctx))

    def _choose_automatic(self, is_automatic: bool) -> None:
        if is_automatic:
            self._tell(ModelChoice(0, self._choice.n_ctx))
        else:
            self._choose_step(self._reading.point)

    def _tell(self, choice: ModelChoice) -> None:
        if choice != self._choice:
            self.chosen.emit(choice)

    def _lay_out(self) -> None:
        self.slider.setAccessibleName(self.tr("Memory budget"))
        self.automatic.setAccessibleDescription(self.tr("Take the memory budget of the preferences"))
        self.context.setAccessibleName(self.tr("Context"))
        self.context.setMinimumSize(140, _FIELD_HEIGHT)
        self.automatic.setMinimumHeight(_FIELD_HEIGHT)
        self.share.setObjectName("strong")
        for label in (self.share, self.note, self.waiting):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        name = QLabel(self.tr("Conte&xt"))
        name.setBuddy(self.context)
        context = QHBoxLayout()
        context.setSpacing(SIZES.gap)
        context.addWidget(name)
        context.addWidget(self.context, 1)
        self._options = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._options.setContentsMargins(MARGIN, 0, MARGIN, 0)
        self._options.setSpacing(SIZES.gap)
        self._options.addWidget(self.automatic)
        self._options.addStretch(1)
        self._options.addLayout(context)
        # The ends of bar and curve lie above the slider's.
        upper = QVBoxLayout()
        upper.setContentsMargins(MARGIN - FOCUS_MARGIN, 0, MARGIN - FOCUS_MARGIN, 0)
        upper.setSpacing(SIZES.gap)
        upper.addWidget(self.device_bar)
        upper.addWidget(self.bar)
        self.device_bar.setVisible(False)
        upper.addWidget(self.speed)
        words = QVBoxLayout()
        words.setContentsMargins(MARGIN, 0, MARGIN, 0)
        words.setSpacing(SIZES.small_gap)
        for label in (self.share, self.note, self.waiting):
            words.addWidget(label)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.small_gap, SIZES.gap, SIZES.small_gap, SIZES.margin)
        column.setSpacing(SIZES.gap)
        column.addLayout(upper)
        column.addWidget(self.slider)
        column.addLayout(words)
        column.addLayout(self._options)
