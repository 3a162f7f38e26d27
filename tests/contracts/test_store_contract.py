"""What must hold of a store, whichever database keeps it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text

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
from data.store.connect import Store, open_store
from data.store.reading import changes_since, communities, head
from data.store.schema import log, memberships, posts
from engine.domain import UNLIMITED
from engine.errors import DataError, StoreUnavailableError, UnknownError, UnknownReferenceError
from engine.facts import BlockFact, Facts, GroupFact, MemberFact, MembershipFact, PostFact

NOW = 1_700_000_000.0
TOWN = "town"

ANN, BO = PutMember("ann", text="bread"), PutMember("bo")
BAKERS = PutGroup("bakers", name="Bakers", text="We bake.")


@pytest.fixture
def town(store: Store) -> Store:
    """A store with a community in which are Ann, Bo and the bakers."""
    create_community(store, TOWN, NOW)
    tell(store, ANN, BO, BAKERS)
    return store


def tell(store: Store, *changes: Change, now: float = NOW) -> int:
    return apply_changes(store, TOWN, changes, now)


def facts_since(store: Store, seq: int, limit: int = 5000) -> Facts:
    with store.reading() as connection:
        return changes_since(connection, TOWN, seq, limit)[0]


def test_a_member_is_told_of_as_they_are_with_the_usual_preferences(store: Store) -> None:
    create_community(store, TOWN, NOW)
    tell(store, PutMember("ann", "Ann", "I bake", "flour", "bread", "en", "Ghent"))
    assert facts_since(store, 0).members == (
        MemberFact(
            "ann",
            True,
            "Ann",
            "I bake\nflour\nbread",
            "flour",
            "bread",
            language="en",
            place="Ghent",
        ),
    )


def test_every_change_has_the_number_after_the_one_before(town: Store) -> None:
    before = town.head_of(TOWN)
    assert tell(town, PutBlock("ann", "bo")) == before + 1
    assert tell(town, PutBlock("bo", "ann"), DeleteBlock("ann", "bo")) == before + 3
    with town.reading() as connection:
        assert head(connection, TOWN) == before + 3
        assert list(connection.scalars(select(log.c.seq).order_by(log.c.seq))) == [
            *range(1, before + 4)
        ]


def test_telling_the_same_again_logs_nothing_and_answers_with_the_head(town: Store) -> None:
    changes: list[Change] = [
        replace(ANN, audience=None),
        PutMembership("ann", "bakers"),
        PutPost("p", ("ann",), ("bakers",), ("bo",), text="Loaf"),
        PutBlock("ann", "bo"),
        PutPreferences("ann", discoverable=False, muted_topics=("cake",)),
    ]
    first = tell(town, *changes)
    assert tell(town, *changes, now=NOW + 60) == first
    assert town.head_of(TOWN) == first


def test_a_batch_with_one_bad_change_changes_nothing(town: Store) -> None:
    before = town.head_of(TOWN)
    with pytest.raises(UnknownReferenceError, match="change 1: there is no member 'cy'"):
        tell(town, PutBlock("ann", "bo"), PutMembership("cy", "bakers"))
    assert town.head_of(TOWN) == before
    assert facts_since(town, before) == Facts()


def test_changes_are_made_in_their_order(town: Store) -> None:
    before = tell(town, PutMember("cy"), PutMembership("cy", "bakers"), PutGroup("knitters"))
    with pytest.raises(UnknownReferenceError, match="change 2: there is no group 'knitters'"):
        tell(town, PutBlock("ann", "bo"), DeleteGroup("knitters"), PutMembership("cy", "knitters"))
    assert town.head_of(TOWN) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (PutMember("a\0b"), "no database can keep"),
        (PutMember("\ud800"), "no database can keep"),
        (PutMember(""), "1 to 256 characters"),
        (PutMember("a" * 257), "1 to 256 characters"),
        (PutMember("ann", text="x" * 20_001), "20,001 characters"),
        (PutMember("ann", text="\ud800"), "half a character"),
        (PutMember("ann", created_ts=float("nan")), "unix seconds"),
        (PutMember("ann", created_ts=NOW * 1000), "unix seconds"),
        (PutGroup("bakers", visibility="hidden"), "visibility is one of"),
        (PutGroup("bakers", capacity=-1), "at least 0"),
        (PutBlock("ann", "ann"), "block themself"),
        (PutPreferences("ann", weekly_introductions=float("inf")), "at least 0"),
        (PutPreferences("ann", muted_topics=("x",) * 201), "more than the 200"),
    ],
)
def test_a_value_out_of_its_limits_is_refused_with_its_place(
    town: Store, change: Change, said: str
) -> None:
    with pytest.raises(DataError, match=rf"change 1: .*{said}"):
        tell(town, PutBlock("ann", "bo"), change)


def test_an_unknown_community_is_refused(store: Store) -> None:
    with pytest.raises(UnknownError):
        tell(store, ANN)
    with pytest.raises(UnknownError):
        store.head_of("x\0")
    with pytest.raises(UnknownError):
        store.head_of("x\ud800")


def test_a_profile_is_replaced_and_the_preferences_stay(town: Store) -> None:
    wishes = PutPreferences("ann", False, False, 1, ("cake",), ("bakers", "gone"))
    seq = tell(town, wishes)
    tell(town, PutMember("ann", name="Ann"))
    (ann,) = facts_since(town, seq).members
    assert ann == MemberFact(
        "ann",
        name="Ann",
        discoverable=False,
        open_to_introductions=False,
        weekly_introductions=1.0,
        muted_groups=("bakers", "gone"),
        muted_topics=("cake",),
    )


def test_a_preference_left_out_stays_as_it_is(town: Store) -> None:
    tell(town, PutPreferences("ann", discoverable=False, muted_groups=("bakers",)))
    seq = town.head_of(TOWN)
    tell(town, PutPreferences("ann", muted_groups=()))
    (ann,) = facts_since(town, seq).members
    assert (ann.discoverable, ann.muted_groups) == (False, ())


def test_without_a_band_one_is_in_none_until_the_community_has_bands(town: Store) -> None:
    tell(town, PutMember("cy"), PutMember("di", audience=" Adult "), PutMember("ed"))
    bands = {one.id: one.audience for one in facts_since(town, 0).members}
    assert bands == {"ann": "", "bo": "", "cy": "", "di": "adult", "ed": None}


def test_a_time_left_out_is_now_for_something_new_and_kept_for_the_rest(town: Store) -> None:
    tell(town, PutPost("p", ("ann",), text="a"))
    tell(town, PutPost("p", ("ann",), text="b"), now=NOW + 99)
    (post,) = facts_since(town, 0).posts
    assert (post.text, post.written_at) == ("b", NOW)


def test_a_group_without_a_limit_has_room_for_all(town: Store) -> None:
    seq = tell(town, PutGroup("small", capacity=0))
    facts = {one.id: one for one in facts_since(town, 0).groups}
    assert facts["bakers"] == GroupFact("bakers", True, "Bakers", "We bake.", True, UNLIMITED)
    assert facts["small"].capacity == 0
    assert facts["small"].name == "small"
    tell(town, PutGroup("small"))
    assert facts_since(town, seq).groups[0].capacity == UNLIMITED


def test_who_leaves_has_left_and_who_comes_back_is_in_since_the_first_time(town: Store) -> None:
    seq = tell(town, PutMembership("ann", "bakers", first_ts=NOW - 50))
    tell(town, DeleteMembership("ann", "bakers"), DeleteMembership("bo", "bakers"), now=NOW + 1)
    assert facts_since(town, seq).memberships == (
        MembershipFact("ann", "bakers", False, True, NOW - 50),
    )
    tell(town, PutMembership("ann", "bakers", first_ts=NOW + 2))
    assert facts_since(town, seq).memberships == (
        MembershipFact("ann", "bakers", True, False, NOW - 50),
    )


def test_a_block_holds_until_it_is_taken_back(town: Store) -> None:
    seq = tell(town, PutBlock("ann", "bo"))
    assert facts_since(town, seq - 1).blocks == (BlockFact("ann", "bo", True),)
    tell(town, DeleteBlock("ann", "bo"))
    assert facts_since(town, seq).blocks == (BlockFact("ann", "bo", False),)


def test_a_post_is_told_with_everyone_in_it(town: Store) -> None:
    seq = tell(town, PutMember("cy"))
    written = PutPost("p", ("bo", "ann", "bo"), ("bakers",), ("cy", "ann"), NOW - 9, "Hi", "Loaf")
    tell(town, written)
    assert facts_since(town, seq).posts == (
        PostFact("p", True, True, "Hi. Loaf", NOW - 9, ("ann", "bo"), ("bakers",), ("cy",)),
    )
    seq = tell(town, replace(written, members=("ann",), groups=(), participants=()))
    assert facts_since(town, seq - 1).posts == (
        PostFact("p", True, True, "Hi. Loaf", NOW - 9, ("ann",), (), ()),
    )


def test_a_post_is_public_only_with_all_its_groups(town: Store) -> None:
    tell(town, PutGroup("open"), PutPost("p", ("ann",), ("bakers", "open")))
    seq = tell(town, PutPost("q", ("ann",), visibility="private"))
    tell(town, replace(BAKERS, visibility="private"))
    assert {one.id: one.public for one in facts_since(town, seq).posts} == {"p": False}
    assert {one.id: one.public for one in facts_since(town, 0).posts} == {"p": False, "q": False}
    seq = tell(town, BAKERS)
    assert {one.id: one.public for one in facts_since(town, seq - 2).posts} == {"p": True}


def test_what_stood_in_a_closed_group_is_not_public_when_the_group_ends(town: Store) -> None:
    tell(town, PutMembership("ann", "bakers"), PutPost("p", ("ann",), ("bakers",)))
    tell(town, replace(BAKERS, visibility="secret"))
    seq = town.head_of(TOWN)
    tell(town, DeleteGroup("bakers"))
    facts = facts_since(town, seq)
    assert facts.groups == (GroupFact("bakers", here=False),)
    assert facts.memberships == (MembershipFact("ann", "bakers", here=False),)
    assert [(one.id, one.public, one.groups) for one in facts.posts] == [("p", False, ())]


def test_the_end_of_an_open_group_leaves_its_posts_open(town: Store) -> None:
    tell(town, PutPost("p", ("ann",), ("bakers",)), DeleteGroup("bakers"))
    assert [(one.public, one.groups) for one in facts_since(town, 0).posts] == [(True, ())]


def test_answers_to_a_post_that_is_gone_answer_nothing(town: Store) -> None:
    tell(town, PutPost("p", ("ann",)), PutPost("q", ("bo",), parent="p"))
    tell(town, PutPost("r", ("bo",), parent="nobody knows"), PutPost("s", ("bo",), parent="s"))
    with town.reading() as connection:
        query = select(posts.c.id, posts.c.parent).order_by(posts.c.id)
        assert [tuple(row) for row in connection.execute(query)] == [
            ("p", None), ("q", "p"), ("r", None), ("s", None)
        ]  # fmt: skip
    seq = town.head_of(TOWN)
    tell(town, DeletePost("p"), DeletePost("never was"))
    assert {one.id: one.here for one in facts_since(town, seq).posts} == {"p": False, "q": True}
    with town.reading() as connection:
        assert connection.scalars(select(posts.c.parent)).all() == [None] * 3


def test_a_member_deleted_within_a_batch_is_unknown_to_what_follows(town: Store) -> None:
    with pytest.raises(UnknownReferenceError, match="change 2: there is no member 'ann'"):
        tell(town, PutBlock("ann", "bo"), DeleteMember("ann"), PutMembership("ann", "bakers"))
    tell(town, PutBlock("ann", "bo"), DeleteMember("ann"), PutMember("ann", text="new"))
    facts = facts_since(town, 0)
    assert len(facts.erased) == 1
    assert {one.id: one.text for one in facts.members} == {"ann": "new", "bo": ""}
    assert facts.blocks == ()


def test_a_reader_goes_page_by_page_and_ends_at_the_head(town: Store) -> None:
    tell(town, *(PutMember(f"m{one}") for one in range(10)))
    seq, seen = 0, []
    while seq < town.head_of(TOWN):
        with town.reading() as connection:
            facts, seq = changes_since(connection, TOWN, seq, limit=4)
        seen += [one.id for one in facts.members]
    assert seen == ["ann", "bo", *(f"m{one}" for one in range(10))]
    with town.reading() as connection:
        assert changes_since(connection, TOWN, seq) == (Facts(), seq)


def test_a_reading_sees_one_state_whatever_is_written_meanwhile(town: Store) -> None:
    with town.reading() as connection:
        before = head(connection, TOWN)
        tell(town, PutBlock("ann", "bo"))
        assert head(connection, TOWN) == before
        assert changes_since(connection, TOWN, before) == (Facts(), before)
    assert town.head_of(TOWN) == before + 1


def test_what_is_written_is_undone_when_the_block_fails(town: Store) -> None:
    def write() -> None:
        with town.writing() as connection:
            connection.execute(text("DELETE FROM communities"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert town.head_of(TOWN) > 0


def test_communities_do_not_see_each_other(town: Store) -> None:
    create_community(town, "isle", NOW)
    seq = apply_changes(town, "isle", [PutMember("ann", text="sea")], NOW)
    assert seq == 1
    with pytest.raises(UnknownReferenceError):
        apply_changes(town, "isle", [PutBlock("ann", "bo")], NOW)
    with town.reading() as connection:
        assert communities(connection) == ["isle", TOWN]
        assert [one.text for one in changes_since(connection, "isle", 0)[0].members] == ["sea"]
    assert [one.text for one in facts_since(town, 0).members] == ["bread", ""]


def test_ids_are_ordered_by_their_bytes(store: Store) -> None:
    names = ["a", "B", "é", "Z", "_", "ß", "10", "9", "𝄞"]
    for name in names:
        create_community(store, name, NOW)
    with store.reading() as connection:
        assert communities(connection) == sorted(names, key=str.encode)


def test_odd_ids_are_kept_apart_and_come_back_as_they_were(town: Store) -> None:
    odd = ["a'; DROP TABLE members; --", "a%", "a_", "A", "a ", "é", "e\u0301", "\n", "🐝", "null"]
    seq = town.head_of(TOWN)
    tell(town, *(PutMember(one) for one in odd))
    assert [one.id for one in facts_since(town, seq).members] == odd


def test_many_writers_leave_no_gap_and_lose_nothing(town: Store) -> None:
    before = town.head_of(TOWN)

    def write(number: int) -> int:
        return tell(town, PutMember(f"w{number}"))

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, range(40)))
    assert sorted(numbers) == list(range(before + 1, before + 41))
    facts = facts_since(town, before)
    assert {one.id for one in facts.members} == {f"w{number}" for number in range(40)}


def test_an_entry_is_seen_only_when_all_before_it_are(town: Store) -> None:
    """A reader that stops at the head it saw must never find an earlier entry later."""
    stop = threading.Event()
    gaps: list[tuple[int, list[int]]] = []

    def watch() -> None:
        while not stop.is_set():
            with town.reading() as connection:
                last = head(connection, TOWN)
                seqs = list(connection.scalars(select(log.c.seq).order_by(log.c.seq)))
            if seqs != list(range(1, last + 1)):
                gaps.append((last, seqs))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda one: tell(town, PutMember(f"w{one}"), PutMember(f"v{one}")), range(30))
        )
    stop.set()
    watcher.join()
    assert gaps == []


def test_a_store_opened_again_has_everything(town: Store, store_address: str) -> None:
    seq = tell(town, PutMembership("ann", "bakers"))
    town.close()
    again = open_store(store_address)
    assert again.head_of(TOWN) == seq
    with again.reading() as connection:
        assert connection.execute(select(memberships)).one().member == "ann"
    again.close()


def test_who_waits_too_long_for_a_lock_is_told_so(town: Store, store_address: str) -> None:
    hasty = open_store(store_address, timeout_s=0.2)
    with town.writing() as connection:
        connection.execute(text("UPDATE communities SET head = head"))
        with pytest.raises(StoreUnavailableError, match="cannot be used now"):
            apply_changes(hasty, TOWN, [PutBlock("ann", "bo")], NOW)
    assert apply_changes(hasty, TOWN, [PutBlock("ann", "bo")], NOW) == hasty.head_of(TOWN)
    hasty.close()
