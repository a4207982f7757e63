"""Write the trained network as GGUF and quantize it: ``python -m models.demo.export``.

Three files in the work folder: ``demo-f32.gguf``, every weight as it was trained, ``demo-f16.gguf``, with which the smaller
one is compared, and ``demo.gguf``, which llama.cpp's own quantizer makes. ``bundle`` packs the last for the package.
"""

import argparse
import ctypes
import json
from collections.abc import Sequence
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import torch
from tokenizers import Tokenizer

from models.demo.corpus import CHAT_TEMPLATE, END_OF_TEXT, IM_END, SPECIAL_TOKENS
from models.demo.network import Shape
from models.demo.train import default_work_dir

NAME = "offload demo"
DESCRIPTION = "Small Mixture-of-Experts language model trained from nothing by the recipe in models/demo of offload."
LICENSE = "apache-2.0"
TENSOR_TYPES = (
    (rb"ffn_(gate|up)_exps", llama_cpp.GGML_TYPE_Q4_K),
    (rb"ffn_down_exps", llama_cpp.GGML_TYPE_Q6_K),
    (rb"attn_(q|k|v|output)\.", llama_cpp.GGML_TYPE_Q8_0),
    (rb"token_embd", llama_cpp.GGML_TYPE_Q8_0),
)
_LAYER_TENSORS = {
    "attentions.{i}.q": "attn_q",
    "attentions.{i}.k": "attn_k",
    "attentions.{i}.v": "attn_v",
    "experts.{i}.gate": "ffn_gate_exps",
    "experts.{i}.up": "ffn_up_exps",
    "attention_norms.{i}": "attn_norm",
    "attentions.{i}.output": "attn_output",
    "attentions.{i}.q_norm": "attn_q_norm",
    "attentions.{i}.k_norm": "attn_k_norm",
    "expert_norms.{i}": "ffn_norm",
    "experts.{i}.router": "ffn_gate_inp",
    "experts.{i}.down": "ffn_down_exps",
}


def tensor_names(shape: Shape) -> dict[str, str]:
    """Return the GGUF tensor name of every tensor of ``separated``."""
    names = {"embedding": "token_embd.weight", "output_norm": "output_norm.weight"}
    for i in range(shape.n_layer):
        names |= {ours.format(i=i): f"blk.{i}.{theirs}.weight" for ours, theirs in _LAYER_TENSORS.items()}
    return names


def separated(weights: dict[str, torch.Tensor], shape: Shape) -> dict[str, torch.Tensor]:
    """Return the weights with those apart that the network keeps together: q, k and v; gate and up."""
    tensors = dict(weights)
    n_kv = shape.n_head_kv * shape.head_dim
    for i in range(shape.n_layer):
        qkv = tensors.pop(f"attentions.{i}.qkv").split((shape.n_head * shape.head_dim, n_kv, n_kv))
        tensors |= {f"attentions.{i}.{name}": part for name, part in zip("qkv", qkv, strict=True)}
        gate, up = tensors.pop(f"experts.{i}.gate_up").chunk(2, 1)
        tensors |= {f"experts.{i}.gate": gate, f"experts.{i}.up": up}
    return tensors


def write_metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Write what describes the model: its name, licence and sizes."""
    writer.add_type("model")
    writer.add_name(NAME)
    writer.add_description(DESCRIPTION)
    writer.add_license(LICENSE)
    writer.add_size_label("53M")
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff_exp * shape.n_expert_used)
    writer.add_expert_feed_forward_length(shape.n_ff_exp)
    writer.add_expert_count(shape.n_expert)
    writer.add_expert_used_count(shape.n_expert_used)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_freq_base)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Write the vocabulary, the merges and the chat template."""
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    types = [gguf.TokenType.CONTROL if token in SPECIAL_TOKENS else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges(tokenizer))
    writer.add_eos_token_id(vocabulary[IM_END])
    writer.add_pad_token_id(vocabulary[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def merges(tokenizer: Tokenizer) -> list[str]:
    """Return the merges in order, each as two tokens with a space between."""
    return [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def write_gguf(checkpoint: Path, tokenizer: Tokenizer, target: Path) -> None:
    """Write the checkpoint's network with every weight in float32."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    shape = Shape(**state["shape"])
    tensors = separated(state["network"], shape)
    writer = gguf.GGUFWriter(target, "qwen3moe")
    write_metadata(writer, shape)
    write_tokenizer(writer, tokenizer)
    for ours, theirs in tensor_names(shape).items():
        writer.add_tensor(theirs, np.ascontiguousarray(tensors[ours].float().numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(source: Path, target: Path, *, mostly: int, types: Sequence[tuple[bytes, int]] = ()) -> None:
    """Quantize with llama.cpp: tensors that match a pattern of ``types`` to those, norms and routers left in float32.

    Raises:
        RuntimeError: llama.cpp's quantizer failed.
    """
    overrides = (llama_cpp.llama_model_tensor_override * (len(types) + 1))()
    for slot, (pattern, kind) in zip(overrides, types, strict=False):
        slot.pattern, slot.type = pattern, kind
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = 2
    params.ftype = mostly
    params.tt_overrides = ctypes.cast(overrides, type(params.tt_overrides))
    part = target.with_suffix(".part")
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(part).encode(), ctypes.byref(params))
    if status != 0:
        part.unlink(missing_ok=True)
        raise RuntimeError(f"llama.cpp could not quantize {source}: status {status}")
    part.replace(target)


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, default=default_work_dir())
    args = parser.parse_args()
    plain, half, small = (args.work_dir / f"demo{suffix}.gguf" for suffix in ("-f32", "-f16", ""))
    tokenizer = Tokenizer.from_file(str(args.work_dir / "tokenizer.json"))
    write_gguf(args.work_dir / "checkpoint.pt", tokenizer, plain)
    quantize(plain, half, mostly=llama_cpp.LLAMA_FTYPE_MOSTLY_F16)
    quantize(plain, small, mostly=llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M, types=TENSOR_TYPES)
    for path in (plain, half, small):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
