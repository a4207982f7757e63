"""`RemovalQuestion`: asks what is to become of what has come of a download that is cancelled."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download


class RemovalQuestion(QMessageBox):
    """Asks about `download`, and tells the answer; none where it goes on. Thread rule: the UI thread only."""

    answered = Signal(bool)
    """Whether what has come is to be deleted with the download."""

    def __init__(self, download: Download, language: Language, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Cancel the download"))
        self.setText(self.tr("What is to become of what has come of {title}?").format(title=download.title))
        kept = language.size(download.done_bytes)
        self.setInformativeText(
            self.tr("It takes {size}. Kept, a later download goes on from there.").format(size=kept)
        )
        keep = self.addButton(self.tr("&Keep it"), QMessageBox.ButtonRole.AcceptRole)
        delete = self.addButton(self.tr("&Delete it"), QMessageBox.ButtonRole.DestructiveRole)
        self.addButton(self.tr("&Go on downloading"), QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(keep)
        keep.clicked.connect(lambda: self.answered.emit(False))
        delete.clicked.connect(lambda: self.answered.emit(True))
