"""`offload generate`: one prompt, one answer; many of them with --batch."""

import argparse
import contextlib
import functools
from collections.abc import Callable, Generator, Iterator
from typing import Any

from offload.cli import batch
from offload.cli.answers import Answer, EventAnswer, JsonAnswer, TextAnswer
from offload.cli.hub_fit import card_before_download
from offload.cli.hub_model import model_file
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.models_folder import models_folder
from offload.cli.options import (
    add_engine,
    add_hub,
    add_sampling,
    check_unicode,
    engine_config,
    generation_params,
    integer,
    read_text,
)
from offload.cli.terminal import Terminal
from offload.cli.version import program_version
from offload.config import FinishReason, GenerationParams, Message, Role, Token
from offload.errors import OffloadError, UsageError
from offload.served import ServedEngine

_DESCRIPTION = """Answer a prompt. Text goes to standard output as it is generated, everything else to standard error.
What is piped into the command comes before the prompt. The model's chat template is applied, as in a conversation
with one question, unless --raw asks to continue the prompt as it is or the model has no template."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "generate", help="answer a prompt", description=_DESCRIPTION, allow_abbrev=False
    )  # fmt: skip
    parser.add_argument("text", nargs="?", metavar="PROMPT", help="the prompt; same as -p")
    parser.add_argument("-p", "--prompt", metavar="TEXT", help="the prompt")
    parser.add_argument("-f", "--file", metavar="FILE", help="read the prompt from a file")
    parser.add_argument(
        "-e", "--escape", action="store_true", help=r"turn \n, \t, \\ of the prompt into what they mean"
    )
    parser.add_argument("-sys", "--system-prompt", default="", metavar="TEXT", help="the system prompt")
    parser.add_argument(
        "--raw", "-no-cnv", "--no-cnv", "--no-conversation", action="store_true",
        help="continue the prompt as it is, without the chat template",
    )  # fmt: skip
    output = parser.add_argument_group("output").add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object at the end: text, finish_reason, stats")
    output.add_argument("--jsonl", action="store_true", help="the events of the worker's protocol, one per line")
    output.add_argument("--stats", action="store_true", help="a short table on standard error at the end")
    batch_options = parser.add_argument_group("many prompts")
    batch_options.add_argument(
        "--batch", metavar="FILE", help="answer every line of a JSON lines file; answers are JSON lines in that order"
    )
    batch_options.add_argument(
        "-np", "--parallel", dest="n_parallel", type=integer(0, 1024), default=0, metavar="N",
        help="prompts answered at a time (0: as many as the memory suggests)",
    )  # fmt: skip
    add_engine(parser)
    add_hub(parser)
    add_sampling(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Generate; 130 where it was interrupted, after handing over what there is.

    Raises:
        OffloadError: of the options, the model or the generation.
    """
    card = card_before_download(models_folder(args), engine_config(args), terminal)
    args.model = model_file(args, terminal, card)
    if args.batch is not None:
        return batch.run(args, terminal)
    if args.n_parallel:
        raise UsageError("-np is for many prompts.", hint="Give them with --batch FILE.")
    prompt = read_prompt(args, terminal)
    config, params = engine_config(args), generation_params(args)
    from offload.engine import open_model

    answer = _answer(args, terminal)
    with Interrupt() as interrupt:

        def on_progress(fraction: float) -> bool:
            answer.loading(fraction)
            return interrupt.go_on()

        with open_model(args.model, config, on_progress=on_progress) as engine:
            answer.loaded(engine)
            finish_reason = FinishReason.CANCELLED
            begin = functools.partial(_tokens, args, terminal, engine, prompt, params)
            try:
                with contextlib.closing(stoppable(interrupt, engine, begin)) as tokens:
                    for token in tokens:
                        answer.token(token)
                        finish_reason = token.finish_reason or finish_reason
            except OffloadError:
                answer.failed()
                raise
            answer.done(finish_reason, engine.stats())
    return EXIT_INTERRUPTED if interrupt.requested else 0


def stoppable(
    interrupt: Interrupt, engine: ServedEngine, start: Callable[[], Iterator[Token]]
) -> Generator[Token, None, None]:
    """Yield the tokens of `start()`; after an interrupt they end within one token. Close it before the engine."""
    if not interrupt.go_on():
        return
    tokens = start()
    interrupt.on_request(engine.stop)
    try:
        for token in tokens:
            yield token
            if not interrupt.go_on():
                engine.stop()
    finally:
        interrupt.on_request(None)
        if isinstance(tokens, Generator):
            tokens.close()


def read_prompt(args: argparse.Namespace, terminal: Terminal) -> str:
    """Return what is piped in, then the prompt of the options.

    Raises:
        UsageError: more than one prompt is given, none at all, or it cannot be read.
    """
    given = [prompt for prompt in (args.text, args.prompt, args.file) if prompt is not None]
    if len(given) > 1:
        raise UsageError("More than one prompt is given.", hint="Use one of PROMPT, -p and -f.")
    prompt = "".join(given)
    if args.file is not None:
        # One line end at the end is the editor's, not the prompt's (llama.cpp, common/arg.cpp).
        prompt = read_text(args.file, "prompt").removesuffix("\n")
    if args.escape:
        prompt = _unescape(prompt)
    check_unicode(prompt, "prompt")
    check_unicode(args.system_prompt, "system prompt")
    piped = terminal.piped_text()
    if piped and prompt:
        piped = piped if piped.endswith("\n") else piped + "\n"
    if not piped + prompt:
        raise UsageError(
            "There is no prompt.", hint='Write one, as in offload generate "Tell me a story", or pipe it in.'
        )
    return piped + prompt


def _answer(args: argparse.Namespace, terminal: Terminal) -> Answer:
    if args.jsonl:
        return EventAnswer(terminal, program_version())
    if args.json:
        return JsonAnswer(terminal)
    return TextAnswer(terminal, args.model, with_stats=args.stats)


def _tokens(
    args: argparse.Namespace, terminal: Terminal, engine: ServedEngine, prompt: str, params: GenerationParams
) -> Iterator[Token]:
    if not args.raw and engine.chat_template is not None:
        system = [Message(Role.SYSTEM, args.system_prompt)] if args.system_prompt else []
        return engine.chat([*system, Message(Role.USER, prompt.rstrip("\n"))], params)
    if not args.raw:
        terminal.complain("This model has no chat template: the prompt is continued as it is.", "note")
    return engine.complete("\n\n".join(filter(None, [args.system_prompt, prompt])), params)


def _unescape(text: str) -> str:
    """Return `text` with the escapes of llama.cpp's -e resolved (common/common.cpp, `string_process_escapes`)."""
    meaning = {"n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "\\": "\\"}
    parts = iter(text)
    shown = []
    for letter in parts:
        following = next(parts, "") if letter == "\\" else ""
        shown.append(meaning.get(following, letter + following) if following else letter)
    return "".join(shown)
