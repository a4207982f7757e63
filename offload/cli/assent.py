"""Asking the person at the terminal before something is done."""

from offload.cli.terminal import Terminal
from offload.errors import UsageError


def ask(terminal: Terminal, question: str, *, default: bool) -> bool:
    """Return whether the person at the terminal says yes; `default` is what Enter alone says.

    What is neither yes nor no is asked again where Enter says yes, and is no where Enter does. The end of input is no.
    Where nobody is there a question whose answer is yes by default is not asked: the command itself is the answer.

    Raises:
        UsageError: nobody is there, and the answer is no by default.
        KeyboardInterrupt: Ctrl-C in place of an answer.
    """
    if default and not terminal.can_ask:
        return True
    if not terminal.input_is_typed:
        raise UsageError(
            "Nobody can be asked: standard input is no terminal.", hint="Add -y to do it without a question."
        )
    while True:
        answer = terminal.answer_to(f"{question} [{'Y/n' if default else 'y/N'}] ")
        match answer.strip().lower() if answer is not None else "no":
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case "":
                return default
            case _ if not default:
                return False
