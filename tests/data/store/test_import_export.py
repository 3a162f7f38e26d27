"""A community goes into the store and comes out as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.community import Community
from data.store.arrivals import Arrivals
from data.store.changes import (
    DeleteMembership,
    PutGroup,
    PutMember,
    PutMembership,
    PutPost,
    PutPreferences,
    apply_changes,
    create_community,
)
from data.store.connect import Store
from data.store.import_export import export_community, import_community, read_stored_community
from data.store.log import turn_of
from data.store.reading import changes_since
from data.validate import read_community
from data.write import write_folder
from engine.errors import DataError, UnknownError
from engine.facts import Facts
from tests.belong.commands import written
from tests.world import NOW, tables

FRAMES = ("members", "groups", "memberships", "posts", "authors", "post_groups", "participations",
          "ties", "blocks")  # fmt: skip
ODD = ["a\tb", 'say "hi"', "line\nbreak", "[1]", "007", "null", "é", "e\u0301", " x ", "#", "'"]


@pytest.fixture
def world(tmp_path: Path) -> Community:
    return read_community(written(tmp_path / "world"), now=NOW)


def by_id(community: Community) -> dict[str, pl.DataFrame]:
    """Return every table with ids for rows, in the order of all its columns."""
    ids = {name: getattr(community, name)["id"] for name in ("members", "groups", "posts")}
    of = {"member": "members", "other": "members", "a": "members", "b": "members",
          "group": "groups", "post": "posts", "parent": "posts"}  # fmt: skip
    found = {}
    for name in FRAMES:
        frame: pl.DataFrame = getattr(community, name)
        named = [ids[of[c]].gather(frame[c]).alias(c) for c in frame.columns if c in of]
        frame = frame.with_columns(*named)
        if name == "ties":
            a, b = pl.min_horizontal("a", "b"), pl.max_horizontal("a", "b")
            frame = frame.with_columns(a=a, b=b)
        found[name] = frame.sort(frame.columns).select(sorted(frame.columns))
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def facts_since(store: Store, name: str, seq: int) -> Facts:
    with store.reading() as connection:
        return changes_since(connection, name, seq, limit=10**6)[0]


def test_what_is_read_back_is_what_was_imported(store: Store, world: Community) -> None:
    head = import_community(store, world, NOW)
    back, seq = read_stored_community(store, world.name, NOW)
    assert (seq, back.rejections) == (head, ())
    was, now = by_id(world), by_id(back)
    for name in FRAMES:
        assert_frame_equal(now[name], was[name], check_column_order=False)


def test_every_row_is_logged_once(store: Store, world: Community) -> None:
    import_community(store, world, NOW)
    facts = facts_since(store, world.name, 0)
    assert [one.id for one in facts.members] == world.members["id"].to_list()
    assert len(facts.memberships) == len(world.memberships)
    assert {one.id: one.public for one in facts.posts} == dict(
        zip(world.posts["id"], world.posts["public"], strict=True)
    )
    assert len(facts.blocks) == len(world.blocks)


def test_importing_again_logs_nothing(store: Store, world: Community) -> None:
    head = import_community(store, world, NOW)
    assert import_community(store, world, NOW + 60) == head


def test_an_import_that_was_killed_is_finished_by_another(store: Store, world: Community) -> None:
    create_community(store, world.name, NOW)
    for step in list(Arrivals(world).steps())[:2]:
        for part in step.parts():
            with store.writing() as connection, turn_of(connection, world.name, NOW) as turn:
                step.put(turn, part[: len(part) // 2])
    import_community(store, world, NOW)
    back, _ = read_stored_community(store, world.name, NOW)
    assert_frame_equal(by_id(back)["memberships"], by_id(world)["memberships"])
    assert len(facts_since(store, world.name, 0).members) == len(world.members)


def test_an_export_is_the_same_bytes_each_time_and_after_a_round(
    store: Store, world: Community, tmp_path: Path
) -> None:
    import_community(store, world, NOW)
    export_community(store, world.name, tmp_path / "one")
    export_community(store, world.name, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    again = read_community(tmp_path / "one", now=NOW, name="again")
    import_community(store, again, NOW)
    export_community(store, "again", tmp_path / "three")
    assert files(tmp_path / "three") == files(tmp_path / "one")


def test_what_came_by_changes_comes_out_and_in_again(store: Store, tmp_path: Path) -> None:
    create_community(store, "town", NOW)
    apply_changes(
        store,
        "town",
        [
            *(PutMember(one, name=one, text=f"{one}\r\nx", audience="adult") for one in ODD),
            *(PutGroup(one, visibility="private") for one in ODD),
            PutGroup("small", capacity=3),
            *(PutMembership(one, one) for one in ODD),
            DeleteMembership(ODD[0], ODD[0]),
            PutPost("p", tuple(ODD), tuple(ODD), text="all"),
            *(PutPost(f"p{one}", (one,), participants=tuple(ODD), parent="p") for one in ODD),
            PutPreferences(ODD[0], False, False, 0),
        ],
        NOW,
    )
    export_community(store, "town", tmp_path / "one")
    again = read_community(tmp_path / "one", now=NOW, name="again")
    assert again.rejections == ()
    import_community(store, again, NOW)
    export_community(store, "again", tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    town, _ = read_stored_community(store, "town", NOW)
    copy, _ = read_stored_community(store, "again", NOW)
    for name in FRAMES:
        assert_frame_equal(by_id(copy)[name], by_id(town)[name])
    # A group without a limit has none after the round either.
    assert copy.groups.filter(pl.col("id") == "é")["capacity"].item() == float("inf")
    assert copy.groups.filter(pl.col("id") == "small")["capacity"].item() == 3
    facts = {one.id: one.capacity for one in facts_since(store, "again", 0).groups}
    assert (facts["é"], facts["small"]) == (float("inf"), 3)


def test_an_export_leaves_nothing_of_an_earlier_one(store: Store, tmp_path: Path) -> None:
    create_community(store, "town", NOW)
    apply_changes(store, "town", [PutMember("ann"), PutGroup("bakers")], NOW)
    out = tmp_path / "out"
    out.mkdir()
    (out / "blocks.tsv").write_text("member\tother\nann\tbo\n")
    (out / "posts.jsonl.gz").write_bytes(b"old")
    export_community(store, "town", out)
    assert set(files(out)) == {
        "members.jsonl", "groups.jsonl", "memberships.tsv", "participations.tsv.gz"
    }  # fmt: skip
    assert read_community(out, now=NOW).members["id"].to_list() == ["ann"]


def test_ties_that_were_supplied_are_not_added_to(store: Store, world: Community) -> None:
    import_community(store, world, NOW)
    one, other = _strangers(world)
    apply_changes(store, world.name, [PutPost("new", (one, other), text="we met")], NOW)
    back, _ = read_stored_community(store, world.name, NOW)
    assert_frame_equal(by_id(back)["ties"], by_id(world)["ties"])


def test_a_community_without_ties_derives_them_from_new_posts(store: Store, tmp_path: Path) -> None:
    raw = {name: frame for name, frame in tables().items() if name != "ties"}
    write_folder(raw, tmp_path / "untied")
    import_community(store, read_community(tmp_path / "untied", now=NOW), NOW)
    assert _tie_by_a_post(store, "untied") == 1
    # Derived ties are not taken for supplied ones on the way out and in again.
    export_community(store, "untied", tmp_path / "once more")
    import_community(store, read_community(tmp_path / "once more", now=NOW), NOW)
    assert _tie_by_a_post(store, "once more") == 1


def test_ties_that_were_supplied_empty_stay_empty(store: Store, tmp_path: Path) -> None:
    raw = {name: frame for name, frame in tables().items() if name != "ties"}
    write_folder(raw, tmp_path / "met")
    import_community(store, read_community(tmp_path / "met", now=NOW), NOW)
    assert _tie_by_a_post(store, "met") == 1
    again, _ = read_stored_community(store, "met", NOW)
    # Two have met, and yet the supplier says that nobody is tied to anybody.
    import_community(store, replace(again, name="lone", ties=again.ties.clear()), NOW)
    assert _tie_by_a_post(store, "lone") == 0


def _tie_by_a_post(store: Store, name: str) -> int:
    """Let two strangers write a post, and return how many more ties there are."""
    before, _ = read_stored_community(store, name, NOW)
    one, other = _strangers(before)
    apply_changes(store, name, [PutPost(f"of {one} and {other}", (one, other), text="we met")], NOW)
    after, _ = read_stored_community(store, name, NOW)
    return len(after.ties) - len(before.ties)


def _strangers(community: Community) -> tuple[str, str]:
    tied = set(community.ties.select("a", "b").iter_rows())
    ids = community.members["id"]
    for a in range(len(ids)):
        for b in range(a + 1, len(ids)):
            if (a, b) not in tied:
                return ids[a], ids[b]
    raise AssertionError("everybody knows everybody")


def test_an_import_never_opens_what_was_closed_since(store: Store, world: Community) -> None:
    import_community(store, world, NOW)
    seq = store.head_of(world.name)
    (member, group), *_ = (
        (one.member, one.group) for one in facts_since(store, world.name, 0).memberships if one.here
    )
    name = world.groups.filter(pl.col("id") == group)["name"].item()
    apply_changes(
        store,
        world.name,
        [
            PutPreferences(member, False, False, 1, ("cake",)),
            PutGroup(group, name=name, visibility="secret"),
            DeleteMembership(member, group),
        ],
        NOW + 1,
    )
    import_community(store, world, NOW + 2)
    facts = facts_since(store, world.name, seq)
    (ann,) = (one for one in facts.members if one.id == member)
    assert (ann.discoverable, ann.open_to_introductions) == (False, False)
    assert (ann.weekly_introductions, ann.muted_topics) == (1.0, ("cake",))
    assert [one.public for one in facts.groups if one.id == group] == [False]
    assert [one.here for one in facts.memberships if one.group == group] == [False]


def test_an_id_no_database_can_keep_stops_the_import_before_it_begins(
    store: Store, world: Community
) -> None:
    odd = world.members.with_columns(id=pl.col("id") + "\0")
    with pytest.raises(DataError, match="no database can keep"):
        import_community(store, replace(world, members=odd), NOW)
    with pytest.raises(UnknownError):
        store.head_of(world.name)


def test_a_community_nobody_knows_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnknownError):
        read_stored_community(store, "nowhere", NOW)
    with pytest.raises(UnknownError):
        export_community(store, "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
