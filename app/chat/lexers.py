"""The lexers of languages, each made in another thread: the first of a language takes as long as 20 ms to make.

Thread rule: any thread; a lexer is for one at a time.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound


@lru_cache(maxsize=64)
def lexer_of(language: str) -> "Future[Lexer | None]":
    """Have the lexer of a language made, once; None: there is none."""
    return _executor().submit(_make, language)


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="lexers")


def _make(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False) if language else None
    except ClassNotFound:
        return None
