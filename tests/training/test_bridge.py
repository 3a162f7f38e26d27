"""Where groups lie by who is in them, and where a text says that they or somebody would."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from data.community import Community
from engine.types import Matrix
from tests.builders import Membership, Post, make, vectors_for
from tests.world import KeywordEncoder
from training.bridge import meaning_of, places_of, text_weights_of, unit
from training.texts import TextVectors, texts_of

ROCKET, SOURDOUGH, CHAT = np.eye(4, dtype=np.float32)[:3]

GROUPS = {
    "rockets-1": "rocket",
    "rockets-2": "rocket",
    "rockets-3": "rocket",
    "bread-1": "sourdough",
    "bread-2": "sourdough",
    "bread-3": "sourdough",
    "new-rockets": "rocket",
    "new-bread": "sourdough",
}
"""The last two have nobody in them yet."""


def town(posts: list[Post] | None = None, profiles: dict[str, str] | None = None) -> Community:
    """Return forty people who are into one of two things and in most groups about it."""
    chance = np.random.default_rng(0)
    people = [f"m{place}" for place in range(40)]
    names = list(GROUPS)
    joined = [
        Membership(one, group)
        for place, one in enumerate(people)
        for group in (names[:3] if place % 2 else names[3:6])
        if chance.random() < 0.8
    ]
    # One in ten is in a group of the others as well.
    joined += [Membership("m0", "rockets-1"), Membership("m1", "bread-1")]
    joined = list({(one.member, one.group): one for one in joined}.values())
    return make({one: (profiles or {}).get(one, "") for one in people}, GROUPS, joined, posts or [])


def memberships(community: Community) -> sparse.csr_array:
    joined = community.memberships
    return sparse.csr_array(
        (
            np.ones(len(joined), np.float32),
            (joined["member"].to_numpy(), joined["group"].to_numpy()),
        ),
        shape=(len(community.members), len(community.groups)),
    )


def read(community: Community) -> tuple[TextVectors, Matrix]:
    """Return the texts' vectors, and the groups' topics."""
    vectors = vectors_for(texts_of(community))
    return vectors, vectors.groups


def test_groups_that_share_members_lie_together() -> None:
    here = town()
    places, _ = places_of(memberships(here), read(here)[1])
    cosines = places @ places.T
    same = np.array([["rocket" in one, "bread" in one] for one in GROUPS])[:6]
    together = (same[:, :1] == same[:, :1].T) & ~np.eye(6, dtype=bool)
    assert cosines[:6, :6][together].min() > cosines[:6, :6][same[:, :1] != same[:, :1].T].max()


def test_a_group_without_members_lies_near_its_like() -> None:
    here = town()
    places, _ = places_of(memberships(here), read(here)[1])
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    near = places @ places.T
    assert near[6, :3].min() > near[6, 3:6].max() + 0.3
    assert near[7, 3:6].min() > near[7, :3].max() + 0.3


def test_a_text_is_bridged_to_where_such_groups_lie() -> None:
    here = town()
    places, bridge = places_of(memberships(here), read(here)[1])
    near = places @ unit((ROCKET @ bridge)[None])[0]
    assert near[[0, 1, 2, 6]].min() > near[[3, 4, 5, 7]].max() + 0.3


def test_the_more_members_a_group_has_the_less_its_text_says_where_it_lies() -> None:
    # It calls itself a group about rockets; whoever joins it is into sourdough.
    here = town()
    inside, topics = memberships(here).toarray(), read(here)[1]
    nearer_bread = []
    for count in (0, 1, 4, 20):
        inside[: 2 * count : 2, 6] = 1
        places = places_of(sparse.csr_array(inside), topics)[0]
        near = places[:6] @ places[6]
        nearer_bread.append(float(near[3:6].mean() - near[:3].mean()))
    assert nearer_bread == sorted(nearer_bread)
    assert nearer_bread[0] < -0.3
    assert nearer_bread[-1] > 0.1


def test_a_place_needs_no_text() -> None:
    inside = memberships(town())
    places, bridge = places_of(inside, np.zeros((8, 4), np.float32))
    near = places @ places.T
    assert near[0, 1] > near[0, 3]
    assert not places[6:].any(), "nothing is known of them"
    assert not bridge.any()


def test_too_few_groups_have_no_places_and_say_so_with_zeros() -> None:
    one = sparse.csr_array(np.ones((5, 1), np.float32))
    places, bridge = places_of(one, ROCKET[None])
    assert (places.shape, bridge.shape) == ((1, 1), (4, 1))
    assert not places.any()
    assert not bridge.any()


# Where texts are found


def talk() -> list[Post]:
    """Return what is said: of rockets in the first group, and of rockets in chat's own way."""
    posts = [Post(f"r{place}", ("m1",), ("rockets-1",), text="rocket") for place in range(20)]
    posts += [Post(f"b{place}", ("m0",), ("bread-2",), text="sourdough") for place in range(20)]
    return posts + [Post(f"c{place}", ("m0",), ("bread-2",), text="chat") for place in range(20)]


