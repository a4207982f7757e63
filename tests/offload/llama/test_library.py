"""llama.cpp's log cut into lines and handed to captures; one library for the process."""

from offload.llama import library
from offload.llama.library import CapturedLog, LogLevel, LogLine, captured_log, error_cause, load, recent_log


def _say(level: LogLevel, text: str) -> None:
    library._on_log(level, text.encode(), None)


def test_loading_twice_gives_the_same_library() -> None:
    assert load() is load()


def test_a_capture_holds_the_lines_of_its_block_only() -> None:
    _say(LogLevel.INFO, "before\n")
    with captured_log() as log:
        _say(LogLevel.INFO, "inside\n")
    _say(LogLevel.INFO, "after\n")
    assert log.lines == ["inside"]


def test_a_line_that_arrives_in_pieces_is_one_line() -> None:
    with captured_log() as log:
        _say(LogLevel.WARN, "load")
        _say(LogLevel.CONT, "ing")
        _say(LogLevel.CONT, " done\nnext\n")
    assert log.entries == [LogLine(LogLevel.WARN, "loading done"), LogLine(LogLevel.WARN, "next")]


def test_a_line_without_an_end_is_complete_when_another_begins() -> None:
    with captured_log() as log:
        _say(LogLevel.INFO, "no end")
        _say(LogLevel.ERROR, "next\n")
    assert log.entries == [LogLine(LogLevel.INFO, "no end"), LogLine(LogLevel.ERROR, "next")]


def test_nested_captures_both_get_the_line() -> None:
    with captured_log() as outer, captured_log() as inner:
        _say(LogLevel.INFO, "shared\n")
    assert outer.lines == inner.lines == ["shared"]


def test_bytes_that_are_no_text_are_kept_readable() -> None:
    with captured_log() as log:
        library._on_log(LogLevel.INFO, b"caf\xe9\n", None)
    assert log.lines == ["caf�"]


def test_a_missing_text_and_an_unknown_level_are_survived() -> None:
    with captured_log() as log:
        library._on_log(99, None, None)
        library._on_log(99, b"odd\n", None)
    assert log.entries[-1] == LogLine(LogLevel.INFO, "odd")


def test_recent_lines_are_kept_up_to_a_bound() -> None:
    for number in range(300):
        _say(LogLevel.INFO, f"line {number}\n")
    lines = [line.text for line in recent_log()]
    assert lines == [f"line {number}" for number in range(100, 300)]


def test_the_cause_is_the_first_error_without_the_name_of_the_function() -> None:
    log = CapturedLog(
        [
            LogLine(LogLevel.INFO, "loading"),
            LogLine(LogLevel.ERROR, "llama_model_load: error loading model: tensor 'x' not found"),
            LogLine(LogLevel.ERROR, "llama_model_load_from_file_impl: failed to load model"),
        ]
    )
    assert error_cause(log) == "error loading model: tensor 'x' not found"


def test_an_error_without_a_function_name_is_taken_whole() -> None:
    assert error_cause(CapturedLog([LogLine(LogLevel.ERROR, "out of memory: 3 GiB")])) == "out of memory: 3 GiB"


def test_no_error_has_no_cause() -> None:
    assert error_cause(CapturedLog([LogLine(LogLevel.WARN, "careful")])) == ""
