"""Build the big synthetic model: a qwen3moe GGUF of random weights, as large as the tests and benchmarks want it.

The file depends on the recipe alone: the same recipe gives the same bytes. It is written beside its final name and
renamed when complete, so a file of that name is always whole.
"""

import argparse
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, TokenType, quants
from gguf.vocab import bytes_to_unicode
from numpy.typing import NDArray

ARCHITECTURE = "qwen3moe"
N_EMBD, N_FF_EXP = 2048, 768
N_HEAD, N_HEAD_KV, HEAD_DIM = 16, 4, 128
N_COMMON = 256
"""So many dimensions of the embedding hold the part that all tokens share."""
N_CTX_TRAIN = 8192

_RECIPE_VERSION = 1
"""Raised when the same parameters begin to give other bytes; part of the default file name."""

_BLOCK_SIZE, _BLOCK_BYTES = GGML_QUANT_SIZES[GGMLQuantizationType.Q4_K]
_POOL_BLOCKS = 1 << 19
_SCALE_LOW, _SCALE_HIGH = 16, 48
_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_N_FIXED_TOKENS = 256 + len(_SPECIALS)
_EXIT_OTHER, _EXIT_DISK_FULL = 1, 6

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)

Array = NDArray[Any]
Progress = Callable[[int, int], None]
"""Called with bytes written and bytes in all, after every large tensor and at the end."""


@dataclass(frozen=True, slots=True)
class SyntheticRecipe:
    """What the file is made from.

    alpha, 0 to below 1, is the share of the router scores' variance that is the same for every token. At 0 random
    weights route nearly uniformly, which no cache can help; the README has the hit rates of other values.
    """

    n_layer: int = 24
    n_expert: int = 128
    alpha: float = 0.5
    seed: int = 0
    n_vocab: int = 32_000
    n_expert_used: int = 8

    def __post_init__(self) -> None:
        if self.n_layer < 1 or not 0 < self.n_expert_used <= self.n_expert or not 0 <= self.alpha < 1:
            raise ValueError(f"{self}: needs a layer, as many experts as are used, and alpha in [0, 1)")
        if self.n_layer * (3 * self.n_expert + 4) >= _POOL_BLOCKS:
            raise ValueError(f"{self}: more than {_POOL_BLOCKS} matrices")
        if not _N_FIXED_TOKENS < self.n_vocab <= _POOL_BLOCKS * _BLOCK_SIZE // N_EMBD:
            raise ValueError(f"{self}: n_vocab is too small for the bytes and specials, or too large")

    @property
    def file_name(self) -> str:
        """A name that no other recipe has."""
        counts = f"{self.n_layer}x{self.n_expert}-used{self.n_expert_used}-vocab{self.n_vocab}"
        return f"synthetic-v{_RECIPE_VERSION}-{counts}-alpha{self.alpha:g}-seed{self.seed}.gguf"


def default_path(recipe: SyntheticRecipe) -> Path:
    """Return where the model is kept when no file is named: the user's cache folder."""
    return Path(platformdirs.user_cache_dir("offload")) / "synthetic" / recipe.file_name


