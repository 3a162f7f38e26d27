"""What an id, a text, a time and a number may be in the store; anything else is refused."""

from __future__ import annotations

import math
import re

from engine.domain import DAY_S, MAX_TEXT, Visibility
from engine.errors import DataError

LONGEST_ID = 256
"""Characters of an id."""

MOST_MUTED = 200
"""Groups, and topics, that one member may mute."""

AHEAD_DAYS = 366
"""How far after now a date may lie; see `data.cells`."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def checked_id(value: str, what: str) -> str:
    """Return an id that both databases can hold.

    Raises:
        DataError: It is empty, longer than `LONGEST_ID`, or holds NUL or half a character.

    >>> checked_id("ann", "member")
    'ann'
    """
    if not 1 <= len(value) <= LONGEST_ID:
        raise DataError(f"the id of a {what} has 1 to {LONGEST_ID} characters, not {len(value)}")
    if "\0" in value or not _is_text(value):
        raise DataError(f"the id of a {what} holds a character that no database can keep")
    return value


def checked_text(value: str, what: str) -> str:
    r"""Return a text without control characters but newline and tab.

    Raises:
        DataError: It is longer than `MAX_TEXT`, or holds half a character.

    >>> checked_text("bread\x07 and butter", "text")
    'bread and butter'
    """
    if len(value) > MAX_TEXT:
        raise DataError(f"{what} has {len(value):,} characters, more than the {MAX_TEXT:,} allowed")
    if not _is_text(value):
        raise DataError(f"{what} holds half a character, so it is no valid text")
    return _CONTROLS.sub("", value)


def checked_time(value: float | None, what: str, now: float) -> float | None:
    """Return unix seconds, or None.

    Raises:
        DataError: It is before 1970, no number, or more than a year after `now`.
    """
    if value is None:
        return None
    if not (math.isfinite(value) and 0 <= value <= now + AHEAD_DAYS * DAY_S):
        raise DataError(f"{what} is in unix seconds, at most a year from now, not {value}")
    return float(value)


def checked_number(value: float | None, what: str) -> float | None:
    """Return a number of at least 0, or None.

    Raises:
        DataError: It is negative or not finite.
    """
    if value is None:
        return None
    if not (math.isfinite(value) and value >= 0):
        raise DataError(f"{what} is a number of at least 0, not {value}")
    return float(value)


def checked_visibility(value: str) -> str:
    """Return the visibility of a group or a post.

    Raises:
        DataError: It is none of `Visibility`.
    """
    if value not in set(Visibility):
        raise DataError(f"visibility is one of {', '.join(Visibility)}, not {value[:80]!r}")
    return str(value)


def checked_band(value: str | None) -> str | None:
    """Return an audience band as bands are compared: small letters, no blanks around; or None."""
    band = None if value is None else checked_text(value, "audience").strip().lower()
    return band or None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
