"""Whether a snapshot that was read can be answered from: its columns fit each other.

Checksums tell what a disk has done to a bundle; this tells what a faulty writer has. A column of
the wrong shape or type, a link to a row that is not there, a vector that is none: each would be an
error in somebody's answer, or worse, a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import Links, Profiles, Strings
from engine.errors import BundleError
from engine.snapshot import UNKNOWN, UNREADABLE_BAND, Snapshot, to_arrays
from engine.types import UNIT_TOLERANCE

AT_ONCE = 1 << 14
"""Rows looked at together: vectors are mapped from a file larger than memory may be."""

NO_POST = -1
"""In `term_posts`: the profile or the description shows the term."""

MAY_BE_NAN = (
    *("groups.capacity", "groups.returning", "groups.answered"),
    "members.known_days",
)
SIGNED = ("ease", "ease_active", "co_active")
"""Links of `Behaviour` that may speak against what they lead to."""

COUNTS = (
    *("members.weekly_introductions", "members.active", "groups.capacity", "groups.size"),
    *("groups.joins_decayed", "groups.joins_lately", "groups.returning", "groups.answered"),
    "members.known_days",
)
"""Columns of numbers that are never less than 0, where they are any."""

MAY_BE_ENDLESS = ("groups.capacity", "members.weekly_introductions")

Array = NDArray[Any]


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuse a snapshot whose columns do not fit each other.

    Raises:
        BundleError: One does not; it is named.
    """
    checks = _Checks(snapshot)
    for name, kind, shape in checks.arrays():
        _check_array(name, checks.array(name), kind, shape)
    for name, strings, size in checks.strings():
        _check_strings(name, strings, size)
    for name, links, size, targets in checks.links():
        _check_links(name, links, size, targets)
    for name, profiles, size in checks.profiles():
        _check_profiles(name, profiles, size)
    for name, low, high in checks.ranges():
        _check_range(name, checks.array(name), low, high)
    checks.numbers()


