"""Posts that may be answered, as Belong tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from belong.client.answers import Reason


@dataclass(frozen=True, slots=True)
class OpenPost:
    """A post that nobody has answered.

    Attributes:
        id: Its id on the platform.
        authors: Who wrote it, as far as they may be seen.
        groups: The public groups in which it stands.
        waiting_hours: Hours since it was written.
        voices: How many people who may be seen have answered it.
        by_newcomer: Whether somebody wrote it who was new then.
    """

    id: str
    authors: tuple[str, ...]
    groups: tuple[str, ...]
    waiting_hours: float
    voices: int
    by_newcomer: bool


@dataclass(frozen=True, slots=True)
class PostToJoin:
    """A conversation that a member might join; what it shares with `OpenPost` is told there.

    Attributes:
        score: Comparable within one slate only.
        reasons: Why.
    """

    id: str
    authors: tuple[str, ...]
    groups: tuple[str, ...]
    waiting_hours: float
    voices: int
    by_newcomer: bool
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class OpenPosts:
    """Posts that nobody has answered, in the order in which they should be.

    Attributes:
        community: Whose.
        version: The bundle that answered.
        items: The first first; there may be none.
    """

    community: str
    version: str
    items: tuple[OpenPost, ...]


@dataclass(frozen=True, slots=True)
class PostsToJoin:
    """Conversations that a member might join.

    Attributes:
        community: Whose.
        version: The bundle that answered.
        items: Best first; there may be none.
    """

    community: str
    version: str
    items: tuple[PostToJoin, ...]