def test_a_text_goes_to_the_groups_such_texts_are_found_in() -> None:
    here = town(talk())
    vectors, topics = read(here)
    weights = text_weights_of(here, vectors, memberships(here), topics)
    assert weights.shape == (8, 4)
    rocket, bread, chat = (weights @ text for text in (ROCKET, SOURDOUGH, CHAT))
    assert rocket[0] > 0.8, "all twenty were in the first group, but for what the ridge holds back"
    assert np.argmax(chat) == 4, "nothing it says of itself, but there is where chat is found"
    assert bread[4] > 0.8
    # Groups in which nothing was said: what they say of themselves stands in for it.
    assert rocket[6] > 0.3 > bread[6]
    assert bread[7] > 0.3 > rocket[7]


def test_a_profile_is_found_in_its_members_groups() -> None:
    # Everybody in the groups about bread writes of chat, of which no group's text speaks.
    here = town(profiles={f"m{place}": "chat" for place in range(0, 40, 2)})
    vectors, topics = read(here)
    chat = text_weights_of(here, vectors, memberships(here), topics) @ CHAT
    assert chat[3:6].min() > 0.2
    assert max(chat[1:3].max(), chat[6], chat[7]) < 0.05


def test_a_text_is_turned_towards_the_topics_of_the_groups_that_welcome_it() -> None:
    here = town(
        talk() + [Post(f"d{place}", ("m0",), ("bread-2",), text="chat") for place in range(200)]
    )
    vectors, topics = read(here)
    meaning = meaning_of(here, vectors, memberships(here), topics)
    assert meaning.dtype == np.float32
    # 220 texts of chat in a group about sourdough, beside a ridge of 30 towards the identity.
    assert CHAT @ meaning == pytest.approx([0, 220 / 250, 30 / 250, 0], abs=1e-5)


def test_private_posts_tell_nothing() -> None:
    hidden = [Post(f"h{place}", ("m0",), ("bread-2",), text="chat", visibility="private")
              for place in range(50)]  # fmt: skip
    with_them, without = (town(talk() + more) for more in (hidden, []))
    for found in (text_weights_of, meaning_of):
        one, other = (
            found(here, *(read(here)[0], memberships(here), read(here)[1]))
            for here in (with_them, without)
        )
        assert one == pytest.approx(other, abs=1e-6)


def test_without_any_text_near_means_what_it_meant_and_nothing_fits() -> None:
    here = make([f"m{place}" for place in range(9)], ["g0", "g1", "g2"],
                [Membership(f"m{place}", f"g{place % 3}") for place in range(9)])  # fmt: skip
    blank = TextVectors(*(np.zeros((count, 4), np.float32) for count in (0, 9, 3)))
    inside, topics = memberships(here), blank.groups
    assert meaning_of(here, blank, inside, topics).tolist() == np.eye(4).tolist()
    assert not text_weights_of(here, blank, inside, topics).any()
    places, bridge = places_of(inside, topics)
    assert np.isfinite(places).all()
    assert not bridge.any()
    assert KeywordEncoder().dimension == 4
