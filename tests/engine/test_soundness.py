"""A snapshot whose columns do not fit each other is refused, by the name of the column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import BundleError
from engine.snapshot import Snapshot, from_arrays, to_arrays
from engine.soundness import check_snapshot
from tests.world import world

Change = Callable[[NDArray[Any]], NDArray[Any]]


def changed(name: str, change: Change) -> Snapshot:
    """Return the world with one of its arrays changed."""
    arrays = {known: array.copy() for known, array in to_arrays(world().snapshot)}
    arrays[name] = change(arrays[name])
    found: Snapshot = from_arrays(Snapshot, arrays)
    return found


def put(value: object, place: int = 0) -> Change:
    """Return a change of one number."""

    def change(array: NDArray[Any]) -> NDArray[Any]:
        array.reshape(-1)[place] = value
        return array

    return change


def test_a_snapshot_that_was_built_is_sound() -> None:
    check_snapshot(world().snapshot)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("members.ids.offsets", put(3), "does not reach from 0"),
        ("members.ids.offsets", put(2**62, 1), "does not ascend"),
        ("members.ids.offsets", lambda a: a[:0], "no first offset"),
        ("members.ids.data", lambda a: a.astype(np.int64), "expected uint8, got int64"),
        ("members.names.data", put(0xFF), "no text"),
        ("members.names.offsets", lambda a: a[:-1], "not of 14 rows"),
        ("members.discoverable", lambda a: a[:-1], r"shape \(14\), got \(13,\)"),
        ("members.discoverable", lambda a: a.astype(np.int8), "expected bool"),
        ("members.audience", put(2), "not in -1 to 1"),
        ("members.audience", put(-2), "not in -1 to 1"),
        ("members.term_posts", put(99), r"not in -1 to \d\d?"),
        ("members.groups.targets", put(9), "not in 0 to 8"),
        ("members.groups.targets", lambda a: a[::-1].copy(), "do not ascend"),
        ("members.ties.weights", put(-1.0), "less than 0"),
        ("members.ties.weights", put(np.nan), "is none, or endless"),
        ("members.interests.vectors", put(0.5), "length 1"),
        ("members.interests.vectors", lambda a: a[:, 0], r"got \(\d+,\)"),
        ("groups.prototypes.vectors", lambda a: a[:, :3], r"shape \(any, 4\)"),
        ("groups.size", put(-1.0), "less than 0"),
        ("groups.size", put(np.inf), "endless"),
        ("behaviour.topics", put(np.nan), "none"),
        ("behaviour.bridge", lambda a: a.T.copy(), r"shape \(4, 7\)"),
        ("behaviour.life.age", lambda a: a.astype(np.float64), "expected float32"),
        ("behaviour.languages", put(0), "not in -1 to -1"),
        ("post_authors.targets", put(14), "not in 0 to 13"),
        ("rarity", lambda a: a[:-1], r"shape \(\d+\), got \(\d+,\)"),
    ],
)
def test_a_column_that_does_not_fit_is_named(name: str, change: Change, why: str) -> None:
    with pytest.raises(BundleError, match=rf"^{re.escape(name)}\.npy cannot be used \(.*{why}"):
        check_snapshot(changed(name, change))


def test_what_may_be_unknown_or_without_a_limit_may_be() -> None:
    for name in ("groups.capacity", "groups.returning", "groups.answered"):
        check_snapshot(changed(name, put(np.nan)))
    check_snapshot(changed("groups.capacity", put(np.inf)))
    check_snapshot(changed("behaviour.ease.weights", put(-1.0)))