def build_synthetic_model(path: Path, recipe: SyntheticRecipe, progress: Progress | None = None) -> Path:
    """Write the model and return its path; an existing file is replaced once the new one is complete.

    Raises:
        OSError: errno ENOSPC when the file system has too little room, told before anything is written where the
            system knows it. No partial file is left.
    """
    tensors = list(_tensors(recipe))
    total_bytes = sum(tensor.n_bytes for tensor in tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(path.parent).free
    if free_bytes < total_bytes * 1.01:
        needs = f"the model needs {total_bytes / 1e9:.1f} GB and {free_bytes / 1e9:.1f} GB are free"
        raise OSError(errno.ENOSPC, f"{needs}; name another place with -o", str(path))
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        _write(partial, recipe, tensors, progress or (lambda _done, _total: None))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor: shape row-major, and the spread (standard deviation) of its values."""

    name: str
    shape: tuple[int, ...]
    type: GGMLQuantizationType
    spread: float

    @property
    def n_bytes(self) -> int:
        block_size, block_bytes = GGML_QUANT_SIZES[self.type]
        return prod(self.shape) // block_size * block_bytes


def _tensors(recipe: SyntheticRecipe) -> Iterator[_Tensor]:
    f32, q8_0, q4_k = GGMLQuantizationType.F32, GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_K
    keep = N_EMBD**-0.5
    # What a layer adds to the stream is kept small beside the token's embedding, as it is in a trained model's layer.
    attention_out, expert_out = 0.15 * (N_HEAD * HEAD_DIM) ** -0.5, 0.6 * N_FF_EXP**-0.5
    yield _Tensor("token_embd.weight", (recipe.n_vocab, N_EMBD), q8_0, 1.0)
    # Not tied to the embedding: a tied random model repeats its last token for ever, and its routes with it.
    yield _Tensor("output.weight", (recipe.n_vocab, N_EMBD), q4_k, 3 * keep)
    yield _Tensor("output_norm.weight", (N_EMBD,), f32, 0.0)
    for layer in range(recipe.n_layer):
        prefix = f"blk.{layer}."
        yield _Tensor(prefix + "attn_norm.weight", (N_EMBD,), f32, 0.0)
        yield _Tensor(prefix + "attn_q.weight", (N_HEAD * HEAD_DIM, N_EMBD), q4_k, keep)
        yield _Tensor(prefix + "attn_k.weight", (N_HEAD_KV * HEAD_DIM, N_EMBD), q4_k, keep)
        yield _Tensor(prefix + "attn_v.weight", (N_HEAD_KV * HEAD_DIM, N_EMBD), q4_k, keep)
        yield _Tensor(prefix + "attn_q_norm.weight", (HEAD_DIM,), f32, 0.0)
        yield _Tensor(prefix + "attn_k_norm.weight", (HEAD_DIM,), f32, 0.0)
        yield _Tensor(prefix + "attn_output.weight", (N_EMBD, N_HEAD * HEAD_DIM), q4_k, attention_out)
        yield _Tensor(prefix + "ffn_norm.weight", (N_EMBD,), f32, 0.0)
        yield _Tensor(prefix + "ffn_gate_inp.weight", (recipe.n_expert, N_EMBD), f32, 2 * keep)
        yield _Tensor(prefix + "ffn_gate_exps.weight", (recipe.n_expert, N_FF_EXP, N_EMBD), q4_k, keep)
        yield _Tensor(prefix + "ffn_up_exps.weight", (recipe.n_expert, N_FF_EXP, N_EMBD), q4_k, keep)
        yield _Tensor(prefix + "ffn_down_exps.weight", (recipe.n_expert, N_EMBD, N_FF_EXP), q4_k, expert_out)


def _write(path: Path, recipe: SyntheticRecipe, tensors: list[_Tensor], progress: Progress) -> None:
    writer = GGUFWriter(path, ARCHITECTURE)
    try:
        _add_metadata(writer, recipe)
        for tensor in tensors:
            is_f32 = tensor.type is GGMLQuantizationType.F32
            shape = tensor.shape if is_f32 else quants.quant_shape_to_byte_shape(tensor.shape, tensor.type)
            dtype = np.dtype(np.float32 if is_f32 else np.uint8)
            writer.add_tensor_info(tensor.name, shape, dtype, tensor.n_bytes, raw_dtype=tensor.type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        weights = _Weights(recipe)
        done_bytes, total_bytes = 0, sum(tensor.n_bytes for tensor in tensors)
        for tensor in tensors:
            writer.write_tensor_data(weights.of(tensor))
            done_bytes += tensor.n_bytes
            if tensor.n_bytes > total_bytes // 1000 or done_bytes == total_bytes:
                progress(done_bytes, total_bytes)
    finally:
        writer.close()


def _add_metadata(writer: GGUFWriter, recipe: SyntheticRecipe) -> None:
    writer.add_name(f"synthetic, random weights, alpha {recipe.alpha:g}")
    writer.add_block_count(recipe.n_layer)
    writer.add_context_length(N_CTX_TRAIN)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(N_FF_EXP * recipe.n_expert_used)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_expert_count(recipe.n_expert)
    writer.add_expert_used_count(recipe.n_expert_used)
    writer.add_expert_feed_forward_length(N_FF_EXP)
    writer.add_vocab_size(recipe.n_vocab)
    # Every byte is a token, so any text encodes; the fillers, which no text encodes to, decode to a readable word.
    byte_tokens = [bytes_to_unicode()[byte] for byte in range(256)]
    n_plain = recipe.n_vocab - len(_SPECIALS)
    fillers = [f"Ġw{token}" for token in range(len(byte_tokens), n_plain)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*byte_tokens, *fillers, *_SPECIALS])
    writer.add_token_types([TokenType.NORMAL] * n_plain + [TokenType.CONTROL] * len(_SPECIALS))
    writer.add_token_merges(["Ġ w"])  # the format wants one
    writer.add_bos_token_id(n_plain)
    writer.add_eos_token_id(n_plain + 2)
    writer.add_pad_token_id(n_plain)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


class _Weights:
    """Makes the tensors in file order; Q4_K ones are cut from one pool of random blocks.

    Every matrix starts at another block of the pool, so no two experts are equal, though single rows may be.
    """

    def __init__(self, recipe: SyntheticRecipe) -> None:
        self._recipe = recipe
        self._rng = np.random.default_rng([_RECIPE_VERSION, recipe.seed])
        # Twice the same blocks, so that a piece may start anywhere in the first half.
        pool = _random_q4_k_blocks(self._rng, _POOL_BLOCKS)
        self._pool = np.concatenate([pool, pool])
        self._pool_spread = 0.0
        self._starts = iter(self._rng.permutation(_POOL_BLOCKS))

    def of(self, tensor: _Tensor) -> Array:
        """Return the values, quantized ones as bytes."""
        match tensor.type:
            case GGMLQuantizationType.Q4_K:
                return self._cut(tensor)
            case GGMLQuantizationType.Q8_0:
                embedding: Array = quants.quantize(self._embedding(tensor.shape), tensor.type)
                return embedding
            case _ if tensor.spread == 0:
                norm = np.ones(tensor.shape, np.float32)
                if tensor.name == "output_norm.weight":
                    # The shared part must skew the routing only, not the choice of tokens.
                    norm[:N_COMMON] = 0
                return norm
            case _:
                return self._rng.standard_normal(tensor.shape, dtype=np.float32) * np.float32(tensor.spread)

    def _embedding(self, shape: tuple[int, ...]) -> Array:
        """Give all tokens one common part: every router answers it with a fixed preference of its own."""
        alpha = self._recipe.alpha
        embedding = self._rng.standard_normal(shape, dtype=np.float32) * np.float32(sqrt(1 - alpha))
        common = self._rng.choice(np.array([-1, 1], np.float32), N_COMMON)
        embedding[:, :N_COMMON] += common * np.float32(sqrt(alpha * N_EMBD / N_COMMON))
        return embedding

    def _cut(self, tensor: _Tensor) -> Array:
        self._set_pool_spread(tensor.spread)
        n_matrix = tensor.shape[0] if len(tensor.shape) == 3 else 1
        blocks_per_matrix = prod(tensor.shape) // n_matrix // _BLOCK_SIZE
        cut = np.empty((n_matrix, blocks_per_matrix, _BLOCK_BYTES), np.uint8)
        for matrix in cut:
            start = next(self._starts)
            matrix[:] = self._pool[start : start + blocks_per_matrix]
        return cut

    def _set_pool_spread(self, spread: float) -> None:
        if spread == self._pool_spread:
            return
        mean_square_scale = np.mean(np.arange(_SCALE_LOW, _SCALE_HIGH) ** 2)
        d = np.float16(spread / sqrt(mean_square_scale * (16**2 - 1) / 12))
        header = np.array([d, d * np.float16(7.5)], "<f2")
        self._pool[:, :4] = header.view(np.uint8)
        self._pool_spread = spread


def _random_q4_k_blocks(rng: np.random.Generator, n_block: int) -> NDArray[np.uint8]:
    """Make Q4_K blocks whose d and dmin are still to be set: w = d * scale * (q - 7.5), when dmin is 7.5 d.

    Source: block_q4_K in ggml-common.h, get_scale_min_k4 in ggml-quants.c.
    """
    blocks = np.frombuffer(rng.bytes(n_block * _BLOCK_BYTES), np.uint8).reshape(n_block, _BLOCK_BYTES).copy()
    # The mins, which follow the scales, equal them. Low four whole, high four in nibbles and in the others' top bits.
    scales = rng.integers(_SCALE_LOW, _SCALE_HIGH, (n_block, 8), dtype=np.uint8)
    low, high = scales[:, :4], scales[:, 4:]
    blocks[:, 4:8] = blocks[:, 8:12] = low | (high >> 4) << 6
    blocks[:, 12:16] = (high & 0x0F) | (high & 0x0F) << 4
    return blocks


def _show_progress(done_bytes: int, total_bytes: int) -> None:
    percent = 100 * done_bytes // total_bytes
    end = "\n" if done_bytes == total_bytes else ""
    print(f"\r{percent:3} % of {total_bytes / 1e9:.1f} GB", end=end, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Build the model and print its path on stdout. Exit codes: 1 other, 2 usage, 6 disk full, 130 interrupted."""
    parser = argparse.ArgumentParser(description="Build the big synthetic Mixture-of-Experts model.")
    default = SyntheticRecipe()
    parser.add_argument("--layers", type=int, default=default.n_layer, help="default %(default)s")
    parser.add_argument("--experts", type=int, default=default.n_expert, help="per layer, default %(default)s")
    parser.add_argument("--used", type=int, default=default.n_expert_used, help="for a token, default %(default)s")
    parser.add_argument("--alpha", type=float, default=default.alpha, help="skew of the routing, default %(default)s")
    parser.add_argument("--seed", type=int, default=default.seed, help="default %(default)s")
    parser.add_argument("-o", "--output", type=Path, help="the file; without it one in the cache folder, built once")
    options = parser.parse_args(arguments)
    try:
        recipe = SyntheticRecipe(
            options.layers, options.experts, options.alpha, options.seed, n_expert_used=options.used
        )
    except ValueError as error:
        parser.error(str(error))
    path: Path = options.output or default_path(recipe)
    try:
        if options.output is not None or not path.exists():
            build_synthetic_model(path, recipe, _show_progress)
    except OSError as error:
        print(f"cannot write {path}: {error.strerror}", file=sys.stderr)
        return _EXIT_DISK_FULL if error.errno == errno.ENOSPC else _EXIT_OTHER
    except KeyboardInterrupt:
        return 130
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
