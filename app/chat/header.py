"""`Header`: the title of the open conversation, and how it is answered: preset and system prompt."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from offload.protocol import GenerationParams
from offload_app.chat.receipt_reading import preset_name
from offload_app.conversation import Conversation
from offload_app.gauges.readings.language import Language
from offload_app.sampling import PRESETS, preset_of
from offload_app.theme import SIZES

_PROMPT_HEIGHT = 84


class Header(QFrame):
    """Shows a conversation's title and settings, and tells what is changed. UI thread only."""

    sampling_chosen = Signal(object)
    """GenerationParams."""
    system_prompt_written = Signal(str)

    def __init__(self, language: Language, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self._sampling = GenerationParams()
        self.title = QLabel()
        self.title.setObjectName("title")
        self.title.setMinimumWidth(40)
        self.presets = QComboBox()
        self.presets.setAccessibleName(self.tr("How freely answers are written"))
        self.presets.setToolTip(self.presets.accessibleName())
        for preset in PRESETS:
            self.presets.addItem(preset_name(preset, language), preset)
        self._own_settings = preset_name(None, language)
        self.prompt_button = QPushButton(self.tr("System prompt"))
        self.prompt_button.setObjectName("quiet")
        self.prompt_button.setCheckable(True)
        self.prompt_button.setToolTip(self.tr("What the model is told before the conversation"))
        self.prompt = QPlainTextEdit()
        self.prompt.setObjectName("prompt")
        self.prompt.setTabChangesFocus(True)
        self.prompt.setFixedHeight(_PROMPT_HEIGHT)
        self.prompt.setAccessibleName(self.tr("System prompt"))
        self.prompt.setPlaceholderText(self.tr("What the model is told before the conversation, as: Answer briefly."))
        self._lay_out()
        self.presets.activated.connect(self._on_preset)
        self.prompt_button.toggled.connect(self.prompt.setVisible)
        self.prompt.textChanged.connect(lambda: self.system_prompt_written.emit(self.prompt.toPlainText()))

    def show_conversation(self, conversation: Conversation) -> None:
        """Show title and settings of `conversation`."""
        self._sampling = conversation.sampling
        self.title.setText(conversation.title or self.tr("New conversation"))
        preset = preset_of(conversation.sampling)
        n_presets = len(PRESETS)
        if preset is None and self.presets.count() == n_presets:
            self.presets.addItem(self._own_settings, None)
        elif preset is not None and self.presets.count() > n_presets:
            self.presets.removeItem(n_presets)
        self.presets.setCurrentIndex(n_presets if preset is None else PRESETS.index(preset))
        if self.prompt.toPlainText() != conversation.system_prompt:
            self.prompt.blockSignals(True)
            self.prompt.setPlainText(conversation.system_prompt)
            self.prompt.blockSignals(False)
            self.prompt_button.setChecked(bool(conversation.system_prompt))

    def _on_preset(self, index: int) -> None:
        if index < len(PRESETS):
            self.sampling_chosen.emit(PRESETS[index].applied_to(self._sampling))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(SIZES.gap)
        row.addWidget(self.title, 1)
        row.addWidget(self.prompt_button)
        row.addWidget(self.presets)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.margin + SIZES.gap, SIZES.gap, SIZES.margin, SIZES.gap)
        column.setSpacing(SIZES.gap)
        column.addLayout(row)
        column.addWidget(self.prompt)
        self.prompt.setVisible(False)
