"""Who is asked to answer: those who answer such things, have room, and may be asked."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import polars as pl
import pytest

from engine.answering import by_newcomers, fading, largest, nearness
from engine.errors import UnknownError
from engine.explanations import Reason
from engine.facts import (
    BlockFact,
    Facts,
    GroupFact,
    HiddenFact,
    IntroducedFact,
    MemberFact,
    PostFact,
    SetAsideFact,
    VectorFact,
    Written,
)
from engine.live import Overlay
from engine.overlay import PatchedProfiles
from engine.responders import Responders, row_of
from engine.weeks import week_of
from tests.builders import Membership, Post, built, make
from tests.live_facts import bundle_of
from tests.world import NOW, KeywordEncoder, tables, world

DAY = 86_400.0


def village() -> Overlay:
    """Rita answers about rockets, Sam about sourdough, Tess about neither but most of all.

    Ann, who is new, asks about rockets in `pad`; Rita and Ugo are in it.
    """
    posts = [Post("ask", ("ann",), ("pad",), NOW, "my rocket")]
    for place, (who, text, count) in enumerate(
        [("rita", "rocket", 4), ("sam", "sourdough", 4), ("tess", "chat", 5)]
    ):
        for one in range(count):
            asked = NOW - (20 + one + place) * DAY
            name = f"{who}-{one}"
            posts += [
                Post(name, ("old",), (), asked, f"{text} {one}"),
                Post(f"{name}-a", (who,), (), asked + DAY, text, parent=name),
            ]
    people = ["ann", "old", "rita", "sam", "tess", "ugo"]
    long_ago = [Membership(one, "pad", NOW - 300 * DAY) for one in ("rita", "ugo")]
    long_ago += [Membership("old", "hall", NOW - 300 * DAY)]
    found = make(people, {"pad": "rocket", "hall": "chat"}, long_ago, posts)
    return Overlay(bundle_of(built(found)), clock=lambda: NOW)


@pytest.fixture
def overlay() -> Overlay:
    return village()


def asked(overlay: Overlay, post: str = "ask", k: int = 10) -> list[str]:
    answer = Responders(overlay.recommender).to_post(post, k)
    assert not answer.trace.failed
    return [item.id for item in answer.items]


def reasons(overlay: Overlay, post: str, member: str) -> dict[str, Reason]:
    items = Responders(overlay.recommender).to_post(post, 10).items
    (item,) = (one for one in items if one.id == member)
    return {reason.kind: reason for reason in item.reasons}


def test_who_answers_what_is_like_it_comes_before_who_answers_most(overlay: Overlay) -> None:
    assert asked(overlay)[0] == "rita"
    bread = Responders(overlay.recommender).to_text("sourdough", 3)
    assert bread.items[0].id == "sam"


def test_nobody_is_asked_twice_nor_asked_what_they_wrote(overlay: Overlay) -> None:
    assert set(asked(overlay)) == {"old", "rita", "sam", "tess", "ugo"}
    answer = PostFact("late", written_at=NOW, authors=("rita",), parent="ask")
    overlay.take_in(Facts(posts=(answer,)))
    assert set(asked(overlay)) == {"old", "sam", "tess", "ugo"}


def test_a_new_post_is_answered_for_at_once_and_better_when_its_vector_is_there(
    overlay: Overlay,
) -> None:
    fresh = PostFact("fresh", text="sourdough", written_at=NOW, authors=("ann",))
    overlay.take_in(Facts(posts=(fresh,)))
    assert asked(overlay, "fresh")[0] == "tess", "the busiest, as long as nothing is known of it"
    vector = VectorFact(Written.POST, "fresh", KeywordEncoder().encode(["sourdough"]), (1.0,))
    overlay.take_in(Facts(vectors=(vector,)))
    assert asked(overlay, "fresh")[0] == "sam"


NEVER = {
    "ana": "wrote it",
    "di": "is invisible",
    "ed": "is closed to introductions",
    "fay": "was blocked by Ana",
    "gus": "has blocked Ana",
    "hal": "is a minor",
    "ivy": "is of unknown audience",
    "lu": "takes no introductions",
}


def test_in_the_world_only_those_are_asked_who_may_be() -> None:
    overlay = Overlay(bundle_of(world().snapshot), clock=lambda: NOW)
    found = asked(overlay, "p0")
    assert not set(found) & NEVER.keys()
    # Mo knows Ana already, which is no reason not to be asked.
    assert {"bo", "mo", "nia"} <= set(found)


@pytest.mark.parametrize(
    "facts",
    [
        Facts(blocks=(BlockFact("ann", "rita", here=True),)),
        Facts(blocks=(BlockFact("rita", "ann", here=True),)),
        Facts(hidden=(HiddenFact("rita", hidden=True),)),
        Facts(members=(MemberFact("rita", discoverable=False),)),
        Facts(members=(MemberFact("rita", open_to_introductions=False),)),
        Facts(members=(MemberFact("rita", weekly_introductions=0.0),)),
        Facts(members=(MemberFact("rita", weekly_introductions=float("nan")),)),
        Facts(members=(MemberFact("rita", audience="minor"),)),
        Facts(members=(MemberFact("rita", audience=None),)),
        Facts(members=(MemberFact("rita", here=False),)),
        Facts(members=(MemberFact("rita", muted_groups=("pad",)),)),
        Facts(set_aside=(SetAsideFact("rita", "ann", Written.MEMBER, NOW + 1),)),
        Facts(set_aside=(SetAsideFact("ann", "rita", Written.MEMBER, NOW + 1),)),
    ],
    ids=lambda facts: str(next(one for one in astuple(facts) if one)),
)
def test_what_restricts_holds_at_once(overlay: Overlay, facts: Facts) -> None:
    overlay.take_in(facts)
    assert asked(overlay)[0] != "rita"
    assert "rita" not in asked(overlay)


def met(times: int) -> Facts:
    others = ("old", "sam", "tess", "ugo", "vic")[:times]
    return Facts(introduced=tuple(IntroducedFact("rita", one, week_of(NOW)) for one in others))


def test_whoever_was_asked_often_this_week_falls_back_and_then_is_left_in_peace(
    overlay: Overlay,
) -> None:
    def score(name: str) -> float:
        items = Responders(overlay.recommender).to_post("ask", 10).items
        return next(item.score for item in items if item.id == name)

    before = score("rita")
    overlay.take_in(met(4))
    assert score("rita") < before - 0.5
    overlay.take_in(met(5))
    assert "rita" not in asked(overlay)


def test_a_private_post_and_an_answer_look_like_one_that_is_not_there(overlay: Overlay) -> None:
    shut = PostFact("shut", public=False, written_at=NOW, authors=("ann",))
    overlay.take_in(Facts(posts=(shut,)))
    for post in ("shut", "rita-0-a", "nothing", ""):
        with pytest.raises(UnknownError, match=f"has the id {post!r}"):
            asked(overlay, post)


def test_a_post_in_a_group_that_was_closed_is_not_there(overlay: Overlay) -> None:
    overlay.take_in(Facts(groups=(GroupFact("pad", public=False),)))
    with pytest.raises(UnknownError):
        asked(overlay)


def test_for_a_post_of_two_bands_nobody_is_asked() -> None:
    changed = {"posts": tables()["posts"].with_columns(
        members=pl.when(pl.col("id") == "p0").then(pl.lit(["ana", "hal"])).otherwise(
            pl.concat_list("member"))
    ).drop("member")}  # fmt: skip
    overlay = Overlay(bundle_of(world(changed).snapshot), clock=lambda: NOW)
    assert asked(overlay, "p0") == []


def test_a_text_is_asked_in_public_groups_and_by_a_band_alone() -> None:
    recommender = Overlay(bundle_of(world().snapshot), clock=lambda: NOW).recommender

    def to_text(**more: object) -> set[str]:
        items = Responders(recommender).to_text("rocket", 10, **more).items  # type: ignore[arg-type]
        return {item.id for item in items}

    assert {"ana", "bo", "nia"} <= to_text(audience="adult")
    assert to_text(audience="minor") == {"hal"}
    assert to_text() == set()
    assert not to_text(member="ana") & NEVER.keys()
    for group in ("secret-pad", "private-pad", "nowhere"):
        with pytest.raises(UnknownError):
            to_text(audience="adult", groups=[group])
    with pytest.raises(UnknownError):
        to_text(member="nobody")


def test_reasons_name_what_was_answered_where_they_are_and_how_lately(overlay: Overlay) -> None:
    told = reasons(overlay, "ask", "rita")
    assert told["answers_about"].text == "Answered 4 questions like this."
    assert set(told["answers_about"].evidence) < {f"rita-{one}" for one in range(4)}
    assert told["shared_group"].text == "In pad, where this is asked."
    assert told["answers_lately"].text == "Answered 4 posts of the latest 90 days on record."
    assert reasons(overlay, "ask", "old").keys() == {"open_member"}


def test_a_reason_counts_no_post_whose_author_the_viewer_may_not_see(overlay: Overlay) -> None:
    overlay.take_in(Facts(members=(MemberFact("old", discoverable=False),)))
    assert reasons(overlay, "ask", "rita").keys() == {"shared_group"}


def test_a_reason_counts_no_post_by_somebody_the_author_is_apart_from(overlay: Overlay) -> None:
    overlay.take_in(Facts(blocks=(BlockFact("old", "ann", here=True),)))
    assert reasons(overlay, "ask", "rita").keys() == {"shared_group"}


def test_whoever_answers_newcomers_is_asked_for_them_and_it_is_said() -> None:
    first = [
        Post("known", ("old",), (), NOW - 2 * DAY, "chat"),
        Post("known-a", ("cold",), (), NOW - DAY, "chat", parent="known"),
        Post("hi", ("new",), (), NOW - 2 * DAY, "chat"),
        Post("hi-a", ("kind",), (), NOW - DAY, "chat", parent="hi"),
        Post("ask", ("ann",), (), NOW, "chat"),
        Post("ask-too", ("old",), (), NOW, "chat"),
    ]
    ages = [Membership(one, "hall", NOW - 300 * DAY) for one in ("old", "cold", "kind")]
    snapshot = built(make(["ann", "cold", "kind", "new", "old"], ["hall"], ages, first))
    overlay = Overlay(bundle_of(snapshot), clock=lambda: NOW)
    assert asked(overlay, "ask")[0] == "kind"
    assert reasons(overlay, "ask", "kind")["welcomes_newcomers"].evidence == ("hi",)
    assert asked(overlay, "ask-too")[0] == "cold"
    assert "welcomes_newcomers" not in reasons(overlay, "ask-too", "kind")


def test_of_answers_the_later_count_more_and_in_a_quiet_place_older_ones_too() -> None:
    def weights(days: tuple[float, ...]) -> list[float]:
        posts = []
        for place, age in enumerate(days):
            posts += [
                Post(f"q{place}", ("ann",), (), NOW - age * DAY - 60, "chat"),
                Post(f"a{place}", ("bob",), (), NOW - age * DAY, "chat", parent=f"q{place}"),
            ]
        snapshot = built(make(["ann", "bob"], ["hall"], posts=posts))
        there = snapshot.posts
        found = fading(there.last_at, there.answered_by.counts().astype(float), int(NOW))
        worth: list[float] = found.round(4).tolist()
        return worth

    # By age the second would be 0.5 ** 10; but it is the second to last answer there is.
    assert weights((0, 100)) == [1.0, round(0.5 ** (1 / 80), 4)]
    # With 200 later ones at the same moment it is half of a half of a half: 10 days weigh more.
    assert weights((*[0.0] * 200, 10))[-1] == 0.5


def test_somebody_is_new_for_a_month_from_what_was_first_known_of_them() -> None:
    posts = [
        Post("then", ("ann",), (), NOW - 100 * DAY, "chat"),
        Post("later", ("ann",), (), NOW - 71 * DAY, "chat"),
        Post("now", ("ann",), (), NOW - 10 * DAY, "chat"),
        Post("other", ("bob",), (), NOW, "chat"),
    ]
    snapshot = built(make(["ann", "bob"], ["hall"], posts=posts))
    assert by_newcomers(snapshot, NOW).tolist() == [True, True, False, True]


def test_nearness_is_the_best_of_all_vectors_laid_over_the_base_or_not() -> None:
    rng = np.random.default_rng(0)
    texts = built(
        make(["a"], ["g"], posts=[Post(f"p{one}", ("a",)) for one in range(4)])
    ).posts.texts
    rows = {}
    for row, count in ((0, 1), (2, 2), (3, 1), (5, 3)):
        found = rng.normal(size=(count, 4)).astype(np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        rows[row] = found, np.full(count, 1 / count, np.float32)
    patched = PatchedProfiles.over(texts, rows, 6)
    queries = rows[5][0][:2]
    expected = np.zeros(6, np.float32)
    for row, (vectors, _) in rows.items():
        expected[row] = max(0, (vectors @ queries.T).max())
    np.testing.assert_allclose(nearness(patched, queries), expected, rtol=1e-5)
    assert not nearness(patched, queries[:0]).any()


def test_ids_are_found_whatever_their_length(overlay: Overlay) -> None:
    ids = overlay.recommender.bundle.snapshot.posts.ids
    assert [row_of(ids, one) for one in ids.tolist()] == list(range(len(ids)))
    assert row_of(ids, "") is None
    assert row_of(ids, "rita-9") is None


def test_of_the_largest_equals_come_by_row() -> None:
    assert sorted(largest(np.array([1.0, 5.0, 1.0, 0.0, 1.0]), 3).tolist()) == [0, 1, 2]


def test_where_nobody_ever_answered_those_are_asked_who_care_for_it() -> None:
    people = {"ann": "", "bob": "sourdough", "cat": "rocket"}
    snapshot = built(make(people, ["hall"], posts=[Post("ask", ("ann",), (), NOW, "rocket")]))
    overlay = Overlay(bundle_of(snapshot), clock=lambda: NOW)
    assert asked(overlay) == ["cat", "bob"]
