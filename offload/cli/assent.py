"""Asking before something that cannot be undone."""

from offload.cli.terminal import Terminal
from offload.errors import CancelledError, UsageError


def ask(terminal: Terminal, question: str, *, yes: bool) -> None:
    """Return once the person at the terminal agrees; at once with `yes`. Enter alone is no assent.

    Raises:
        UsageError: nobody is there to be asked.
        CancelledError: the answer was not yes.
    """
    if yes:
        return
    if not terminal.input_is_typed:
        raise UsageError(
            "Nobody can be asked: standard input is no terminal.", hint="Add -y to do it without a question."
        )
    # Not as a prompt: that could go to standard output, where the answer of the command belongs.
    terminal.say(f"{question} [y/N]")
    answer = terminal.read_line("") or ""
    if answer.strip().lower() not in ("y", "yes"):
        raise CancelledError("Nothing was changed.")
