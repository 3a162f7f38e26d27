"""Which public groups come nearest to what some people share, and why each does not serve them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.columns import contains
from engine.explanations import Reason
from engine.snapshot import UNKNOWN, Snapshot
from engine.types import Matrix, Rows

NEAREST = 3
"""Groups that are told at most."""

LOOKED_AT = 12
"""Of the groups that are nearest by what they are about, and of those most of the people are in,
so many are compared."""

CLOSE = 0.35
"""Cosine from which a group is near at all."""

ASLEEP_DAYS = 180.0
"""Days without a post or a join after which a group is asleep."""

BROAD = 0.5
"""Cosine below which one of a group's prototypes is about something else."""

A_MONTH = 30.4

MANY = 200
"""Members from which a group is large."""

FEW = 0.5
"""Share of the people below which few of them are in a group."""


@dataclass(frozen=True, slots=True)
class NearGroup:
    """A group that comes near: its id, what it is called, and why it does not serve."""

    id: str
    name: str
    reasons: tuple[Reason, ...]


def near_groups(snapshot: Snapshot, people: Rows, centre: Matrix) -> list[NearGroup]:
    """Return the public groups that come nearest, the nearest first, with why they do not serve.

    Args:
        snapshot: The community.
        people: Whom they might serve, rows; they may all be seen.
        centre: What the people share: a unit vector of shape (1, d).
    """
    groups = snapshot.groups
    here = np.flatnonzero(groups.public & (np.diff(groups.ids.offsets) > 0))
    if not len(here):
        return []
    near = groups.prototypes.best_match(centre, here)[:, 0]
    _, there, _ = snapshot.members.groups.of_rows(people)
    share = np.bincount(there, minlength=len(groups.public))[here] / max(len(people), 1)
    # A group is near by what it is about, or because many of the people are in it already.
    fit = near + share
    found = np.flatnonzero((near >= CLOSE) | (share >= FEW))
    order = found[np.lexsort((here[found], -fit[found]))][:NEAREST]
    return [
        NearGroup(
            groups.ids[row],
            groups.names[row] or groups.ids[row],
            tuple(why_not(snapshot, row, people, centre)),
        )
        for row in here[order].tolist()
    ]


def why_not(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> list[Reason]:
    """Return why a public group does not serve some people, at least one reason."""
    makers = (_asleep, _spoken_elsewhere, _elsewhere, _broad, _few, _apart)
    found = (make(snapshot, group, people, centre) for make in makers)
    reasons = [reason for reason in found if reason is not None][:2]
    return reasons or [_reason(snapshot, group, "other_subject", "It is about other things.")]


def _reason(snapshot: Snapshot, group: int, kind: str, text: str) -> Reason:
    return Reason(kind, text, (snapshot.groups.ids[group],))


def _asleep(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> Reason | None:
    days = float(np.expm1(snapshot.behaviour.life.quiet[group]))
    if days < ASLEEP_DAYS:
        return None
    months = round(days / A_MONTH)
    return _reason(snapshot, group, "asleep", f"Nothing has happened in it for {months} months.")


def _spoken_elsewhere(
    snapshot: Snapshot, group: int, people: Rows, centre: Matrix
) -> Reason | None:
    acts = snapshot.behaviour
    if not _differs(int(acts.group_languages[group]), acts.languages[people]):
        return None
    return _reason(snapshot, group, "other_language", "It speaks another language than they do.")


def _elsewhere(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> Reason | None:
    acts = snapshot.behaviour
    if not _differs(int(acts.group_homes[group]), acts.homes[people]):
        return None
    return _reason(snapshot, group, "other_place", "It is in another place than they are.")


def _differs(of_group: int, of_people: Rows) -> bool:
    """Return whether most of the people have told something else than the group."""
    told = of_people[of_people != UNKNOWN]
    if of_group == UNKNOWN or not len(told) or 2 * len(told) <= len(of_people):
        return False
    return 2 * int((told != of_group).sum()) > len(told)


def _broad(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> Reason | None:
    groups = snapshot.groups
    vectors, _ = groups.prototypes.of_row(group)
    others = int((vectors @ centre[0] < BROAD).sum())
    if others >= 2 and others < len(vectors):
        text = (
            f"It is broad: this is one of {others + 1} subjects of its {_members(snapshot, group)}."
        )
        return _reason(snapshot, group, "too_broad", text)
    if groups.size[group] > MANY:
        text = f"It is large: {_members(snapshot, group)}."
        return _reason(snapshot, group, "too_broad", text)
    return None


def _members(snapshot: Snapshot, group: int) -> str:
    size = int(snapshot.groups.size[group])
    return "1 member" if size == 1 else f"{size} members"


def _few(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> Reason | None:
    inside = int(contains(snapshot.groups.members.of_row(group)[0], np.sort(people)).sum())
    if inside >= FEW * len(people):
        return None
    who = "None" if inside == 0 else str(inside)
    verb = "is" if inside == 1 else "are"
    return _reason(
        snapshot, group, "few_inside", f"{who} of these {len(people)} people {verb} in it."
    )


def _apart(snapshot: Snapshot, group: int, people: Rows, centre: Matrix) -> Reason | None:
    vectors, _ = snapshot.groups.prototypes.of_row(group)
    if len(vectors) and float((vectors @ centre[0]).max()) >= BROAD:
        return None
    return _reason(snapshot, group, "other_subject", "What is said in it is about other things.")
