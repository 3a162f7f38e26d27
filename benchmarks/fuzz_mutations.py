"""Damage, drawn from a seed: of bytes, of cells, of JSON values.

Everything takes a `random.Random`, so that the same seed gives the same damage again.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

BYTES = (
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\n\n",
    b'"',
    b'""',
    b'"\n',
    b"\t",
    b",",
    b"\\",
    b"\\ud800",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xe2\x80\xa8",
    b"\xf0\x9f\x98\x80",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[]",
    b"{}",
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"9" * 30,
    b"9" * 5_000,
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b"PAR1",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"\x93NUMPY",
    b"../",
    b"\xff\xff\xff\x7f",
    b"\xff" * 8,
)
"""Pieces that readers of some form have stumbled over."""

CELLS = (
    "",
    " ",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e308",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "true",
    "FALSE",
    "yes",
    "null",
    "None",
    "[]",
    "{}",
    "[1, 2]",
    '["ana", "bo"]',
    '["ana", null, 3]',
    '[["ana"]]',
    "[ana",
    '"ana"',
    '"',
    "a,b",
    "a\tb",
    "a\nb",
    "public",
    "SECRET ",
    "publik",
    "2024-02-30",
    "2024-02-29",
    "2024-06-01T25:00",
    "2024-06-01T12:30:61Z",
    "2024-06-01 12:30:59.5+02:00",
    "0000-00-00",
    "9999-12-31T23:59:59-99:99",
    "1700000000",
    "1700000000000",
    "-62135596800",
    "9007199254740993",
    "9" * 30,
    "١٢٣",
    "é",
    "e\u0301",
    "\u202eabc",
    "\u2028",
    "\ufeff",
    "👩‍🚀",
    "%",
    "{}{0}%s",
    "../../etc/passwd",
    "'; DROP TABLE members; --",
    "x" * 300,
    "y" * 25_000,
)
"""Cells that some kind of column may misunderstand."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 0.5, -0.0, 1e308, float("inf"), float("nan"), 2**31, 2**63,
    2**64, 10**400, "", "a", "1", "../..", "\0", "\ud800", "x" * 300, [], {}, [None], [[]], ["a"],
    [1.5], {"": None}, {"a": {"a": []}},
)  # fmt: skip
"""JSON values of every type."""

MOST_EDITS = 4
DEEP = 100_000
"""Brackets around a value that is too deep for any reader that calls itself."""


def damaged(random: Random, content: bytes) -> bytes:
    """Return bytes with one to four edits: flipped, cut, doubled, moved, or pieces put in."""
    for _ in range(random.randint(1, MOST_EDITS)):
        content = _edited(random, content)
    return content


def _edited(random: Random, content: bytes) -> bytes:
    size = len(content)
    start, other = sorted(random.randint(0, size) for _ in range(2))
    end = min(other, start + random.choice((1, 4, 64, size)))
    match random.randrange(7):
        case 0 if size:
            place = min(start, size - 1)
            flipped = content[place] ^ (1 << random.randrange(8))
            return content[:place] + bytes([flipped]) + content[place + 1 :]
        case 1:
            return content[:start]
        case 2:
            return content[:start] + content[end:]
        case 3:
            return content[:start] + content[start:end] * 2 + content[end:]
        case 4:
            return content[:start] + random.randbytes(end - start) + content[end:]
        case 5:
            moved = random.randint(0, size)
            return content[:moved] + content[start:end] + content[moved:]
    rest = random.choice((start, end))
    return content[:start] + random.choice(BYTES) + content[rest:]


def odd_cell(random: Random, usual: str | None) -> str | None:
    """Return a cell in place of another: an odd one, the same with an odd piece in it, or none."""
    draw = random.random()
    if draw < 0.1:
        return None
    if draw < 0.7 or not usual:
        return random.choice(CELLS)
    place = random.randint(0, len(usual))
    return usual[:place] + random.choice(CELLS) + usual[place:]


def odd_json(random: Random, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value with one part of it changed, renamed, doubled or taken away."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(sorted(value))
        draw = random.random()
        if draw < 0.1:
            return {key: part for key, part in value.items() if key != name}
        if draw < 0.2:
            return {**value, random.choice((name + "x", "", *sorted(value))): value[name]}
        return {**value, name: odd_json(random, value[name])}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        parts: tuple[list[Any], ...] = (
            [],
            [value[place]] * random.choice((2, 300)),
            [odd_json(random, value[place])],
            [odd_json(random, value[place])],
        )
        return [*value[:place], *random.choice(parts), *value[place + 1 :]]
    if isinstance(value, str) and random.random() < 0.3:
        return random.choice((value + "x", value[:-1], value.upper(), f"../{value}", f" {value}"))
    if isinstance(value, int | float) and not isinstance(value, bool) and random.random() < 0.5:
        return random.choice((value + 1, -value, value * 1000, str(value), -0.5))
    return random.choice(VALUES)


def json_bytes(random: Random, value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a JSON value as bytes after one to three changes; sometimes deeper than is sane."""
    for _ in range(random.randint(1, 3)):
        value = odd_json(random, value)
    text = json.dumps(value)
    if random.random() < 0.02:
        text = "[" * DEEP + text + "]" * DEEP
    return text.encode()
