"""The queue of downloads: one at a time, resting after a start, and nothing lost whatever happens."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import GIB, discarded, pulled, pulling, serves_models
from fakes.scripted_worker import Step, die_once, expect, expect_next, failed, hang, hello, worker
from offload_app.library.download import Download, DownloadState
from offload_app.library.download_file import DownloadFile
from offload_app.library.downloads import Downloads
from offload_app.library.library_client import IdleTimes, LibraryClient

WAIT_MS = 20000
A, B, C = "u/a:Q4_K_M", "u/b:Q4_K_M", "u/c:Q4_K_M"
STOPPED = failed("CancelledError", "Stopped: 1.0 GB of 4.0 GB are kept.")
FULL = failed("DiskFullError", "u/a needs 3.0 GB more, but /m has 1.0 GB free.", "Make room.")


@contextmanager
def queue(
    folder: Path, *steps: Step | Sequence[Step], scout: Sequence[Step] = (), times: IdleTimes | None = None
) -> Iterator[Downloads]:
    """Yield a queue that is kept in `folder`; its worker does `steps`, else downloads until it is stopped."""
    above = QObject()
    puller = LibraryClient(worker(hello(), *(steps or (serves_models(pulls="until stopped"),))), times=times)
    other = LibraryClient(worker(hello(), *(scout or (serves_models(),))))
    for client in (puller, other):
        client.setParent(above)
    downloads = Downloads(puller, other, DownloadFile(folder / "downloads.json"), above)
    try:
        yield downloads
    finally:
        downloads.close()
        other.close()
        above.deleteLater()


def state(downloads: Downloads, name: str, folder: str = "/m") -> DownloadState | None:
    download = downloads.of(name, folder)
    return download.state if download is not None else None


def is_coming(downloads: Downloads, name: str) -> bool:
    download = downloads.of(name, "/m")
    return download is not None and download.state is DownloadState.RUNNING and download.done_bytes == GIB


def key(name: str) -> tuple[str, str]:
    return Download(name, "/m", "").key


def test_one_runs_and_the_others_wait_in_their_order(qtbot: QtBot, tmp_path: Path) -> None:
    order: list[str] = []
    steps = [step for name in "abc" for step in (expect_next("pull"), pulling(GIB), pulled(f"/m/{name}.gguf"))]
    with queue(tmp_path, *steps) as downloads:
        downloads.finished.connect(lambda download: order.append(download.path))
        for name in (A, B, C):
            downloads.add(name, "/m", name)
        assert [download.state for download in downloads.all] == [
            DownloadState.RUNNING,
            DownloadState.WAITING,
            DownloadState.WAITING,
        ]
        assert downloads.n_under_way == 3
        qtbot.waitUntil(lambda: len(order) == 3, timeout=WAIT_MS)
        assert order == ["/m/a.gguf", "/m/b.gguf", "/m/c.gguf"]
        assert downloads.n_under_way == 0


def test_how_far_it_is_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        assert downloads.running is not None
        assert downloads.running.total_bytes == 4 * GIB


def test_a_pause_keeps_what_has_come_and_the_next_begins(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        downloads.add(A, "/m", "A")
        downloads.add(B, "/m", "B")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.pause(key(A))
        assert state(downloads, A) is DownloadState.PAUSING
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.PAUSED, timeout=WAIT_MS)
        paused = downloads.of(A, "/m")
        assert paused is not None
        assert (paused.done_bytes, paused.bytes_per_second) == (GIB, None)
        qtbot.waitUntil(lambda: is_coming(downloads, B), timeout=WAIT_MS)


def test_what_rests_goes_on_when_it_is_wanted(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("pull"), pulling(GIB), expect("stop"), STOPPED, expect_next("pull"), pulling(GIB), pulled())
    with queue(tmp_path, *steps) as downloads:
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.pause(key(A))
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.PAUSED, timeout=WAIT_MS)
        downloads.resume(key(A))
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.DONE, timeout=WAIT_MS)


def test_one_that_waits_is_paused_without_being_begun(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        downloads.add(A, "/m", "A")
        downloads.add(B, "/m", "B")
        downloads.pause(key(B))
        assert state(downloads, B) is DownloadState.PAUSED
        assert downloads.n_under_way == 1


def test_an_error_is_kept_with_its_words_and_tried_again_when_wanted(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("pull"), pulling(GIB), FULL, expect_next("pull"), pulling(2 * GIB), pulled())
    with queue(tmp_path, *steps) as downloads:
        with qtbot.waitSignal(downloads.failed, timeout=WAIT_MS):
            downloads.add(A, "/m", "A")
        failed_one = downloads.of(A, "/m")
        assert failed_one is not None
        assert failed_one.refusal is not None
        assert "needs 3.0 GB more" in failed_one.refusal.message
        assert failed_one.done_bytes == GIB
        with qtbot.waitSignal(downloads.finished, timeout=WAIT_MS):
            downloads.resume(key(A))
        assert downloads.all[0].refusal is None


def test_an_error_does_not_hold_up_the_next(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path, expect("pull"), FULL, expect_next("pull"), pulled()) as downloads:
        downloads.add(A, "/m", "A")
        downloads.add(B, "/m", "B")
        qtbot.waitUntil(lambda: state(downloads, B) is DownloadState.DONE, timeout=WAIT_MS)
        assert state(downloads, A) is DownloadState.FAILED


def test_without_the_hub_s_library_the_sentence_says_what_to_install(qtbot: QtBot, tmp_path: Path) -> None:
    missing = failed("UsageError", "huggingface-hub is not installed.", "Install it with: pip install 'offload[hub]'")
    with queue(tmp_path, expect("pull"), missing) as downloads:
        with qtbot.waitSignal(downloads.failed, timeout=WAIT_MS) as blocker:
            downloads.add(A, "/m", "A")
        assert blocker.args is not None
        assert "offload[hub]" in blocker.args[0].refusal.hint


def test_a_model_wanted_again_is_gone_on_with_and_not_listed_twice(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        downloads.add(A, "/m", "A")
        downloads.add(A.upper(), "/m", "A")
        downloads.add(A, "/other", "A")
        assert [download.folder for download in downloads.all] == ["/m", "/other"]
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.pause(key(A))
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.PAUSED, timeout=WAIT_MS)
        downloads.add(A, "/m", "A")
        assert state(downloads, A) is DownloadState.WAITING


def test_after_a_restart_everything_rests_and_says_why(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        for name in (A, B, C):
            downloads.add(name, "/m", name)
        downloads.pause(key(C))
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.shutdown()
    with queue(tmp_path, expect("pull"), {"do": "leave", "code": 1}) as downloads:
        assert [download.name for download in downloads.all] == [A, B, C]
        assert {download.state for download in downloads.all} == {DownloadState.PAUSED}
        assert [download.was_interrupted for download in downloads.all] == [True, True, False]
        assert downloads.n_under_way == 0
        assert not downloads._puller.has_worker


def test_a_queue_that_was_never_closed_is_there_again(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path) as downloads:
        downloads.add(A, "/m", "A")
        kept = (tmp_path / "downloads.json").read_bytes()
    (tmp_path / "downloads.json").write_bytes(kept)
    with queue(tmp_path) as downloads:
        assert downloads.all[0].was_interrupted
        downloads.resume(key(A))
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)


def test_a_damaged_queue_begins_empty_and_is_kept_whole_again(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "downloads.json").write_bytes(b'{"downloads": [{"na')
    with queue(tmp_path) as downloads:
        assert downloads.all == ()
        downloads.add(A, "/m", "A")
    assert [download.name for download in DownloadFile(tmp_path / "downloads.json").read()] == [A]


def test_a_worker_that_is_killed_costs_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("pull"), pulling(GIB), die_once(tmp_path / "died", signal.SIGKILL), pulling(2 * GIB), pulled())
    with queue(tmp_path, *steps) as downloads, qtbot.waitSignal(downloads.finished, timeout=WAIT_MS):
        downloads.add(A, "/m", "A")


def test_what_is_not_wanted_is_forgotten_and_its_files_kept(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path, scout=(expect("discard"), {"do": "leave", "code": 1})) as downloads:
        downloads.add(A, "/m", "A")
        downloads.add(B, "/m", "B")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.remove(key(A), with_files=False)
        assert [download.name for download in downloads.all] == [B]
        qtbot.waitUntil(lambda: is_coming(downloads, B), timeout=WAIT_MS)
        assert not downloads._scout.has_worker


def test_what_has_come_is_removed_only_once_nothing_comes_any_more(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path, scout=(expect("discard"), discarded())) as downloads:
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.remove(key(A), with_files=True)
        assert state(downloads, A) is DownloadState.DISCARDING
        assert not downloads._scout.has_worker
        qtbot.waitUntil(lambda: downloads.all == (), timeout=WAIT_MS)


def test_what_rests_is_removed_with_its_files(qtbot: QtBot, tmp_path: Path) -> None:
    DownloadFile(tmp_path / "downloads.json").write([Download(A, "/m", "A", DownloadState.PAUSED, 1, 2)])
    with queue(tmp_path, scout=(expect("discard"), discarded())) as downloads:
        downloads.remove(key(A), with_files=True)
        qtbot.waitUntil(lambda: downloads.all == (), timeout=WAIT_MS)
    assert DownloadFile(tmp_path / "downloads.json").read() == ()


def test_files_that_cannot_be_removed_are_said(qtbot: QtBot, tmp_path: Path) -> None:
    DownloadFile(tmp_path / "downloads.json").write([Download(A, "/m", "A", DownloadState.PAUSED, 1, 2)])
    with queue(tmp_path, scout=(expect("discard"), failed("OffloadError", "It is locked."))) as downloads:
        downloads.remove(key(A), with_files=True)
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.FAILED, timeout=WAIT_MS)


def test_one_wanted_again_while_it_still_ends_begins_anew(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("pull"), pulling(GIB), expect("stop"), STOPPED, expect_next("pull"), pulled())
    with queue(tmp_path, *steps) as downloads:
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.remove(key(A), with_files=False)
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.DONE, timeout=WAIT_MS)


def test_a_network_that_stalls_does_not_hold_up_a_pause(qtbot: QtBot, tmp_path: Path) -> None:
    times = IdleTimes(stop_seconds=0.1)
    with queue(tmp_path, expect("pull"), pulling(GIB), hang(), times=times) as downloads:
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)
        downloads.pause(key(A))
        qtbot.waitUntil(lambda: state(downloads, A) is DownloadState.PAUSED, timeout=WAIT_MS)


def test_one_that_is_done_is_got_again_where_a_person_wants_that(qtbot: QtBot, tmp_path: Path) -> None:
    with queue(tmp_path, expect("pull"), pulled(), expect_next("pull"), pulling(GIB)) as downloads:
        with qtbot.waitSignal(downloads.finished, timeout=WAIT_MS):
            downloads.add(A, "/m", "A")
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(lambda: is_coming(downloads, A), timeout=WAIT_MS)


def test_the_rate_is_told_once_it_is_known(qtbot: QtBot, tmp_path: Path) -> None:
    times = iter(range(100))
    with queue(tmp_path, expect("pull"), pulling(GIB), pulling(2 * GIB), pulling(3 * GIB), expect("stop")) as downloads:
        downloads._clock = lambda: float(next(times))
        downloads.add(A, "/m", "A")
        qtbot.waitUntil(
            lambda: downloads.running is not None and downloads.running.bytes_per_second == GIB, timeout=WAIT_MS
        )
