"""What a person is told of a worker's death: what happened, why, and what to do."""

import signal

import pytest

from offload.protocol import Load
from offload_app.crash_note import Remedy, crash_note
from offload_app.worker_death import Activity, CrashKind, Death, DeathCause, ProcessEnd

LOAD = Load(1, "/home/me/models/big {moe}.gguf")
ALL_ENDS = [
    *(ProcessEnd(cause) for cause in DeathCause),
    *(ProcessEnd(code=number, is_crash=True) for number in (4, 6, 7, 8, 9, 11, 15, 64, 0xC0000005, 3)),
    ProcessEnd(code=1),
]


def by_signal(number: int, activity: Activity = Activity.GENERATING, *, words: tuple[str, ...] = ()) -> Death:
    return Death(ProcessEnd(code=number, is_crash=True, last_words=words), activity, LOAD)


def test_a_kill_is_told_as_memory_that_ran_out_and_a_smaller_budget_is_offered_first() -> None:
    note = crash_note(by_signal(signal.SIGKILL))
    assert note.happened == "The model process ended in the middle of an answer of “big {moe}.gguf”."
    assert note.reason == "The system killed it (SIGKILL), most likely because memory ran out."
    assert note.advice == (
        "What had come of the answer is kept. "
        "Load the model with a smaller memory budget, or close other programs and restart."
    )
    assert note.remedies == (Remedy.SMALLER_BUDGET, Remedy.RESTART)


def test_an_assertion_is_told_with_what_it_last_said() -> None:
    note = crash_note(by_signal(signal.SIGABRT, words=("loading", "GGML_ASSERT(x) failed")))
    assert note.reason == ("A check inside the native library failed (SIGABRT). It last said: GGML_ASSERT(x) failed")
    assert note.remedies == (Remedy.RESTART, Remedy.SMALLER_BUDGET)
    assert note.details == "loading\nGGML_ASSERT(x) failed"


def test_a_segmentation_fault_in_a_load_names_the_model() -> None:
    note = crash_note(by_signal(signal.SIGSEGV, Activity.LOADING))
    assert note.text == (
        "The model process ended while “big {moe}.gguf” was being loaded. "
        "The native library touched memory that is not its own (SIGSEGV). "
        "Restart the model process; if it happens again, choose a smaller memory budget."
    )


def test_a_bus_error_points_at_the_file_and_the_disk() -> None:
    note = crash_note(by_signal(signal.SIGBUS))
    assert "could not be read any more (SIGBUS)" in note.reason
    assert "Check the model's file and the disk" in note.advice
    assert note.remedies == (Remedy.RESTART,)


def test_an_unknown_instruction_is_not_blamed_on_memory() -> None:
    note = crash_note(by_signal(signal.SIGILL))
    assert "processor" in note.reason
    assert note.remedies == (Remedy.RESTART,)


def test_an_exit_code_is_told_as_it_is() -> None:
    note = crash_note(Death(ProcessEnd(code=3, last_words=("no numpy",)), Activity.STARTING))
    assert note.text == (
        "The model process ended while it was starting. It ended with exit code 3. It last said: no numpy "
        "Restart the model process to go on."
    )


def test_a_program_that_is_not_there_is_no_crash() -> None:
    end = ProcessEnd(DeathCause.NOT_STARTED, start_error="No such file or directory")
    note = crash_note(Death(end, Activity.STARTING))
    assert note.happened == "The model process could not be started: No such file or directory."
    assert "Install the program again" in note.advice


def test_an_end_that_a_person_asked_for_is_not_told_as_a_lack_of_memory() -> None:
    end = ProcessEnd(DeathCause.KILLED, code=int(signal.SIGKILL), is_crash=True)
    note = crash_note(Death(end, Activity.GENERATING, LOAD))
    assert note.reason == "You ended it."
    assert note.remedies == (Remedy.RESTART,)


def test_the_demo_model_is_called_by_its_kind() -> None:
    end = ProcessEnd(code=int(signal.SIGKILL), is_crash=True)
    assert "the demo model" in crash_note(Death(end, Activity.LOADING, Load(1))).happened


def test_a_path_of_windows_is_cut_to_its_name_too() -> None:
    death = Death(ProcessEnd(code=1), Activity.LOADING, Load(1, "C:\\models\\big.gguf"))
    assert "“big.gguf”" in crash_note(death).happened


def test_long_last_words_are_cut_in_the_sentence_and_whole_in_the_details() -> None:
    note = crash_note(by_signal(signal.SIGABRT, words=("y" * 500,)))
    assert "y" * 200 in note.reason
    assert "y" * 201 not in note.reason
    assert note.details == "y" * 500


@pytest.mark.parametrize("activity", Activity)
@pytest.mark.parametrize("end", ALL_ENDS)
def test_every_death_has_three_sentences_and_something_to_do(end: ProcessEnd, activity: Activity) -> None:
    note = crash_note(Death(end, activity, LOAD))
    assert all(part.endswith(".") for part in (note.happened, note.reason, note.advice))
    assert Remedy.RESTART in note.remedies
    assert "{" not in note.text.replace("{moe}", "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0xC0000005, CrashKind.SEGMENTATION_FAULT),
        (0xC0000005 - 2**32, CrashKind.SEGMENTATION_FAULT),
        (0xC0000409, CrashKind.ASSERTION),
        (0xC0000017, CrashKind.OUT_OF_MEMORY),
        (0xC000001D, CrashKind.ILLEGAL_INSTRUCTION),
        (0xC0000006, CrashKind.BUS_ERROR),
        (0xC0DEC0DE, CrashKind.OTHER_SIGNAL),
    ],
)
def test_what_windows_gives_as_a_status_is_understood(code: int, kind: CrashKind) -> None:
    assert ProcessEnd(code=code, is_crash=True).kind is kind


def test_an_unknown_status_is_shown_as_windows_writes_it() -> None:
    assert "0xC0DEC0DE" in crash_note(by_signal(0xC0DEC0DE)).reason
