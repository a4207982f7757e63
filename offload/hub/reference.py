"""`HubReference`: the model a person asks the hub for, as in `USER/REPO:Q4_K_M`."""

import re
from dataclasses import dataclass
from typing import Self

from offload.errors import UsageError

DEFAULT_QUANT = "Q4_K_M"
"""Taken where nobody says which. Source: llama.cpp, -hf in common/arg.cpp."""
DEFAULT_REVISION = "main"

_NAME = r"(?!\.)[A-Za-z0-9._-]{1,96}(?<!\.)"
_REFERENCE = re.compile(rf"({_NAME}/{_NAME})(?::([A-Za-z0-9._-]{{1,64}}))?")
# A branch may be called almost anything; what it may not be is a way out of an address.
_REVISION = re.compile(r"(?![./])[\w./+@#-]{1,255}")
_PREFIXES = ("https://huggingface.co/", "huggingface.co/", "hf.co/")


@dataclass(frozen=True, slots=True)
class HubReference:
    """One model of a repository. Its names are safe to make folders of."""

    repo: str
    """USER/REPO."""
    quant: str | None = None
    """None: `DEFAULT_QUANT`, or the only model there is."""
    revision: str = DEFAULT_REVISION
    """Branch, tag or commit."""
    file: str | None = None
    """A file of the model by its path or name, in place of a quantization."""

    @classmethod
    def parse(cls, text: str, *, revision: str | None = None, file: str | None = None) -> Self:
        """Return what `USER/REPO[:QUANT]` names; an address of the hub before it is taken off.

        Raises:
            UsageError: it names nothing, or a file and a quantization.
        """
        bare = text.strip()
        for prefix in _PREFIXES:
            bare = bare.removeprefix(prefix)
        match = _REFERENCE.fullmatch(bare)
        if match is None or ".." in bare:
            raise UsageError(
                f"{text[:120]!r} is not USER/REPO or USER/REPO:QUANT.",
                hint="Write it as in ggml-org/gpt-oss-20b-GGUF or unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M.",
            )
        repo, quant = match.groups()
        if quant is not None and file is not None:
            raise UsageError("A file and a quantization are asked for.", hint=f"Leave out :{quant} or the file.")
        if revision is not None and (_REVISION.fullmatch(revision) is None or ".." in revision):
            raise UsageError(f"{revision[:120]!r} is not a revision.", hint="Give a branch, a tag or a commit.")
        return cls(repo, quant, revision or DEFAULT_REVISION, file or None)

    def __str__(self) -> str:
        return f"{self.repo}:{self.quant}" if self.quant else self.repo
