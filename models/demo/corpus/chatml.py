"""ChatML: how the turns of a conversation become the text that is trained."""

from collections.abc import Sequence

from models.demo.corpus.turns import Turn

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


def render(turns: Sequence[Turn], *, add_generation_prompt: bool = False) -> str:
    """Render turns as ChatML, byte for byte what ``CHAT_TEMPLATE`` renders."""
    text = "".join(f"{IM_START}{role}\n{said}{IM_END}\n" for role, said in turns)
    return f"{text}{IM_START}assistant\n" if add_generation_prompt else text
