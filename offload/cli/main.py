"""`offload`: finds the command, runs it, and turns what goes wrong into one sentence and an exit code."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from offload.cli import (
    app,
    bench,
    chat,
    doctor,
    fit,
    generate,
    import_model,
    ls,
    pack,
    plan,
    pull,
    replay,
    rm,
    routing,
    show,
    trace,
    train_forecaster,
    verify,
    worker,
)
from offload.cli.answers import REQUEST_ID
from offload.cli.interrupt import EXIT_INTERRUPTED
from offload.cli.named_models import resolve_models
from offload.cli.options import Parser
from offload.cli.terminal import Terminal
from offload.cli.version import program_version
from offload.errors import NO_ROOM, CancelledError, OffloadError
from offload.protocol_errors import ErrorEvent, ErrorReport, report_of
from offload.protocol_lines import encode

EXIT_OTHER = 1
EXIT_DISK_FULL = 6
EXIT_NOBODY_READS = 141
"""What a shell reports of a program that SIGPIPE ended: `offload generate | head -1` is no failure of ours."""
SWITCH_SECONDS = 0.0003
"""How long a reader thread waits for the interpreter at most while forecasts are computed: Python's own 5 ms are
longer than a read."""

_COMMANDS = (
    generate, chat, app, pull, ls, show, import_model, rm, pack, verify, plan, fit, bench, trace, routing, replay,
    train_forecaster, doctor, worker,
)  # fmt: skip
_EPILOG = """exit codes: 0 done, 1 other failure, 2 usage, 3 model not found, 4 bad or unsupported model, trace or
forecaster file, 5 does not fit the memory, 6 disk full, 7 the hub says no or cannot be reached, 9 worker died,
130 interrupted, 141 nobody reads the output.
OFFLOAD_DEBUG=1 shows tracebacks, NO_COLOR switches colours off."""


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="offload",
        description="Run a Mixture-of-Experts GGUF model bigger than memory.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"offload {program_version()}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    terminal = Terminal.of_process()
    _let_idle_threads_sleep()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        return _run(sys.argv[1:] if argv is None else list(argv), terminal)
    except BrokenPipeError:
        terminal.abandon_stdout()
        return EXIT_NOBODY_READS
    except OSError as error:
        # Standard output itself takes no more, not even the report of that.
        terminal.abandon_stdout()
        return _code_of(error)
    except KeyboardInterrupt:
        terminal.say("")
        return EXIT_INTERRUPTED


def open_application() -> int:
    """Run `offload app` with this process's arguments: the entry of the desktop's menu; the exit code."""
    return main(["app", *sys.argv[1:]])


def _let_idle_threads_sleep() -> None:
    """Have compute threads that wait for each other give up their core soon, unless the user has settled it.

    libgomp's default keeps them spinning for milliseconds, which starves the thread they wait for as soon as another
    program wants a core. With one of 2 cores busy a paged model of 8 GB decoded 4.2 tokens/s with the default, 5.0 with
    3000 and 6.1 with 300 (single runs); on a quiet machine 1000 cost up to a tenth, 5000 nothing that was measurable
    (AMD EPYC, 2026-11-23). Read by libgomp as llama.cpp loads it; elsewhere without effect.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "5000"


def _run(argv: list[str], terminal: Terminal) -> int:
    try:
        parser = build_parser()
        args = parser.parse_args(argv)
        if args.run is None:
            terminal.write(parser.format_help())
            return 0
        resolve_models(args)
        code: int = args.run(args, terminal)
        return code
    except SystemExit as end:
        # Help and version, printed by argparse.
        terminal.flush()
        return end.code if isinstance(end.code, int) else 0
    except BrokenPipeError:
        raise
    except OffloadError as error:
        terminal.trace()
        if isinstance(error, CancelledError):
            terminal.say(f"offload: {error}")
        else:
            terminal.complain(str(error))
        _print_report(argv, terminal, report_of(error))
        return error.exit_code
    except OSError as error:
        terminal.trace()
        reason = ": ".join(filter(None, [error.strerror or str(error), str(error.filename or "")]))
        terminal.complain(f"{reason}.")
        kind = "DiskFullError" if _code_of(error) == EXIT_DISK_FULL else type(error).__name__
        _print_report(argv, terminal, ErrorReport(kind, f"{reason}."))
        terminal.flush()
        return _code_of(error)
    except Exception as error:
        # The border of the program: whatever was not foreseen becomes one line too.
        terminal.trace()
        sentence = f"Unexpected {type(error).__name__}: {' '.join(str(error).split()) or 'no message'}."
        hint = "" if terminal.debug else " Run with OFFLOAD_DEBUG=1 for the traceback."
        terminal.complain(sentence + hint)
        _print_report(argv, terminal, report_of(error))
        return EXIT_OTHER


def _code_of(error: OSError) -> int:
    return EXIT_DISK_FULL if error.errno in NO_ROOM else EXIT_OTHER


def _print_report(argv: Sequence[str], terminal: Terminal, report: ErrorReport) -> None:
    """Write the error to standard output where the answer was asked for as JSON."""
    if "--jsonl" in argv:
        terminal.write_bytes(encode(ErrorEvent(REQUEST_ID, report)))
    elif "--json" in argv:
        fields = {"type": report.type, "message": report.message, "hint": report.hint, "numbers": dict(report.numbers)}
        terminal.write_line(json.dumps({"error": fields}))
