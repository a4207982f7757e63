"""Check an export against what was trained, with plain llama.cpp: ``python -m models.demo.check``.

Token ids equal to those of ``tokenizers``, logits against PyTorch's, and sample answers for the model card, decoded greedily.
How good the model is, ``evaluate.py`` tells.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.demo.corpus import Turn, documents
from models.demo.greedy import GreedyModel
from models.demo.network import Network, Shape
from models.demo.train import default_work_dir

TEXTS = 200
N_THREADS = 2
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
    "What does a stall mean?",
    "What is the opposite of cold?",
    "What is 23 + 45?",
    "What is 58 + 67? Step by step.",
    "Which day comes after Friday?",
    "Write a Python function to reverse a string.",
    'How do you say "good morning" in German?',
    "Tell me a story about a fox and a lamp.",
    "Tell me a story about a dragon named Zolva in the library.",
    "Once upon a time, in a small house by the sea,",
    "Can you explain black holes?",
)


def odd_and_plain_texts() -> Iterator[str]:
    """Yield the texts whose token ids are compared: odd ones, documents, and pieces of documents."""
    yield from ODD_TEXTS
    for i, text in enumerate(islice(documents(77), TEXTS - len(ODD_TEXTS))):
        yield text if i % 2 else text[i % 7 : len(text) * 2 // 3]


def different_texts(model: GreedyModel, tokenizer: Tokenizer) -> list[str]:
    """Return the texts that llama.cpp and ``tokenizers`` cut differently."""
    return [text for text in odd_and_plain_texts() if model.tokenize(text) != tokenizer.encode(text).ids]


@torch.no_grad()
def torch_logits(checkpoint: Path, ids: list[int]) -> NDArray[np.float32]:
    """Return the network's logits [token, n_vocab] in float32."""
    state = torch.load(checkpoint, weights_only=True)
    network = Network(Shape(**state["shape"]))
    network.load_state_dict(state["network"])
    logits, _ = network(torch.tensor([ids]))
    return np.asarray(logits[0].numpy(), np.float32)


def main() -> None:
    """Run all checks from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, default=default_work_dir())
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.work_dir / "tokenizer.json"))
    model = GreedyModel(args.work_dir / "demo.gguf", N_THREADS)

    different = different_texts(model, tokenizer)
    print(f"token ids: {TEXTS - len(different)} of {TEXTS} texts equal {different or ''}")

    ids = tokenizer.encode(next(documents(99))).ids
    ours = torch_logits(args.work_dir / "checkpoint.pt", ids)
    for path in (args.work_dir / "demo-f32.gguf", args.work_dir / "demo.gguf"):
        theirs = GreedyModel(path, N_THREADS).logits(ids)
        same = float((ours.argmax(-1) == theirs.argmax(-1)).mean())
        print(f"logits: {path.name} differs by at most {np.abs(ours - theirs).max():.4f}; same best token {same:.3f}")

    for prompt in SAMPLE_PROMPTS:
        print(json.dumps({"user": prompt, "assistant": model.answer([Turn("user", prompt)]).text}))


if __name__ == "__main__":
    main()
