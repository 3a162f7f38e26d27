"""Someone who asks to be forgotten is gone from everything the store holds, and stays gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert, select

from data.store import schema
from data.store.changes import (
    Change,
    DeleteMember,
    PutBlock,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    apply_changes,
    create_community,
)
from data.store.connect import Store, open_store
from data.store.erasure import (
    compact,
    erase_member,
    erasure,
    erasures_of,
    note_step,
    secret_of,
)
from data.store.import_export import import_community, read_stored_community
from data.store.introductions import reserve
from data.store.jobs import job_state, queue_job
from data.store.member_export import everything_about
from data.store.reading import changes_since
from data.store.vectors import NewVectors, texts_to_embed, write_vectors
from engine.errors import UnknownError
from engine.facts import Facts, Written
from engine.ids import digest_of

TOWN, NOW = "town", 1_700_000_000.0
GONE = "zanzibar-7"
WORDS = ("zanzibar", "quokka", "rutabaga", "xylophone")
"""Words that only the forgotten member's rows hold."""


@pytest.fixture
def town(store: Store) -> Store:
    """A town where one member is in every table there is."""
    create_community(store, TOWN, NOW)
    changes: list[Change] = [
        PutMember("ann", text="bread"),
        PutMember("bo"),
        PutMember(GONE, name="Quokka", text="rutabaga"),
        PutGroup("bakers"),
        PutMembership(GONE, "bakers"),
        PutMembership("ann", "bakers"),
        PutPost("xylophone-1", (GONE,), ("bakers",), ("ann",), text="rutabaga soup"),
        PutPost("both", ("ann", GONE), ("bakers",), text="together"),
        PutPost("hers", ("ann",), ("bakers",), (GONE,), text="soup", parent="xylophone-1"),
        PutBlock(GONE, "bo"),
        PutBlock("ann", GONE),
        PutBlock("ann", "bo"),
    ]
    apply_changes(store, TOWN, changes, NOW)
    texts, reached = texts_to_embed(store, TOWN, 0)
    one = np.ones((1, 4), np.float32)
    rows = [NewVectors(t.kind, t.id, t.digest, one, (1.0,)) for t in texts]
    write_vectors(store, TOWN, "model", rows, reached, NOW)
    _serve(store)
    return store


def _serve(store: Store) -> None:
    """Put the member into every table that serving writes."""
    slate = [{"item": "bo", "rank": 1}, {"item": GONE, "rank": 2}]
    served = {
        "community": TOWN, "created_ts": NOW, "bundle": "b", "policy": "p", "purpose": "members",
    }  # fmt: skip
    told = {"community": TOWN, "item_kind": "member", "event": "shown", "ts": NOW}
    body = {"community": TOWN, "request_digest": "d", "status": 200, "created_ts": NOW}
    a_round = {"community": TOWN, "created_ts": NOW, "planned_ts": NOW}
    stands = {"community": TOWN, "round": "june", "place": 0, "quality": 0.5}
    with store.writing() as connection:
        for table, row in (
            (schema.served, {**served, "recommendation_id": "r1", "member": GONE, "items": []}),
            (
                schema.served,
                {**served, "recommendation_id": "r2", "member": "ann", "items": slate}
                | {"request": {"exclude": [GONE, "bo"], "k": 3}},
            ),
            (schema.feedback, {**told, "member": GONE, "item": "ann"}),
            (schema.feedback, {**told, "member": "ann", "item": GONE}),
            (schema.feedback, {**told, "member": "ann", "item": "bo"}),
            (schema.idempotency, {**body, "key_digest": "k", "body": f"about {GONE}"}),
            (schema.ties, {"community": TOWN, "a": "ann", "b": GONE, "weight": 1.0}),
            (schema.rounds, {**a_round, "id": "june", "version": "b", "settings": {}}),
            (schema.round_places, {**stands, "member": GONE}),
            (schema.round_places, {**stands, "member": "ann"}),
        ):
            connection.execute(insert(table), row)
        assert reserve(connection, TOWN, [("ann", GONE), ("ann", "bo")], NOW) == []
    queue_job(store, TOWN, "explain", {"member": GONE}, NOW)
    queue_job(store, TOWN, "train", {}, NOW)


def facts_since(store: Store, seq: int) -> Facts:
    with store.reading() as connection:
        return changes_since(connection, TOWN, seq)[0]


def everything(store: Store) -> dict[str, list[str]]:
    """Return every row of every table as text."""
    with store.reading() as connection:
        return {
            table.name: [repr(tuple(row)) for row in connection.execute(select(table))]
            for table in schema.metadata.sorted_tables
        }


