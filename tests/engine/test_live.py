"""A bundle of what was, and facts about what is, answer as a bundle of what is would.

Who is in what, who may be shown to whom and why, whatever changed and in whatever order it came.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UnknownError
from engine.facts import Facts, GroupFact, MemberFact, PostFact, VectorFact, Written
from engine.ids import digest_of
from engine.live import Overlay
from engine.recommender import Recommender
from engine.snapshot import Snapshot
from tests.live_facts import blocks_of, bundle_of, facts_between, memberships_of
from tests.random_community import random_tables
from tests.reason_facts import Facts as Truth
from tests.reason_facts import Given, check
from tests.world import BREAD, MEMBERS, NOW, ROCKETS, KeywordEncoder, World, world


def turned(seed: int) -> tuple[World, World]:
    """Return a community as it was, and as it has become: nearly everything has changed."""
    before, after = random_tables(seed), random_tables(seed + 1_000)
    # What was derived stays as it was until the next training: ties, and when members joined.
    people = set(after["members"]["id"])
    after["ties"] = before["ties"].filter(pl.col("a").is_in(people) & pl.col("b").is_in(people))
    since = {pair[:2]: pair[2] for pair in before["memberships"].iter_rows() if pair[3] is None}
    after["memberships"] = after["memberships"].with_columns(
        first_ts=pl.Series(
            [since.get(pair[:2], NOW) for pair in after["memberships"].iter_rows()],
            dtype=pl.Float64,
        )
    )
    for tables in (before, after):  # all may have heard of both today
        first, shown = pl.col("id") == "p0", pl.col("id") == "m0"
        tables["posts"] = tables["posts"].with_columns(
            ts=pl.when(first).then(NOW).otherwise("ts"),
            member=pl.when(first).then(pl.lit("m0")).otherwise("member"),
            groups=pl.when(first).then(pl.lit([], pl.List(pl.String))).otherwise("groups"),
            visibility=pl.when(first).then(pl.lit("public")).otherwise("visibility"),
        )
        tables["members"] = tables["members"].with_columns(
            discoverable=pl.when(shown).then(pl.lit(value=True)).otherwise("discoverable"),
            audience=pl.when(shown)
            .then(pl.col("audience").fill_null("adult"))
            .otherwise("audience"),
        )
    return world(before), world(after)


def brought_up_to_date(before: World, facts: Facts) -> Recommender:
    overlay = Overlay(bundle_of(before.snapshot))
    return overlay.take_in(facts)


def rows_of(ids: list[str]) -> dict[str, int]:
    return {external: row for row, external in enumerate(ids) if external}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 900))
def test_who_is_where_and_who_may_be_seen_is_as_in_a_fresh_build(seed: int) -> None:
    before, after = turned(seed)
    live = brought_up_to_date(before, facts_between(before.community, after.community))
    snapshot, fresh = live.bundle.snapshot, after.snapshot
    people, groups = (rows_of(part.ids.tolist()) for part in (snapshot.members, snapshot.groups))
    assert set(people) == set(fresh.members.ids.tolist())
    assert set(groups) == set(fresh.groups.ids.tolist())
    for external, row in people.items():
        there = fresh.members.ids.tolist().index(external)
        for name in ("discoverable", "open_to_introductions", "weekly_introductions"):
            assert getattr(snapshot.members, name)[row] == getattr(fresh.members, name)[there]
        assert band(snapshot, row) == band(fresh, there)
        assert snapshot.members.names[row] == fresh.members.names[there]
    for external, row in groups.items():
        there = fresh.groups.ids.tolist().index(external)
        for name in ("public", "capacity", "size"):
            assert getattr(snapshot.groups, name)[row] == getattr(fresh.groups, name)[there], name
    assert linked(snapshot, snapshot.members.groups, snapshot.groups) == {
        pair for pair, here in memberships_of(after.community).items() if here
    }
    assert linked(snapshot, snapshot.members.left, snapshot.groups) >= {
        pair for pair, here in memberships_of(after.community).items() if not here
    }
    assert linked(snapshot, snapshot.members.blocks, snapshot.members) == blocks_of(after.community)
    back = snapshot.groups.members.reversed(len(snapshot.members.ids))
    assert back.targets.tolist() == snapshot.members.groups.targets.tolist()


def band(snapshot: Snapshot, row: int) -> str | None:
    place = int(snapshot.members.audience[row])
    return None if place < 0 else snapshot.members.bands[place]


def linked(snapshot: Snapshot, links: object, targets: object) -> set[tuple[str, str]]:
    sources = np.repeat(np.arange(len(links)), links.counts())  # type: ignore[attr-defined,arg-type]
    ids, others = snapshot.members.ids.tolist(), targets.ids.tolist()  # type: ignore[attr-defined]
    pairs = zip(sources.tolist(), links.targets.tolist(), strict=True)  # type: ignore[attr-defined]
    return {(ids[one], others[other]) for one, other in pairs}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 900))
def test_every_reason_is_true_and_discreet_now(seed: int) -> None:
    before, after = turned(seed)
    live = brought_up_to_date(before, facts_between(before.community, after.community))
    truth = Truth(after)
    here, there = (
        rows_of(part.ids.tolist()) for part in (after.snapshot.members, after.snapshot.groups)
    )
    for viewer, row in here.items():
        for kind, rows in (("groups", there), ("members", here)):
            for item in getattr(live, f"{kind}_for")(viewer, 100).items:
                # That somebody took part is remembered longer than the post that shows it.
                reasons = [why for why in item.reasons if "taken part here" not in why.text]
                group, member = (rows[item.id], None) if kind == "groups" else (None, rows[item.id])
                if reasons:
                    check(truth, Given(row, group, member, reasons))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 900), st.integers(0, 100))
def test_the_order_in_which_facts_come_and_how_often_changes_nothing(seed: int, draw: int) -> None:
    before, after = turned(seed)
    facts = facts_between(before.community, after.community)
    at_once = brought_up_to_date(before, facts)
    overlay = Overlay(bundle_of(before.snapshot))
    chance = np.random.default_rng(draw)
    # Who and what there is comes first, as in a log; the rest in any order, some of it twice.
    overlay.take_in(Facts(members=facts.members, groups=facts.groups))
    vectors = {(one.kind, one.id): one for one in facts.vectors}
    rest = [Facts(memberships=(one,)) for one in facts.memberships]
    rest += [Facts(blocks=(one,)) for one in facts.blocks]
    for post in facts.posts:
        said = vectors.get((Written.POST, post.id))
        rest.append(Facts(posts=(post,), vectors=(said,) if said else ()))
    for place in [*chance.permutation(len(rest)), *chance.integers(0, max(len(rest), 1), 5)]:
        if rest:
            overlay.take_in(rest[place])
    of_things = tuple(one for one in facts.vectors if one.kind is not Written.POST)
    overlay.take_in(Facts(members=facts.members, groups=facts.groups, vectors=of_things))
    for member in after.snapshot.members.ids.tolist():
        for ask in ("groups_for", "members_for"):
            first, second = (
                getattr(who, ask)(member, 50).items for who in (at_once, overlay.recommender)
            )
            assert [(i.id, i.score) for i in first] == [(i.id, i.score) for i in second]
    one, other = (who.bundle.snapshot for who in (at_once, overlay.recommender))
    assert one.groups.size.tolist() == other.groups.size.tolist()
    assert one.members.active.tolist() == other.members.active.tolist()


def test_a_newcomer_and_a_new_group_find_each_other_at_once() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    bread = KeywordEncoder().encode([BREAD])
    live = overlay.take_in(
        Facts(
            members=(MemberFact("pia", name="Pia", text=BREAD, audience="adult"),),
            groups=(GroupFact("rye", name="Rye", text=BREAD),),
            vectors=(
                VectorFact(Written.MEMBER, "pia", bread, (1.0,)),
                VectorFact(Written.GROUP, "rye", bread, (1.0,)),
            ),
        )
    )
    assert "rye" in [item.id for item in live.groups_for("pia", 5).items]
    assert "rye" in [item.id for item in live.groups_for("jo", 5).items]
    assert live.members_for("pia", 3).items[0].id in {"cy", "jo", "ana"}
    assert "pia" in [item.id for item in live.members_for("cy", 5).items]


def test_what_was_answered_from_before_is_not_changed_by_what_comes_after() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    before = overlay.recommender
    first = before.members_for("ana", 5)
    overlay.take_in(Facts(members=(MemberFact("bo", here=False),)))
    assert before.members_for("ana", 5).items == first.items
    assert "bo" not in [item.id for item in overlay.recommender.members_for("ana", 50).items]


def test_who_comes_back_under_an_id_is_somebody_new() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    overlay.take_in(Facts(members=(MemberFact("ana", here=False),)))
    live = overlay.take_in(Facts(members=(MemberFact("ana", name="Anna", audience="adult"),)))
    snapshot = live.bundle.snapshot
    row = live.members.row("ana")
    assert row == len(world().snapshot.members.ids)
    assert not len(snapshot.members.groups.of_row(row)[0])
    assert not len(snapshot.members.ties.of_row(row)[0])
    assert not len(snapshot.members.interests.of_row(row)[0])


def test_two_thousand_posts_in_a_day_make_nobody_more_active_than_five_do() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    posts = [PostFact(f"n{n}", text=ROCKETS, written_at=NOW, authors=("nia",)) for n in range(2000)]
    few = overlay.take_in(Facts(posts=tuple(posts[:5]))).bundle.snapshot.members.active
    many = overlay.take_in(Facts(posts=tuple(posts))).bundle.snapshot.members.active
    assert few.tolist() == many.tolist()


def test_who_is_gone_stays_gone_when_what_they_took_part_in_changes() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    overlay.take_in(Facts(members=(MemberFact("mo", here=False),)))
    live = overlay.take_in(Facts(posts=tuple(PostFact(f"p{n}", here=False) for n in range(14))))
    snapshot = live.bundle.snapshot
    row = world().snapshot.members.ids.tolist().index("mo")
    assert not snapshot.members.active[row]
    assert not len(snapshot.members.groups.of_row(row)[0])
    assert not len(snapshot.members.interests.of_row(row)[0])
    assert row not in snapshot.groups.members.targets


def test_a_tombstone_drops_whoever_it_means_and_nobody_else() -> None:
    overlay = Overlay(bundle_of(world().snapshot), b"secret")
    marks = (digest_of(b"secret", "mo"), digest_of(b"secret", "p5", Written.POST))
    live = overlay.take_in(Facts(erased=marks))
    with pytest.raises(UnknownError):
        live.groups_for("mo", 5)
    # Member p5 and post mo are nobody's.
    live = overlay.take_in(Facts(erased=(digest_of(b"secret", "bo", Written.POST),)))
    assert live.groups_for("bo", 5).items
    shown = live.bundle.snapshot.members
    assert 5 not in shown.term_posts.tolist()


def test_a_muted_group_or_topic_is_shown_to_nobody_who_muted_it() -> None:
    overlay = Overlay(bundle_of(world().snapshot))
    jo = MemberFact("jo", text=BREAD, audience="adult", muted_groups=("bakers", "no-such"))
    assert "bakers" not in shown_to(overlay.take_in(Facts(members=(jo,))), "jo")
    assert "oven-talk" in shown_to(overlay.recommender, "jo")
    muted = MemberFact("jo", text=BREAD, audience="adult", muted_topics=("Levain", "Kayak trips"))
    assert "oven-talk" not in shown_to(overlay.take_in(Facts(members=(muted,))), "jo")
    assert "bakers" not in shown_to(overlay.recommender, "jo")
    # So is a group that comes later, by its name.
    later = Facts(groups=(GroupFact("k", name="Kayak trips for all"), GroupFact("l", name="Trips")))
    assert "l" in shown_to(overlay.take_in(later), "jo")
    assert "k" not in shown_to(overlay.recommender, "jo")
    assert "k" in shown_to(overlay.recommender, "kim")


def shown_to(live: Recommender, member: str) -> list[str]:
    return [item.id for item in live.groups_for(member, 50).items]


def test_a_post_points_to_nobody_hidden_who_helped_to_write_it_later() -> None:
    here = world()
    overlay = Overlay(bundle_of(here.snapshot))
    posts = {row["id"]: row for row in here.community.posts.to_dicts()}
    shown = sorted(pointed_to(overlay.recommender) & set(posts))
    assert shown
    for post in shown:
        row = posts[post]
        place = row["id"].removeprefix("p")
        first = here.community.members["id"][here.community.authors["member"][int(place)]]
        both = PostFact(post, text=row["text"], written_at=row["ts"], authors=(first, "di"))
        overlay.take_in(Facts(posts=(both,)))
    assert not pointed_to(overlay.recommender) & set(shown), "di is hidden"


def pointed_to(live: Recommender) -> set[str]:
    """Return whatever is evidence of any reason that anybody else than di is given."""
    members = [one for one in MEMBERS if one != "di"]
    items = [item for one in members for item in live.members_for(one, 50).items]
    items += [item for one in members for item in live.groups_for(one, 50).items]
    return {post for item in items for why in item.reasons for post in why.evidence}
