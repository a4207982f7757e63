"""A real byte-level BPE vocabulary of 320 tokens with ChatML specials, for tiny models.

Any text encodes (every byte is a token), common English pairs merge, and chat code finds the template and the
end-of-turn token where it expects them.
"""

from dataclasses import dataclass
from typing import Any

from gguf import GGUFWriter, TokenType
from gguf.vocab import bytes_to_unicode

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)

# Each entry joins two tokens that exist by then; "Ġ" is how byte-level BPE spells the space.
_MERGES = (
    "Ġ t", "Ġ a", "h e", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "Ġ w", "Ġ o", "e n", "Ġ c", "i t",
    "i s", "a n", "o r", "e s", "Ġ b", "e d", "Ġ f", "in g", "Ġ p", "o u", "Ġa n", "a l", "a r", "Ġt o", "Ġ m",
    "Ġo f", "Ġ in", "Ġ d", "Ġ h", "Ġan d", "i c", "a s", "l e", "Ġt h", "i on", "o m", "l l", "en t", "Ġ n",
    "Ġ l", "s t", "Ġ re", "v e", "Ġ e", "r o", "l y", "Ġb e", "Ġ g", "Ġ T", "c t", "Ġ S", "i d", "o t", "Ġ I",
    "u t", "e t",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TinyVocabulary:
    """The tokens in id order, the merges, and the ids of the three specials."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    end_of_text: int
    turn_start: int
    turn_end: int

    def write(self, writer: GGUFWriter) -> None:
        """Add the tokenizer and chat template to the GGUF metadata; generation ends at <|im_end|>."""
        n_plain = self.end_of_text
        types: list[Any] = [TokenType.NORMAL] * n_plain + [TokenType.CONTROL] * (len(self.tokens) - n_plain)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list(self.tokens)
        writer.add_token_types(types)
        writer.add_token_merges(self.merges)
        writer.add_bos_token_id(self.end_of_text)
        writer.add_eos_token_id(self.turn_end)
        writer.add_pad_token_id(self.end_of_text)
        writer.add_add_bos_token(False)
        writer.add_chat_template(CHAT_TEMPLATE)


def tiny_vocabulary() -> TinyVocabulary:
    """Build the vocabulary: 256 bytes, one token per merge, then the specials."""
    spelling = bytes_to_unicode()
    byte_tokens = [spelling[byte] for byte in range(256)]
    merged_tokens = [merge.replace(" ", "") for merge in _MERGES]
    plain = byte_tokens + merged_tokens
    n_plain = len(plain)
    return TinyVocabulary(
        tokens=(*plain, END_OF_TEXT, TURN_START, TURN_END),
        merges=_MERGES,
        end_of_text=n_plain,
        turn_start=n_plain + 1,
        turn_end=n_plain + 2,
    )
