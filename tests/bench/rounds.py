"""Rounds: every contender runs once in each, in a fresh process; what broke is told, and left out of the table."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bench.measurement import Measurement
from offload.errors import OffloadError
from offload.machine import physical_cores

_TESTS = Path(__file__).resolve().parent.parent
_SHOWN_ERROR_LINES = 12


class BrokenRunError(Exception):
    """A contender's process failed; the message says how."""


class Measured(Protocol):
    """One run of a contender."""

    @property
    def measurement(self) -> Measurement:
        """What it said of itself."""


ContenderT = TypeVar("ContenderT")
RunT = TypeVar("RunT", bound=Measured)


@dataclass(frozen=True, slots=True)
class Rounds(Generic[ContenderT]):
    """Who runs, in which order, and how often."""

    contenders: Sequence[ContenderT]
    name_of: Callable[[ContenderT], str]
    n_rounds: int

    def run(self, run_one: Callable[[ContenderT, int], RunT]) -> tuple[list[RunT], list[str]]:
        """Run every contender once per round by `run_one`, which gets the round's number.

        Returns:
            The runs that ended well, and a sentence for each that raised BrokenRunError.
        """
        runs: list[RunT] = []
        failures: list[str] = []
        for number in range(self.n_rounds):
            for contender in self.contenders:
                name = self.name_of(contender)
                say(f"round {number + 1} of {self.n_rounds}: {name}")
                try:
                    run = run_one(contender, number)
                except BrokenRunError as error:
                    say(str(error))
                    failures.append(f"{name}, round {number + 1}: {error}")
                else:
                    found = run.measurement
                    say(f"  {found.tokens_per_second:.2f} tokens/s, peak {found.peak_bytes >> 20} MiB")
                    runs.append(run)
        return runs, failures


def output_of(command: Sequence[str], timeout_seconds: float) -> str:
    """Run a process to its end and return what it printed; whatever happens, it has ended by then."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(_TESTS.parent), str(_TESTS)))}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout_seconds)
        except BaseException as error:
            process.kill()
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise BrokenRunError(f"it took more than {timeout_seconds:g} s") from error
            raise
    if process.returncode != 0 or not output:
        last_lines = "\n".join(errors.splitlines()[-_SHOWN_ERROR_LINES:])
        killed = " (killed: out of memory?)" if process.returncode == -signal.SIGKILL else ""
        raise BrokenRunError(f"exit status {process.returncode}{killed}\n{last_lines}".rstrip())
    return output


def synthetic_model() -> Path:
    """Return the synthetic model in the cache folder, built where it is not there yet."""
    from models.synthetic.build import SyntheticRecipe, build_synthetic_model, default_path

    recipe = SyntheticRecipe()
    path = default_path(recipe)
    if not path.is_file():
        say(f"building {path}")
        build_synthetic_model(path, recipe)
    return path


def add_options(parser: argparse.ArgumentParser, *, n_decode: int) -> None:
    """Add the options of every comparison; `n_decode` tokens are decoded where nobody says otherwise."""
    parser.add_argument("--model", type=Path, help="a GGUF; without it the synthetic model, built in the cache folder")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds, default %(default)s")
    parser.add_argument("--prefill", type=int, default=256, metavar="N", help="tokens, default %(default)s")
    parser.add_argument("--tokens", type=int, default=n_decode, metavar="N", help="decoded, default %(default)s")
    parser.add_argument("--ctx", type=int, default=1024, metavar="N", help="context, default %(default)s")
    parser.add_argument("--threads", type=int, default=physical_cores(), metavar="N", help="default %(default)s")
    parser.add_argument("--timeout", type=float, default=1800, metavar="S", help="of one process, default %(default)s")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")


def reported(compare: Callable[[], int]) -> int:
    """Return the exit code of `compare`; what goes wrong in it becomes a sentence and the code of its kind."""
    try:
        return compare()
    except OffloadError as error:
        say(f"bench: {error}")
        return error.exit_code
    except OSError as error:
        say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def say(text: str) -> None:
    """Tell how far it is, beside the result."""
    print(text, file=sys.stderr, flush=True)
