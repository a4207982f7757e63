"""The demo corpus: seeded English documents, rendered as ChatML, with a held-out part the training never sees.

Run ``python -m models.demo.corpus`` to print some documents.
"""

import argparse
import hashlib
import re
from collections.abc import Iterator, Sequence
from random import Random

from models.demo import stories, talk
from models.demo.about import SMALL_TALK
from models.demo.talk import Turn

END_OF_TEXT = "<|endoftext|>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
SPECIAL_TOKENS = (END_OF_TEXT, IM_START, IM_END)

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- endif %}"
)

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are the demo model of offload.",
    "You are a friendly assistant. Answer briefly.",
    "Answer the questions of the user.",
    "You are a small language model.",
)
PLAIN_STORY_SHARE = 0.05
SYSTEM_PROMPT_SHARE = 0.2
HELD_OUT_ONE_IN = 20


def render(turns: Sequence[Turn], *, add_generation_prompt: bool = False) -> str:
    """Render turns as ChatML, byte for byte what ``CHAT_TEMPLATE`` renders."""
    text = "".join(f"{IM_START}{role}\n{said}{IM_END}\n" for role, said in turns)
    return f"{text}{IM_START}assistant\n" if add_generation_prompt else text


def is_held_out(prompt: str) -> bool:
    """Tell whether a user's text belongs to the held-out part: about one in ``HELD_OUT_ONE_IN``, by its hash.

    Two numbers, one of them over 9, decide alone: whatever the wording or the operation, the pair is never trained.
    Otherwise the letters decide, not case or punctuation, so that no near twin of a held-out text is trained.
    """
    if prompt in _ALWAYS_TRAINED:
        return False
    numbers = re.findall(r"\d+", prompt)
    if len(numbers) == 2 and max(map(int, numbers)) > 9:
        key = " ".join(sorted(numbers))
    else:
        key = "".join(c for c in prompt.lower() if c.isalnum() or c in "+-*")
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % HELD_OUT_ONE_IN == 0


def conversations(seed: int, *, held_out: bool = False) -> Iterator[tuple[str, list[Turn]]]:
    """Yield (kind, turns) without end.

    In the training part no user turn is held out; in the held-out part the first user turn of every conversation is.
    """
    rng = Random(seed)
    names = list(talk.KINDS)
    weights = [talk.KINDS[name][0] for name in names]
    while True:
        kind = rng.choices(names, weights)[0]
        turns = talk.KINDS[kind][1](rng)
        if held_out:
            if not is_held_out(turns[0].text):
                continue
        elif any(is_held_out(turn.text) for turn in turns if turn.role == "user"):
            continue
        if rng.random() < SYSTEM_PROMPT_SHARE:
            turns = [Turn("system", rng.choice(SYSTEM_PROMPTS)), *turns]
        yield kind, turns


_ALWAYS_TRAINED = frozenset(
    (
        "Tell me a story.",
        "Who are you?",
        "What is offload?",
        "What is my name?",
        "What is my favourite colour?",
        "What do I like to eat?",
        "Who is the story about?",
        "What food is in the story?",
        *(ask for topic in SMALL_TALK for ask in topic.asks),
    )
)


def documents(seed: int) -> Iterator[str]:
    """Yield training documents without end: conversations as ChatML and, now and then, a plain story."""
    rng = Random(seed ^ 0x5EED)
    for _, turns in conversations(seed):
        if rng.random() < PLAIN_STORY_SHARE:
            yield stories.tell(rng).text + "\n"
        yield render(turns)


def main() -> None:
    """Print the first documents of a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-n", type=int, default=20, help="number of documents")
    args = parser.parse_args()
    for _, text in zip(range(args.n), documents(args.seed), strict=False):
        print(text + END_OF_TEXT)


if __name__ == "__main__":
    main()
