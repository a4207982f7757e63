"""What a caller may choose: how a model is opened, and how text is generated."""

from dataclasses import dataclass
from enum import Enum

from offload.errors import OffloadError


class StoreChoice(Enum):
    """Where experts are read from."""

    AUTO = "auto"
    """A packed store beside the model when there is a valid one, else the GGUF itself."""
    GGUF = "gguf"
    """The GGUF as it is, even where a packed store lies beside it."""


class DirectIo(Enum):
    """Whether reads of experts go past the page cache."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class OnMiss(Enum):
    """What becomes of an expert that a token is routed to and that is not in the device's memory."""

    COPY = "copy"
    """It is copied there: the device computes everything, as it would alone."""
    AUTO = "auto"
    """It is copied where that is worth it by measured costs, else the CPU computes its rows: the last bits differ."""
    COMPUTE = "compute"
    """Once the device is full the CPU computes what is not there."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How a model is opened. Zero means: decided from the model or the machine."""

    memory: str | int = "auto"
    """Budget of the whole process: bytes, or text as `6G`, `60%`, `auto`."""
    n_ctx: int = 0
    """Context in tokens; 0: the model's own, at most 4096."""
    n_batch: int = 2048
    """Logical batch in tokens."""
    n_ubatch: int = 512
    """Physical batch in tokens; made smaller where a batch's routed experts would not fit the budget."""
    n_threads: int = 0
    """Compute threads; 0: the physical cores this process may use."""
    n_readers: int = 2
    """Threads that read experts."""
    store: StoreChoice = StoreChoice.AUTO
    direct_io: DirectIo = DirectIo.AUTO
    forecast: bool = True
    """Forecast which experts are needed: read them ahead, and keep those that are needed soon. Where tokens are not
    faster with it, it switches itself off."""
    forecaster: str = ""
    """File of what was learnt of the model, read at the start and written at the end where routing is forecast; empty:
    one in the user's data folder."""
    prompt_outputs: bool = False
    """Compute the last layer, and logits, for every token of a prompt instead of the last one: for traces. Logits of a
    whole batch take much memory: choose small ones."""
    device: str = "auto"
    """What computes: `auto`, the GPU with the most free memory, else the CPU; `cpu`; or a device by its name. Where
    neither this nor `vram` says more than `auto`, a model that does not fit the device's memory is computed on the
    CPU."""
    vram: str | int = "auto"
    """Of the device's memory, what weights, context and experts may take: bytes, or text as `6G`, `80%`, `auto`."""
    on_miss: OnMiss = OnMiss.COPY
    """What becomes of an expert that is in RAM and not on the device."""


@dataclass(frozen=True, slots=True)
class GenerationParams:
    """How text is generated: llama.cpp's samplers, names and defaults (common/common.h, `common_params_sampling`)."""

    n_predict: int = -1
    """Tokens at most; -1: until the model ends or the context is full."""
    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int = -1
    """-1: a fresh seed for every generation."""
    stop: tuple[str, ...] = ()
    """Strings that end the text; they are not part of it."""
    grammar: str = ""
    """GBNF; empty: none."""
    json_schema: str = ""
    """JSON schema as text, turned into a grammar; excludes `grammar`."""
    ignore_eos: bool = False
    context_shift: bool = False
    """When the context is full: drop the older half of the conversation and go on, instead of finishing."""
    n_keep: int = 0
    """Tokens at the start that a context shift keeps; -1: the whole prompt."""


class FinishReason(Enum):
    """Why a generation ended."""

    STOP = "stop"
    """The model ended its turn, or a stop string was reached."""
    LENGTH = "length"
    """`n_predict` tokens were generated."""
    CONTEXT_FULL = "context_full"
    CANCELLED = "cancelled"


class Role(Enum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Token:
    """One step of a generation.

    `text` is what can be shown now: empty while a character is still incomplete or a stop string may be
    beginning. The last token of a generation carries `finish_reason`; its `id` is -1 when it only carries
    text that was held back.
    """

    id: int
    text: str
    index: int
    """Position among the generated tokens, from 0."""
    finish_reason: FinishReason | None = None


@dataclass(frozen=True, slots=True)
class BatchPrompt:
    """One prompt of a batch."""

    content: str | tuple[Message, ...]
    """Text to continue as it is, or a conversation to answer."""
    params: GenerationParams = GenerationParams()
    name: str = ""
    """What messages call it; empty: its number, counted from 1."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of one prompt of a batch: `finish_reason` is None where an `error` ended it."""

    index: int
    """Of the prompt in the batch, from 0."""
    text: str
    finish_reason: FinishReason | None
    n_prompt: int = 0
    """Tokens of the prompt."""
    n_generated: int = 0
    error: OffloadError | None = None
