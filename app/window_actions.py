"""The window's actions: everything a menu offers that belongs to no single pane, each with its shortcut."""

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QKeySequence


class WindowActions(QObject):
    """One attribute for each action; the window connects them. Thread rule: the UI thread only."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        standard = QKeySequence.StandardKey
        self.import_conversation = self._action(_tr("&Import a conversation…"), "Ctrl+Shift+I")
        self.export_conversation = self._action(_tr("&Export the conversation…"), "Ctrl+Shift+E")
        self.preferences = self._action(_tr("&Preferences…"), "Ctrl+,", role=QAction.MenuRole.PreferencesRole)
        self.quit = self._action(_tr("&Quit"), "Ctrl+Q", role=QAction.MenuRole.QuitRole)

        self.search = self._action(_tr("Searc&h conversations"), "Ctrl+F")
        self.go_to_list = self._action(_tr("&Go to the conversations"), "Ctrl+L")
        self.go_to_chat = self._action(_tr("Go to the &message"), "Ctrl+E")
        self.next_conversation = self._action(_tr("Next c&onversation"), "Ctrl+PgDown")
        self.previous_conversation = self._action(_tr("Pre&vious conversation"), "Ctrl+PgUp")
        self.show_list = self._action(_tr("&Conversations"), "F8", is_checkable=True)
        self.show_gauges = self._action(_tr("&Gauges"), "F9", is_checkable=True)
        self.compact_gauges = self._action(_tr("Gauges in &one line"), "Shift+F9", is_checkable=True)
        self.larger_text = self._action(_tr("&Larger text"), QKeySequence(standard.ZoomIn).toString())
        self.smaller_text = self._action(_tr("S&maller text"), QKeySequence(standard.ZoomOut).toString())
        self.normal_text = self._action(_tr("&Text as the system has it"), "Ctrl+0")

        self.show_models = self._action(_tr("&Models"), "Ctrl+Shift+M")
        self.find_models = self._action(_tr("&Get models…"), "Ctrl+Shift+G")
        self.open_model = self._action(_tr("&Open a model…"), "Ctrl+O")
        self.demo_model = self._action(_tr("Open the &demo model"), "Ctrl+Shift+D")
        self.reload_model = self._action(_tr("&Load again"), "Ctrl+Shift+L")
        self.unload_model = self._action(_tr("&Unload"), "Ctrl+Shift+U")

        self.explain_gauges = self._action(_tr("What the gauges &mean"), "F1")
        self.about = self._action(_tr("&About offload"), "", role=QAction.MenuRole.AboutRole)

    def all(self) -> tuple[QAction, ...]:
        """Return every action."""
        return tuple(self.findChildren(QAction))

    def _action(
        self,
        text: str,
        shortcut: str,
        *,
        is_checkable: bool = False,
        role: QAction.MenuRole = QAction.MenuRole.NoRole,
    ) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(shortcut))
        action.setCheckable(is_checkable)
        action.setMenuRole(role)
        return action


def _tr(text: str) -> str:
    return QCoreApplication.translate("WindowActions", text)
