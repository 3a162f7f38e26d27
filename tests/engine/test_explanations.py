"""Reasons are true, and show nobody what they may not see: each is checked against the tables."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.exchanges import ties_from_posts
from engine.domain import DAY_S
from engine.explanations import MemberReasons, Reason
from engine.group_reasons import GroupReasons
from engine.query import query_of_member
from tests.random_community import HIDDEN_WORDS, random_world
from tests.reason_facts import FOUND, Facts, all_given, check
from tests.world import BREAD, NOW, World, community, tables, world


def reasons_for(here: World, viewer: str, *, group: str = "", member: str = "") -> list[Reason]:
    query = query_of_member(here.snapshot, here.member(viewer))
    if group:
        return GroupReasons(here.snapshot).explain(query, here.group(group))
    return MemberReasons(here.snapshot).explain(query, here.member(member))


def told(reasons: list[Reason], kind: str) -> str:
    """Return what the one reason of a kind says."""
    [text] = [one.text for one in reasons if one.kind == kind]
    return text


def test_every_reason_in_the_world_is_true_and_discreet() -> None:
    here = world()
    facts = Facts(here)
    for shown in all_given(here):
        check(facts, shown)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_reason_in_any_community_is_true_and_discreet(seed: int) -> None:
    here = random_world(seed)
    facts = Facts(here)
    assert not set(HIDDEN_WORDS.values()) & set(here.snapshot.vocabulary.tolist())
    for shown in all_given(here):
        check(facts, shown)


def test_the_checks_above_meet_nearly_every_form_of_a_reason() -> None:
    FOUND.clear()
    for seed in range(40):
        here = random_world(seed)
        for shown in all_given(here):
            check(Facts(here), shown)
    forms = re.sub(r"\d+|P(?:erson|lace)\w+", "#", "\n".join(FOUND))
    for piece in (
        "It is about W, which you talk about too.",
        "It is about W, which came up in what you took part in.",
        "People here talk about W, as you do.",
        "comes up here and in what you took part in.",
        "whom you already talk with",
        "you already talk with is here",
        "You have taken part here before.",
        "people are here.",
        "people joined in the latest",
        "An open group of #.",
        "An open group.",
        "You both talk about W.",
        "They took part in posts about W, which you talk about.",
        "They talk about W, and you took part in posts about that.",
        "You both took part in posts about W.",
        "You both talk with # and #.",
        "You both talk with one person.",
        "You are both in # (# members).",
        "Close to what you care about: people here talk about W.",
        "Close to what you care about: it is about W.",
        "Close to what you care about: they talk about W.",
        "Open to meeting people.",
    ):
        assert piece in forms, piece


def test_a_word_of_hidden_posts_never_becomes_a_term() -> None:
    # Five people write of unobtainium as they do of levain, but only where it is secret.
    frame = tables()["posts"]
    names = ["bo", "mo", "ana", "nia", "lu"]
    more = pl.DataFrame(
        {
            "id": [f"s{place}" for place in range(5)],
            "member": names,
            "groups": [["secret-pad"]] * 3 + [["private-pad"], ["rocket-club", "secret-pad"]],
            "ts": [NOW - 86_400.0] * 5,
            "title": [""] * 5,
            "text": [f"{BREAD} of unobtainium, says {name}" for name in names],
        }
    )
    hidden = world({"posts": pl.concat([frame, more])})
    assert "unobtainium" not in hidden.snapshot.vocabulary.tolist()
    shown = more.with_columns(groups=pl.Series([["launch-site"]] * 5))
    public = world({"posts": pl.concat([frame, shown])})
    assert "unobtainium" in public.snapshot.vocabulary.tolist()


def test_bo_is_not_told_of_a_group_by_the_name_of_a_secret_one_he_is_in() -> None:
    here = world()
    near = here.snapshot.groups.neighbours.of_row(here.group("launch-site"))[0]
    assert here.group("secret-pad") in near
    # Ana and Cy stand for Bo and Mo: they share secret-pad and launch-site, and nothing else does.
    frame = pl.DataFrame(
        {
            "member": ["ana", "cy", "jo", "cy", "jo"],
            "group": ["secret-pad"] * 3 + ["launch-site"] * 2,
            "first_ts": [NOW - 300 * DAY_S] * 4 + [NOW],
            "left_ts": [None] * 5,
        },
        schema_overrides={"left_ts": pl.Float64},
    )
    reasons = reasons_for(world({"memberships": frame}), "ana", group="launch-site")
    assert all("Secret" not in one.text for one in reasons)
    assert all("secret-pad" not in one.evidence for one in reasons)


def test_nobody_is_said_to_be_here_often_who_has_left() -> None:
    # Ana alone was in both left-pad and bakers, and has left left-pad.
    here = world()
    assert here.group("left-pad") in here.snapshot.groups.neighbours.of_row(here.group("bakers"))[0]
    kinds = [one.kind for one in reasons_for(here, "bo", group="bakers")]
    assert "co_membership" not in kinds


@pytest.mark.parametrize(("hidden", "by"), [("mo", "discoverable"), ("mo", "blocks")])
def test_a_companion_who_is_invisible_or_blocked_is_neither_named_nor_counted(
    hidden: str, by: str
) -> None:
    everything = tables()
    assert "Mo" in told(reasons_for(world(), "ana", group="launch-site"), "companions")
    if by == "discoverable":
        visible = pl.col("discoverable") & (pl.col("id") != hidden)
        changed = {"members": everything["members"].with_columns(discoverable=visible)}
    else:
        block = pl.DataFrame({"member": ["mo"], "other": ["ana"]})
        changed = {"blocks": pl.concat([everything["blocks"], block])}
    here = world(changed)
    for reason in (
        *reasons_for(here, "ana", group="launch-site"),
        *reasons_for(here, "ana", member="bo"),
    ):
        assert reason.kind not in {"companions", "mutual_companions"}
        assert "Mo" not in reason.text
        assert "mo" not in reason.evidence


def test_a_mutual_companion_whom_the_other_has_blocked_is_not_named() -> None:
    assert told(reasons_for(world(), "ana", member="bo"), "mutual_companions")
    block = pl.DataFrame({"member": ["bo"], "other": ["mo"]})
    here = world({"blocks": pl.concat([tables()["blocks"], block])})
    assert all("Mo" not in one.text for one in reasons_for(here, "ana", member="bo"))


def test_a_name_stays_as_it_is_written() -> None:
    names = pl.when(pl.col("id") == "mo").then(pl.lit("One with One")).otherwise("name")
    here = world({"members": tables()["members"].with_columns(name=names)})
    said = told(reasons_for(here, "ana", member="bo"), "mutual_companions")
    assert said == "You both talk with One with One."
    initial = pl.when(pl.col("id") == "mo").then(pl.lit("Mo S.")).otherwise("name")
    here = world({"members": tables()["members"].with_columns(name=initial)})
    said = told(reasons_for(here, "ana", member="bo"), "mutual_companions")
    assert said == "You both talk with Mo S."


def test_a_small_group_is_praised_with_its_own_numbers() -> None:
    # Bo, Mo and Nia are in the launch site; six took part in it, of whom three on two days.
    names = ["bo", "mo", "nia", "cy", "jo", "kim"]
    again = ["bo", "mo", "nia"]
    posts = pl.DataFrame(
        {
            "id": [f"q{place}" for place in range(9)],
            "member": names + again,
            "groups": [["launch-site"]] * 9,
            "ts": [NOW - 400 * DAY_S] * 6 + [NOW - 300 * DAY_S] * 3,
            "title": [""] * 9,
            "text": [f"Hello {place}" for place in range(9)],
        }
    )
    here = world({"posts": posts, "ties": tables()["ties"].clear()})
    [told] = [x for x in reasons_for(here, "ana", group="launch-site") if x.kind == "small_group"]
    assert told.text == "A small group of 3, where 50% of people who took part came back."


def test_everyone_is_told_something_of_everything() -> None:
    # Even of groups and members that no policy would let through, and of oneself.
    here = world()
    for viewer in range(len(here.snapshot.members.ids)):
        query = query_of_member(here.snapshot, viewer)
        for group in np.flatnonzero(here.snapshot.groups.public).tolist():
            assert GroupReasons(here.snapshot).explain(query, group)
        for member in range(len(here.snapshot.members.ids)):
            assert MemberReasons(here.snapshot).explain(query, member)


def test_no_post_of_someone_blocked_is_shown_as_evidence() -> None:
    for seed in range(10):
        here = random_world(seed)
        facts = Facts(here)
        authors = {str(facts.posts[post]["id"]): member for member, post in facts.wrote}
        for shown in all_given(here):
            for post in (one for reason in shown.reasons for one in reason.evidence):
                assert (shown.viewer, authors.get(post, -1)) not in facts.apart


def test_a_secret_exchange_of_two_others_is_not_told() -> None:
    # Ana and Mo talked in public; Bo and Mo only in the secret pad.
    posts = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "member": ["ana", "mo", "bo", "mo"],
            "groups": [["rocket-club"]] * 2 + [["secret-pad"]] * 2,
            "ts": [NOW - DAY_S * age for age in (9, 8, 7, 6)],
            "title": [""] * 4,
            "text": [f"rocket {place}" for place in range(4)],
            "parent": [None, "a", None, "c"],
        }
    )
    read = community({"posts": posts})
    ids = read.members["id"]
    derived = ties_from_posts(read.posts, read.authors)
    ties = pl.DataFrame({end: ids.gather(derived[end]) for end in ("a", "b")})
    here = world({"posts": posts, "ties": ties})
    assert all("Mo" not in one.text for one in reasons_for(here, "ana", member="bo"))
