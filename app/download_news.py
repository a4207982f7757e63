"""What a person is told about downloads, wherever the window is; and what a press of a button then does."""

from PySide6.QtCore import QCoreApplication, QObject, Signal

from offload_app.library.download import Download
from offload_app.library.downloads import Downloads
from offload_app.model_control import ModelControl
from offload_app.notice import Choice, Notice, Subject, Weight
from offload_app.report_words import report_words


class DownloadNews(QObject):
    """Tells of downloads that ended. Thread rule: the UI thread only."""

    notice = Signal(object)
    """Notice."""

    def __init__(self, downloads: Downloads, model: ModelControl, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._path = ""
        downloads.finished.connect(self._on_finished)
        downloads.failed.connect(lambda download: self.notice.emit(failed_notice(download)))

    def choose(self, subject: Subject, choice: Choice) -> None:
        """Load what came last, where that was chosen."""
        if subject is Subject.DOWNLOAD and choice is Choice.LOAD and self._path:
            self._model.open(self._path)

    def _on_finished(self, download: Download) -> None:
        self._path = download.path
        self.notice.emit(ready_notice(download))


def ready_notice(download: Download) -> Notice:
    """Return that a model is here."""
    text = _tr("{title} is ready.").format(title=download.title)
    return Notice(Subject.DOWNLOAD, Weight.NEWS, text, (Choice.LOAD, Choice.DISMISS))


def failed_notice(download: Download) -> Notice:
    """Return why a model did not come, in the worker's words."""
    words = report_words(download.refusal) if download.refusal is not None else ""
    text = _tr("{title} was not downloaded: {words}").format(title=download.title, words=words)
    return Notice(Subject.DOWNLOAD, Weight.ERROR, text.strip())


def _tr(text: str) -> str:
    return QCoreApplication.translate("DownloadNews", text)
