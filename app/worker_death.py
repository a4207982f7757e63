"""The death of a worker: why its process ended, and what it was doing; values only."""

import signal
from dataclasses import dataclass
from enum import Enum

from offload.protocol import Load


class Activity(Enum):
    """What a worker is doing."""

    STARTING = "starting"
    IDLE = "idle"
    LOADING = "loading"
    GENERATING = "generating"
    UNLOADING = "unloading"


class DeathCause(Enum):
    """Why a worker's process is gone."""

    ENDED = "ended"
    """By itself, or by the system: `code` and `is_crash` say how."""
    NOT_STARTED = "not_started"
    """There was never a process: `start_error` says why."""
    SILENT = "silent"
    """It did not say hello in time, and was ended."""
    OTHER_PROTOCOL = "other_protocol"
    """It speaks another version of the protocol, and was ended."""
    NONSENSE = "nonsense"
    """It said too much that is no event, and was ended."""
    FLOOD = "flood"
    """It said more than could be read, and was ended."""
    KILLED = "killed"
    """A person asked for its end."""


class CrashKind(Enum):
    """What the system says of a process that ended by itself."""

    OUT_OF_MEMORY = "out_of_memory"
    ASSERTION = "assertion"
    SEGMENTATION_FAULT = "segmentation_fault"
    BUS_ERROR = "bus_error"
    ILLEGAL_INSTRUCTION = "illegal_instruction"
    ASKED_TO_END = "asked_to_end"
    OTHER_SIGNAL = "other_signal"
    EXIT_CODE = "exit_code"
    NO_REASON = "no_reason"


_BY_SIGNAL = {
    "SIGKILL": CrashKind.OUT_OF_MEMORY,
    "SIGABRT": CrashKind.ASSERTION,
    "SIGSEGV": CrashKind.SEGMENTATION_FAULT,
    "SIGBUS": CrashKind.BUS_ERROR,
    "SIGILL": CrashKind.ILLEGAL_INSTRUCTION,
    "SIGTERM": CrashKind.ASKED_TO_END,
    "SIGINT": CrashKind.ASKED_TO_END,
    "SIGHUP": CrashKind.ASKED_TO_END,
}
# What Windows gives as the exit code of a process it ended (ntstatus.h).
_BY_STATUS = {
    0xC0000005: CrashKind.SEGMENTATION_FAULT,
    0xC0000006: CrashKind.BUS_ERROR,
    0xC0000017: CrashKind.OUT_OF_MEMORY,
    0xC000001D: CrashKind.ILLEGAL_INSTRUCTION,
    0xC000009A: CrashKind.OUT_OF_MEMORY,
    0xC0000409: CrashKind.ASSERTION,
}


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a process ended: `code` is a signal's number (Windows: a status) where it is a crash, else the exit code."""

    cause: DeathCause = DeathCause.ENDED
    code: int = 0
    is_crash: bool = False
    start_error: str = ""
    last_words: tuple[str, ...] = ()
    """The last lines of its standard error, and of its standard output what was no event."""

    @property
    def signal_name(self) -> str | None:
        """Return the name of the signal that ended it, None where none did."""
        if not self.is_crash:
            return None
        try:
            return signal.Signals(self.code).name
        except ValueError:
            return None

    @property
    def kind(self) -> CrashKind:
        """Return what the code means."""
        if not self.is_crash:
            return CrashKind.EXIT_CODE if self.code else CrashKind.NO_REASON
        if self.signal_name is not None:
            return _BY_SIGNAL.get(self.signal_name, CrashKind.OTHER_SIGNAL)
        return _BY_STATUS.get(self.code & 0xFFFFFFFF, CrashKind.OTHER_SIGNAL)


@dataclass(frozen=True, slots=True)
class Death:
    """A worker that is gone without being asked to shut down, and what went with it."""

    end: ProcessEnd
    activity: Activity
    load: Load | None = None
    """The request of the model that was open or being loaded; None where there was none."""
    request_id: int | None = None
    """Of the load, generation or unload that was never answered."""
    partial_text: str = ""
    """What had come of the answer, exactly."""
