"""JSON that a file holds, read as what it must be: another value is refused, never guessed at."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

NUMBER = (int, float)


def json_object(content: bytes | str) -> dict[str, Any]:
    """Return the JSON object that a file holds.

    Raises:
        ValueError: It is not UTF-8, not JSON, no object, or nested deeper than can be read.

    >>> json_object(b'{"promoted": ["v1"]}')
    {'promoted': ['v1']}
    """
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def only(fields: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse an object that lacks one of the names, or has another.

    Raises:
        ValueError: It does.
    """
    odd = sorted(fields.keys() ^ set(names))
    if odd:
        raise ValueError(f"{odd[0][:80]!r} is missing or means nothing here")


def part_of(fields: Mapping[str, Any], name: str, *kinds: type) -> Any:  # noqa: ANN401 - of a kind
    """Return one field of an object.

    Args:
        fields: The object.
        name: The field's name.
        kinds: The types it may have. No number is true or false, and all numbers are finite.

    Raises:
        ValueError: It is not there, or of another type.

    >>> part_of({"bytes": 7}, "bytes", int)
    7
    """
    if name not in fields:
        raise ValueError(f"{name!r} is missing")
    found = fields[name]
    if type(found) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name!r} is {type(found).__name__}, expected {wanted}")
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError(f"{name!r} is {found}, expected a finite number")
    return found


def names_in(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a field that is a list of strings.

    Raises:
        ValueError: It is not.

    >>> names_in({"columns": ["visits"]}, "columns")
    ('visits',)
    """
    found = part_of(fields, name, list)
    if not all(type(one) is str for one in found):
        raise ValueError(f"{name!r} holds something that is no string")
    return tuple(found)


def numbers_in(fields: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """Return a field that is a list of finite numbers.

    Raises:
        ValueError: It is not.

    >>> numbers_in({"scales": [1, 0.5]}, "scales")
    (1.0, 0.5)
    """
    found = part_of(fields, name, list)
    return tuple(number_in({name: one}, name) for one in found)


def number_in(fields: Mapping[str, Any], name: str) -> float:
    """Return a field that is a finite number.

    Raises:
        ValueError: It is not.
    """
    found = part_of(fields, name, *NUMBER)
    try:
        return float(found)
    except OverflowError as error:
        raise ValueError(f"{name!r} is larger than any number here") from error
