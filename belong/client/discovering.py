"""Which groups should exist, as Belong tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from belong.client.answers import Reason
from belong.client.call import Call, path_in
from belong.client.reading import read


@dataclass(frozen=True, slots=True)
class Founder:
    """Somebody who might found a group.

    Attributes:
        id: Their id on the platform.
        name: What to call them.
        reasons: Why they are among the founders.
    """

    id: str
    name: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class NearestGroup:
    """A public group that comes near.

    Attributes:
        id: Its id on the platform.
        name: What it is called.
        reasons: Why it does not serve these people.
    """

    id: str
    name: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class DiscoveredGroup:
    """People with a narrow interest that no public group serves.

    Attributes:
        name: What the group might be called, in their own words.
        description: What they have in common.
        terms: The words that several of them use, most typical first.
        founders: 4 to 40 people, the most central first.
        nearest: Public groups that come nearest, and why they do not serve.
        score: Comparable within one answer only.
    """

    name: str
    description: str
    terms: tuple[str, ...]
    founders: tuple[Founder, ...]
    nearest: tuple[NearestGroup, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Discoveries:
    """Groups that should exist.

    Attributes:
        community: Where.
        version: The bundle that answered.
        items: Best first; there may be none.
    """

    community: str
    version: str
    items: tuple[DiscoveredGroup, ...]


def discoveries(community: str, limit: int = 10, min_sequence: int = 0) -> Call[Discoveries]:
    """Return groups that should exist, best first. It takes a host's key.

    Args:
        community: Its name.
        limit: Most groups wanted, 1 to 100.
        min_sequence: As of `asking.groups_for`.
    """
    query = {"limit": limit, "min_sequence": min_sequence}
    return Call("GET", path_in(community, "discoveries"), partial(read, Discoveries), query)
