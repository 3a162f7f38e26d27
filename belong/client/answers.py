"""What Belong answers. A newer server may tell more: that is skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was suggested: a fact that can be checked.

    Attributes:
        kind: What sort of fact; stable.
        text: For the member to read.
        evidence: Ids of posts, members or groups that show it.
    """

    kind: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A group or a member.

    Attributes:
        id: Its id on the platform.
        name: What it is called.
        score: Comparable within one slate only.
        probability: That the member joins and stays; None unless calibrated.
        reasons: Why.
    """

    id: str
    name: str
    score: float
    probability: float | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Slate:
    """Suggestions, best first.

    Attributes:
        recommendation_id: To be given back with feedback.
        community: Whose.
        version: The bundle that answered.
        items: Best first; there may be none.
    """

    recommendation_id: str
    community: str
    version: str
    items: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A change is durable.

    Attributes:
        sequence: Give it as `min_sequence` to be answered with the change for certain.
    """

    sequence: int


@dataclass(frozen=True, slots=True)
class ManyAcknowledged:
    """Several changes are durable, all of them.

    Attributes:
        sequence: As of `Acknowledged`.
        changes: How many there were.
        repeated: Whether they had been made already, under the same idempotency key.
    """

    sequence: int
    changes: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class FeedbackAcknowledged:
    """Feedback is durable, all of it.

    Attributes:
        sequence: As of `Acknowledged`.
        events: How many there were.
        new: How many of them had not been told before.
    """

    sequence: int
    events: int
    new: int


@dataclass(frozen=True, slots=True)
class ErasureBegun:
    """A member is out of every answer from now on.

    Attributes:
        sequence: As of `Acknowledged`.
        erasure_id: Of the receipt, which tells when they are out of everything; None if there
            never was such a member.
    """

    sequence: int
    erasure_id: str | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of someone's being forgotten. It names nobody.

    Attributes:
        erasure_id: Its own id.
        community: Where they were.
        sequence: As of `Acknowledged`.
        requested_ts: When it was asked for, unix seconds.
        steps: What has been done, and when, unix seconds.
    """

    erasure_id: str
    community: str
    sequence: int
    requested_ts: float
    steps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Community:
    """A community that is served.

    Attributes:
        community: Its name.
        version: Its bundle.
        sequence: The last change its answers know.
        members: How many there are.
        groups: Likewise.
    """

    community: str
    version: str
    sequence: int
    members: int
    groups: int


@dataclass(frozen=True, slots=True)
class Communities:
    """All communities the key may see."""

    communities: tuple[Community, ...]
