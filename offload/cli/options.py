"""The options that several commands share, by llama.cpp's names, and the values they make."""

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from offload.config import DirectIo, EngineConfig, GenerationParams, OnMiss, StoreChoice
from offload.errors import UsageError

_ENGINE = EngineConfig()
_PARAMS = GenerationParams()


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what the caller reports.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"See {self.prog} --help.")


def integer(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """Return what reads an integer of that range, for argparse."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not from {least} to {most}")
        return value

    return parse


def number(least: float, most: float = 1e6) -> Callable[[str], float]:
    """Return what reads a number of that range, for argparse."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]} is not from {least:g} to {most:g}")
        return value

    return parse


def add_model(parser: argparse._ActionsContainer) -> None:
    """Add -m."""
    parser.add_argument("-m", "--model", metavar="FILE", help="GGUF model; without it the small demo model")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options of `EngineConfig`; each one's destination is the field. A field without one has its default."""
    parser.set_defaults(prompt_outputs=_ENGINE.prompt_outputs)
    group = parser.add_argument_group("model and memory")
    add_model(group)
    group.add_argument("--memory", default=_ENGINE.memory, metavar="6G|60%|auto", help="most this process may use")
    group.add_argument(
        "--device", default=_ENGINE.device, metavar="auto|cpu|NAME",
        help="what computes: the GPU with the most free memory (auto), the CPU, or one that `offload doctor` lists; "
        "last and least stand-in: the CPU in a GPU's place, to try the three tiers without one",
    )  # fmt: skip
    group.add_argument(
        "--vram", default=_ENGINE.vram, metavar="6G|80%|auto",
        help="most that weights, context and experts may take of the GPU's memory (auto: what is free, but for 512 MiB "
        "or 10 %%)",
    )  # fmt: skip
    group.add_argument(
        "--on-miss", choices=[choice.value for choice in OnMiss], default=_ENGINE.on_miss.value,
        help="an expert that is in RAM and not on the GPU is copied there, computed by the CPU, or (auto) what "
        "was measured to be quicker; only with copy the numbers are those of the GPU alone",
    )  # fmt: skip
    group.add_argument(
        "-c", "--ctx-size", dest="n_ctx", type=integer(0), default=_ENGINE.n_ctx, metavar="N",
        help="context in tokens (0: the model's, at most 4096)",
    )  # fmt: skip
    group.add_argument("-b", "--batch-size", dest="n_batch", type=integer(1), default=_ENGINE.n_batch, metavar="N")
    group.add_argument("-ub", "--ubatch-size", dest="n_ubatch", type=integer(1), default=_ENGINE.n_ubatch, metavar="N")
    group.add_argument(
        "-t", "--threads", dest="n_threads", type=integer(0, 1024), default=_ENGINE.n_threads, metavar="N",
        help="compute threads (0: the physical cores)",
    )  # fmt: skip
    group.add_argument(
        "--readers", dest="n_readers", type=integer(1, 64), default=_ENGINE.n_readers, metavar="N",
        help="threads that read experts",
    )  # fmt: skip
    group.add_argument(
        "--store", choices=[choice.value for choice in StoreChoice], default=_ENGINE.store.value,
        help="where experts are read from (auto: a packed store beside the model if there is one)",
    )  # fmt: skip
    group.add_argument(
        "--direct-io", choices=[choice.value for choice in DirectIo], default=_ENGINE.direct_io.value,
        help="read past the page cache (auto: whichever this disk does faster)",
    )  # fmt: skip
    group.add_argument(
        "--forecast", action=argparse.BooleanOptionalAction, default=_ENGINE.forecast,
        help="forecast which experts are needed: read them ahead, keep those that are needed soon (on, while it pays)",
    )  # fmt: skip
    group.add_argument(
        "--forecaster", default=_ENGINE.forecaster, metavar="FILE",
        help="what was learnt of this model's routing, by `offload train-forecaster` or before, in place of our own "
        "file; it goes on learning",
    )  # fmt: skip


def add_hub(parser: argparse.ArgumentParser) -> None:
    """Add -hf and what goes with it."""
    group = parser.add_argument_group("model from the Hugging Face hub")
    group.add_argument(
        "-hf", "-hfr", "--hf-repo", dest="hf_repo", metavar="USER/REPO[:QUANT]",
        help="the model of that repository: from the models folder, or downloaded into it",
    )  # fmt: skip
    group.add_argument("-hff", "--hf-file", dest="hf_file", metavar="FILE", help="that file of it")
    group.add_argument("--hf-revision", metavar="REV", help="branch, tag or commit (default: main)")
    add_download(group)


