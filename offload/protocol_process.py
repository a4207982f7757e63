"""The worker's command: how the process that speaks the protocol is started."""

import sys
from pathlib import Path


def worker_command() -> tuple[str, ...]:
    """Return the command line of a worker of this installation.

    In a bundle without Python `sys.executable` is the program that runs, the application say; the console program,
    which has the command, lies beside it.
    """
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        return (str(program.with_name(f"offload{program.suffix}")), "worker")
    return (sys.executable, "-m", "offload", "worker")
