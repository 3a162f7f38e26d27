"""How to begin: a question made of what both may see, and the same for the same two."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.explanations import MemberReasons
from engine.openings import QUESTIONS, About, opening
from engine.query import query_of_member, query_of_text
from tests.world import BREAD, ROCKETS, World, tables, world

QUIET = {"posts": tables()["posts"].clear(), "ties": tables()["ties"].clear()}


def begin(here: World, viewer: str, member: str) -> str:
    query = query_of_member(here.snapshot, here.member(viewer))
    return MemberReasons(here.snapshot).opening(query, here.member(member))


def wishing(**wishes: tuple[str, str]) -> World:
    """Return the world in which some seek and offer something."""
    members = tables()["members"]
    told = [wishes.get(one, ("", "")) for one in members["id"]]
    return world(
        {
            "members": members.with_columns(
                seeking=pl.Series([seeks for seeks, _ in told]),
                offering=pl.Series([offers for _, offers in told]),
            )
        }
    )


def reasons(here: World, viewer: str, member: str) -> list[str]:
    query = query_of_member(here.snapshot, here.member(viewer))
    told = MemberReasons(here.snapshot).explain(query, here.member(member))
    return [why.text for why in told]


@pytest.mark.parametrize("about", About)
def test_every_question_asks_about_what_is_named_and_about_nothing_else(about: About) -> None:
    for question in QUESTIONS[about]:
        assert question.endswith("?")
        assert question.replace("{it}", "").count("{") == 0
    if about is not About.NOTHING:
        assert all("{it}" in question for question in QUESTIONS[about])


def test_the_same_two_are_given_the_same_question_and_others_others() -> None:
    names = [f"m{row}" for row in range(40)]
    found = {opening(About.WORDS, "“rye”", ("ana", other)) for other in names}
    assert found == {question.replace("{it}", "“rye”") for question in QUESTIONS[About.WORDS]}
    for other in names:
        assert opening(About.GROUP, "G", ("ana", other)) == opening(
            About.GROUP, "G", (other, "ana")
        )


def test_a_name_may_look_like_a_template() -> None:
    assert "{0} {it} %s" in opening(About.GROUP, "{0} {it} %s", ("a", "b"))


def test_two_who_talk_about_the_same_begin_with_the_rarest_of_it() -> None:
    here = world()
    words = here.snapshot.vocabulary.tolist()
    assert any(f"“{word}”" in begin(here, "ana", "bo") for word in words)
    assert begin(here, "ana", "bo") == begin(here, "bo", "ana")


def test_what_one_seeks_and_the_other_offers_comes_first_and_both_ways_round() -> None:
    here = wishing(ana=("a rocketry igniter", ""), bo=("", "an igniter for rocketry"))
    assert "You look for “igniter”, which they offer." in reasons(here, "ana", "bo")
    assert "They look for “igniter”, which you offer." in reasons(here, "bo", "ana")
    assert begin(here, "ana", "bo") in said_of(About.SOUGHT, "“igniter”")
    assert begin(here, "bo", "ana") in said_of(About.OFFERED, "“igniter”")
    assert not [text for text in reasons(here, "ana", "mo") if "look for" in text]


def test_other_words_for_the_same_are_called_close_and_claim_no_more() -> None:
    # Both are about rockets, which is all the encoder knows; no word is in both.
    here = wishing(ana=("somebody into rocketry", ""), bo=("", "the igniter of rocketry"))
    words = "“igniter”"
    assert f"They offer {words}, which is close to what you look for." in reasons(here, "ana", "bo")
    assert f"You offer {words}, which is close to what they look for." in reasons(here, "bo", "ana")
    unlike = wishing(ana=("a sourdough starter", ""), bo=("", "the igniter of rocketry"))
    assert not [text for text in reasons(unlike, "ana", "bo") if "offer" in text]


def said_of(about: About, it: str) -> set[str]:
    return {question.replace("{it}", it) for question in QUESTIONS[about]}


def test_without_words_a_group_and_then_a_companion_are_begun_with() -> None:
    assert begin(world(QUIET), "ana", "bo") in said_of(About.GROUP, "Rocket club")
    alone = QUIET | {"memberships": tables()["memberships"].clear(), "ties": tables()["ties"]}
    assert begin(world(alone), "ana", "bo") in said_of(About.COMPANION, "Mo")
    both = pl.DataFrame({"a": ["ana", "ana", "bo", "bo"], "b": ["mo", "cy", "mo", "cy"]})
    assert begin(world(alone | {"ties": both}), "ana", "bo") in said_of(
        About.COMPANIONS, "Cy and Mo"
    )
    nameless = tables()["members"].with_columns(name=pl.lit(""))
    assert begin(world(alone | {"members": nameless}), "ana", "bo") in said_of(About.NOTHING, "")


@pytest.mark.parametrize("hidden", ["secret", "private"])
def test_no_question_names_a_group_that_is_not_public(hidden: str) -> None:
    groups = tables()["groups"].with_columns(visibility=pl.lit(hidden))
    assert begin(world(QUIET | {"groups": groups}), "ana", "bo") in said_of(About.NOTHING, "")


def test_somebody_new_begins_with_what_the_other_says_in_public() -> None:
    here = world()
    words = here.snapshot.vocabulary.tolist()
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    query = query_of_text(*nothing, np.arange(len(words)))
    asked = MemberReasons(here.snapshot).opening(query, here.member("bo"))
    assert any(word in asked for word in words)
    assert ROCKETS not in asked
    assert BREAD not in asked
