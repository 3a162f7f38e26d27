"""What anybody may see of a community, and what shapes a member of what they took part in."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.domain import DAY_S
from engine.shared_terms import used_by
from tests.world import BREAD, NOW, ROCKETS, World, community, tables, world
from training.activity import taking_part
from training.in_the_open import in_the_open, last_of, open_parents, open_posts, seen, shown_members


def posts(*rows: tuple[str, list[str], list[str], str | None, str]) -> dict[str, pl.DataFrame]:
    """Return posts of (id, authors, groups, the post it answers, visibility), a day apart."""
    return {
        "posts": pl.DataFrame(
            {
                "id": [row[0] for row in rows],
                "members": [row[1] for row in rows],
                "groups": [row[2] for row in rows],
                "parent": [row[3] for row in rows],
                "visibility": [row[4] for row in rows],
                "ts": [NOW - DAY_S * (len(rows) - place) for place in range(len(rows))],
                "title": [""] * len(rows),
                "text": [f"{BREAD}, number {place}" for place in range(len(rows))],
            },
            schema_overrides={"parent": pl.String, "groups": pl.List(pl.String)},
        )
    }


def written(post: str, visibility: str) -> tuple[str, list[str], list[str], str | None, str]:
    """Return a post by Ana in no group."""
    return post, ["ana"], [], None, visibility


def test_who_is_invisible_or_of_unknown_band_may_not_be_shown() -> None:
    found = community()
    hidden = found.members.filter(pl.Series(~shown_members(found)))["id"].to_list()
    assert hidden == ["di", "ivy"]


def test_a_post_is_open_if_it_is_public_and_everybody_may_be_shown_who_wrote_it() -> None:
    found = community(
        posts(
            ("a", ["ana"], [], None, "public"),
            ("b", ["ana", "di"], [], None, "public"),
            ("c", ["ana"], [], None, "private"),
            ("d", ["bo"], ["bakers", "secret-pad"], None, "public"),
            ("e", ["hal"], ["bakers"], None, "public"),
        )
    )
    assert open_posts(found).tolist() == [True, False, False, False, True]
    events = in_the_open(found, taking_part(found))
    assert found.posts["id"].gather(events["post"]).to_list() == ["a", "e"]


def test_an_answer_to_what_not_all_may_see_begins_a_conversation_for_them() -> None:
    found = community(
        posts(
            ("a", ["di"], [], None, "public"),
            ("b", ["ana"], [], "a", "public"),
            ("c", ["bo"], [], "b", "public"),
        )
    )
    told = {row for row in open_parents(found).to_list() if row is not None}
    assert found.posts["parent"].to_list()[1] == 0
    assert open_parents(found).to_list()[1] is None
    assert 0 not in told


@pytest.mark.parametrize(
    ("author", "counts"), [("bo", True), ("di", False), ("fay", False), ("gus", False)]
)
def test_what_ana_took_part_in_counts_if_she_may_see_who_wrote_it(
    author: str, counts: bool
) -> None:
    joined_in = pl.DataFrame({"post": ["a"], "member": ["ana"]})
    found = community(posts(("a", [author], [], None, "public")) | {"participations": joined_in})
    ana = found.members["id"].to_list().index("ana")
    events = seen(found, taking_part(found))
    assert (ana in events["member"].to_list()) == counts
    assert len(events) == 1 + counts, "whoever wrote it sees it"


def test_what_somebody_wrote_with_a_hidden_one_is_theirs_only_if_asked_for() -> None:
    found = community(posts(("a", ["ana", "di"], [], None, "public")))
    events = taking_part(found)
    assert found.members["id"].gather(seen(found, events)["member"]).to_list() == ["di"]
    assert len(seen(found, events, own=True)) == 2


def test_the_last_thing_on_record_is_one_that_anybody_may_see() -> None:
    joined = {"memberships": tables()["memberships"].clear()}
    rows = (written("a", "public"), written("b", "private"))
    assert last_of(community(posts(*rows) | joined)) == NOW - 2 * DAY_S
    assert last_of(community(posts(("a", ["di"], [], None, "public")) | joined)) is None


def test_a_private_post_makes_nothing_older() -> None:
    joins = tables()["memberships"]
    rows = (written("a", "public"), written("b", "private"))
    both = posts(*rows)["posts"]
    whole = world({"posts": both, "memberships": joins.head(8)})
    part = world({"posts": both.head(1), "memberships": joins.head(8)})
    one, other = (here.snapshot.behaviour.joined.weights for here in (whole, part))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_word_that_only_invisible_people_use_is_not_told_and_makes_nothing_rarer(
    hidden: bool,
) -> None:
    # Five people write of unobtainium as they do of levain; then nobody may find them.
    here, changed = world(), tables()
    names = ["bo", "ed", "gus", "lu", "nia"]
    more = pl.DataFrame(
        {
            "id": [f"s{place}" for place in range(5)],
            "member": names,
            "groups": [["bakers"]] * 5,
            "ts": [NOW - DAY_S] * 5,
            "title": [""] * 5,
            "text": [f"{BREAD} of unobtainium, says {name}" for name in names],
        }
    )
    changed["posts"] = pl.concat([changed["posts"], more])
    if hidden:
        shown = pl.col("discoverable") & ~pl.col("id").is_in(names)
        changed["members"] = changed["members"].with_columns(discoverable=shown)
    told = world(changed)
    assert ("unobtainium" in told.snapshot.vocabulary.tolist()) != hidden
    assert (rarity(told, "levain") == rarity(without(names), "levain")) == hidden
    assert rarity(here, "levain") > 0


def without(names: list[str]) -> World:
    """Return the world before somebody came, and wrote anything."""
    changed = tables()
    return world(
        {
            "members": changed["members"].with_columns(
                discoverable=pl.col("discoverable") & ~pl.col("id").is_in(names)
            ),
            "posts": changed["posts"].filter(~pl.col("member").is_in(names)),
        }
    )


def rarity(here: World, word: str) -> float:
    return float(here.snapshot.rarity[here.snapshot.vocabulary.tolist().index(word)])


def test_what_shows_a_term_is_a_post_that_all_may_see_if_there_is_one() -> None:
    before = tables()["posts"]
    newer = pl.DataFrame(
        {
            "id": ["together"],
            "members": [["bo", "di"]],
            "groups": [["rocket-club"]],
            "ts": [NOW - DAY_S],
            "title": [""],
            "text": [f"{ROCKETS}, say bo and di"],
        }
    )
    alone = before.with_columns(members=pl.concat_list("member")).drop("member")
    here = world({"posts": pl.concat([alone.select(newer.columns), newer])})
    shown = used_by(
        here.snapshot.members.terms, here.snapshot.members.term_posts, here.member("bo")
    )
    assert {here.snapshot.post_ids[post] for post in shown.posts.tolist()} == {"p1"}
