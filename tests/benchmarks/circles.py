"""Small circles of people whose right answers follow by construction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.peers.history import History
from benchmarks.people import PEOPLE_PEERS, Circle, PeoplePeer
from engine.domain import DAY_S
from engine.types import Rows
from tests.benchmarks.peer_packages import needs
from tests.world import NOW

BAKERS, CYCLISTS = range(8), range(8, 16)
PAIRS = ((0, 1), (8, 9))
"""People who are alike in everything and have not met, one pair of each kind."""

MODULES = {"ials": "implicit", "ials_ties": "implicit", "light_gcn": "torch_geometric"}
"""What a peer imports that only the extra `bench` installs."""


def people_peer(name: str) -> PeoplePeer:
    needs(name, MODULES.get(name))
    return PEOPLE_PEERS[name]


def a_circle(
    members: int,
    ties: Sequence[tuple[int, int]] = (),
    groups: Sequence[tuple[int, int]] = (),
    days_ago: Sequence[float] | None = None,
    active: Sequence[int] = (),
) -> Circle:
    """Return a circle in which nobody says anything; ages are those of the ties."""
    ages = np.array(days_ago if days_ago is not None else [0.0] * len(ties))
    one, other = np.array(ties, np.int64).reshape(-1, 2).T
    member, group = np.array(groups, np.int64).reshape(-1, 2).T
    history = History(
        members=members,
        groups=int(group.max(initial=0)) + 1,
        member=member,
        group=group,
        ts=np.full(len(member), NOW),
        n=np.ones(len(member), np.float32),
        asof=NOW,
        member_texts=np.zeros((members, 2), np.float32),
        group_texts=np.zeros((int(group.max(initial=0)) + 1, 2), np.float32),
    )
    doing: Rows = np.array(active, np.int64)
    return Circle(history, one, other, NOW - DAY_S * ages, doing, np.full(len(doing), NOW))


def two_kinds() -> Circle:
    """Return bakers and cyclists: everybody has met all of their kind but for two `PAIRS`."""
    ties = [(a, b) for kind in (BAKERS, CYCLISTS) for a in kind for b in kind if a < b]
    ties = [pair for pair in ties if pair not in PAIRS]
    groups = [(row, kind) for kind, rows in enumerate((BAKERS, CYCLISTS)) for row in rows]
    circle = a_circle(16, ties, groups, active=[*range(16)])
    said = np.repeat(np.eye(2, dtype=np.float32), 8, axis=0)
    circle.history.member_texts[:] = said
    return circle
