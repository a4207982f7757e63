"""Every error `offload` raises on purpose, one tree.

    OffloadError                   exit 1   anything without a kind of its own
    ├── UsageError                 exit 2   an argument, option or request that makes no sense
    ├── ModelNotFoundError         exit 3   no such model file
    ├── ModelFileError             exit 4   malformed, truncated or unsupported model or packed store
    │   └── StaleStoreError        exit 4   a packed store made from another model, version or CPU
    ├── TraceFileError             exit 4   malformed, truncated or unsupported routing trace
    ├── ForecasterFileError        exit 4   malformed or unsupported file of forecasters, or another model's
    ├── BudgetError                exit 5   the memory budget is below what the model needs
    ├── DiskFullError              exit 6   no room to write
    ├── HubError                   exit 7   the model hub cannot be reached, or has not what was asked for
    ├── WorkerDiedError            exit 9   the worker process ended without an answer
    ├── CancelledError             exit 130 the user stopped it
    ├── ExpertReadError            exit 1   an expert's bytes could not be read
    ├── DeviceError                exit 1   a GPU has not the memory that was asked of it, or was lost
    ├── AbiError                   exit 1   the native library is not the one this release was written for
    └── DecodeError                exit 1   llama.cpp refused to compute

An error carries a message (what failed and the values), a hint (what to do) and its numbers as fields.
"""

import errno
from enum import Enum
from pathlib import Path
from typing import ClassVar

NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What `OSError.errno` is where there is no room to write: the disk, the quota, or a file of the largest size."""


class OffloadError(Exception):
    """Base of the tree: `message` says what failed, `hint` what to do, `numbers` the values for a program."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **numbers: int | float | str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.numbers = numbers

    @property
    def type(self) -> str:
        """Return the name of the error's class, as `--json` reports it."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(OffloadError):
    """An argument, option or request that makes no sense."""

    exit_code = 2


class ModelNotFoundError(OffloadError):
    """No model file at that path."""

    exit_code = 3

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(message, hint=hint, path=str(path))
        self.path = Path(path)


class ModelFileError(OffloadError):
    """A model file or packed store that is malformed, truncated or not supported.

    `tensor` and `offset` (bytes from the start of `file`) name the place where they are known.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, file: Path | str, tensor: str | None = None, offset: int | None = None, hint: str = ""
    ) -> None:
        place = {"tensor": tensor} if tensor is not None else {}
        at = {"offset": offset} if offset is not None else {}
        super().__init__(message, hint=hint, file=str(file), **place, **at)
        self.file = Path(file)
        self.tensor = tensor
        self.offset = offset

    def __str__(self) -> str:
        place = "".join(
            part
            for part in (
                f", tensor {self.tensor}" if self.tensor is not None else "",
                f", offset {self.offset}" if self.offset is not None else "",
            )
        )
        return f"{self.file}{place}: {super().__str__()}"


class StaleStoreError(ModelFileError):
    """A packed store that was made from another model, by another version, or for another CPU."""


class TraceFileError(OffloadError):
    """A routing trace that is malformed, truncated or not supported.

    `offset` (bytes from the start of `file`), or `line` (counted from 1) of a trace that is text, names the place where
    it is known.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, file: Path | str, offset: int | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        at = {name: place for name, place in (("offset", offset), ("line", line)) if place is not None}
        super().__init__(message, hint=hint, file=str(file), **at)
        self.file = Path(file)
        self.offset = offset
        self.line = line

    def __str__(self) -> str:
        offset = f", offset {self.offset}" if self.offset is not None else ""
        line = f", line {self.line}" if self.line is not None else ""
        return f"{self.file}{offset}{line}: {super().__str__()}"


class ForecasterFileError(OffloadError):
    """A file of trained forecasters that is missing, malformed, not supported, or of another model."""

    exit_code = 4

    def __init__(self, message: str, *, file: Path | str, hint: str = "") -> None:
        super().__init__(message, hint=hint, file=str(file))
        self.file = Path(file)

    def __str__(self) -> str:
        return f"{self.file}: {super().__str__()}"


class BudgetError(OffloadError):
    """The memory budget is below the floor: what the model needs with `n_expert_used` slots in every layer."""

    exit_code = 5

    def __init__(self, message: str, *, budget_bytes: int, floor_bytes: int, hint: str = "") -> None:
        super().__init__(message, hint=hint, budget_bytes=budget_bytes, floor_bytes=floor_bytes)
        self.budget_bytes = budget_bytes
        self.floor_bytes = floor_bytes


class DiskFullError(OffloadError):
    """No room to write: `needed_bytes` against `free_bytes` in `folder`."""

    exit_code = 6

    def __init__(self, message: str, *, folder: Path | str, needed_bytes: int, free_bytes: int, hint: str = "") -> None:
        super().__init__(message, hint=hint, folder=str(folder), needed_bytes=needed_bytes, free_bytes=free_bytes)
        self.folder = Path(folder)
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class HubFailure(Enum):
    """Why a request to the model hub came to nothing."""

    UNREACHABLE = "unreachable"
    """No connection, or one that broke off again and again."""
    NOT_FOUND = "not_found"
    """No such repository, revision or file, or one that is hidden from who asks."""
    GATED = "gated"
    """There, but its terms are to be accepted first."""
    REFUSED = "refused"
    """Any other answer that says no."""
    MALFORMED = "malformed"
    """An answer that makes no sense."""


class HubError(OffloadError):
    """The model hub cannot be reached, or has not what was asked for; `reason` says which."""

    exit_code = 7

    def __init__(self, message: str, *, reason: HubFailure, hint: str = "") -> None:
        super().__init__(message, hint=hint, reason=reason.value)
        self.reason = reason


class WorkerDiedError(OffloadError):
    """The worker process ended without an answer."""

    exit_code = 9


class CancelledError(OffloadError):
    """The user stopped it."""

    exit_code = 130


class ExpertReadError(OffloadError):
    """An expert's bytes could not be read from `file` at `offset`; the expert stays absent."""

    def __init__(self, message: str, *, file: Path | str, offset: int, hint: str = "") -> None:
        super().__init__(message, hint=hint, file=str(file), offset=offset)
        self.file = Path(file)
        self.offset = offset


class DeviceError(OffloadError):
    """The compute device, a GPU, cannot do what was asked of it: no room in its memory, or it was lost."""

    def __init__(self, message: str, *, device: str, hint: str = "") -> None:
        super().__init__(message, hint=hint, device=device)
        self.device = device


class AbiError(OffloadError):
    """The native library is not the one this release was written for."""


class DecodeError(OffloadError):
    """llama.cpp refused to compute a batch; `status` is what it returned."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint, status=status)
        self.status = status