class _Checks:
    """What must hold of each column of a snapshot, by the sizes that the snapshot has."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._arrays = dict(to_arrays(snapshot))
        for name, array in self._arrays.items():
            if name.endswith(".offsets"):
                _check_array(name, array, np.int64, (None,))
                _require(len(array) > 0, name, "it has no first offset")
        members, groups = snapshot.members, snapshot.groups
        self.members, self.groups = len(members.ids), len(groups.ids)
        self.posts, self.terms = len(snapshot.post_ids), len(snapshot.vocabulary)
        self.living = len(snapshot.posts.ids)
        self.discoveries = len(snapshot.discoveries.founders)
        _check_array(
            "members.interests.vectors", members.interests.vectors, np.float32, (None, None)
        )
        self.dimension = members.interests.vectors.shape[1]

    def array(self, name: str) -> Array:
        return self._arrays[name]

    def arrays(self) -> Iterator[tuple[str, type[np.generic], tuple[int | None, ...]]]:
        """Give the columns that are one array, with their types and shapes."""
        here, n, g, d = self._snapshot, self.members, self.groups, self.dimension
        for name in ("discoverable", "open_to_introductions"):
            yield f"members.{name}", np.bool_, (n,)
        yield "members.audience", np.int64, (n,)
        for name in ("weekly_introductions", "active", "known_days"):
            yield f"members.{name}", np.float32, (n,)
        yield "posts.here", np.bool_, (self.living,)
        yield "posts.written_at", np.int64, (self.living,)
        yield "posts.last_at", np.int64, (self.living,)
        yield "members.term_posts", np.int64, (len(here.members.terms.targets),)
        yield "groups.public", np.bool_, (g,)
        for name in ("capacity", "size", "joins_decayed", "joins_lately", "returning", "answered"):
            yield f"groups.{name}", np.float32, (g,)
        yield "groups.term_posts", np.int64, (len(here.groups.terms.targets),)
        for field in fields(here.behaviour.life):
            yield f"behaviour.life.{field.name}", np.float32, (g,)
        for name, size in (("", n), ("group_", g)):
            for told in ("languages", "homes"):
                yield f"behaviour.{name}{told}", np.int64, (size,)
        _check_array("behaviour.places", here.behaviour.places, np.float32, (g, None))
        yield "behaviour.bridge", np.float32, (d, here.behaviour.places.shape[1])
        yield "behaviour.meaning", np.float32, (d, d)
        for name in ("text_weights", "topics"):
            yield f"behaviour.{name}", np.float32, (g, d)
        yield "discoveries.scores", np.float32, (self.discoveries,)
        yield "rarity", np.float32, (self.terms,)
        yield "term_vectors", np.float32, (self.terms, d)

    def strings(self) -> Iterator[tuple[str, Strings, int | None]]:
        """Give the columns of strings, with how many there must be, None for any number."""
        here = self._snapshot
        yield "members.ids", here.members.ids, self.members
        yield "members.names", here.members.names, self.members
        yield "members.bands", here.members.bands, None
        yield "groups.ids", here.groups.ids, self.groups
        yield "groups.names", here.groups.names, self.groups
        yield "behaviour.language_names", here.behaviour.language_names, None
        yield "behaviour.home_names", here.behaviour.home_names, None
        yield "posts.ids", here.posts.ids, self.living
        yield "post_ids", here.post_ids, None
        yield "vocabulary", here.vocabulary, None

    def links(self) -> Iterator[tuple[str, Links, int, int]]:
        """Give the links, with how many rows they are of and how many they lead to."""
        here, n, g = self._snapshot, self.members, self.groups
        leads = {
            "members": {
                "groups": g, "left": g, "muted": g, "ties": n, "blocks": n, "answered": n,
                "terms": self.terms, "muted_terms": self.terms,
                "seeking_terms": self.terms, "offering_terms": self.terms,
            },
            "groups": {"members": n, "neighbours": g, "terms": self.terms},
        }  # fmt: skip
        for part, size in (("members", n), ("groups", g)):
            for name, targets in leads[part].items():
                yield f"{part}.{name}", getattr(getattr(here, part), name), size, targets
        acts = here.behaviour
        for name, targets in (("joined", g), ("habits", g), ("visits", g), ("fellows", n)):
            yield f"behaviour.{name}", getattr(acts, name), n, targets
        for name in ("ease", "ease_active", "co_active"):
            yield f"behaviour.{name}", getattr(acts, name), g, g
        for name, targets in (("authors", n), ("groups", g), ("answered_by", n)):
            yield f"posts.{name}", getattr(here.posts, name), self.living, targets
        for name, targets in (("founders", n), ("terms", self.terms)):
            links = getattr(here.discoveries, name)
            yield f"discoveries.{name}", links, self.discoveries, targets
        yield "post_authors", here.post_authors, self.posts, n

    def profiles(self) -> Iterator[tuple[str, Profiles, int]]:
        """Give the columns of vectors, with how many rows they are of."""
        yield "members.interests", self._snapshot.members.interests, self.members
        more = {
            "members.seeking": (self._snapshot.members.seeking, self.members),
            "members.offering": (self._snapshot.members.offering, self.members),
            "posts.texts": (self._snapshot.posts.texts, self.living),
            "discoveries.centres": (self._snapshot.discoveries.centres, self.discoveries),
        }
        for name, (profiles, size) in more.items():
            _check_array(f"{name}.vectors", profiles.vectors, np.float32, (None, self.dimension))
            yield name, profiles, size
        prototypes = self._snapshot.groups.prototypes
        _check_array(
            "groups.prototypes.vectors", prototypes.vectors, np.float32, (None, self.dimension)
        )
        yield "groups.prototypes", prototypes, self.groups

    def ranges(self) -> Iterator[tuple[str, int, int]]:
        """Give the columns that hold positions, with the lowest and the one after the highest."""
        here = self._snapshot
        yield "members.audience", UNREADABLE_BAND, len(here.members.bands)
        for part in ("members", "groups"):
            yield f"{part}.term_posts", NO_POST, self.posts
        for of in ("", "group_"):
            yield f"behaviour.{of}languages", UNKNOWN, len(here.behaviour.language_names)
            yield f"behaviour.{of}homes", UNKNOWN, len(here.behaviour.home_names)

    def numbers(self) -> None:
        """Refuse numbers that are none, and counts that are less than 0."""
        for name, array in self._arrays.items():
            if array.dtype == np.float32:
                _check_numbers(name, array)
        for name in COUNTS:
            _require(not (self.array(name) < 0).any(), name, "a number in it is less than 0")


def _require(holds: bool, name: str, why: str) -> None:
    if not holds:
        raise BundleError(f"{name}.npy cannot be used ({why}): train again or roll back")


def _check_array(
    name: str, array: Array, kind: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    fits = array.ndim == len(shape) and all(
        wanted is None or size == wanted for size, wanted in zip(array.shape, shape, strict=True)
    )
    expected = ", ".join("any" if size is None else str(size) for size in shape)
    _require(fits, name, f"expected the shape ({expected}), got {array.shape}")
    wanted = np.dtype(kind)
    _require(array.dtype == wanted, name, f"expected {wanted}, got {array.dtype}")


def _check_offsets(name: str, offsets: Array, size: int | None, end: int) -> None:
    name = f"{name}.offsets"
    _require(size is None or len(offsets) == size + 1, name, f"it is not of {size} rows")
    whole = int(offsets[0]) == 0 and int(offsets[-1]) == end
    _require(whole, name, f"it does not reach from 0 to {end}")
    # Of numbers this large a difference might be a small one again.
    inside = bool((offsets >= 0).all()) and bool((offsets[1:] >= offsets[:-1]).all())
    _require(inside, name, "it does not ascend")


def _check_strings(name: str, strings: Strings, size: int | None) -> None:
    _check_array(f"{name}.data", strings.data, np.uint8, (None,))
    _check_offsets(name, strings.offsets, size, len(strings.data))
    try:
        strings.tolist()
    except UnicodeDecodeError:
        _require(False, f"{name}.data", "it is no text")


def _check_links(name: str, links: Links, size: int, targets: int) -> None:
    _check_array(f"{name}.targets", links.targets, np.int64, (None,))
    _check_array(f"{name}.weights", links.weights, np.float32, (len(links.targets),))
    _check_offsets(name, links.offsets, size, len(links.targets))
    _check_range(f"{name}.targets", links.targets, 0, targets)
    ascends = np.ones(len(links.targets) + 1, bool)
    ascends[1:-1] = links.targets[1:] > links.targets[:-1]
    ascends[links.offsets] = True  # a row's first need not come after the last of the row before
    _require(bool(ascends.all()), f"{name}.targets", "a row's links do not ascend")
    signed = name.rpartition(".")[2] in SIGNED
    _require(signed or not (links.weights < 0).any(), f"{name}.weights", "one is less than 0")


def _check_profiles(name: str, profiles: Profiles, size: int) -> None:
    count = len(profiles.vectors)
    _check_array(f"{name}.weights", profiles.weights, np.float32, (count,))
    _check_offsets(name, profiles.offsets, size, count)
    _require(not (profiles.weights < 0).any(), f"{name}.weights", "one is less than 0")
    for start in range(0, count, AT_ONCE):
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(profiles.vectors[start : start + AT_ONCE], axis=1)
            unit = bool((np.abs(lengths - 1) < UNIT_TOLERANCE).all())
        _require(unit, f"{name}.vectors", "one of them has not the length 1")


def _check_range(name: str, rows: Array, low: int, high: int) -> None:
    inside = not len(rows) or (int(rows.min()) >= low and int(rows.max()) < high)
    _require(inside, name, f"a position is not in {low} to {high - 1}")


def _check_numbers(name: str, array: Array) -> None:
    for start in range(0, len(array), AT_ONCE):
        part = array[start : start + AT_ONCE]
        odd = np.zeros(part.shape, bool)
        if name not in MAY_BE_NAN:
            odd |= np.isnan(part)
        if name not in MAY_BE_ENDLESS:
            odd |= np.isinf(part)
        _require(not bool(odd.any()), name, "a number in it is none, or endless")
