"""What a person is told of downloads that ended."""

from offload.protocol_errors import ErrorReport
from offload_app.download_news import failed_notice, ready_notice
from offload_app.library.download import Download, DownloadState
from offload_app.notice import Choice, Subject, Weight

DONE = Download("u/r", "/m", "A model", DownloadState.DONE, path="/m/u/r/r.gguf")


def test_a_model_that_is_here_may_be_loaded() -> None:
    notice = ready_notice(DONE)
    assert (notice.subject, notice.weight, notice.text) == (Subject.DOWNLOAD, Weight.NEWS, "A model is ready.")
    assert notice.choices == (Choice.LOAD, Choice.DISMISS)


def test_one_that_did_not_come_says_why() -> None:
    report = ErrorReport("DiskFullError", "The disk is full.", "Make room.")
    notice = failed_notice(Download("u/r", "/m", "A model", DownloadState.FAILED, refusal=report))
    assert notice.weight is Weight.ERROR
    assert notice.text == "A model was not downloaded: The disk is full. Make room."
