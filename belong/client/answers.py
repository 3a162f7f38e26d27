"""What Belong answers. A newer server may tell more: that is skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from belong.client.errors import Problem


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
        opening: A question to begin a conversation with; None if it is no introduction.
    """

    id: str
    name: str
    score: float
    probability: float | None = None
    reasons: tuple[Reason, ...] = ()
    opening: str | None = None


@dataclass(frozen=True, slots=True)
class Short:
    """Why there are fewer people than were asked for.

    Attributes:
        because: "closed", "weekly_introductions" or "nobody_left".
        asked: How many were asked for.
        given: How many there are.
        text: For the member to read.
    """

    because: str
    asked: int
    given: int
    text: str


@dataclass(frozen=True, slots=True)
class Slate:
    """Suggestions, best first.

    Attributes:
        recommendation_id: To be given back with feedback.
        community: Whose.
        version: The bundle that answered.
        items: Best first; there may be none.
        cursor: Leads to the next page; None if there is none, or no pages were asked for.
        short: Why there are fewer people than were asked for; None if there are not.
    """

    recommendation_id: str
    community: str
    version: str
    items: tuple[Suggestion, ...]
    cursor: str | None = None
    short: Short | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The caller's own candidates that may be shown, best first.

    Attributes:
        recommendation_id: To be given back with feedback.
        community: Whose.
        version: The bundle that answered.
        items: Best first; there may be none.
        left_out: Ids of the others, as they were given: unknown, or not to be shown to this
            member; which of the two is not told.
    """

    recommendation_id: str
    community: str
    version: str
    items: tuple[Suggestion, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What one of many members is answered.

    Attributes:
        member: Whose answer it is.
        slate: Their suggestions; None if there is a problem.
        problem: Why there are none.
    """

    member: str
    slate: Slate | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers for many members, in the order they were asked for."""

    community: str
    answers: tuple[BatchAnswer, ...]


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
        beyond: How many introductions that were shown are more than one of the two takes in a
            week: kept, and not counted.
    """

    sequence: int
    events: int
    new: int
    beyond: int = 0


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
        held_up: Why the next step cannot be done; None if nothing is in the way.
    """

    erasure_id: str
    community: str
    sequence: int
    requested_ts: float
    steps: Mapping[str, float]
    held_up: str | None = None


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


@dataclass(frozen=True, slots=True)
class ReplayedItem:
    """One item of an earlier slate: what was answered, and what would be now.

    Attributes:
        id: Of the group or the member.
        rank: Where it stood, from 1.
        score: As it was.
        odds: With what probability it was served, 0 to 1.
        sources: Which sources found it.
        reason_kinds: Which kinds of reasons were given.
        refused_by: The policy that would refuse it now, 'gone' if it is not there any more; None
            if it may be shown.
        name: What it is called; None if it is refused.
        reasons: Why it would be suggested now; none if it is refused.
    """

    id: str
    rank: int
    score: float
    odds: float
    sources: tuple[str, ...]
    reason_kinds: tuple[str, ...]
    refused_by: str | None = None
    name: str | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """An earlier slate, through today's policies.

    Attributes:
        recommendation_id: Its id.
        community: Whose.
        purpose: What it was for, such as groups.
        created_ts: When, unix seconds.
        version: The bundle that answered.
        policy: The version of the rules and of the operator's choices.
        items: By rank.
        member: For whom; None for someone known by a text alone.
        arm: The arms of experiments it was answered for; None for none.
    """

    recommendation_id: str
    community: str
    purpose: str
    created_ts: float
    version: str
    policy: str
    items: tuple[ReplayedItem, ...]
    member: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering groups; what is None is as the bundle has it.

    Attributes:
        name: What it is called.
        weight: Its share, beside the others'.
        intimacy: How much small groups are preferred, 0 to 3.
        exploration: Share of slates in which a group seldom shown gets a place, 0 to 1.
        variety: How much a slate mixes like the member's interests, 0 to 1.
    """

    name: str
    weight: float = 1.0
    intimacy: float | None = None
    exploration: float | None = None
    variety: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms that are compared.

    Attributes:
        name: What it is called.
        arms: Its ways of answering.
        created_ts: Since when, unix seconds.
    """

    name: str
    arms: tuple[Arm, ...]
    created_ts: float


@dataclass(frozen=True, slots=True)
class Experiments:
    """The experiments that run."""

    experiments: tuple[Experiment, ...]
