"""The routers of a model file: weights and rules of the architectures whose graphs llama.cpp builds in a known way.

Source: src/models/*.cpp (which norm feeds the router, which gating, its default) and src/llama-model.cpp (groups).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from offload.errors import ModelFileError, OffloadError
from offload.gguf_header import GgmlType, GgufHeader
from offload.routing.router import FloatArray, Gating, Router

_TINY_GAIN = 1e-3
"""Of a norm's largest: dividing by less would raise noise above what is known."""
_Q8_0_BLOCK = np.dtype([("scale", "<f2"), ("quants", "i1", 32)])


@dataclass(frozen=True, slots=True)
class LayerGate:
    """A layer's router, and the norm whose output is the router's input: normed * gain + shift."""

    router: Router
    gain: FloatArray
    """[n_embd]."""
    shift: FloatArray | None = None
    """[n_embd]; None: nothing is added."""
    inverse_gain: FloatArray = field(init=False)
    """[n_embd]; 0 where the gain is tiny."""

    def __post_init__(self) -> None:
        size = np.abs(self.gain)
        usable = size > _TINY_GAIN * size.max(initial=0.0)
        inverse = np.where(usable, 1.0 / np.where(usable, self.gain, 1.0), 0.0).astype(np.float32)
        object.__setattr__(self, "inverse_gain", inverse)

    def normed_of(self, inputs: FloatArray) -> FloatArray:
        """Return what the norm gave before gain and shift, of router inputs [..., n_embd]."""
        normed: FloatArray = (inputs if self.shift is None else inputs - self.shift) * self.inverse_gain
        return normed

    def input_of(self, normed: FloatArray) -> FloatArray:
        """Return the router input [n_embd] of what the norm gives before gain and shift [n_embd]."""
        inputs: FloatArray = normed * self.gain
        return inputs if self.shift is None else inputs + self.shift

    @property
    def n_bytes(self) -> int:
        """Memory of its arrays."""
        norm = self.gain.nbytes + self.inverse_gain.nbytes + (0 if self.shift is None else self.shift.nbytes)
        return self.router.n_bytes + norm


@dataclass(frozen=True, slots=True)
class _Rule:
    """How an architecture routes: `norm` names the tensor, `gating` what the file does not say or does not decide."""

    norm: str = "ffn_norm"
    gating: Gating | None = Gating.SOFTMAX
    """None: the file must say it."""
    from_file: bool = False
    """Whether the file's `expert_gating_func` counts."""


_SOFTMAX = _Rule()
_POST_ATTENTION = _Rule("post_attention_norm")
_FILE_DECIDES = _Rule(gating=None, from_file=True)
_FILE_OR_SIGMOID = _Rule(gating=Gating.SIGMOID, from_file=True)

_RULES = MappingProxyType(
    {
        "afmoe": _FILE_OR_SIGMOID,
        "bailingmoe": _SOFTMAX,
        "bailingmoe2": _FILE_DECIDES,
        "dbrx": _Rule("attn_output_norm"),
        "deepseek": _SOFTMAX,
        "deepseek2": _Rule(from_file=True),
        "deepseek32": _FILE_DECIDES,
        "dots1": _FILE_DECIDES,
        "ernie4_5-moe": _SOFTMAX,
        "exaone-moe": _FILE_DECIDES,
        "glm-dsa": _FILE_OR_SIGMOID,
        "glm4moe": _Rule("post_attention_norm", Gating.SIGMOID, from_file=True),
        "gpt-oss": _Rule("post_attention_norm", Gating.SOFTMAX_WEIGHT),
        "granitehybrid": _SOFTMAX,
        "granitemoe": _SOFTMAX,
        "grok": _SOFTMAX,
        "hunyuan-moe": _SOFTMAX,
        "jamba": _SOFTMAX,
        "kimi-linear": _FILE_DECIDES,
        "lfm2moe": _FILE_DECIDES,
        "llada-moe": _SOFTMAX,
        "llama": _SOFTMAX,
        "mellum": _SOFTMAX,
        "mimo2": _Rule(gating=Gating.SIGMOID),
        "minimax-m2": _FILE_DECIDES,
        "mistral3": _SOFTMAX,
        "olmoe": _SOFTMAX,
        "phimoe": _SOFTMAX,
        "qwen2moe": _SOFTMAX,
        "qwen35moe": _POST_ATTENTION,
        "qwen3moe": _SOFTMAX,
        "qwen3next": _POST_ATTENTION,
        "qwen3vlmoe": _SOFTMAX,
        "rnd1": _SOFTMAX,
    }
)
"""Where the router is fed what the experts are: llama4 weights the experts' input, gemma4 norms it in another way."""


