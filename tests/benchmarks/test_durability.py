"""What is lost or done twice is counted, and a server that is killed loses nothing."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from benchmarks.durability import DurabilitySettings, Trial, is_sound
from benchmarks.live_answers import Slate, same
from benchmarks.live_place import Place
from benchmarks.live_truth import Found, Thing, Told, Truth, judge, look, settle
from data.store.changes import Change, PutBlock, PutGroup, PutMember, PutMembership, apply_changes
from data.store.connect import Store, open_store
from data.store.import_export import import_community
from data.store.log import Kind
from data.store.schema import blocks, communities, log
from tests.world import NOW, community

pytestmark = pytest.mark.alone

WORLD = "world"
BO_BLOCKS_ANA = Thing(Kind.BLOCK, "bo", "ana")


@pytest.fixture
def place(world_bundles: Path, tmp_path: Path) -> Place:
    """The world, in a store and in a bundle of its own."""
    bundles = tmp_path / "bundles"
    shutil.copytree(world_bundles, bundles)
    found = Place(bundles, str(bundles / "belong.sqlite3"), WORLD)
    store = open_store(found.store)
    import_community(store, community(), NOW)
    store.close()
    return found


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    opened = open_store(place.store)
    yield opened
    opened.close()


@pytest.fixture
def told(store: Store) -> tuple[Truth, int]:
    """What holds after Bo has blocked Ana, and the entry of the log before that."""
    begun = store.head_of(WORLD)
    truth = Truth(look(store, WORLD, begun).states)
    truth.last = apply_changes(store, WORLD, [PutBlock("bo", "ana")], NOW)
    truth.learn(Told((), {BO_BLOCKS_ANA: {}}))
    return truth, begun


def test_a_store_that_holds_what_was_acknowledged_is_sound(
    store: Store, told: tuple[Truth, int]
) -> None:
    truth, begun = told
    assert judge(truth, look(store, WORLD, begun)).clean


def test_a_change_that_is_gone_is_lost_once_as_a_row_and_once_in_the_log(
    store: Store, told: tuple[Truth, int]
) -> None:
    truth, begun = told
    with store.writing() as connection:
        connection.execute(delete(blocks).where(blocks.c.member == "bo"))
    assert len(judge(truth, look(store, WORLD, begun)).lost) == 1
    with store.writing() as connection:
        connection.execute(delete(log).where(log.c.seq == truth.last))
        connection.execute(update(communities).values(head=truth.last - 1))
    # The row, its entry, and the number that was acknowledged.
    assert len(judge(truth, look(store, WORLD, begun)).lost) == 3


def test_what_was_done_twice_is_counted(store: Store, told: tuple[Truth, int]) -> None:
    truth, begun = told
    with store.writing() as connection:
        row = {"community": WORLD, "kind": "block", "key": "bo", "other": "ana", "ts": NOW}
        connection.execute(insert(log).values(**row, seq=truth.last + 1))
        connection.execute(update(communities).values(head=truth.last + 1))
    verdict = judge(truth, look(store, WORLD, begun))
    assert [len(one) for one in (verdict.lost, verdict.duplicated, verdict.gaps)] == [0, 1, 0]


def test_a_hole_in_the_log_and_a_head_beyond_its_end_are_gaps(
    store: Store, told: tuple[Truth, int]
) -> None:
    truth, begun = told
    with store.writing() as connection:
        row = {"community": WORLD, "kind": "vector", "key": "bo", "other": "member", "ts": NOW}
        connection.execute(insert(log).values(**row, seq=truth.last + 2))
    # One number is missing; the log ends two beyond what everybody is told.
    assert len(judge(truth, look(store, WORLD, begun)).gaps) == 1 + 2


def test_a_key_is_remembered_exactly_once(store: Store, told: tuple[Truth, int]) -> None:
    truth, begun = told
    truth.keys.add("a key")
    found = look(store, WORLD, begun)
    assert len(judge(truth, found).lost) == 1
    digest = "87ae2f12a4f4c2bc5e0b7a3ba4fc6b86a6cd1dc7bb0b8bb1f9c8a5a0a6d5f2a3"
    twice = replace(found, keys=Counter({digest: 2}))
    assert len(judge(truth, twice).duplicated) == 1


def requests(*changes: tuple[Change, Thing]) -> Told:
    return Told((), {thing: {"of": type(change).__name__} for change, thing in changes})


def test_what_became_of_an_unanswered_request_is_found_out_and_halves_are_torn() -> None:
    ann, bakers = Thing(Kind.MEMBER, "ann"), Thing(Kind.GROUP, "bakers")
    inside = Thing(Kind.MEMBERSHIP, "ann", "bakers")
    told = requests(
        (PutMember("ann"), ann), (PutGroup("bakers"), bakers), (PutMembership("a", "b"), inside)
    )

    def found(*things: Thing) -> Found:
        states = {thing: told.after[thing] for thing in things}
        return Found(states, Counter(), 0, (1, 0, 0), Counter())

    truth = Truth({})
    assert settle(truth, found(), [told]) == ([False], 0)
    assert settle(truth, found(ann, inside), [told]) == ([False], 1)
    assert truth.states == {}
    assert settle(truth, found(ann, bakers, inside), [told]) == ([True], 0)
    assert truth.entries == Counter([ann, bakers, inside])


def test_slates_are_the_same_but_for_the_last_digits_of_their_scores() -> None:
    slate = Slate(("ana", "bo"), (0.75, 0.5), ("[]", "[]"))
    assert same(slate, replace(slate, scores=(0.75001, 0.5)))
    assert not same(slate, replace(slate, scores=(0.76, 0.5)))
    assert not same(slate, replace(slate, reasons=("[]", '["why"]')))


@pytest.mark.timeout(300)  # servers start three times, slowly where other things run beside
def test_a_server_that_is_killed_twice_loses_nothing(place: Place, store: Store) -> None:
    settings = DurabilitySettings(rounds=2, writers=3, longest_s=1.0)
    trial = Trial(place, store, settings)
    trial.run()
    result = trial.result()
    assert is_sound(result), json.dumps(result, indent=2)
    assert result["rounds"] == 2
    assert result["acknowledged"] > 10
    assert result["restrictions_checked"] > 0
    assert result["answers_compared"] > 0
    # And it is not that nothing is looked at: what was never told is missed.
    trial.truth.states[Thing(Kind.MEMBER, "nobody")] = {"name": "Nobody"}
    trial.verdict.add(judge(trial.truth, look(store, WORLD, trial.begun)))
    assert not is_sound(trial.result())