def add_download(parser: argparse._ActionsContainer) -> None:
    """Add the options of downloads."""
    parser.add_argument(
        "--models-dir", metavar="DIR", help="the models folder (default: OFFLOAD_MODELS, or models in your data folder)"
    )
    parser.add_argument("--offline", action="store_true", help="ask no network: only what is there already")
    parser.add_argument("-y", "--yes", action="store_true", help="download without asking")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the options of `GenerationParams`; each one's destination is the field."""
    group = parser.add_argument_group("generation")

    def add(*names: str, field: str, kind: Callable[[str], int | float], text: str = "") -> None:
        group.add_argument(*names, dest=field, type=kind, default=getattr(_PARAMS, field), metavar="N", help=text)

    add("-n", "--predict", "--n-predict", field="n_predict", kind=integer(-1), text="tokens at most (-1: no limit)")
    add("-s", "--seed", field="seed", kind=integer(-1, 2**32 - 1), text="-1: a fresh one each time")
    add("--temp", "--temperature", field="temperature", kind=number(-1e6), text="0 or less: always the likeliest token")
    add("--top-k", field="top_k", kind=integer(-1), text="0: off")
    add("--top-p", field="top_p", kind=number(0, 1), text="1: off")
    add("--min-p", field="min_p", kind=number(0, 1), text="0: off")
    add("--typical", "--typical-p", field="typical_p", kind=number(0, 1), text="1: off")
    add("--repeat-penalty", field="repeat_penalty", kind=number(0), text="1: off")
    add("--repeat-last-n", field="repeat_last_n", kind=integer(-1), text="tokens penalised (-1: the whole context)")
    add("--presence-penalty", field="presence_penalty", kind=number(-1e6), text="0: off")
    add("--frequency-penalty", field="frequency_penalty", kind=number(-1e6), text="0: off")
    group.add_argument(
        "-r", "--reverse-prompt", "--stop", dest="stop", action="append", default=[], metavar="TEXT",
        help="end the answer before this text; may be given several times",
    )  # fmt: skip
    group.add_argument("--ignore-eos", action="store_true", help="go on where the model would end")
    group.add_argument("--context-shift", action="store_true", help="when the context is full drop its older half")
    add("--keep", field="n_keep", kind=integer(-1), text="prompt tokens a shift keeps (-1: all)")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument("--grammar", default="", metavar="GBNF", help="the answer's grammar")
    forms.add_argument("--grammar-file", metavar="FILE", help="the same from a file")
    forms.add_argument(
        "-j", "--json-schema", default="", metavar="SCHEMA", help="the answer's JSON schema ({}: any JSON)"
    )
    forms.add_argument("-jf", "--json-schema-file", metavar="FILE", help="the same from a file")


def engine_config(args: argparse.Namespace) -> EngineConfig:
    """Return what `add_engine`'s options say."""
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(EngineConfig)}
    chosen = {
        "store": StoreChoice(args.store),
        "direct_io": DirectIo(args.direct_io),
        "on_miss": OnMiss(args.on_miss),
    }
    return EngineConfig(**values | chosen)


def generation_params(args: argparse.Namespace) -> GenerationParams:
    """Return what `add_sampling`'s options say.

    Raises:
        UsageError: a file of them cannot be read.
    """
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(GenerationParams)}
    values["stop"] = tuple(args.stop)
    if args.grammar_file:
        values["grammar"] = read_text(args.grammar_file, "grammar")
    if args.json_schema_file:
        values["json_schema"] = read_text(args.json_schema_file, "JSON schema")
    return GenerationParams(**values)


def read_text(path: str, noun: str) -> str:
    """Return the UTF-8 text of the file `path`, the `noun` of a command.

    Raises:
        UsageError: it cannot be read or is not UTF-8.
    """
    try:
        return Path(path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"The {noun} file {path} is not UTF-8 text (byte {error.start}).") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"The {noun} file {path} cannot be read: {reason}.", hint="Check the path.") from error


def check_unicode(text: str, noun: str) -> None:
    """Refuse an argument whose bytes were no text in the terminal's encoding.

    Raises:
        UsageError: they were not.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"The {noun} is not valid text.", hint="Give it in UTF-8.") from None
