"""Which posts wait for an answer, and where a member's voice fits and is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from engine.conversations import Conversation, Listener
from engine.errors import UnknownError
from engine.explanations import Reason
from engine.facts import (
    BlockFact,
    Facts,
    GroupFact,
    HiddenFact,
    MemberFact,
    PostFact,
    SetAsideFact,
    Written,
)
from engine.live import Overlay
from engine.policies.conversation import StillOpen
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from tests.builders import Membership, Post, built, make
from tests.live_facts import bundle_of
from tests.world import NOW, world

DAY = 86_400.0


@pytest.fixture
def overlay() -> Overlay:
    """Ann, Ben and Cleo are known for long, Nia is new; all of them write in the hall.

    Rex, who reads, is into rockets and in the hall; he has answered Ben about sourdough.
    """
    posts = [
        Post("before", ("ben",), ("hall",), NOW - 80 * DAY, "sourdough"),
        Post("before-a", ("rex",), (), NOW - 79 * DAY, "rocket", parent="before"),
        Post("stale", ("ben",), ("hall",), NOW - 30 * DAY, "chat"),
        Post("older", ("ben",), ("hall",), NOW - 20 * DAY, "chat"),
        Post("long", ("ann",), ("hall",), NOW - 5 * DAY, "rocket"),
        Post("short", ("ann",), ("hall",), NOW - 1 * DAY, "rocket"),
        Post("new", ("nia",), ("hall",), NOW - 2 * DAY, "chat"),
        Post("busy", ("cleo",), ("hall",), NOW - 2 * DAY, "rocket"),
        Post("busy-a", ("ann",), (), NOW - DAY, "chat", parent="busy"),
        Post("busy-b", ("ben",), (), NOW - DAY, "chat", parent="busy"),
        Post("busy-c", ("nia",), (), NOW - DAY, "chat", parent="busy"),
    ]
    known = ("ann", "ben", "cleo", "rex")
    inside = [Membership(one, "hall", NOW - 300 * DAY) for one in known]
    people = {**dict.fromkeys((*known, "nia"), ""), "rex": "rocket"}
    return Overlay(
        bundle_of(built(make(people, {"hall": "chat"}, inside, posts))), clock=lambda: NOW
    )


def waiting(overlay: Overlay, member: str | None = None, k: int = 10) -> list[str]:
    return [post.id for post in Listener(overlay.recommender).unanswered(k, member).items]


def joined(overlay: Overlay, member: str = "rex", k: int = 10) -> list[str]:
    found = Listener(overlay.recommender).worth_joining(member, k)
    assert not found.trace.failed
    return [post.id for post in found.items]


def one(overlay: Overlay, post: str, member: str = "rex") -> Conversation:
    items = Listener(overlay.recommender).worth_joining(member, 10).items
    return next(item for item in items if item.id == post)


def test_newcomers_come_first_then_who_waits_longest_then_what_is_old(overlay: Overlay) -> None:
    assert waiting(overlay) == ["new", "long", "short", "older", "stale"]
    assert waiting(overlay, k=2) == ["new", "long"]
    (first, *_) = Listener(overlay.recommender).unanswered(1).items
    assert (first.authors, first.groups, first.by_newcomer) == (("nia",), ("hall",), True)
    assert (first.waiting_hours, first.voices, first.reasons) == (48.0, 0, ())


def test_a_post_waits_from_when_it_came_until_somebody_answers(overlay: Overlay) -> None:
    fresh = PostFact("fresh", written_at=NOW, authors=("ann",), groups=("hall",))
    overlay.take_in(Facts(posts=(fresh,)))
    assert "fresh" in waiting(overlay)
    overlay.take_in(Facts(posts=(PostFact("a", written_at=NOW, authors=("ben",), parent="fresh"),)))
    assert "fresh" not in waiting(overlay)


@pytest.mark.parametrize(
    "facts",
    [
        Facts(members=(MemberFact("ann", here=False),)),
        Facts(members=(MemberFact("ann", discoverable=False),)),
        Facts(members=(MemberFact("ann", audience=None),)),
        Facts(hidden=(HiddenFact("ann", hidden=True),)),
    ],
)
def test_posts_of_people_nobody_may_see_do_not_wait_for_all(overlay: Overlay, facts: Facts) -> None:
    overlay.take_in(facts)
    assert waiting(overlay) == ["new", "older", "stale"]
    assert not {"long", "short"} & set(joined(overlay))


def test_posts_in_a_group_that_is_closed_now_do_not_wait_for_all(overlay: Overlay) -> None:
    overlay.take_in(Facts(groups=(GroupFact("hall", name="Hall", public=False),)))
    assert waiting(overlay) == []
    assert waiting(overlay, "nia") == [], "who is in no such group"
    overlay.take_in(Facts(groups=(GroupFact("hall", here=False),)))
    assert waiting(overlay, "rex") == []


def test_who_looks_sees_no_post_of_their_own(overlay: Overlay) -> None:
    assert waiting(overlay, "ann") == ["new", "older", "stale"]
    with pytest.raises(UnknownError):
        waiting(overlay, "nobody")


def test_the_unanswered_come_before_the_busy_and_the_fitting_before_the_rest(
    overlay: Overlay,
) -> None:
    found = joined(overlay)
    assert found[:2] == ["short", "long"]
    assert found.index("short") < found.index("busy")
    assert "before" not in found, "Rex has answered it, and it is long ago"


def test_a_newcomers_post_comes_before_one_as_good(overlay: Overlay) -> None:
    posts = [
        PostFact(who, written_at=NOW, authors=(who,), groups=("hall",)) for who in ("ben", "nia")
    ]
    overlay.take_in(Facts(posts=tuple(posts)))
    found = joined(overlay)
    assert found.index("nia") < found.index("ben")


def test_of_one_author_come_two_posts_at_most(overlay: Overlay) -> None:
    more = tuple(
        PostFact(f"m{place}", written_at=NOW, authors=("ann",), groups=("hall",))
        for place in range(4)
    )
    overlay.take_in(Facts(posts=more))
    ann = {"m0", "m1", "m2", "m3", "long", "short"}
    assert len(ann & set(joined(overlay))) == 2
    assert len(joined(overlay, k=3)) == 3


@pytest.mark.parametrize(
    "facts",
    [
        Facts(blocks=(BlockFact("rex", "ann", here=True),)),
        Facts(blocks=(BlockFact("ann", "rex", here=True),)),
        Facts(members=(MemberFact("ann", audience="minor"),)),
        Facts(members=(MemberFact("rex", muted_groups=("hall",)),)),
        Facts(set_aside=(SetAsideFact("rex", "ann", Written.MEMBER, NOW + 1),)),
        Facts(set_aside=(SetAsideFact("rex", "hall", Written.GROUP, NOW + 1),)),
    ],
)
def test_what_restricts_holds_at_once(overlay: Overlay, facts: Facts) -> None:
    assert {"long", "short"} <= set(joined(overlay))
    overlay.take_in(facts)
    assert not {"long", "short"} & set(joined(overlay))
    assert not {"long", "short"} & set(waiting(overlay, "rex"))


def test_nobody_is_led_to_where_somebody_answered_whom_they_are_apart_from(
    overlay: Overlay,
) -> None:
    assert "busy" in joined(overlay)
    overlay.take_in(Facts(blocks=(BlockFact("ben", "rex", here=True),)))
    assert "busy" not in joined(overlay)


def test_reasons_say_what_fits_who_waits_and_where(overlay: Overlay) -> None:
    told = {reason.kind: reason for reason in one(overlay, "new").reasons}
    newcomer = "By somebody new here, whom nobody has answered yet."
    assert told["unanswered"] == Reason("unanswered", newcomer, ("new",))
    assert told["shared_group"].text == "In hall, where you are."
    alike = PostFact("rye", written_at=NOW, authors=("ann",), groups=("hall",))
    overlay.take_in(Facts(posts=(alike,)))
    assert {reason.kind for reason in one(overlay, "busy").reasons} == {"shared_group"}


def test_a_post_like_one_that_was_answered_says_so_and_names_it() -> None:
    posts = [
        Post("then", ("ann",), ("hall",), NOW - 3 * DAY, "sourdough"),
        Post("then-a", ("rex",), (), NOW - 2 * DAY, "chat", parent="then"),
        Post("now", ("ann",), ("hall",), NOW - DAY, "sourdough"),
        Post("else", ("ann",), ("hall",), NOW - DAY, "rocket"),
    ]
    overlay = Overlay(bundle_of(built(make(["ann", "rex"], ["hall"], [], posts))))
    told = {reason.kind: reason.evidence for reason in one(overlay, "now").reasons}
    assert told["answered_alike"] == ("then",)
    assert joined(overlay) == ["now", "else"]


def test_of_people_who_are_hidden_not_even_the_number_is_told(overlay: Overlay) -> None:
    shy = PostFact("a", written_at=NOW, authors=("ben",), parent="long")
    overlay.take_in(Facts(posts=(shy,)))
    assert "few_voices" in {reason.kind for reason in one(overlay, "long").reasons}
    assert one(overlay, "long").voices == 1
    overlay.take_in(Facts(members=(MemberFact("ben", discoverable=False),)))
    assert "few_voices" not in {reason.kind for reason in one(overlay, "long").reasons}
    assert one(overlay, "long").voices == 0


def test_a_conversation_is_open_from_its_last_word_on_for_a_time(overlay: Overlay) -> None:
    posts = overlay.recommender.bundle.snapshot.posts
    rows = np.arange(len(posts.ids))
    open_now = StillOpen(posts, NOW - 10 * DAY).allows(NOBODY_ASKS, Pool(rows))
    found = {posts.ids[row] for row in rows[open_now].tolist()}
    assert found == {"long", "short", "new", "busy"}


def test_in_the_world_ana_is_led_to_nobody_she_may_not_see() -> None:
    overlay = Overlay(bundle_of(world().snapshot), clock=lambda: NOW)
    # p0 to p9 are those of the rocket club in order; Di is invisible, Fay and Gus are apart from
    # her, Hal is a minor, Ivy of unknown audience; p0 and p10 are her own, p13 is secret.
    shown = set(joined(overlay, "ana", 50))
    assert not shown & {"p0", "p2", "p4", "p5", "p6", "p7", "p10", "p13"}
    assert {"p1", "p9", "p12"} <= shown
