"""A community of fourteen people whose right answers follow by construction.

Half of them are into model rockets, some into sourdough, Ana into both. Around Ana stands one
person for each reason not to be introduced to her. See `MEMBERS` and `GROUPS` for who is who.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.community import Community
from data.folder import RawTable
from data.validate import build_community
from engine.domain import DAY_S
from engine.snapshot import Snapshot
from engine.types import Matrix
from training.build import build_snapshot
from training.texts import TextVectors, texts_of

NOW = 1_750_000_000.0
"""The moment it is, in the world: 2025-06-15."""

MEMBERS = {
    "ana": "into rockets and sourdough; everything below is seen from her",
    "bo": "into rockets, in the same club, not yet tied: the right introduction for Ana",
    "cy": "into sourdough",
    "di": "into rockets, but invisible",
    "ed": "into rockets, but closed to introductions",
    "fay": "into rockets, but blocked by Ana",
    "gus": "into rockets, but has blocked Ana",
    "hal": "into rockets, but a minor",
    "ivy": "into rockets, but of unknown audience",
    "jo": "new: a profile about sourdough, no groups, no posts",
    "kim": "new: nothing is known of them at all",
    "lu": "into rockets, but takes no introductions a week",
    "mo": "into rockets, tied with Ana already",
    "nia": "into rockets, open to everything, in no group of Ana's",
}

GROUPS = {
    "rocket-club": "public, about rockets; Ana is in it",
    "bakers": "public, about sourdough; Ana is in it",
    "launch-site": "public, about rockets; Bo, Mo and Nia are in it: right for Ana",
    "oven-talk": "public, about sourdough; Cy is in it",
    "secret-pad": "secret, about rockets; Bo and Mo are in it",
    "private-pad": "private, about rockets; Bo and Mo are in it",
    "full-pad": "public, about rockets, capacity 2 and full",
    "new-pad": "public, about rockets, without members",
    "left-pad": "public, about rockets; Ana has left it",
}

ROCKETS = "The igniter and the nosecone of my model rocket need work before launch"
BREAD = "My levain and the crumb of the sourdough loaf are getting better"


class KeywordEncoder:
    """An encoder whose vectors are known: rockets point one way, sourdough another."""

    AXES = ("rocket", "sourdough", "chat")

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return len(self.AXES) + 1

    @property
    def fingerprint(self) -> str:
        """Key of a vector cache."""
        return "keywords"

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return the direction of the keywords in each text, the last axis for none of them."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for axis, word in enumerate(self.AXES):
                vectors[row, axis] = text.lower().count(word)
            if not vectors[row].any():
                vectors[row, -1] = 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def tables() -> dict[str, pl.DataFrame]:
    """Return the world's tables in the native layout."""
    return {
        "members": _members(),
        "groups": _groups(),
        "memberships": _memberships(),
        "posts": _posts(),
        "ties": pl.DataFrame(
            {"a": ["ana", "bo"], "b": ["mo", "mo"], "first_ts": [NOW - 50 * DAY_S] * 2}
        ),
        "blocks": pl.DataFrame({"member": ["ana", "gus"], "other": ["fay", "ana"]}),
    }


def community(changed: dict[str, pl.DataFrame] | None = None) -> Community:
    """Return the world, with some of its tables replaced."""
    raw = {
        name: RawTable(f"{name}.tsv", frame.with_row_index("_line", 1).cast({"_line": pl.Int64}))
        for name, frame in (tables() | (changed or {})).items()
    }
    return build_community("world", raw, [], now=NOW)


@dataclass(frozen=True, slots=True)
class World:
    """The world as the recommenders see it, and its rows by name."""

    community: Community
    snapshot: Snapshot

    def member(self, name: str) -> int:
        """Return a member's row."""
        return self.community.members["id"].to_list().index(name)

    def group(self, name: str) -> int:
        """Return a group's row."""
        return self.community.groups["id"].to_list().index(name)


def world(changed: dict[str, pl.DataFrame] | None = None) -> World:
    """Return the world built with the keyword encoder."""
    found = community(changed)
    texts, encoder = texts_of(found), KeywordEncoder()

    def encoded(lines: list[str]) -> Matrix:
        vectors = encoder.encode(lines)
        vectors[[not line for line in lines]] = 0
        return vectors

    said = (texts.posts, texts.members, texts.groups, texts.seeking, texts.offering)
    vectors = TextVectors(*map(encoded, said))
    return World(found, build_snapshot(found, texts, vectors))


def _members() -> pl.DataFrame:
    names = list(MEMBERS)
    return pl.DataFrame(
        {
            "id": names,
            "name": [name.capitalize() for name in names],
            "text": [{"jo": BREAD}.get(name, "") for name in names],
            "audience": [{"hal": "minor", "ivy": None}.get(name, "adult") for name in names],
            "discoverable": [name != "di" for name in names],
            "open_to_introductions": [name != "ed" for name in names],
            "weekly_introductions": [0 if name == "lu" else 10 for name in names],
        }
    )


def _groups() -> pl.DataFrame:
    names = list(GROUPS)
    return pl.DataFrame(
        {
            "id": names,
            "name": [name.replace("-", " ").capitalize() for name in names],
            "text": [BREAD if name in {"bakers", "oven-talk"} else ROCKETS for name in names],
            "visibility": [
                {"secret-pad": "secret", "private-pad": "private"}.get(name, "public")
                for name in names
            ],
            "capacity": [2 if name == "full-pad" else 1000 for name in names],
        }
    )


def _memberships() -> pl.DataFrame:
    inside = {
        "rocket-club": ["ana", "bo", "di", "ed", "fay", "gus", "hal", "ivy", "lu", "mo"],
        "bakers": ["ana", "cy"],
        "launch-site": ["bo", "mo", "nia"],
        "oven-talk": ["cy"],
        "secret-pad": ["bo", "mo"],
        "private-pad": ["bo", "mo"],
        "full-pad": ["bo", "mo"],
        "left-pad": ["ana", "bo"],
    }
    rows = [(member, group) for group, members in inside.items() for member in members]
    return pl.DataFrame(
        {
            "member": [member for member, _ in rows],
            "group": [group for _, group in rows],
            "first_ts": [NOW - (100 - place) * DAY_S for place in range(len(rows))],
            "left_ts": [
                NOW - DAY_S if (member, group) == ("ana", "left-pad") else None
                for member, group in rows
            ],
        }
    )


def _posts() -> pl.DataFrame:
    """Give everyone in the rocket club a post there, and the bakers theirs; each text differs."""
    rockets = ["ana", "bo", "di", "ed", "fay", "gus", "hal", "ivy", "lu", "mo"]
    rows = [(name, "rocket-club", f"{ROCKETS}, says {name}") for name in rockets]
    rows += [(name, "bakers", f"{BREAD}, says {name}") for name in ("ana", "cy")]
    rows += [("nia", "launch-site", f"{ROCKETS}, says nia")]
    rows += [("bo", "secret-pad", "The rocket with the unobtainium igniter flies at midnight")]
    return pl.DataFrame(
        {
            "id": [f"p{place}" for place in range(len(rows))],
            "member": [member for member, _, _ in rows],
            "groups": [[group] for _, group, _ in rows],
            "ts": [NOW - (60 - place) * DAY_S for place in range(len(rows))],
            "title": ["" for _ in rows],
            "text": [text for _, _, text in rows],
        }
    )
