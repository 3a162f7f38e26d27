"""A community of any size in memory, made in seconds: clustered vectors and plausible links.

It is for measuring how long a round takes and how good its pairs are by their own measure, not for
how glad anybody would be: its members have no history worth learning from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

import numpy as np

from engine.bundle import Bundle
from engine.columns import Links, Profiles, Strings
from engine.group_ranker import GroupRanker
from engine.index import VectorIndex
from engine.manifest import FORMAT, Manifest
from engine.recommender import Recommender
from engine.snapshot import GroupColumns, MemberColumns, Snapshot
from engine.types import Matrix, Rows

DIMENSION = 384
"""Dimensions of the vectors: those of the packaged encoder."""

PER_INTEREST = 100
"""People who share an interest, about."""

NOISE = 0.8
"""Length of the noise around an interest: two of one have a cosine of 1 / (1 + NOISE^2)."""

PER_GROUP = 40
MINORS = 0.1
CLOSED = 0.02
SAYING = 0.2
"""Share who say what they seek, and of those who say what they offer."""


class NoEncoder:
    """Stands where an encoder does: nobody asks with a text here."""

    dimension = DIMENSION
    fingerprint = "none"

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Refuse to.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("there are no texts in a synthetic community")


def synthetic_recommender(count: int, seed: int, now: float) -> Recommender:
    """Return what answers for a community of `count` members, without groups' vectors."""
    snapshot = synthetic_snapshot(count, seed)
    manifest = Manifest(FORMAT, "synthetic", "v1", "", "", 0, (None, None), {}, {}, {})
    nothing = VectorIndex.build(np.zeros((0, DIMENSION), np.float32))
    bundle = Bundle(manifest, snapshot, nothing, nothing, NoEncoder(), GroupRanker())
    return Recommender(bundle, clock=lambda: now)


def synthetic_snapshot(count: int, seed: int) -> Snapshot:
    """Return a community of `count` members drawn from a seed."""
    chance = np.random.default_rng(seed)
    sizes = {MemberColumns: count, GroupColumns: max(1, count // PER_GROUP)}
    blank: Snapshot = _blank(Snapshot, sizes, 0)
    topics = _unit(chance.normal(size=(max(2, 2 * count // PER_INTEREST), DIMENSION)))
    interests, main = _interests(chance, count, topics)
    groups = Links.of(count, *_memberships(chance, main, sizes[GroupColumns]))
    crowd = groups.reversed(sizes[GroupColumns])
    ties = _ties(chance, main)
    members = replace(
        blank.members,
        ids=Strings.of(f"m{row}" for row in range(count)),
        names=Strings.of(f"Member {row}" for row in range(count)),
        discoverable=chance.random(count) >= CLOSED,
        open_to_introductions=chance.random(count) >= CLOSED,
        audience=(chance.random(count) < MINORS).astype(np.int64),
        bands=Strings.of(["adult", "minor"]),
        weekly_introductions=np.full(count, 5, np.float32),
        interests=interests,
        groups=groups,
        ties=ties,
        blocks=_both_ways(count, *chance.integers(count, size=(2, count // 10))),
        active=chance.gamma(0.5, 4.0, count).astype(np.float32),
        seeking=_said(chance, count, topics),
        offering=_said(chance, count, topics),
        known_days=chance.gamma(1.0, 300.0, count).astype(np.float32),
    )
    about = replace(
        blank.groups,
        ids=Strings.of(f"g{row}" for row in range(sizes[GroupColumns])),
        names=Strings.of(f"Group {row}" for row in range(sizes[GroupColumns])),
        public=chance.random(sizes[GroupColumns]) < 0.9,
        size=crowd.counts().astype(np.float32),
        members=crowd,
    )
    same = Links(groups.offsets, groups.targets, groups.weights)
    behaviour = replace(blank.behaviour, joined=same, habits=same)
    return replace(blank, members=members, groups=about, behaviour=behaviour)


def _blank(kind: type[Any], sizes: dict[type[Any], int], size: int) -> Any:  # noqa: ANN401
    """Return columns of a snapshot in which nothing is said of anybody."""
    size, hints = sizes.get(kind, size), get_type_hints(kind)
    parts: dict[str, Any] = {}
    for field in fields(kind):
        hint = hints[field.name]
        of_groups = field.name.startswith("group_") or field.name == "life"
        rows = sizes[GroupColumns] if of_groups else size
        if kind.__name__ == "Behaviour" and not of_groups:
            rows = sizes[MemberColumns]
        if hint is Strings:
            parts[field.name] = Strings.of([""] * rows)
        elif hint is Links:
            parts[field.name] = Links.of(rows, np.zeros(0, np.int64), np.zeros(0, np.int64))
        elif hint is Profiles:
            nothing = np.zeros((0, DIMENSION), np.float32)
            parts[field.name] = Profiles(np.zeros(rows + 1, np.int64), nothing, nothing[:, 0])
        elif isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
            parts[field.name] = _blank(hint, sizes, rows)
        else:
            parts[field.name] = _plain(str(hint), rows)
    return kind(**parts)


def _plain(hint: str, rows: int) -> Any:  # noqa: ANN401 - an array of any type
    for told, dtype in (("bool", np.bool_), ("int64", np.int64), ("signedinteger", np.int64)):
        if told in hint:
            return np.zeros(rows, dtype)
    return np.zeros(rows, np.float32)


def _unit(vectors: Any) -> Matrix:  # noqa: ANN401 - any array
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def _near(chance: np.random.Generator, topics: Matrix, which: Rows) -> Matrix:
    noise = chance.standard_normal((len(which), DIMENSION), np.float32)
    noise *= np.float32(NOISE / np.sqrt(DIMENSION))
    noise += topics[which]
    return _unit(noise)


def _interests(chance: np.random.Generator, count: int, topics: Matrix) -> tuple[Profiles, Rows]:
    """Return one to three interests of each member, and the topic of their first."""
    each = chance.integers(1, 4, size=count)
    which = chance.integers(len(topics), size=int(each.sum()))
    offsets = np.concatenate([[0], np.cumsum(each)])
    shares = np.repeat(1 / each, each).astype(np.float32)
    return Profiles(offsets, _near(chance, topics, which), shares), which[offsets[:-1]]


def _said(chance: np.random.Generator, count: int, topics: Matrix) -> Profiles:
    says = (chance.random(count) < SAYING).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(says)])
    which = chance.integers(len(topics), size=int(says.sum()))
    return Profiles(offsets, _near(chance, topics, which), np.ones(len(which), np.float32))


def _memberships(chance: np.random.Generator, main: Rows, groups: int) -> tuple[Rows, Rows]:
    """Return three groups of each member, two of them about their first interest."""
    about = (main * 7 + chance.integers(0, 3, size=(2, len(main)))) % groups
    any_one = chance.integers(groups, size=len(main))
    return np.tile(np.arange(len(main)), 3), np.concatenate([about[0], about[1], any_one])


def _ties(chance: np.random.Generator, main: Rows) -> Links:
    """Return ties, most of them between people of one interest."""
    order = np.argsort(main, kind="stable")
    steps = [np.roll(order, -step) for step in chance.integers(1, 30, size=3).tolist()]
    anyone = chance.integers(len(main), size=len(main))
    one = np.concatenate([np.tile(order, 3), np.arange(len(main))])
    return _both_ways(len(main), one, np.concatenate([*steps, anyone]))


def _both_ways(count: int, one: Rows, other: Rows) -> Links:
    apart = one != other
    one, other = one[apart], other[apart]
    return Links.of(count, np.concatenate([one, other]), np.concatenate([other, one]))
