"""What no answer may be given without, and what may follow: the same in every store."""

from __future__ import annotations

import pytest

from data.store.changes import (
    Change,
    DeleteBlock,
    DeleteGroup,
    DeleteMember,
    DeleteMembership,
    DeletePost,
    PutBlock,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    PutPreferences,
    apply_changes,
    create_community,
)
from data.store.connect import Store
from data.store.once import apply_once
from data.store.reading import changes_since
from engine.errors import ReusedKeyError, UnknownReferenceError
from engine.facts import BlockFact

NOW = 1_700_000_000.0
TOWN = "town"


@pytest.fixture
def town(store: Store) -> Store:
    """Ann, Bo and the bakers, of whom Bo is one; Ann has written."""
    create_community(store, TOWN, NOW)
    tell(
        store,
        PutMember("ann"),
        PutMember("bo"),
        PutGroup("bakers"),
        PutMembership("bo", "bakers"),
        PutPost("p", ("ann",), ("bakers",), text="rye"),
    )
    return store


def tell(store: Store, *changes: Change) -> int:
    return apply_changes(store, TOWN, changes, NOW)


@pytest.mark.parametrize(
    "change",
    [
        PutBlock("ann", "bo"),
        PutPreferences("ann", discoverable=False),
        PutPreferences("ann", muted_groups=("bakers",)),
        PutMember("ann", audience="minor"),
        DeleteMember("ann"),
        DeleteMembership("bo", "bakers"),
        PutGroup("bakers", visibility="secret"),
        DeleteGroup("bakers"),
        PutPost("p", ("ann",), text="oats"),
        DeletePost("p"),
    ],
    ids=repr,
)
def test_what_takes_something_away_restricts(town: Store, change: Change) -> None:
    before = town.look(TOWN)
    head = tell(town, change)
    after = town.look(TOWN)
    assert before.restricted < after.restricted <= after.last == head


@pytest.mark.parametrize(
    "change",
    [
        PutMember("cy", text="rye"),
        PutGroup("rowers"),
        PutMembership("ann", "bakers"),
        PutPost("q", ("bo",), ("bakers",), text="oats"),
    ],
    ids=repr,
)
def test_what_only_adds_does_not(town: Store, change: Change) -> None:
    before = town.look(TOWN)
    tell(town, change)
    after = town.look(TOWN)
    assert after.last > before.last
    assert after.restricted == before.restricted


def test_lifting_one_of_two_blocks_keeps_both_apart(town: Store) -> None:
    tell(town, PutBlock("ann", "bo"), PutBlock("bo", "ann"))
    seq = tell(town, DeleteBlock("ann", "bo"))
    with town.reading() as connection:
        facts = changes_since(connection, TOWN, seq - 1)[0]
    assert facts.blocks == (BlockFact("ann", "bo", here=True),)
    last = tell(town, DeleteBlock("bo", "ann"))
    with town.reading() as connection:
        facts = changes_since(connection, TOWN, last - 1)[0]
    assert facts.blocks == (BlockFact("bo", "ann", here=False),)


def test_a_key_and_what_was_done_under_it_are_there_together_or_not_at_all(town: Store) -> None:
    with pytest.raises(UnknownReferenceError):
        once(town, "k", "digest", PutMember("cy"), PutMembership("cy", "no-such"))
    head, repeated = once(town, "k", "other digest", PutMember("cy"))
    assert not repeated, "what failed took no key"
    tell(town, PutMember("di"))
    again, repeated = once(town, "k", "other digest", PutMember("cy", text="changed"))
    assert (repeated, again) == (True, head + 1)
    with pytest.raises(ReusedKeyError):
        once(town, "k", "a third digest", PutMember("ed"))


def once(store: Store, key: str, digest: str, *changes: Change) -> tuple[int, bool]:
    return apply_once(store, TOWN, changes, NOW, (key, digest))
