"""The demo corpus: seeded documents of several domains, rendered as ChatML, with a held-out part the training never sees.

Run ``python -m models.demo.corpus`` to print some documents.
"""

from models.demo.corpus.chatml import CHAT_TEMPLATE, END_OF_TEXT, IM_END, IM_START, SPECIAL_TOKENS, render
from models.demo.corpus.domains import DOMAINS, conversations, documents
from models.demo.corpus.held_out import is_held_out
from models.demo.corpus.turns import Turn

__all__ = [
    "CHAT_TEMPLATE",
    "DOMAINS",
    "END_OF_TEXT",
    "IM_END",
    "IM_START",
    "SPECIAL_TOKENS",
    "Turn",
    "conversations",
    "documents",
    "is_held_out",
    "render",
]
