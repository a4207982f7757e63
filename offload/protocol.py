"""The one protocol of every face: requests to a worker and its events, one JSON object per line.

The same events are printed by `offload generate --jsonl`, read by the application and compared by tests.
A line is UTF-8, at most 16 MiB, and its `type` names one of these (fields with a default may be left out):

    requests                                                  answered by
    {"type":"load","id":1,"model":"m.gguf","config":{..}}     loading .. loaded, or error
    {"type":"generate","id":2,"prompt":"..","params":{..}}    token .. done, or error
    {"type":"generate","id":3,"messages":[{"role":"user","content":".."}]}
    {"type":"stats","id":4,"residency":true}                  stats, also while text is generated
    {"type":"stop","id":2}                                    nothing itself: ends request 2, as `done` or error says
    {"type":"unload","id":5}                                  unloaded, or error
    {"type":"inspect","id":6,"model":"m.gguf"}                inspected, or error: nothing is loaded
    {"type":"plan","id":7,"model":"m.gguf","config":{..}}     planned, or error: nothing is loaded
    {"type":"pack","id":8,"model":"m.gguf"}                   packing .. packed, or error
    {"type":"catalog","id":9}                                 catalog, or error
    {"type":"find","id":10,"name":"U/R:Q4_K_M","models_folder":"/m"}     found, or error
    {"type":"pull","id":11,"name":"U/R:Q4_K_M","models_folder":"/m"}     pulling .. pulled, or error
    {"type":"discard","id":12,"name":"U/R:Q4_K_M","models_folder":"/m"}  discarded, or error
    {"type":"fit","id":13,"name":"U/R:Q4_K_M","models_folder":"/m","config":{..}}  fitted, or error
    {"type":"devices","id":14}                                devices, or error: nothing is loaded
    {"type":"shutdown"}                                       the worker stops what runs and exits; so does end of input

    events
    {"type":"hello","protocol":1,"version":"0.1.0"}           first line of every stream
    {"type":"loading","id":1,"fraction":0.25}
    {"type":"loaded","id":1,"model":"/m.gguf","description":"..","plan":{..},..}
    {"type":"token","id":2,"token":785,"text":"The","index":0}
    {"type":"done","id":2,"finish_reason":"stop","stats":{..}}
    {"type":"stats","id":4,"stats":{..},"residency":["0022300..",..]}
    {"type":"unloaded","id":5}
    {"type":"inspected","id":6,"model":{"path":"/m.gguf","architecture":"qwen3moe",..}}
    {"type":"planned","id":7,"model":"/m.gguf","outline":{"floor_bytes":..,"points":[..],..}}
    {"type":"packing","id":8,"fraction":0.25}
    {"type":"packed","id":8,"path":"/m.offload","n_bytes":8153960448}
    {"type":"catalog","id":9,"entries":[{"title":"..","name":"U/R:Q4_K_M",..},..]}
    {"type":"found","id":10,"model":{"name":"U/R:Q4_K_M","n_bytes":18556688640,..}}
    {"type":"pulling","id":11,"phase":"downloading","done_bytes":4096,"total_bytes":18556688640}
    {"type":"pulled","id":11,"path":"/m/U/R/R-Q4_K_M.gguf"}
    {"type":"discarded","id":12,"freed_bytes":4096}
    {"type":"fitted","id":13,"model":{"path":"/m/U/R/R-Q4_K_M.gguf",..},"outline":{..}}
    {"type":"devices","id":14,"devices":[{"name":"CUDA0","description":"..","total_bytes":..,"free_bytes":..},..]}
    {"type":"error","id":2,"error":{"type":"BudgetError","message":"..","hint":"..","numbers":{..}}}

Requests are answered in order, one at a time; only `stats`, `stop` and `shutdown` overtake. An `id` is chosen
by the asker and belongs to one request until its last event. A line that is not exactly one of the requests
is answered by an error event (`id` null where none could be read), and nothing else happens.
`--jsonl` prints the events of request 1; where it fails before the model is opened, the error may come alone.

Here are the messages about the model that is open, and the values that all messages carry. The others:
`protocol_files` (model files), `protocol_hub` (models that are not here yet), `protocol_devices`, `protocol_errors`;
`protocol_lines` makes lines of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from offload.config import EngineConfig, FinishReason, GenerationParams, Message, OnMiss, Role
from offload.device_plan import DevicePlan
from offload.errors import UsageError
from offload.listed_device import ListedDevice
from offload.model_offer import CatalogEntry, ModelOffer, PullPhase
from offload.model_summary import ModelSummary, PackState
from offload.plan_outline import PlanOutline, PlanPoint
from offload.stats import DeviceMemoryUse, MemoryUse, PagingUse, ResidentState, Speed, Stats

__all__ = [
    "PROTOCOL_VERSION",
    "CatalogEntry",
    "DeviceMemoryUse",
    "DevicePlan",
    "Done",
    "EngineConfig",
    "FinishReason",
    "Generate",
    "GenerationParams",
    "Hello",
    "ListedDevice",
    "Load",
    "Loaded",
    "Loading",
    "MemoryUse",
    "Message",
    "ModelOffer",
    "ModelSummary",
    "OnMiss",
    "PackState",
    "PagingUse",
    "PlanOutline",
    "PlanPoint",
    "PullPhase",
    "ResidentState",
    "Role",
    "Shutdown",
    "Speed",
    "Stats",
    "StatsEvent",
    "StatsRequest",
    "Stop",
    "TokenEvent",
    "Unload",
    "Unloaded",
]

PROTOCOL_VERSION = 1

# Requests


@dataclass(frozen=True, slots=True)
class Load:
    """Open a model; one that is open is closed first."""

    id: int
    model: str | None = None
    """Path of the GGUF; null: the demo model."""
    config: EngineConfig = field(default_factory=EngineConfig)


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue `prompt` as it is, or answer `messages` through the model's chat template: one of the two."""

    id: int
    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    params: GenerationParams = field(default_factory=GenerationParams)

    def __post_init__(self) -> None:
        if (self.prompt is None) == (not self.messages):
            raise UsageError("generate takes either prompt or messages.", hint="Send exactly one of the two.")


