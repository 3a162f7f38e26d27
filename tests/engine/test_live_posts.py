"""Posts that may be answered, between two trainings: what came, was answered, shut or has gone."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from engine.columns import Profiles
from engine.facts import Facts, GroupFact, MemberFact, PostFact, VectorFact, Written
from engine.ids import digest_of
from engine.live import Overlay
from engine.snapshot import PostColumns
from tests.builders import Post, built, make
from tests.live_facts import bundle_of
from tests.world import NOW, KeywordEncoder

DAY = 86_400.0
SECRET = b"of this community"

ASKED = PostFact("new", text="sourdough?", written_at=NOW, authors=("ann",), groups=("bakers",))
ANSWER = PostFact("new-a", written_at=NOW + 60, authors=("bob",), parent="new")
REPLY = PostFact("r", written_at=NOW + 60, authors=("cat",), parent="open")


@pytest.fixture
def overlay() -> Overlay:
    """`open` waits for an answer, `met` of Ann and Cat has Bob's; `old` is past answering."""
    return Overlay(
        bundle_of(
            built(
                make(
                    ["ann", "bob", "cat"],
                    {"bakers": "sourdough"},
                    posts=[
                        Post("open", ("ann",), ("bakers",), NOW - DAY, "sourdough"),
                        Post("met", ("ann", "cat"), ("bakers",), NOW - 3 * DAY, "rocket"),
                        Post("met-a", ("bob",), (), NOW - 2 * DAY, "rocket", parent="met"),
                        Post("old", ("ann",), ("bakers",), NOW - 400 * DAY, "rocket"),
                    ],
                )
            )
        ),
        SECRET,
    )


def there(overlay: Overlay) -> dict[str, tuple[list[str], list[str]]]:
    """Return the authors of each post that may be answered, and who has answered it."""
    snapshot = overlay.recommender.bundle.snapshot
    posts, names = snapshot.posts, snapshot.members.ids
    return {
        posts.ids[row]: (
            [names[one] for one in posts.authors.of_row(row)[0].tolist()],
            [names[one] for one in posts.answered_by.of_row(row)[0].tolist()],
        )
        for row in np.flatnonzero(posts.here).tolist()
    }


BEFORE = {"open": (["ann"], []), "met": (["ann", "cat"], ["bob"])}


def posts_of(overlay: Overlay) -> PostColumns:
    return overlay.recommender.bundle.snapshot.posts


def test_a_bundle_holds_the_posts_that_may_be_answered(overlay: Overlay) -> None:
    assert there(overlay) == BEFORE


def test_a_new_post_may_be_answered_at_once_and_is_compared_when_its_vector_comes(
    overlay: Overlay,
) -> None:
    overlay.take_in(Facts(posts=(ASKED,)))
    assert there(overlay) == {**BEFORE, "new": (["ann"], [])}
    vector = VectorFact(Written.POST, "new", KeywordEncoder().encode(["sourdough"]), (1.0,))
    overlay.take_in(Facts(vectors=(vector,)))
    texts = posts_of(overlay).texts
    assert isinstance(texts, Profiles)
    assert texts.of_row(len(texts) - 1)[0].tolist() == [[0, 1, 0, 0]]


def test_an_answer_counts_at_once_and_no_more_when_it_is_taken_back(overlay: Overlay) -> None:
    overlay.take_in(Facts(posts=(ASKED, ANSWER, REPLY)))
    assert there(overlay) == {**BEFORE, "open": (["ann"], ["cat"]), "new": (["ann"], ["bob"])}
    assert posts_of(overlay).last_at.max() == NOW + 60
    overlay.take_in(Facts(posts=(PostFact("r", here=False), replace(ANSWER, public=False))))
    assert there(overlay) == {**BEFORE, "new": (["ann"], [])}


def test_an_answer_of_the_author_is_none(overlay: Overlay) -> None:
    mine = PostFact("r", written_at=NOW, authors=("ann",), parent="open")
    overlay.take_in(Facts(posts=(mine,)))
    assert there(overlay)["open"] == (["ann"], [])


def test_a_closed_post_leaves_and_comes_back_with_those_who_had_answered(overlay: Overlay) -> None:
    met = PostFact("met", written_at=NOW - 3 * DAY, authors=("ann", "cat"), groups=("bakers",))
    shut = PostFact("met", public=False, written_at=NOW - 3 * DAY, authors=("ann", "cat"))
    overlay.take_in(Facts(posts=(shut,)))
    assert there(overlay) == {"open": (["ann"], [])}
    assert "met" not in posts_of(overlay).ids.tolist(), "not even its id is left"
    overlay.take_in(Facts(posts=(met,)))
    assert there(overlay) == BEFORE


def test_of_somebody_who_is_gone_neither_posts_nor_answers_are_left(overlay: Overlay) -> None:
    overlay.take_in(Facts(members=(MemberFact("bob", here=False),)))
    assert there(overlay) == {"open": (["ann"], []), "met": (["ann", "cat"], [])}
    overlay.take_in(Facts(members=(MemberFact("ann", here=False),)))
    assert there(overlay) == {"met": (["cat"], [])}


def test_a_post_that_was_erased_is_in_no_column_even_if_it_was_no_evidence(
    overlay: Overlay,
) -> None:
    overlay.take_in(Facts(erased=(digest_of(SECRET, "open", Written.POST),)))
    assert there(overlay) == {"met": (["ann", "cat"], ["bob"])}
    assert "open" not in posts_of(overlay).ids.tolist()
    overlay.take_in(Facts(posts=(REPLY,)))
    assert "open" not in there(overlay), "an answer does not bring it back"


def test_a_post_in_a_group_nobody_knows_is_not_there(overlay: Overlay) -> None:
    lost = PostFact("new", written_at=NOW, authors=("ann",), groups=("anglers",))
    overlay.take_in(Facts(posts=(lost,)))
    assert there(overlay) == BEFORE


def test_a_post_that_becomes_an_answer_begins_no_conversation(overlay: Overlay) -> None:
    moved = PostFact("open", written_at=NOW - DAY, authors=("bob",), parent="met")
    overlay.take_in(Facts(posts=(moved,)))
    assert there(overlay) == {"met": (["ann", "cat"], ["bob"])}
    assert posts_of(overlay).last_at.max() == NOW - DAY


def test_facts_give_the_same_posts_in_whatever_order() -> None:
    seen = set()
    for order in permutations((ASKED, ANSWER, REPLY)):
        here = built(make(["ann", "bob", "cat"], ["bakers"], posts=[Post("open", ("ann",))]))
        overlay = Overlay(bundle_of(here))
        for fact in order:
            overlay.take_in(Facts(posts=(fact,)))
        seen.add(str(sorted(there(overlay).items())))
    assert seen == {"[('new', (['ann'], ['bob'])), ('open', (['ann'], ['cat']))]"}


def test_a_change_that_touches_no_post_leaves_the_columns_as_they_were(overlay: Overlay) -> None:
    before = posts_of(overlay)
    overlay.take_in(Facts(groups=(GroupFact("rye", name="Rye"),)))
    assert posts_of(overlay) is before
