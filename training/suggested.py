"""What was suggested and what became of it, as a ranker learns from it.

Only what was really shown is looked at: what has an event. Everything is told by ids and numbers;
nothing anybody said is in it. `training.feedback_contest` learns from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType

import numpy as np
import polars as pl

from data.community import Community
from data.store.holds import Event
from data.store.outcomes import Outcome
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import BoolVector, Rows, Vector
from training.examples import MOST_VIEWERS, Examples, Truth, drawn, measured
from training.windows import Window

GROUPS = "groups"
"""The purpose that is learned from: groups that Belong chose for a member."""


class Label(IntEnum):
    """What an event says of a suggestion."""

    UNTOLD = 0
    """Nothing: it was shown, and passed over as far as it was seen."""
    REFUSED = 1
    """No, and it was seen for certain."""
    TAKEN = 2
    """Yes."""


LABELS: Mapping[Event, Label] = MappingProxyType(
    {
        Event.REPORTED: Label.REFUSED,  # worse than never having joined
        Event.LEFT: Label.REFUSED,  # a join that did not last is no belonging
        Event.JOINED: Label.TAKEN,  # the only yes there is to a group
        Event.DISMISSED: Label.REFUSED,  # seen, and not wanted
        Event.DECLINED: Label.REFUSED,  # the same, said politely
        Event.ACCEPTED: Label.UNTOLD,  # who said yes and never came does not belong there
        Event.CONVERSED: Label.UNTOLD,  # of members only
        Event.MET: Label.UNTOLD,  # of members only
        # A click tells that somebody looked and was curious. If it counted for anything, what
        # makes curious would rise above where people stay; counting against the group would
        # punish it for having been looked at closely. So it is as good as shown.
        Event.OPENED: Label.UNTOLD,
        Event.SHOWN: Label.UNTOLD,
    }
)
"""What each event says; of several, the first here decides."""

DECISIVE = tuple(LABELS)
LABEL_AT = np.array([label.value for label in LABELS.values()])


@dataclass(frozen=True, slots=True)
class Suggested:
    """Groups that were shown to members.

    Attributes:
        frame: One row for each showing: `slate` (a number), `ts` (when it was served, unix
            seconds), `member group` (ids), `rank` (from 1), `score` (which ordered the candidates),
            `odds` (with which it was served),
            `told` (the place in `DECISIVE` of the event that decides), `reacted` (whether
            anything but being shown came of it).
    """

    frame: pl.DataFrame

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Suggested:
        """Gather suggestions of groups; what was shown for another purpose is left out."""
        columns: dict[str, list[object]] = {name: [] for name in _SCHEMA}
        slates: dict[str, int] = {}
        for one in outcomes:
            if one.purpose != GROUPS:
                continue
            told = min(DECISIVE.index(event) for event in one.events if event in LABELS)
            row = (
                slates.setdefault(one.recommendation_id, len(slates)), one.created_ts, one.member,
                one.item.item, one.item.rank, one.item.score, one.item.odds, told,
                bool(one.events - {Event.SHOWN}),
            )  # fmt: skip
            for name, value in zip(_SCHEMA, row, strict=True):
                columns[name].append(value)
        return cls(pl.DataFrame(columns, schema=_SCHEMA))

    def before(self, cut: float) -> Suggested:
        """Return what was served before a moment, unix seconds."""
        return Suggested(self.frame.filter(pl.col("ts") < cut))


_SCHEMA = pl.Schema(
    {
        "slate": pl.Int64,
        "ts": pl.Float64,
        "member": pl.String,
        "group": pl.String,
        "rank": pl.Int64,
        "score": pl.Float64,
        "odds": pl.Float64,
        "told": pl.Int64,
        "reacted": pl.Boolean,
    }
)


@dataclass(frozen=True, slots=True)
class Showings:
    """What was shown in one window, within the candidates of those it was shown to.

    Attributes:
        examples: The whole pools of the viewers as the window began; `joined` is what they took,
            `counts` is 0 but for what was shown.
        refused: Which candidates were refused: bool of shape (n,).
        places: The candidate of each showing: int64 of shape (s,).
        ranks: Where it stood, from 1: int64 of shape (s,).
        scores: What ordered the candidates then: float32 of shape (s,).
        odds: With what probability it was served: float32 of shape (s,).
        reacted: Whether anything but being shown came of it: bool of shape (s,).
        slates: Which slate it was in: int64 of shape (s,).
    """

    examples: Examples
    refused: BoolVector
    places: Rows
    ranks: Rows
    scores: Vector
    odds: Vector
    reacted: BoolVector
    slates: Rows

    @property
    def shown(self) -> BoolVector:
        """Which candidates were shown: bool of shape (n,)."""
        return self.examples.counts > 0


def resolved(suggested: Suggested, community: Community, left_out: dict[str, int]) -> pl.DataFrame:
    """Return the showings with rows for ids, told by memberships as well.

    A membership that began after the showing is a join, whether or not anybody told of it as
    feedback, and one that has ended did not last.

    Args:
        suggested: What was shown.
        community: As it is now. Showings to whom it does not know, as they were forgotten, and to
            whom is not discoverable, are left out.
        left_out: Counts what is left out, and why.

    Returns:
        The columns of `Suggested.frame`, `member` and `group` as rows.
    """
    members = community.members.select(member="id", m=_row(), discoverable="discoverable")
    groups = community.groups.select(group="id", g=_row())
    found = suggested.frame.join(members, on="member", maintain_order="left")
    found = found.join(groups, on="group", maintain_order="left")
    left_out["of or to somebody unknown"] = len(suggested.frame) - len(found)
    seen = found.filter("discoverable")
    left_out["to members who are not discoverable"] = len(found) - len(seen)
    joined = community.memberships.select(m="member", g="group", since="first_ts", until="left_ts")
    known = seen.join(joined, on=["m", "g"], how="left", maintain_order="left")
    later = (pl.col("since") >= pl.col("ts")).fill_null(value=False)
    joined_at, left_at = DECISIVE.index(Event.JOINED), DECISIVE.index(Event.LEFT)
    event = pl.when(pl.col("until").is_null()).then(joined_at).otherwise(left_at)
    told = pl.min_horizontal("told", pl.when(later).then(event))
    return known.with_columns(told=told).select(
        "slate", "ts", "rank", "score", "odds", "told", "reacted", member="m", group="g"
    )


def shown_in(
    showings: pl.DataFrame,
    snapshot: Snapshot,
    window: Window,
    rng: np.random.Generator,
    left_out: dict[str, int],
) -> Showings:
    """Return what was shown in a window, measured as its start knew it.

    Args:
        showings: What `resolved` gives.
        snapshot: Built from what was known when the window began: nothing in it knows what was
            shown or what came of it.
        window: Which; pass one without an end for the newest.
        rng: Draws viewers, where there are many.
        left_out: Counts what is left out, and why.
    """
    here = showings.filter((pl.col("ts") >= window.cut) & (pl.col("ts") < window.end))
    there = np.unique(here["member"].to_numpy())
    acquainted = there[snapshot.members.groups.counts()[there] > 0]
    _count(left_out, "to members without a group", len(here) - len(_of(here, acquainted)))
    viewers = drawn(acquainted, MOST_VIEWERS, rng)
    kept = _of(here, viewers)
    decided = kept.group_by("member", "group").agg(pl.col("told").min()).sort("member", "group")
    examples = _measured(snapshot, viewers, decided)
    size = len(snapshot.groups.ids)
    keys = examples.members[examples.owner()] * size + examples.rows  # ascending
    place, found = _places(keys, kept, size)
    _count(left_out, "of no candidate", int((~found).sum()))
    kept, place = kept.filter(found), place[found]
    counts = np.zeros(len(keys), np.float32)
    counts[place] = 1
    where, found = _places(keys, decided, size)
    refused = np.zeros(len(keys), bool)
    refused[where[found]] = LABEL_AT[decided["told"].to_numpy()[found]] == Label.REFUSED
    ideal = examples.sums(examples.joined).astype(np.int64)
    return Showings(
        examples=replace(examples, counts=counts, ideal=ideal),
        refused=refused,
        places=place,
        ranks=kept["rank"].to_numpy(),
        scores=kept["score"].to_numpy().astype(np.float32),
        odds=kept["odds"].to_numpy().astype(np.float32),
        reacted=kept["reacted"].to_numpy(),
        slates=kept["slate"].to_numpy(),
    )


def _measured(snapshot: Snapshot, viewers: Rows, decided: pl.DataFrame) -> Examples:
    """Return the viewers' whole pools, labelled by what they took of what was shown to them."""
    taken = decided.filter(LABEL_AT[decided["told"].to_numpy()] == Label.TAKEN)
    members, groups = taken["member"].to_numpy(), taken["group"].to_numpy()
    queries = [(int(row), query_of_member(snapshot, int(row))) for row in viewers]
    truth = Truth(members, groups, np.zeros(len(taken), bool))
    return measured(snapshot, queries, truth, np.ones(len(queries)))


def _places(keys: Rows, pairs: pl.DataFrame, size: int) -> tuple[Rows, BoolVector]:
    """Return where pairs of member and group are among ascending keys, and whether they are."""
    wanted = pairs["member"].to_numpy() * size + pairs["group"].to_numpy()
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def _of(showings: pl.DataFrame, members: Rows) -> pl.DataFrame:
    return showings.filter(pl.col("member").is_in(pl.Series(members, dtype=pl.Int64).implode()))


def _count(left_out: dict[str, int], why: str, more: int) -> None:
    left_out[why] = left_out.get(why, 0) + more


def _row() -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64)
