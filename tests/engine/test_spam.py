"""Writing ever more puts nobody before ever more people."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from engine.facts import Facts, MemberFact, PostFact, VectorFact, Written
from engine.features import TakesPart
from engine.live import Overlay
from engine.pool import Pool
from engine.query import NOBODY_ASKS
from engine.recommender import Recommender
from tests.builders import Membership, Post, built, make
from tests.live_facts import bundle_of
from tests.world import NOW, KeywordEncoder

DAY_S = 86_400.0
TOPICS = ("rocket", "sourdough", "chat")
PEOPLE = [f"m{n}" for n in range(60)]


def town() -> Overlay:
    """Sixty people in three circles, who each write about one thing now and then."""
    posts = [
        Post(f"p{n}-{k}", (who,), (TOPICS[n % 3],), NOW - (9 * k + n % 9) * DAY_S, TOPICS[n % 3])
        for n, who in enumerate(PEOPLE)
        for k in range(1 + n % 7)
    ]
    joined = [Membership(who, TOPICS[n % 3], NOW - 99 * DAY_S) for n, who in enumerate(PEOPLE)]
    return Overlay(bundle_of(built(make(PEOPLE, TOPICS, joined, posts))))


def shown(live: Recommender) -> Counter[str]:
    return Counter(item.id for who in PEOPLE for item in live.members_for(who, 5).items)


def test_ten_thousand_posts_of_every_topic_show_nobody_more_than_the_busiest_of_the_others() -> (
    None
):
    overlay = town()
    usual = shown(overlay.recommender)
    said = KeywordEncoder().encode(list(TOPICS))
    posts = [PostFact(f"s{n}", text=TOPICS[n % 3], written_at=NOW - n * 900, authors=("spam",))
             for n in range(10_000)]  # fmt: skip
    vectors = [VectorFact(Written.POST, post.id, said[n % 3][None, :], (1.0,))
               for n, post in enumerate(posts)]  # fmt: skip
    live = overlay.take_in(Facts((MemberFact("spam"),), posts=tuple(posts), vectors=tuple(vectors)))
    assert shown(live)["spam"] <= max(usual.values())


def test_beyond_often_nobody_takes_part_more() -> None:
    snapshot = built(make(PEOPLE, ["g"]))
    active = np.zeros(60, np.float32)
    active[:10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000]
    column = TakesPart.of(replace(snapshot.members, active=active))
    found = column.measure(NOBODY_ASKS, Pool(np.arange(12)))
    # The 99th percentile of the ten who take part lies 0.91 of the way from 9 to 1,000.
    assert found[8:].tolist() == pytest.approx(np.log1p([9, 9 + 0.91 * 991, 0, 0]).tolist())
    assert (
        not TakesPart.of(replace(snapshot.members, active=active * 0))
        .measure(NOBODY_ASKS, Pool(np.arange(3)))
        .any()
    )
