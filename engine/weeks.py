"""Weeks: they begin on Monday at midnight UTC, as in ISO 8601, wherever anybody is."""

from __future__ import annotations

from math import floor

from engine.domain import DAY_S

WEEK_S = 7 * DAY_S

_FIRST_MONDAY_S = -3 * DAY_S  # 1969-12-29: the first of January 1970 was a Thursday


def week_of(at: float) -> int:
    """Return the number of the week a moment is in: 0 is the one that holds 1 January 1970.

    Args:
        at: Unix seconds, finite.

    >>> week_of(0.0), week_of(4 * DAY_S - 1), week_of(4 * DAY_S)
    (0, 0, 1)
    """
    return floor((at - _FIRST_MONDAY_S) / WEEK_S)


def end_of_week(week: int) -> float:
    """Return when a week is over and the next one begins, unix seconds.

    >>> end_of_week(0) == 4 * DAY_S
    True
    """
    return float(_FIRST_MONDAY_S + (week + 1) * WEEK_S)


def day_of(at: float) -> int:
    """Return the number of the day a moment is in, UTC: 0 is 1 January 1970."""
    return floor(at / DAY_S)
