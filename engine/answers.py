"""What a recommender answers: suggestions with their reasons, and what policies say of old ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.capacity import Short
from engine.columns import Strings
from engine.explanations import Reason
from engine.pool import Slate, Trace

GONE = "gone"
"""What refuses an item that is not there any more."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One item of a slate.

    Attributes:
        id: External id of the group or the member.
        name: What it is called; its id if it has no name.
        score: What ordered the pool; larger is better, comparable within one slate only.
        probability: That the viewer joins for good, None unless calibrated.
        reasons: Why, at least one.
        opening: A question to begin with, made of what both may see; None if it is no introduction.
    """

    id: str
    name: str
    score: float
    probability: float | None
    reasons: tuple[Reason, ...]
    opening: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Suggestions, best first, and what happened on the way; `slate` has them as columns.

    `short` says why there are fewer people than were asked for.
    """

    items: tuple[Suggestion, ...]
    trace: Trace
    slate: Slate
    short: Short | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What policies say now of an item that was suggested before.

    Attributes:
        id: Its external id.
        name: What it is called; '' if it is refused.
        refused_by: The policy that refuses it, `GONE` if there is no such thing any more; None
            if it may be shown.
        reasons: Why it would be suggested now; none if it is refused.
    """

    id: str
    name: str = ""
    refused_by: str | None = None
    reasons: tuple[Reason, ...] = ()


def nothing_to_begin_with(row: int) -> None:
    """Return no opening."""


def answer_of(
    slate: Slate,
    ids: Strings,
    names: Strings,
    explain: Callable[[int], list[Reason]],
    begin: Callable[[int], str | None] = nothing_to_begin_with,
) -> Answer:
    """Return a slate as an answer.

    Args:
        slate: What was chosen.
        ids: External ids, by row.
        names: What each is called, by row.
        explain: A row -> why it is suggested.
        begin: A row -> a question to begin with.
    """
    items = [
        Suggestion(ids[row], names[row] or ids[row], score, likely, tuple(explain(row)), begin(row))
        for row, score, likely in zip(
            slate.rows.tolist(),
            slate.ranked_scores.tolist(),
            slate.ranked_probabilities,
            strict=True,
        )
    ]
    return Answer(tuple(items), slate.trace, slate)
