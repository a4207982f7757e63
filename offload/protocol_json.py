"""Strict JSON of frozen dataclasses: how the protocol's values become text and come back.

`from_json` builds a value of a given type or raises `UsageError` naming the field: unknown and missing
fields, wrong types, integers beyond 64 bits, text that is not Unicode and numbers that are not finite are
all refused. It knows the types the protocol uses: bool, int, float, str, None, enums by value, dataclasses,
`tuple[X, ...]`, `Mapping[str, X]`, unions, and `object` for any JSON value.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, TypeVar

from offload.errors import UsageError

_INT_LIMIT = 2**63
_HINT = "Send one JSON object per line."

T = TypeVar("T")


def to_json(value: object) -> object:
    """Return `value` as what `json.dumps` takes; text is made valid Unicode (file names may not be)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(to_json(str(name))): to_json(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def dump_line(value: Mapping[str, object]) -> bytes:
    """Return one line of UTF-8 JSON, newline included.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def parse_object(line: bytes) -> dict[str, object]:
    """Return the JSON object of one line.

    Raises:
        UsageError: not UTF-8, not JSON, not an object, a field twice, nested too deep.
    """
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique_fields, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UsageError(f"Not UTF-8 at byte {error.start}.", hint=_HINT) from None
    except json.JSONDecodeError as error:
        raise UsageError(f"Not JSON: {error.msg} at character {error.pos}.", hint=_HINT) from None
    except RecursionError:
        raise UsageError("Nested too deep.", hint=_HINT) from None
    except ValueError as error:
        raise UsageError(f"Not JSON: {error}.", hint=_HINT) from None
    if not isinstance(value, dict):
        raise UsageError(f"Expected a JSON object, got {_name_of(value)}.", hint=_HINT)
    return value


def from_json(hint: object, value: object, where: str) -> object:
    """Return `value` as an instance of the type `hint`; `where` names the place in messages.

    Raises:
        UsageError: `value` is not exactly of that type.
    """
    if hint is object:
        return value
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _union_from_json(typing.get_args(hint), value, where)
    if origin is tuple:
        items = _expect(list, value, where)
        return tuple(from_json(typing.get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(items))
    if origin is Mapping:
        fields = _expect(dict, value, where)
        return {name: from_json(typing.get_args(hint)[1], item, f"{where}.{name}") for name, item in fields.items()}
    if hint is None or hint is type(None):
        if value is not None:
            raise _wrong("null", value, where)
        return None
    if not isinstance(hint, type):
        raise TypeError(f"the protocol has no rule for {hint!r}")
    if issubclass(hint, Enum):
        return _enum_from_json(hint, value, where)
    if dataclasses.is_dataclass(hint):
        return dataclass_from_json(hint, _expect(dict, value, where), where)
    return _scalar_from_json(hint, value, where)


def dataclass_from_json(cls: type[T], fields: dict[str, object], where: str) -> T:
    """Return an instance of the dataclass `cls`; every field is known and every one without a default is there.

    Raises:
        UsageError: a field is unknown, missing or of a wrong type, or `cls` itself refuses the values.
    """
    key = typing.cast("Hashable", cls)
    hints = _hints(key)
    for name in fields:
        if name not in hints:
            raise UsageError(f"{where} has no field {name[:60]!a}.", hint=f"It knows: {', '.join(hints)}.")
    missing = [name for name in _required(key) if name not in fields]
    if missing:
        raise UsageError(f"{where} lacks the field {missing[0]!r}.")
    values = {name: from_json(hints[name], value, f"{where}.{name}") for name, value in fields.items()}
    return typing.cast("Callable[..., T]", cls)(**values)


@functools.cache
def _hints(cls: Any) -> dict[str, object]:
    """Return the types of a dataclass's fields, in order."""
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


@functools.cache
def _required(cls: Any) -> tuple[str, ...]:
    """Return the fields of a dataclass that have no default."""
    return tuple(
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )


def _union_from_json(members: tuple[object, ...], value: object, where: str) -> object:
    expected = []
    for member in members:
        try:
            return from_json(member, value, where)
        except UsageError as error:
            expected.append(error.message)
    raise UsageError(" ".join(dict.fromkeys(expected)))


def _enum_from_json(hint: type[Enum], value: object, where: str) -> Enum:
    for member in hint:
        if type(value) is type(member.value) and value == member.value:
            return member
    choices = ", ".join(repr(member.value) for member in hint)
    raise UsageError(f"{where} must be one of {choices}; got {_short(value)}.")


def _scalar_from_json(hint: type, value: object, where: str) -> object:
    if hint is float and type(value) is int:
        value = float(value) if abs(value) < _INT_LIMIT else value
    if type(value) is not hint:
        raise _wrong(hint.__name__, value, where)
    if type(value) is int and not -_INT_LIMIT <= value < _INT_LIMIT:
        raise UsageError(f"{where} must fit 64 bits; got {_short(value)}.")
    if type(value) is float and value - value != 0.0:
        raise UsageError(f"{where} must be a finite number.")
    if type(value) is str:
        _check_unicode(value, where)
    return value


def _check_unicode(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{where} is not valid Unicode: it has half of a surrogate pair.") from None


def _expect(kind: type[T], value: object, where: str) -> T:
    if not isinstance(value, kind):
        raise _wrong("object" if issubclass(kind, dict) else kind.__name__, value, where)
    return value


def _wrong(expected: str, value: object, where: str) -> UsageError:
    return UsageError(f"{where} must be {expected}; got {_name_of(value)} {_short(value)}.")


def _name_of(value: object) -> str:
    if value is None:
        return "null"
    return "object" if isinstance(value, dict) else type(value).__name__


def _short(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _unique_fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field appears twice in one object")
    return fields


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
