"""Which pairs are held out, and which are learnt from together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from data.community import Community
from tests.training.fine_tune.two_tongues import GROUPS, MEMBERS, pair
from training.fine_tune import HELD_OUT, batches_of, hold_out
from training.pairs import pairs_of

# What is held out


def test_a_tenth_is_held_out_and_no_text_of_theirs_is_learnt_from(apart: Community) -> None:
    rng = np.random.default_rng(0)
    pairs = pairs_of(apart, 1_000, rng)
    lessons, held = hold_out(pairs, rng)
    assert len(pairs) == GROUPS * MEMBERS
    assert len(held) == HELD_OUT * len(pairs)
    assert set(lessons) | set(held) == set(pairs)
    unseen = {one.anchor for one in held}
    assert not unseen & {text for one in lessons for text in (one.anchor, one.positive)}


def test_all_pairs_of_an_anchor_are_held_out_together_and_it_is_on_no_other_side() -> None:
    # A ring in which each text is anchor twice and positive twice.
    names = [f"text {place}" for place in range(30)]
    ring = [*names, *names[:2]]
    pairs = [pair(one, other) for one, other in pairwise(ring)]
    pairs += [pair(one, other) for one, other in zip(ring, ring[2:], strict=False)]
    lessons, held = hold_out(pairs, np.random.default_rng(3))
    assert held
    assert lessons
    unseen = {one.anchor for one in held}
    assert {one for one in pairs if one.anchor in unseen} == set(held)
    assert not unseen & {text for one in lessons for text in (one.anchor, one.positive)}


# What is a batch


def test_no_text_and_no_topic_stands_twice_in_a_batch_and_every_pair_stands_once() -> None:
    rng = np.random.default_rng(5)
    pairs = [pair(f"a{rng.integers(300)}", f"p{place}", f"t{place % 50}") for place in range(500)]
    batches = batches_of(pairs, 8, np.random.default_rng(1))
    for batch in batches:
        assert 2 <= len(batch) <= 8
        assert len({one.topic for one in batch}) == len(batch)
        assert len({text for one in batch for text in (one.anchor, one.positive)}) == 2 * len(batch)
    taken = [one for batch in batches for one in batch]
    assert len(set(taken)) == len(taken)
    assert len(taken) >= 495  # a few may end up alone
    assert np.mean([len(batch) for batch in batches]) > 6


def test_a_pair_without_company_is_left_out() -> None:
    pairs = [pair(f"a{place}", f"p{place}", "one topic") for place in range(9)]
    assert batches_of(pairs, 4, np.random.default_rng(0)) == []
    batches = batches_of([*pairs, pair("b", "q", "other")], 4, np.random.default_rng(0))
    assert [sorted(one.topic for one in batch) for batch in batches] == [["one topic", "other"]]
