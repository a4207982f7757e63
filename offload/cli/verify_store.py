"""Checking every record of a packed store, and showing how far that is."""

from collections.abc import Callable
from pathlib import Path

from offload.cli.interrupt import Interrupt
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line
from offload.errors import ModelFileError

_SHOWN = 10


def check_store(path: Path, terminal: Terminal) -> None:
    """Read every record of a packed store.

    Raises:
        ModelFileError: records are damaged; names them.
    """
    from offload.engine import verify_store

    with Interrupt() as interrupt:
        damaged = verify_store(path, on_progress=progress_of(path, terminal, interrupt))
    terminal.clear_progress()
    if damaged:
        named = ", ".join(f"layer {key.layer} expert {key.expert}" for key in damaged[:_SHOWN])
        more = f" and {len(damaged) - _SHOWN} more" if len(damaged) > _SHOWN else ""
        raise ModelFileError(
            f"{len(damaged)} damaged records: {named}{more}.", file=path, hint="Pack the model again with --force."
        )


def progress_of(path: Path, terminal: Terminal, interrupt: Interrupt) -> Callable[[int, int], bool]:
    """Return what shows how far the check of `path` is, and says whether to go on."""
    label = f"checking {one_line(path.name)}"

    def on_progress(done_bytes: int, total_bytes: int) -> bool:
        terminal.progress(label, done_bytes / total_bytes if total_bytes else 1.0)
        return interrupt.go_on()

    return on_progress
