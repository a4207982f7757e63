"""Check an exported demo model with plain llama.cpp: ``python -m models.demo.check``.

Four checks: token ids equal to those of ``tokenizers``, logits against PyTorch, held-out questions by kind, and sample
answers for the model card. Decoding is greedy.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import llama_cpp
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.demo.corpus import conversations, documents, render
from models.demo.export import TARGET
from models.demo.network import Network, Shape
from models.demo.talk import Turn
from models.demo.train import default_work_dir

TEXTS = 200
SCORED_KINDS = ("sums", "counted_things", "facts", "from_context", "words_to_handle")
ODD_TEXTS = (
    "Grüße aus Köln! Ça va? 你好 🙂 ½ ٣",
    "def f(x):\n    return x ** 2  # tabs\t\tand  spaces \n\n\n",
    "I'LL we've DON'T it's 1234567 3.14159 --memory 6G model.gguf",
    "   leading, trailing   ",
    "",
)
SAMPLE_PROMPTS = (
    "Hello!",
    "Who are you?",
    "What does offload do?",
    "How do I limit the memory?",
    "What is the opposite of cold?",
    "What is 23 + 45?",
    "Which day comes after Friday?",
    "Tell me a story about a fox and a lamp.",
    "Tell me a story about a dragon named Zolva in the library.",
    "Can you explain black holes?",
)


def odd_and_plain_texts() -> Iterator[str]:
    """Yield the texts whose token ids are compared: odd ones, documents, and pieces of documents."""
    yield from ODD_TEXTS
    for i, text in enumerate(islice(documents(77), TEXTS - len(ODD_TEXTS))):
        yield text if i % 2 else text[i % 7 : len(text) * 2 // 3]


def different_texts(model: llama_cpp.Llama, tokenizer: Tokenizer) -> list[str]:
    """Return the texts that llama.cpp and ``tokenizers`` cut differently."""
    return [
        text
        for text in odd_and_plain_texts()
        if model.tokenize(text.encode(), add_bos=False, special=True) != tokenizer.encode(text).ids
    ]


def llama_logits(path: Path, ids: list[int]) -> NDArray[np.float32]:
    """Return llama.cpp's logits [token, n_vocab] for ids."""
    model = llama_cpp.Llama(str(path), n_ctx=512, logits_all=True, verbose=False, n_threads=2)
    model.eval(ids)
    return np.array(model.scores[: len(ids)], np.float32)


@torch.no_grad()
def torch_logits(checkpoint: Path, ids: list[int]) -> NDArray[np.float32]:
    """Return the network's logits [token, n_vocab] in float32."""
    state = torch.load(checkpoint, weights_only=True)
    network = Network(Shape(**state["shape"]))
    network.load_state_dict(state["network"])
    logits, _ = network(torch.tensor([ids]))
    return np.asarray(logits[0].numpy(), np.float32)


def answer(model: llama_cpp.Llama, turns: list[Turn], limit: int = 256) -> str:
    """Return the model's greedy answer to a conversation."""
    prompt = model.tokenize(render(turns, add_generation_prompt=True).encode(), add_bos=False, special=True)
    model.reset()  # type: ignore[no-untyped-call]
    taken: list[int] = []
    for token in model.generate(prompt, temp=0.0, repeat_penalty=1.0):
        if token == model.token_eos() or len(taken) == limit:
            break
        taken.append(token)
    return model.detokenize(taken).decode("utf-8", "replace")


def held_out_scores(model: llama_cpp.Llama, per_kind: int) -> dict[str, tuple[int, int]]:
    """Return (exactly right, asked) for held-out questions of the kinds that have one right answer."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for kind, turns in conversations(4242, held_out=True):
        if all(asked[k] >= per_kind for k in SCORED_KINDS):
            return {k: (right[k], asked[k]) for k in SCORED_KINDS}
        free = kind == "words_to_handle" and turns[-2].text.startswith(("Name", "Give", "List"))
        if kind not in SCORED_KINDS or free or asked[kind] >= per_kind:
            continue
        asked[kind] += 1
        right[kind] += answer(model, turns[:-1]) == turns[-1].text
    return {}


def main() -> None:
    """Run all checks from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, default=default_work_dir())
    parser.add_argument("--model", type=Path, default=TARGET)
    parser.add_argument("--per-kind", type=int, default=40, help="held-out questions per kind")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.work_dir / "tokenizer.json"))
    model = llama_cpp.Llama(str(args.model), n_ctx=1024, verbose=False, n_threads=2)

    different = different_texts(model, tokenizer)
    print(f"token ids: {TEXTS - len(different)} of {TEXTS} texts equal {different or ''}")

    ids = tokenizer.encode(next(documents(99))).ids
    ours = torch_logits(args.work_dir / "checkpoint.pt", ids)
    for path in (args.work_dir / "demo-f32.gguf", args.model):
        theirs = llama_logits(path, ids)
        same = float((ours.argmax(-1) == theirs.argmax(-1)).mean())
        print(f"logits: {path.name} differs by at most {np.abs(ours - theirs).max():.4f}; same best token {same:.3f}")

    for kind, (right, asked) in held_out_scores(model, args.per_kind).items():
        print(f"held out: {kind} {right}/{asked}")

    for prompt in SAMPLE_PROMPTS:
        print(json.dumps({"user": prompt, "assistant": answer(model, [Turn("user", prompt)])}))


if __name__ == "__main__":
    main()