def test_no_row_names_who_was_forgotten(town: Store) -> None:
    before = [name for name, rows in everything(town).items() if "zanzibar" in "".join(rows)]
    assert len(before) > 10, "the test would prove nothing"
    erase_member(town, TOWN, GONE, NOW)
    after = everything(town)
    assert not {
        (name, word)
        for name, rows in after.items()
        for word in WORDS
        if word in "".join(rows).lower()
    }


def test_what_others_have_stays(town: Store) -> None:
    erase_member(town, TOWN, GONE, NOW)
    facts = facts_since(town, 0)
    assert {one.id for one in facts.members} == {"ann", "bo"}
    assert [(one.member, one.group, one.here) for one in facts.memberships] == [
        ("ann", "bakers", True)
    ]
    assert [(one.member, one.other, one.here) for one in facts.blocks] == [("ann", "bo", True)]
    posts = {one.id: (one.authors, one.took_part, one.text) for one in facts.posts}
    assert posts == {"both": (("ann",), (), "together"), "hers": (("ann",), (), "soup")}
    with town.reading() as connection:
        slates = connection.execute(select(schema.served)).mappings().all()
        assert [row["items"] for row in slates] == [[{"item": "bo", "rank": 1}]]
        assert [row["request"] for row in slates] == [{"exclude": ["bo"], "k": 3}]
        assert connection.scalars(select(schema.feedback.c.item)).all() == ["bo"]
        met = select(schema.introductions.c.receiver).order_by(schema.introductions.c.receiver)
        assert connection.scalars(met).all() == ["ann", "bo"]
        assert connection.execute(select(schema.idempotency)).one().status == 200
    assert job_state(town, 1) is None
    assert job_state(town, 2) is not None


def test_the_log_keeps_its_numbers_and_tells_who_by_a_digest(town: Store) -> None:
    before = town.head_of(TOWN)
    found = erase_member(town, TOWN, GONE, NOW)
    with town.reading() as connection:
        secret = secret_of(connection, TOWN)
        seqs = list(connection.scalars(select(schema.log.c.seq).order_by(schema.log.c.seq)))
    assert seqs == list(range(1, found.seq + 1))
    assert found.digest == digest_of(secret, GONE)
    # Whoever knew the member already learns of it, and of the posts that lost an author.
    facts = facts_since(town, before)
    assert facts.erased == (found.digest,)
    assert {one.id for one in facts.posts} == {"both", "hers"}
    # Whoever has read nothing yet meets the tombstones, the lone post's among them.
    post = digest_of(secret, "xylophone-1", Written.POST)
    assert set(facts_since(town, 0).erased) == {found.digest, post}
    assert town.look(TOWN).restricted == found.seq


def test_a_member_and_a_post_of_one_id_have_different_digests() -> None:
    assert digest_of(b"s", "7") != digest_of(b"s", "7", Written.POST)
    assert digest_of(b"s", "7") != digest_of(b"t", "7")


def test_being_forgotten_twice_gives_the_same_receipt(town: Store) -> None:
    first = erase_member(town, TOWN, GONE, NOW)
    assert erase_member(town, TOWN, GONE, NOW + 5) == first
    assert town.head_of(TOWN) == first.seq
    with pytest.raises(UnknownError):
        erase_member(town, TOWN, "nobody", NOW)
    assert apply_changes(town, TOWN, [DeleteMember("nobody")], NOW) == first.seq


def test_who_comes_again_is_someone_new(town: Store) -> None:
    first = erase_member(town, TOWN, GONE, NOW)
    apply_changes(town, TOWN, [PutMember(GONE, text="hello")], NOW)
    (back,) = (one for one in facts_since(town, first.seq).members if one.id == GONE)
    assert back.text == "hello"
    second = erase_member(town, TOWN, GONE, NOW + 9)
    assert (second.id != first.id, second.digest == first.digest) == (True, True)


def test_another_community_keeps_its_member_of_the_same_id(town: Store) -> None:
    create_community(town, "isle", NOW)
    apply_changes(town, "isle", [PutMember(GONE, text="sea")], NOW)
    erase_member(town, TOWN, GONE, NOW)
    with town.reading() as connection:
        assert changes_since(connection, "isle", 0)[0].members[0].text == "sea"


