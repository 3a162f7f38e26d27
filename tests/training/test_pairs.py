"""Which texts belong together, and which may not be learnt from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from data.community import Community
from engine.domain import DAY_S
from tests.builders import Membership, Post, community_of, make
from tests.world import NOW
from training.pairs import SMALL_GROUP, Kind, Pair, pairs_of
from training.split import past

PLENTY = 1_000


def drawn(community: Community, most: int, seed: int = 0) -> list[Pair]:
    return pairs_of(community, most, np.random.default_rng(seed))


def found(community: Community, kind: Kind, seed: int = 0) -> set[tuple[str, str]]:
    """Return the texts of all pairs of a kind."""
    pairs = drawn(community, PLENTY, seed)
    return {(pair.anchor, pair.positive) for pair in pairs if pair.kind is kind}


def texts_in(pairs: list[Pair]) -> set[str]:
    return {text for pair in pairs for text in (pair.anchor, pair.positive)}


# Who joined what


def test_a_profile_and_a_post_each_pair_with_the_group_their_member_joined() -> None:
    community = make(
        {"ana": "profile of ana", "bo": "", "cy": "profile of cy"},
        {"club": "club for all"},
        [Membership("ana", "club"), Membership("bo", "club")],
        [Post("p", ("bo",), ("club",), text="post of bo")],
    )
    assert found(community, Kind.JOINED) == {
        ("profile of ana", "club for all"),
        ("post of bo", "club for all"),
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_post_in_the_group_says_more_than_one_elsewhere(seed: int) -> None:
    community = make(
        {"ana": ""},
        {"club": "club for all", "pad": "pad for all"},
        [Membership("ana", "club"), Membership("ana", "pad")],
        [
            Post("p", ("ana",), ("club",), text="one in the club"),
            Post("q", ("ana",), ("club",), text="another in the club"),
        ],
    )
    # In the pad Ana has written nothing: any of her posts stands for her.
    by_group = {group: text for text, group in found(community, Kind.JOINED, seed)}
    assert by_group.keys() == {"club for all", "pad for all"}
    with_pad = make(
        {"ana": ""},
        {"club": "club for all", "pad": "pad for all"},
        [Membership("ana", "club"), Membership("ana", "pad")],
        [
            Post("p", ("ana",), ("club",), text="one in the club"),
            Post("q", ("ana",), ("pad",), text="one in the pad"),
        ],
    )
    assert found(with_pad, Kind.JOINED, seed) == {
        ("one in the club", "club for all"),
        ("one in the pad", "pad for all"),
    }


def test_who_has_left_a_group_is_no_example_of_it() -> None:
    community = make(
        {"ana": "profile of ana"}, {"club": "about"}, [Membership("ana", "club", left_ts=NOW)]
    )
    assert drawn(community, PLENTY) == []


def test_private_and_secret_groups_and_members_not_discoverable_teach_nothing() -> None:
    def community(visibility: str, discoverable: bool | None) -> Community:
        return community_of(
            {
                "members": pl.DataFrame(
                    {"id": ["ana"], "text": ["profile of ana"], "discoverable": [discoverable]},
                    schema_overrides={"discoverable": pl.Boolean},
                ),
                "groups": pl.DataFrame(
                    {"id": ["club"], "text": ["club for all"], "visibility": [visibility]}
                ),
                "memberships": pl.DataFrame({"member": ["ana"], "group": ["club"]}),
            }
        )

    assert len(drawn(community("public", discoverable=True), PLENTY)) == 1
    assert drawn(community("private", discoverable=True), PLENTY) == []
    assert drawn(community("secret", discoverable=True), PLENTY) == []
    assert drawn(community("public", discoverable=False), PLENTY) == []
    assert drawn(community("public", discoverable=None), PLENTY) == []


def test_no_private_post_is_in_any_pair() -> None:
    community = make(
        {"ana": "", "bo": ""},
        {"club": "club for all"},
        [Membership("ana", "club"), Membership("bo", "club")],
        [
            Post("p", ("ana",), ("club",), text="whisper of ana", visibility="private"),
            Post("q", ("bo",), ("club",), text="answer of bo", parent="p"),
            Post("r", ("bo",), ("club",), text="call of bo"),
            Post("s", ("ana",), ("club",), text="whispered back", parent="r", visibility="private"),
        ],
    )
    said = texts_in(drawn(community, PLENTY))
    assert said <= {"call of bo", "answer of bo", "club for all"}
    assert "club for all" in said


# Who answered whom


def test_a_post_pairs_with_the_replies_of_others_only() -> None:
    community = make(
        ["ana", "bo"],
        ["club"],
        posts=[
            Post("p", ("ana",), text="question"),
            Post("q", ("bo",), text="answer", parent="p"),
            Post("r", ("ana",), text="to myself", parent="p"),
            Post("s", ("bo", "ana"), text="together", parent="p"),
        ],
    )
    assert found(community, Kind.ANSWERED) == {("question", "answer")}


@pytest.mark.parametrize(
    ("title", "text", "learnt"),
    [
        ("Which flour", "Rye. Always.", "Rye. Always"),
        ("Re: Which flour", "Rye", "Rye"),
        ("Which flour then", "Rye", "Which flour then. Rye"),
        ("", "Which flour is a matter of taste", "Which flour is a matter of taste"),
    ],
)
def test_a_reply_is_learnt_from_without_the_title_it_repeats(
    title: str, text: str, learnt: str
) -> None:
    community = make(
        ["ana", "bo"],
        ["club"],
        posts=[
            Post("p", ("ana",), title="Which flour", text="for a levain?"),
            Post("q", ("bo",), title=title, text=text, parent="p"),
        ],
    )
    assert found(community, Kind.ANSWERED) == {("Which flour. for a levain?", learnt)}


def test_a_reply_that_only_repeats_the_title_says_nothing() -> None:
    community = make(
        ["ana", "bo"],
        ["club"],
        posts=[
            Post("p", ("ana",), title="Which flour", text="for a levain?"),
            Post("q", ("bo",), title="Re: Which flour", parent="p"),
        ],
    )
    assert drawn(community, PLENTY) == []


# Who is side by side


def side_by_side(people: int, authors: tuple[str, str]) -> Community:
    members = [f"m{place}" for place in range(people)]
    return make(
        members,
        ["club"],
        [Membership(member, "club") for member in members],
        [
            Post("p", (authors[0],), ("club",), text="one"),
            Post("q", (authors[1],), ("club",), text="other"),
        ],
    )


def test_two_posts_of_a_small_group_pair_if_nobody_wrote_both() -> None:
    (pair,) = found(side_by_side(SMALL_GROUP, ("m0", "m1")), Kind.SHARED_GROUP)
    assert set(pair) == {"one", "other"}
    assert found(side_by_side(SMALL_GROUP, ("m0", "m0")), Kind.SHARED_GROUP) == set()
    assert found(side_by_side(SMALL_GROUP + 1, ("m0", "m1")), Kind.SHARED_GROUP) == set()


def test_a_reply_is_not_paired_as_a_neighbour() -> None:
    community = make(
        ["ana", "bo", "cy"],
        ["club", "pad"],
        posts=[
            Post("p", ("ana",), ("club",), text="one"),
            Post("q", ("bo",), ("club",), text="I agree", parent="r"),
            Post("r", ("cy",), ("pad",), text="far away"),
        ],
    )
    assert found(community, Kind.SHARED_GROUP) == set()
    assert found(community, Kind.ANSWERED) == {("far away", "I agree")}


def test_each_post_has_one_neighbour_in_a_group() -> None:
    members = [f"m{place}" for place in range(9)]
    posts = [Post(member, (member,), ("club",), text=f"post of {member}") for member in members]
    couples = found(make(members, ["club"], posts=posts), Kind.SHARED_GROUP)
    assert len(couples) == 4  # the ninth has nobody left
    assert len({text for couple in couples for text in couple}) == 8


# How many, and which


def test_copies_of_a_text_are_one_text() -> None:
    community = make(
        ["ana", "bo"],
        ["club"],
        posts=[
            Post(f"{letter}{week}", (who,), text=text, parent=f"p{week}" if letter == "q" else None)
            for week in range(3)
            for letter, who, text in (("p", "ana", "every Friday"), ("q", "bo", "I shall come"))
        ],
    )
    assert len(drawn(community, PLENTY)) == 1


def test_two_texts_that_are_the_same_are_no_pair() -> None:
    posts = [Post("p", ("ana",), text="echo"), Post("q", ("bo",), text="echo", parent="p")]
    assert drawn(make(["ana", "bo"], ["club"], posts=posts), PLENTY) == []


def crowd() -> Community:
    """Give a club of sixty, two of two, and ten answers."""
    sizes = {"big": 60, "one": 2, "two": 2}
    inside = [(f"{group}{place}", group) for group, size in sizes.items() for place in range(size)]
    posts = [Post(f"q{place}", ("one0",), text=f"question {place}") for place in range(10)]
    posts += [
        Post(f"a{place}", ("two0",), text=f"answer {place}", parent=f"q{place}")
        for place in range(10)
    ]
    return make(
        {member: f"profile of {member}" for member, _ in inside},
        {group: f"{group} for all" for group in sizes},
        [Membership(member, group) for member, group in inside],
        posts,
    )


def test_kinds_share_what_there_is_room_for_and_a_big_group_is_no_louder() -> None:
    whole = drawn(crowd(), PLENTY)
    # Two members have posts besides their profiles: 64 + 2 joins.
    assert Counter(pair.kind for pair in whole) == {Kind.JOINED: 66, Kind.ANSWERED: 10}
    some = drawn(crowd(), 12)
    assert Counter(pair.kind for pair in some) == {Kind.JOINED: 6, Kind.ANSWERED: 6}
    joined = Counter(pair.positive for pair in some if pair.kind is Kind.JOINED)
    assert joined == {"big for all": 2, "one for all": 2, "two for all": 2}
    most = drawn(crowd(), 30)
    assert Counter(pair.kind for pair in most) == {Kind.JOINED: 20, Kind.ANSWERED: 10}
    assert len(set(most)) == 30
    assert set(most) <= set(whole)


def test_the_seed_decides() -> None:
    assert drawn(crowd(), 30, seed=1) == drawn(crowd(), 30, seed=1)
    assert set(drawn(crowd(), 30, seed=1)) != set(drawn(crowd(), 30, seed=2))
    assert drawn(crowd(), PLENTY, seed=1) != drawn(crowd(), PLENTY, seed=2)


def test_what_comes_after_the_cut_is_in_no_pair() -> None:
    late = NOW + DAY_S
    community = make(
        {"ana": "profile of ana", "bo": "profile of bo"},
        {"club": "club for all", "pad": "pad for all"},
        [Membership("ana", "club"), Membership("bo", "pad", first_ts=late)],
        [
            Post("p", ("ana",), ("club",), text="early question"),
            Post("q", ("bo",), ("club",), text="late answer", ts=late, parent="p"),
        ],
    )
    assert "late answer" in texts_in(drawn(community, PLENTY))
    early = drawn(past(community, NOW + 1), PLENTY)
    assert texts_in(early) == {"profile of ana", "early question", "club for all"}


def test_a_community_without_texts_has_no_pairs() -> None:
    assert drawn(make(["ana"], ["club"], [Membership("ana", "club")]), PLENTY) == []


def test_pairs_of_one_group_or_conversation_have_one_topic() -> None:
    pairs = drawn(crowd(), PLENTY)
    assert len({pair.topic for pair in pairs}) == 3 + 10
    by_group = {(pair.positive, pair.topic) for pair in pairs if pair.kind is Kind.JOINED}
    assert len(by_group) == 3
