"""`ChatPage`: the open conversation: its header, transcript and composer, connected to a session."""

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout, QWidget

from offload_app.chat.chat_actions import ChatActions
from offload_app.chat.composer import Composer
from offload_app.chat.header import Header
from offload_app.chat.message_column import WIDEST_COLUMN
from offload_app.chat.notice import Notice
from offload_app.chat.style import chat_style
from offload_app.chat.transcript import Transcript
from offload_app.chat_session import ChatSession
from offload_app.conversation import Conversation
from offload_app.gauges.panel import language_of_qt
from offload_app.gauges.readings.language import Language
from offload_app.style_sheet import SCROLL_BAR
from offload_app.theme import SIZES, Theme


class ChatPage(QWidget):
    """Shows what a session tells, and asks it what a person wants. UI thread only."""

    link_confirmed = Signal(str)
    """A link that the person has said shall be opened."""

    def __init__(
        self, session: ChatSession, theme: Theme, parent: QWidget | None = None, *, language: Language | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("chatPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        language = language if language is not None else language_of_qt()
        self.header = Header(language)
        self.transcript = Transcript(theme, language)
        self.greeting = QLabel(self.tr("What would you like to know?"))
        self.greeting.setObjectName("greeting")
        self.greeting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.to_end = QPushButton(self.tr("Go to the end ↓"), self.transcript)
        self.to_end.setObjectName("primary")
        self.notice = Notice()
        self.composer = Composer(theme)
        self._actions = ChatActions(
            session,
            submit=self.composer.submit,
            begin_edit=self._begin_edit,
            copy=lambda text: QGuiApplication.clipboard().setText(text),
            parent=self,
        )
        self.addActions(self._actions.all)
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        self._show_opened(session.conversation)
        self._show_state()

    def actions(self) -> list[QAction]:
        """Return what can be done here, for menus: text, shortcut and whether it can be done now."""
        return self._actions.all

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.setStyleSheet(chat_style(theme))
        self.transcript.set_theme(theme)
        self.composer.set_theme(theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Scroll the transcript by pages, from the composer too."""
        if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.transcript.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep the button that goes to the end in its place."""
        if watched is self.transcript and event.type() is QEvent.Type.Resize:
            self._place_button()
        return False

    def _connect(self) -> None:
        session = self._session
        session.opened.connect(self._show_opened)
        session.changed.connect(self._show_changed)
        session.answer_grew.connect(self.transcript.grow)
        session.answering_changed.connect(self._show_state)
        session.refusal_changed.connect(self._show_state)
        session.told.connect(self.notice.show_text)
        self.composer.sent.connect(self._send)
        self.composer.edited.connect(session.edit)
        self.composer.stop_asked.connect(session.stop)
        self.composer.drafted.connect(self._on_draft)
        self.header.sampling_chosen.connect(session.set_sampling)
        self.header.system_prompt_written.connect(session.set_system_prompt)
        self.transcript.regenerate_asked.connect(session.regenerate)
        self.transcript.edit_asked.connect(self._begin_edit)
        self.transcript.branch_asked.connect(self._actions.switch_branch)
        self.transcript.link_clicked.connect(self._ask_about_link)
        self.transcript.end_in_view.connect(lambda is_seen: self.to_end.setVisible(not is_seen))
        self.to_end.clicked.connect(self.transcript.show_end)
        self.link_confirmed.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))

    # From the session

    def _show_opened(self, conversation: Conversation) -> None:
        self.transcript.show_conversation(conversation, self._session.answering_message)
        self.composer.set_text(conversation.draft)
        self._show_frame(conversation)
        self.notice.hide()
        self.composer.setFocus()

    def _show_changed(self, conversation: Conversation) -> None:
        self.transcript.update_conversation(conversation, self._session.answering_message)
        self._show_frame(conversation)

    def _show_frame(self, conversation: Conversation) -> None:
        self.header.show_conversation(conversation)
        self.greeting.setVisible(not conversation.messages)
        self.transcript.setVisible(bool(conversation.messages))

    def _show_state(self, _: object = None) -> None:
        session = self._session
        self.composer.set_state(session.refusal, is_answering=session.is_answering)
        self.transcript.set_can_ask(session.can_send)

    # To the session

    def _send(self, text: str) -> None:
        self.notice.hide()
        if not self._session.send(text):
            self.composer.set_text(text)

    def _on_draft(self, text: str) -> None:
        self._session.set_draft(text)
        self._actions.set_has_text(bool(text.strip()))

    def _begin_edit(self, message_id: int) -> None:
        self.composer.begin_edit(message_id, self._session.conversation.message(message_id).text)

    def _ask_about_link(self, address: str) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            self.tr("Open a link"),
            self.tr("Open this address in your browser?"),
            QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel,
            self,
        )
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(address)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.accepted.connect(lambda: self.link_confirmed.emit(address))
        box.open()

    def _lay_out(self) -> None:
        narrow = QWidget()
        narrow.setMaximumWidth(WIDEST_COLUMN)
        below = QVBoxLayout(narrow)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(SIZES.gap)
        below.addWidget(self.notice)
        below.addWidget(self.composer)
        row = QHBoxLayout()
        # As much more to the right as the transcript's scroll bar takes.
        row.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.margin + SCROLL_BAR, SIZES.margin)
        row.addStretch(1)
        row.addWidget(narrow, 1000)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.greeting, 1)
        column.addWidget(self.transcript, 1)
        column.addLayout(row)
        self.to_end.hide()
        self.transcript.installEventFilter(self)
        self.setTabOrder(self.transcript, self.composer.input)

    def _place_button(self) -> None:
        size = self.to_end.sizeHint()
        area = self.transcript.viewport().geometry()
        self.to_end.resize(size)
        self.to_end.move(area.center().x() - size.width() // 2, area.bottom() - size.height() - SIZES.margin)
