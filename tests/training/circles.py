"""Communities large enough to learn from, and what is learned of them."""

from __future__ import annotations

import numpy as np

from data.community import Community
from engine.domain import DAY_S
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.preferences import Preferences
from engine.query import query_of_member
from engine.snapshot import Snapshot
from tests.builders import Membership, Post, built, make, vectors_for
from tests.world import NOW, KeywordEncoder
from training.learn import Lessons, learn_ranker
from training.suggested import Suggested
from training.texts import texts_of

WORDS = ("rocket", "sourdough", "chat")


def learned(
    found: Community,
    preferences: Preferences | None = None,
    suggested: Suggested | None = None,
) -> tuple[Snapshot, GroupRanker]:
    snapshot, vectors = built(found), vectors_for(texts_of(found))
    lessons = Lessons(found, vectors, KeywordEncoder().encode, suggested)
    return snapshot, learn_ranker(lessons, snapshot, preferences)


def circles(
    people: int = 240, idle: int = 0, *, posts: bool = True, texts: bool = True, seed: int = 0
) -> Community:
    """Return three circles of six groups; people join their own circle's, one after the other.

    Every group is as big and as lively as any other, so who is there already is all that tells
    which one comes next. Those who are idle have joined two long ago and nothing since.
    """
    chance = np.random.default_rng(seed)
    names = [f"{word}-{place}" for word in WORDS for place in range(6)]
    joined: list[Membership] = []
    said: list[Post] = []
    for person in range(people):
        circle = person % 3
        order = chance.permutation(6)[:4]
        ages = np.sort(chance.uniform(1, 360, 4))[::-1]
        for place, age in zip(order.tolist(), ages.tolist(), strict=True):
            group = names[circle * 6 + place]
            joined.append(Membership(f"m{person:03}", group, NOW - age * DAY_S))
            word = WORDS[circle] if texts else ""
            post = Post(f"p{len(said)}", (f"m{person:03}",), (group,), NOW - age * DAY_S, word)
            said.append(post)
    for person in range(people, people + idle):
        pair = chance.permutation(6)[:2] + 6 * (person % 3)
        joined += [Membership(f"m{person:03}", names[one], NOW - 500 * DAY_S) for one in pair]
    groups = {name: name.split("-")[0] if texts else "" for name in names}
    members = [f"m{person:03}" for person in range(people + idle)]
    return make(members, groups, joined, said if posts else [])


def slates(snapshot: Snapshot, ranker: GroupRanker, k: int = 3) -> list[list[int]]:
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    pipeline = group_recommender(snapshot, index, ranker)
    members = range(len(snapshot.members.ids))
    return [pipeline.recommend(query_of_member(snapshot, row), k).rows.tolist() for row in members]
