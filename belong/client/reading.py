"""JSON -> frozen dataclasses: what is needed must be there and of its type; what is new is skipped.

>>> from belong.client.answers import Acknowledged
>>> read(Acknowledged, {"sequence": 7, "since_next_year": True})
Acknowledged(sequence=7)
>>> read(Acknowledged, {"sequence": "7"})
Traceback (most recent call last):
belong.client.reading.ShapeError: answer.sequence: expected int, got str
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ShapeError(ValueError):
    """A value is not of the shape that was expected; the message says where."""


def read(kind: type[T], value: object, where: str = "answer") -> T:
    """Return a JSON value as a dataclass.

    Args:
        kind: A dataclass of str, int, float, bool, `object`, those or None, tuples and mappings of
            them, and dataclasses of the same sort.
        value: As `json.loads` returned it. Fields that `kind` has not are skipped; those it has a
            default for may be absent.
        where: What to call the value when something is wrong with it.

    Raises:
        ShapeError: Something is missing or of another type.
    """
    return cast(T, _value(kind, value, where))


def _value(kind: Any, value: object, where: str) -> object:  # noqa: ANN401 - any type there is
    origin = get_origin(kind)
    if origin is types.UnionType:
        return None if value is None else _value(get_args(kind)[0], value, where)
    if origin is tuple:
        items = _of(list, value, where)
        return tuple(
            _value(get_args(kind)[0], item, f"{where}.{n}") for n, item in enumerate(items)
        )
    if origin is Mapping:
        inner = get_args(kind)[1]
        return {
            key: _value(inner, one, f"{where}.{key}")
            for key, one in _of(dict, value, where).items()
        }
    return _record(kind, value, where) if is_dataclass(kind) else _plain(kind, value, where)


def _record(kind: Any, value: object, where: str) -> object:  # noqa: ANN401 - any dataclass
    found = _of(dict, value, where)
    given = {}
    for name, (inner, needed) in _fields(kind).items():
        if name in found:
            given[name] = _value(inner, found[name], f"{where}.{name}")
        elif needed:
            raise ShapeError(f"{where}.{name} is missing")
    return kind(**given)


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:  # noqa: ANN401 - any dataclass
    """Return the type of each field and whether it must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    }


def _plain(kind: type, value: object, where: str) -> object:
    if kind is float and type(value) is int:
        return float(value)
    return value if kind is object else _of(kind, value, where)


def _of(kind: type[T], value: object, where: str) -> T:
    if type(value) is not kind:  # True is no number
        raise ShapeError(f"{where}: expected {kind.__name__}, got {type(value).__name__}")
    return value
