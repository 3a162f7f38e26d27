"""A history in which the right answers of every peer follow by construction, and smaller ones.

Bakers are in four groups and write about bread, cyclists in four others and about bicycles; one
of each is in three of the four. Group 8 is new: it is about sourdough and has no member yet.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import PEERS, TEXT_ALONE, History, Peer, Viewers
from engine.domain import DAY_S
from engine.types import Matrix
from tests.benchmarks.peer_packages import needs
from tests.world import NOW

BAKING, CYCLING, NEW = [0, 1, 2, 3], [4, 5, 6, 7], 8
BAKER, CYCLIST, NEWCOMER = 0, 12, 24
"""A baker who is not in group 3, a cyclist who is not in group 7, someone in no group."""

MODULES = {
    "item_knn": "implicit",
    "ials": "implicit",
    "bpr": "implicit",
    "ease": "irspack",
    "lightfm": "lightfm",
}
"""What a peer imports that only the extra `bench` installs."""


def peer_named(name: str) -> Peer:
    needs(name, MODULES.get(name))
    return PEERS[name]


def a_history() -> History:
    pairs = [(member, group) for member in range(12) for group in BAKING]
    pairs += [(member, group) for member in range(12, 24) for group in CYCLING]
    pairs.remove((BAKER, 3))
    pairs.remove((CYCLIST, 7))
    member, group = np.array(pairs).T
    own = np.eye(11, dtype=np.float32)
    bread, bicycles = own[9], own[10]
    groups = [0.6 * own[row] + 0.8 * (bicycles if row in CYCLING else bread) for row in range(9)]
    members = [bread] * 12 + [bicycles] * 12 + [0 * bread]
    return History(
        members=25,
        groups=9,
        member=member.astype(np.int64),
        group=group.astype(np.int64),
        ts=NOW - DAY_S * np.arange(len(member), dtype=np.float64),
        n=np.ones(len(member), dtype=np.float32),
        asof=NOW,
        member_texts=np.stack(members).astype(np.float32),
        group_texts=np.stack(groups).astype(np.float32),
    )


def saying(vector: Matrix) -> Viewers:
    return Viewers(np.array([TEXT_ALONE]), vector[None, :].astype(np.float32))


SILENT = saying(np.zeros(1, np.float32))
"""Someone who is to be told what everybody is told."""


def few(
    member: list[int],
    group: list[int],
    n: list[float] | None = None,
    days_ago: list[float] | None = None,
) -> History:
    """Return a history of two members and three groups that say nothing."""
    ages = np.array(days_ago or [0.0] * len(member))
    return History(
        members=2,
        groups=3,
        member=np.array(member),
        group=np.array(group),
        ts=NOW - DAY_S * ages,
        n=np.array(n or [1.0] * len(member), dtype=np.float32),
        asof=NOW,
        member_texts=np.zeros((2, 1), np.float32),
        group_texts=np.zeros((3, 1), np.float32),
    )