def read_gates(header: GgufHeader, layers: Sequence[int]) -> tuple[LayerGate, ...]:
    """Read routers and norms of the blocks `layers`, in that order, from the model's files.

    Raises:
        OffloadError: how this model routes is not known, or its routers are stored in a type that is not read here.
        ModelFileError: a tensor is absent, of a wrong shape, or cannot be read.
    """
    rule = _RULES.get(header.architecture)
    if rule is None:
        raise _unknown(f"how architecture {header.architecture} routes is not known")
    gating = _gating(header, rule)
    n_groups = header.count("expert_group_count") or 0
    n_group, n_group_used = (n_groups, header.count("expert_group_used_count") or 0) if n_groups > 1 else (1, 1)

    def gate(layer: int) -> LayerGate:
        weight = _Tensor(header, f"blk.{layer}.ffn_gate_inp.weight").matrix()
        if weight.shape[0] != header.n_expert:
            raise _misshapen(header, f"blk.{layer}.ffn_gate_inp.weight", weight.shape)
        n_expert, n_embd = weight.shape

        def vector(name: str, length: int) -> FloatArray:
            values = _Tensor(header, f"blk.{layer}.{name}").matrix()
            if values.shape != (1, length):
                raise _misshapen(header, f"blk.{layer}.{name}", values.shape)
            row: FloatArray = values[0]
            return row

        def optional(name: str, length: int) -> FloatArray | None:
            return vector(name, length) if f"blk.{layer}.{name}" in header.tensors else None

        router = Router(
            weight,
            gating,
            header.n_expert_used,
            logit_bias=optional("ffn_gate_inp.bias", n_expert) if header.architecture == "gpt-oss" else None,
            choice_bias=optional("exp_probs_b.bias", n_expert),
            n_group=n_group,
            n_group_used=n_group_used,
        )
        return LayerGate(router, vector(f"{rule.norm}.weight", n_embd), optional(f"{rule.norm}.bias", n_embd))

    return tuple(gate(layer) for layer in layers)


def _gating(header: GgufHeader, rule: _Rule) -> Gating:
    stated = header.count("expert_gating_func") if rule.from_file else None
    if not stated:
        # GLM 4.7 Lite calls itself deepseek2 and does not say that its gating is sigmoid.
        if header.architecture == "deepseek2" and header.n_layer in (47, 48) and _n_vocab(header) == 154880:
            return Gating.SIGMOID
        if rule.gating is None:
            raise _unknown("the file does not say which gating its routers have (expert_gating_func)")
        return rule.gating
    if stated not in list(Gating):
        raise _unknown(f"its routers' gating, expert_gating_func {stated}, is not known")
    return Gating(stated)


def _n_vocab(header: GgufHeader) -> int:
    embedding = header.tensors.get("token_embd.weight")
    return embedding.shape[-1] if embedding is not None else 0


class _Tensor:
    """One tensor of the file, to be read as float32."""

    def __init__(self, header: GgufHeader, name: str) -> None:
        info = header.tensors.get(name)
        if info is None:
            raise ModelFileError("The tensor is not there.", file=header.files[0], tensor=name)
        self._info = info
        self._file = header.files[info.file_index]

    def matrix(self) -> FloatArray:
        """Return it as [rows, columns]; a vector has one row."""
        info = self._info
        read = _READERS.get(info.type)
        if read is None:
            raise _unknown(f"{info.name} is stored as {info.type.name}, which is not read here")
        if len(info.shape) > 2:
            raise ModelFileError(
                f"A router's tensor has not {len(info.shape)} axes.", file=self._file, tensor=info.name
            )
        try:
            with self._file.open("rb") as file:
                file.seek(info.offset)
                raw = file.read(info.n_bytes)
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        if len(raw) != info.n_bytes:
            raise self._unreadable(f"it ends after {len(raw)} of {info.n_bytes} bytes")
        values = read(np.frombuffer(raw, np.uint8)).reshape(-1, info.shape[0])
        return np.ascontiguousarray(values, np.float32)

    def _unreadable(self, reason: str) -> ModelFileError:
        return ModelFileError(
            f"The tensor could not be read: {reason}.",
            file=self._file,
            tensor=self._info.name,
            offset=self._info.offset,
        )


def _from_bf16(raw: NDArray[np.uint8]) -> FloatArray:
    return (raw.view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)


def _from_q8_0(raw: NDArray[np.uint8]) -> FloatArray:
    blocks = raw.view(_Q8_0_BLOCK)
    values: FloatArray = blocks["quants"].astype(np.float32) * blocks["scale"].astype(np.float32)[:, None]
    return values


_READERS: MappingProxyType[GgmlType, Callable[[NDArray[np.uint8]], NDArray[np.floating]]] = MappingProxyType(
    {
        GgmlType.F32: lambda raw: raw.view("<f4"),
        GgmlType.F16: lambda raw: raw.view("<f2"),
        GgmlType.BF16: _from_bf16,
        GgmlType.Q8_0: _from_q8_0,
    }
)


def _unknown(reason: str) -> OffloadError:
    return OffloadError(f"There are no gate-ahead forecasts for this model: {reason}.")


def _misshapen(header: GgufHeader, name: str, shape: tuple[int, ...]) -> ModelFileError:
    info = header.tensors[name]
    message = f"A router's tensor of shape {shape} does not fit {header.n_expert} experts."
    return ModelFileError(message, file=header.files[info.file_index], tensor=name, offset=info.offset)
