"""What an API key is: whom it was made for, what it may do, and where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import SettingError

EVERY_COMMUNITY = "*"
LONGEST_NAME = 100


class KeyScope(StrEnum):
    """What a key may do. None of them includes another."""

    READ = "read"
    WRITE = "write"
    HOST = "host"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; never its secret.

    Attributes:
        id: The part of the key that may be logged.
        name: Whom it was made for.
        scopes: What it may do.
        communities: Where it may do it; `EVERY_COMMUNITY` alone for everywhere.
        created_ts: When it was made, unix seconds.
        revoked_ts: From when on it is not valid, which may be yet to come; None if never.
        for_good: Whether that had come when it was said: no clock that is set back undoes it.
        rotated_from: The id of the key it replaces, None if none.
    """

    id: str
    name: str
    scopes: frozenset[KeyScope]
    communities: frozenset[str]
    created_ts: float
    revoked_ts: float | None = None
    rotated_from: str | None = None
    for_good: bool = False

    @property
    def covers_every_community(self) -> bool:
        """Return whether it is valid everywhere."""
        return EVERY_COMMUNITY in self.communities

    def covers(self, community: str) -> bool:
        """Return whether it is valid in a community."""
        return self.covers_every_community or community in self.communities

    def valid_at(self, now: float) -> bool:
        """Return whether it is valid at a moment, unix seconds."""
        return self.revoked_ts is None or (not self.for_good and now < self.revoked_ts)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made.

    Attributes:
        key: What is known of it from now on.
        presented: The key itself, to be shown once and kept by nobody here.
    """

    key: ApiKey
    presented: str = field(repr=False)


def check_key(name: str, scopes: Collection[KeyScope], communities: Collection[str]) -> None:
    """Refuse a key that could not be told from others, or could do nothing.

    Raises:
        SettingError: A part is missing or cannot be used.
    """
    if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
        raise SettingError(f"a key has a name of 1 to {LONGEST_NAME} printable characters")
    if not scopes:
        raise SettingError("a key has at least one scope: " + ", ".join(KeyScope))
    if not communities or not all(communities):
        raise SettingError("a key is for at least one community, or for all")
    if EVERY_COMMUNITY in communities and len(set(communities)) > 1:
        raise SettingError("a key is for all communities or for some, not both")