def test_a_receipt_tells_what_was_done_and_when(town: Store) -> None:
    found = erase_member(town, TOWN, GONE, NOW)
    assert erasure(town, TOWN, found.id) == found
    assert found.steps == {"store": NOW}
    assert [(one.id, "bundles" in one.steps) for one in erasures_of(town, TOWN)] == [
        (found.id, False)
    ]
    note_step(town, found.id, "bundles", NOW + 3)
    note_step(town, found.id, "bundles", NOW + 9)
    assert erasure(town, TOWN, found.id).steps == {"store": NOW, "bundles": NOW + 3}
    assert ["bundles" in one.steps for one in erasures_of(town, TOWN)] == [True]
    with pytest.raises(UnknownError):
        erasure(town, "isle", found.id)
    with pytest.raises(UnknownError):
        note_step(town, "nothing", "bundles", NOW)


def test_an_old_folder_does_not_bring_anyone_back(town: Store) -> None:
    old, _ = read_stored_community(town, TOWN, NOW)
    erase_member(town, TOWN, GONE, NOW)
    import_community(town, old, NOW)
    everyone = "".join(row for rows in everything(town).values() for row in rows).lower()
    assert not [word for word in WORDS if word in everyone]


@pytest.mark.parametrize("rewrite", [True, False])
def test_no_byte_of_the_files_holds_the_words_of_the_forgotten(
    tmp_path: Path, rewrite: bool
) -> None:
    store = open_store(tmp_path / "belong.sqlite3")
    create_community(store, TOWN, NOW)
    others = [PutMember(f"m{one}", text="bread " * 40) for one in range(200)]
    words = "rutabaga " * 2000  # long enough for pages of its own
    theirs = PutPost("xylophone-1", (GONE,), text=words)
    apply_changes(store, TOWN, [*others, PutMember(GONE, "Quokka", words), theirs], NOW)
    assert _bytes_with_words(tmp_path) == set(WORDS)
    erase_member(store, TOWN, GONE, NOW)
    assert compact(store, rewrite=rewrite)
    assert _bytes_with_words(tmp_path) == set()
    store.close()
    assert _bytes_with_words(tmp_path) == set()


def _bytes_with_words(folder: Path) -> set[str]:
    content = b"".join(file.read_bytes().lower() for file in folder.iterdir())
    return {word for word in WORDS if word.encode() in content}


def test_the_files_cannot_be_emptied_while_somebody_reads(tmp_path: Path) -> None:
    store = open_store(tmp_path / "belong.sqlite3", timeout_s=0.2)
    create_community(store, TOWN, NOW)
    with store.reading() as connection:
        connection.execute(select(schema.communities)).all()
        apply_changes(store, TOWN, [PutMember("ann")], NOW)
        assert not compact(store, rewrite=False)
    assert compact(store, rewrite=False)
    store.close()


def test_compacting_is_possible_on_postgresql(postgres_url: str) -> None:
    store = open_store(postgres_url)
    create_community(store, TOWN, NOW)
    assert compact(store)
    assert compact(store, rewrite=False)
    assert store.head_of(TOWN) == 0
    store.close()


def test_a_member_can_read_all_that_is_held_on_them(town: Store) -> None:
    held = everything_about(town, TOWN, GONE)
    assert held["profile"]["text"] == "rutabaga"
    assert [row["group"] for row in held["memberships"]] == ["bakers"]
    assert {row["id"] for row in held["posts"]} == {"xylophone-1", "both"}
    assert held["took_part_in"] == ["hers"]
    assert held["blocks"] == ["bo"]
    assert {row["id"] for row in held["vectors"]} == {GONE, "xylophone-1", "both"}
    assert held["vectors"][0]["vectors"] == [[1.0, 1.0, 1.0, 1.0]]
    assert [row["item"] for row in held["feedback"]] == ["ann"]
    assert [row["recommendation_id"] for row in held["served"]] == ["r1"]
    with pytest.raises(UnknownError):
        everything_about(town, TOWN, "nobody")


def test_who_blocked_a_member_is_not_told_to_them(town: Store) -> None:
    held = everything_about(town, TOWN, "bo")
    assert GONE not in repr(held)
    assert "ann" not in repr(held)


def test_whoever_wrote_several_posts_is_forgotten_with_all_of_them(town: Store) -> None:
    more = [PutPost(f"xylophone-{number}", (GONE,), text="rutabaga") for number in (2, 3)]
    apply_changes(town, TOWN, more, NOW)
    erase_member(town, TOWN, GONE, NOW)
    assert "xylophone" not in "".join(everything(town)["log"])
    assert {one.id for one in facts_since(town, 0).posts} == {"both", "hers"}
