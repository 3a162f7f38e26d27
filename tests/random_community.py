"""Communities at random: everything hidden, closed, blocked, left or unreadable turns up in them.

Each name and each hidden word is unlike any other text, so that a leak is found by searching.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.domain import DAY_S
from tests.world import NOW, World, world

HIDDEN_WORDS = {"rocket": "unobtainium", "sourdough": "kryptonite", "chat": "whispers"}
"""Words that only posts use that are not public, as much to the point as any other."""

TOPICS = {
    "rocket": ("igniter", "nosecone", "booster"),
    "sourdough": ("levain", "crumb", "banneton"),
    "chat": ("gossip", "weather", "sunset"),
}
"""An axis of the keyword encoder, and words that go with it."""


def random_world(seed: int) -> World:
    """Return a community of six to sixteen people drawn from a seed."""
    return world(random_tables(seed))


def random_tables(seed: int) -> dict[str, pl.DataFrame]:
    """Return its tables."""
    chance = np.random.default_rng(seed)
    members = [f"m{row}" for row in range(chance.integers(6, 17))]
    groups = [f"g{row}" for row in range(chance.integers(2, 9))]
    tables = {
        "members": _members(chance, members),
        "groups": _groups(chance, groups),
        "memberships": _memberships(chance, members, groups),
        "posts": _posts(chance, members, groups),
        "ties": _pairs(chance, members, ("a", "b"), 0.15),
        "blocks": _pairs(chance, members, ("member", "other"), 0.1),
    }
    tables["participations"] = _participations(chance, members, tables["posts"]["id"].to_list())
    return tables


def said(chance: np.random.Generator, number: int, *, hidden: bool = False) -> str:
    """Return a text on one topic."""
    topic = str(chance.choice(list(TOPICS)))
    one, other = chance.choice(TOPICS[topic], 2, replace=False)
    return f"{topic}, {HIDDEN_WORDS[topic] if hidden else one}, {other}, number{number}"


def _pick(chance: np.random.Generator, options: Sequence[object], count: int) -> list[object]:
    return [options[place] for place in chance.integers(len(options), size=count)]


def _members(chance: np.random.Generator, ids: list[str]) -> pl.DataFrame:
    flags = [True, True, True, True, False, None]
    named, bands = chance.uniform() < 0.8, chance.uniform() < 0.7
    return pl.DataFrame(
        {
            "id": ids,
            "name": [f"Person{one}" if named else "" for one in ids],
            "text": [
                said(chance, row) if chance.uniform() < 0.5 else "" for row in range(len(ids))
            ],
            "audience": _pick(
                chance, ["adult", "adult", "minor", None] if bands else ["all"], len(ids)
            ),
            "discoverable": _pick(chance, flags, len(ids)),
            "open_to_introductions": _pick(chance, flags, len(ids)),
            "weekly_introductions": _pick(chance, [5.0, 5.0, 1.0, 0.0, None], len(ids)),
        },
        schema_overrides={"audience": pl.String, "weekly_introductions": pl.Float64},
    )


def _groups(chance: np.random.Generator, ids: list[str]) -> pl.DataFrame:
    seen = [*["public"] * 8, "private", "secret", None, "nonsense"]
    return pl.DataFrame(
        {
            "id": ids,
            "name": [f"Place{one}" for one in ids],
            "text": [said(chance, row) for row in range(len(ids))],
            "visibility": _pick(chance, seen, len(ids)),
            "capacity": _pick(chance, [100.0, 100.0, 100.0, 3.0, None], len(ids)),
        },
        schema_overrides={"capacity": pl.Float64, "visibility": pl.String},
    )


def _memberships(
    chance: np.random.Generator, members: list[str], groups: list[str]
) -> pl.DataFrame:
    pairs = [(one, group) for one in members for group in groups if chance.uniform() < 0.35]
    since = [NOW - float(age) * DAY_S for age in chance.integers(1, 200, len(pairs))]
    gone = chance.uniform(size=len(pairs)) < 0.2
    return pl.DataFrame(
        {
            "member": [one for one, _ in pairs],
            "group": [group for _, group in pairs],
            "first_ts": since,
            "left_ts": [NOW - DAY_S / 2 if left else None for left in gone],
        },
        schema={
            "member": pl.String,
            "group": pl.String,
            "first_ts": pl.Float64,
            "left_ts": pl.Float64,
        },
    )


def _posts(chance: np.random.Generator, members: list[str], groups: list[str]) -> pl.DataFrame:
    count = int(chance.integers(5, 60))
    seen = _pick(chance, [*["public"] * 5, "private", "secret", None], count)
    return pl.DataFrame(
        {
            "id": [f"p{row}" for row in range(count)],
            "member": _pick(chance, members, count),
            "groups": [
                sorted(chance.choice(groups, chance.integers(0, 3), replace=False).tolist())
                for _ in range(count)
            ],
            "ts": [NOW - float(age) * DAY_S for age in chance.integers(1, 400, count)],
            "text": [
                said(chance, 1_000 + row, hidden=visibility != "public")
                for row, visibility in enumerate(seen)
            ],
            "visibility": seen,
        },
        schema_overrides={"groups": pl.List(pl.String), "visibility": pl.String},
    )


def _participations(
    chance: np.random.Generator, members: list[str], posts: list[str]
) -> pl.DataFrame:
    pairs = [(post, one) for post in posts for one in members if chance.uniform() < 0.1]
    return pl.DataFrame(pairs, schema={"post": pl.String, "member": pl.String}, orient="row")


def _pairs(
    chance: np.random.Generator, members: list[str], names: tuple[str, str], share: float
) -> pl.DataFrame:
    pairs = [
        (one, other)
        for one in members
        for other in members
        if one != other and chance.uniform() < share
    ]
    return pl.DataFrame(pairs, schema=dict.fromkeys(names, pl.String), orient="row")