@dataclass(frozen=True, slots=True)
class Stop:
    """End the request with this `id`; no effect once it has ended, nor on an inspection or plan once begun."""

    id: int


@dataclass(frozen=True, slots=True)
class StatsRequest:
    """Ask for the statistics now, and for the state of every expert where `residency` is true."""

    id: int
    residency: bool = False


@dataclass(frozen=True, slots=True)
class Unload:
    """Close the model."""

    id: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Stop what runs and end the worker."""


# Events


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of every stream: the protocol's version and the program's."""

    protocol: int
    version: str


@dataclass(frozen=True, slots=True)
class Loading:
    """How much of the model is loaded: `fraction` of 1."""

    id: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is open; `plan` is the memory plan in bytes by part, `plan_lines` the same for reading."""

    id: int
    model: str
    description: str
    n_ctx: int
    store: str
    has_chat_template: bool
    plan: Mapping[str, object]
    plan_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """One step of a generation: `token` is its id in the vocabulary, -1 where it only carries held-back text."""

    id: int
    token: int
    text: str
    index: int


@dataclass(frozen=True, slots=True)
class Done:
    """A generation has ended."""

    id: int
    finish_reason: FinishReason
    stats: Stats


@dataclass(frozen=True, slots=True)
class StatsEvent:
    """The statistics of one moment; `loaded` is false and they are all zero while no model is open.

    `residency` has one string per paged layer with one digit per expert, as `stats.ResidentState` numbers them.
    """

    id: int
    loaded: bool
    stats: Stats
    residency: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unloaded:
    """No model is open now."""

    id: int
