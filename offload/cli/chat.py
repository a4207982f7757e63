"""`offload chat`: a conversation at the terminal."""

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from offload.cli.generate import stoppable
from offload.cli.hub_fit import card_before_download
from offload.cli.hub_model import model_file
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.models_folder import models_folder
from offload.cli.opening import open_shown
from offload.cli.options import add_engine, add_hub, add_sampling, check_unicode, engine_config, generation_params
from offload.cli.tables import stats_lines
from offload.cli.terminal import Terminal
from offload.config import FinishReason, GenerationParams, Message, Role, Token
from offload.errors import OffloadError
from offload.served import ServedEngine

_HELP = '''/regen          answer the last message again
/clear          forget the conversation, keep the system prompt
/system TEXT    set the system prompt; without TEXT remove it
/stats          tokens a second, hit rate, disk and memory
/help           this list
/exit           leave; so does Ctrl-D
"""             begins a message of several lines and ends it
Ctrl-C          stops the answer'''
_QUOTES = '"""'


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "chat",
        help="talk with a model",
        description="Talk with a model. Every line is a message; piped in, every line is a turn.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-sys", "--system-prompt", default="", metavar="TEXT", help="the system prompt")
    parser.add_argument("--stats", action="store_true", help="a short table on standard error after every answer")
    add_engine(parser)
    add_hub(parser)
    add_sampling(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Talk until the input ends; 130 where the load was interrupted.

    Raises:
        OffloadError: of the options or the model; a failed answer is reported and the conversation goes on.
    """
    params = generation_params(args)
    check_unicode(args.system_prompt, "system prompt")
    card = card_before_download(models_folder(args), engine_config(args), terminal)
    args.model = model_file(args, terminal, card)
    with Interrupt() as interrupt:
        engine = open_shown(args, terminal, interrupt)
    with engine:
        if interrupt.requested:
            return EXIT_INTERRUPTED
        if terminal.input_is_typed:
            terminal.say(terminal.dim(f"{engine.description}; /help lists the commands, Ctrl-D leaves"))
        chat = Chat(engine, params, terminal, system=args.system_prompt, with_stats=args.stats)
        for text in _messages(terminal):
            if not chat.take(text):
                break
    return 0


class Chat:
    """One conversation: the messages so far, and what a line does to them."""

    def __init__(
        self, engine: ServedEngine, params: GenerationParams, terminal: Terminal, *, system: str, with_stats: bool
    ) -> None:
        self._engine = engine
        self._params = params
        self._terminal = terminal
        self._system = system
        self._with_stats = with_stats
        self._messages: list[Message] = []

    def take(self, text: str) -> bool:
        """Do what `text` says, a command or a message; return whether to go on."""
        command, _, rest = text.strip().partition(" ")
        match command:
            case "":
                pass
            case "/exit" | "/quit" | "/bye":
                return False
            case "/help" | "/?":
                self._terminal.say(_HELP)
            case "/clear":
                self._messages.clear()
                self._terminal.say("The conversation is forgotten.")
            case "/system":
                self._system = rest.strip()
                self._terminal.say("The system prompt is set." if self._system else "The system prompt is removed.")
            case "/stats":
                self._show_stats()
            case "/regen":
                self._regenerate()
            case _ if command.startswith("/") and "/" not in command[1:]:
                self._terminal.complain(f"There is no command {command[:40]}; /help lists them.")
            case _:
                self._messages.append(Message(Role.USER, text))
                self._reply()
        return True

    def _regenerate(self) -> None:
        if self._messages and self._messages[-1].role is Role.ASSISTANT:
            self._messages.pop()
        if self._messages:
            self._reply()
        else:
            self._terminal.complain("There is nothing to answer again.")

    def _reply(self) -> None:
        """Answer the last message, and keep the answer; without one the message is taken back."""
        said: list[str] = []
        try:
            with (
                Interrupt() as interrupt,
                contextlib.closing(stoppable(interrupt, self._engine, self._tokens)) as tokens,
            ):
                for token in tokens:
                    said.append(token.text)
                    self._terminal.write(token.text)
                    self._remark(token.finish_reason)
        except OffloadError as error:
            self._terminal.complain(str(error))
            self._terminal.trace()
        self._terminal.write_line()
        if "".join(said):
            self._messages.append(Message(Role.ASSISTANT, "".join(said)))
        else:
            # Two messages of one side in a row are more than many chat templates accept.
            self._messages.pop()
        if self._with_stats:
            self._show_stats()

    def _tokens(self) -> Iterator[Token]:
        system = [Message(Role.SYSTEM, self._system)] if self._system else []
        return self._engine.chat([*system, *self._messages], self._params)

    def _remark(self, finish_reason: FinishReason | None) -> None:
        if finish_reason is FinishReason.CONTEXT_FULL:
            self._terminal.complain(
                "The context is full: /clear, or start with a larger -c or --context-shift.", "note"
            )

    def _show_stats(self) -> None:
        for line in stats_lines(self._engine.stats()):
            self._terminal.say(self._terminal.dim(line))


def _messages(terminal: Terminal) -> Iterator[str]:
    """Yield messages until the input ends: a line each, or all lines between two lines of triple quotes."""
    while (line := _line(terminal, "> ")) is not None:
        if not line.lstrip().startswith(_QUOTES):
            yield line
            continue
        block = line.lstrip().removeprefix(_QUOTES)
        while not block.rstrip().endswith(_QUOTES):
            following = _line(terminal, "... ")
            if following is None:
                break
            block += "\n" + following
        yield block.rstrip().removesuffix(_QUOTES).strip("\n")


def _line(terminal: Terminal, prompt: str) -> str | None:
    """Return the next line typed or piped in, None at the end; Ctrl-C at the prompt only forgets the line."""
    while True:
        try:
            return terminal.read_line(prompt)
        except KeyboardInterrupt:
            if not terminal.input_is_typed:
                raise
            terminal.say("\nCtrl-D or /exit leaves.")
