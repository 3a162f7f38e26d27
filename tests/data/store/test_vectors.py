"""Which texts wait for their vectors, and which vectors are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from data.store.changes import (
    Change,
    DeleteGroup,
    PutGroup,
    PutMember,
    PutPost,
    PutPreferences,
    apply_changes,
    create_community,
)
from data.store.connect import Store
from data.store.import_export import import_community
from data.store.reading import changes_since
from data.store.schema import vectors
from data.store.vectors import (
    NewVectors,
    TextToEmbed,
    embedded_up_to,
    texts_to_embed,
    write_vectors,
)
from data.validate import read_community
from engine.facts import VectorFact, Written
from engine.types import Matrix
from tests.belong.commands import written
from tests.world import NOW
from training.texts import texts_of

TOWN, MODEL = "town", "model-1"


@pytest.fixture
def town(store: Store) -> Store:
    create_community(store, TOWN, NOW)
    changes: list[Change] = [
        PutMember("ann", text="bread", offering="loaves"),
        PutGroup("bakers", name="Bakers", text="We bake."),
        PutGroup("closed", visibility="private"),
        PutPost("p", ("ann",), ("bakers",), title="Hi", text="A loaf."),
        PutPost("secret", ("ann",), ("closed",), text="Psst"),
    ]
    apply_changes(store, TOWN, changes, NOW)
    return store


def unit(*numbers: float) -> Matrix:
    return np.array([numbers], dtype=np.float32)


def made(text: TextToEmbed, *numbers: float) -> NewVectors:
    return NewVectors(text.kind, text.id, text.digest, unit(*numbers), (1.0,))


def waiting(store: Store, after: int = 0) -> dict[str, str]:
    return {one.id: one.text for one in texts_to_embed(store, TOWN, after, model=MODEL)[0]}


def told(store: Store, after: int) -> tuple[VectorFact, ...]:
    with store.reading() as connection:
        return changes_since(connection, TOWN, after)[0].vectors


def test_every_text_that_all_may_see_waits_for_its_vectors(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0)
    assert {(one.kind, one.id): one.text for one in texts} == {
        (Written.MEMBER, "ann"): "bread\n\nloaves",
        (Written.OFFERING, "ann"): "loaves",  # what she seeks is blank: that needs no vectors
        (Written.GROUP, "bakers"): "Bakers. We bake",
        (Written.GROUP, "closed"): "closed",
        (Written.POST, "p"): "Hi. A loaf",
    }
    assert reached == town.head_of(TOWN)
    assert texts_to_embed(town, TOWN, reached) == ([], reached)


def test_texts_are_read_a_few_at_a_time_and_each_once(town: Store) -> None:
    seen, seq = [], 0
    while seq < town.head_of(TOWN):
        texts, seq = texts_to_embed(town, TOWN, seq, limit=2)
        seen += [one.id for one in texts]
    assert sorted(seen) == ["ann", "ann", "bakers", "closed", "p"]


def test_vectors_are_told_as_soon_as_they_are_written(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0)
    head = write_vectors(town, TOWN, MODEL, [made(one, 0.6, 0.8) for one in texts], reached, NOW)
    assert head == reached + 5
    assert town.look(TOWN).restricted <= reached, "vectors take nothing away"
    found = {(one.kind, one.id) for one in told(town, reached)}
    assert (Written.POST, "p") in found
    assert len(found) == 5
    (first, *_) = (one.vectors for one in told(town, reached))
    np.testing.assert_array_equal(first, unit(0.6, 0.8))
    assert waiting(town) == {}
    assert embedded_up_to(town, TOWN, MODEL) == reached
    assert embedded_up_to(town, TOWN, "another") == 0


def test_vectors_of_a_text_that_has_changed_or_was_closed_are_dropped(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0)
    changes: list[Change] = [
        PutMember("ann", text="cake"),
        DeleteGroup("closed"),
        PutPost("p", ("ann",), title="Hi", text="A loaf.", visibility="private"),
    ]
    apply_changes(town, TOWN, changes, NOW)
    write_vectors(town, TOWN, MODEL, [made(one, 1.0) for one in texts], reached, NOW)
    assert [one.id for one in told(town, reached)] == ["bakers"]
    assert waiting(town) == {"ann": "cake"}
    with town.reading() as connection:
        assert connection.scalars(select(vectors.c.id)).all() == ["bakers"]


def test_old_vectors_say_nothing_of_a_new_text(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0)
    head = write_vectors(town, TOWN, MODEL, [made(one, 1.0) for one in texts], reached, NOW)
    apply_changes(town, TOWN, [PutMember("ann", text="cake")], NOW)
    assert told(town, head) == ()
    assert "ann" not in {one.id for one in told(town, 0)}


def test_a_text_that_is_touched_and_the_same_brings_its_vectors_and_waits_not(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0)
    head = write_vectors(town, TOWN, MODEL, [made(one, 1.0) for one in texts], reached, NOW)
    apply_changes(town, TOWN, [PutPreferences("ann", discoverable=False)], NOW)
    found = {(one.kind, one.id) for one in told(town, head)}
    assert found == {(Written.MEMBER, "ann"), (Written.OFFERING, "ann")}
    assert waiting(town) == {}


def test_whoever_says_nothing_does_not_wait_for_vectors(town: Store) -> None:
    changes: list[Change] = [PutMember("quiet"), PutPost("q", ("quiet",))]
    apply_changes(town, TOWN, changes, NOW)
    assert {"quiet", "q"}.isdisjoint(waiting(town))
    apply_changes(town, TOWN, [PutMember("ann", text=" ")], NOW)
    assert "ann" not in waiting(town)


def test_another_model_begins_anew(town: Store) -> None:
    texts, reached = texts_to_embed(town, TOWN, 0, model=MODEL)
    write_vectors(town, TOWN, MODEL, [made(one, 1.0) for one in texts], reached, NOW)
    again, _ = texts_to_embed(town, TOWN, 0, model="model-2")
    assert {one.id for one in again} == {one.id for one in texts}
    write_vectors(town, TOWN, "model-2", [made(one, 1.0, 0.0) for one in again[:1]], 1, NOW)
    assert embedded_up_to(town, TOWN, "model-2") == 1


def test_what_is_embedded_live_is_what_training_reads(store: Store, tmp_path: Path) -> None:
    community = read_community(written(tmp_path / "world"), now=NOW)
    import_community(store, community, NOW)
    read = texts_of(community)
    texts, _ = texts_to_embed(store, community.name, 0, limit=10_000)
    live = {(one.kind, one.id): one.text for one in texts}
    for kind, ids, theirs in (
        (Written.MEMBER, community.members["id"], read.members),
        (Written.GROUP, community.groups["id"], read.groups),
        (Written.POST, community.posts["id"], read.posts),
        (Written.SEEKING, community.members["id"], read.seeking),
        (Written.OFFERING, community.members["id"], read.offering),
    ):
        assert {one: live.get((kind, one), "") for one in ids} == dict(
            zip(ids, theirs, strict=True)
        )
