"""The program with the fake engine in the real one's place, as a module to run with `offload`'s arguments."""

import os
import sys
from pathlib import Path

import fakes.engine
from offload.cli.main import main

COMMAND = (sys.executable, "-m", "fakes.offload_with_fake_engine")


def environment() -> dict[str, str]:
    """Return the environment in which a new process finds this module."""
    tests = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent)])
    # As a user has it: output buffered, no tracebacks.
    return os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "", "OFFLOAD_DEBUG": ""}


if __name__ == "__main__":
    sys.modules["offload.engine"] = sys.modules["offload.inspection"] = fakes.engine
    sys.exit(main())
