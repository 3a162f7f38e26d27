"""What sets of people are found in training, and which are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from data.community import Community
from engine.snapshot import DiscoveryColumns, to_arrays
from tests.builders import Post, make, vectors_for
from tests.world import NOW, tables, world
from training.build import build_snapshot
from training.circles import Circles, circles_of, sets_of
from training.discoveries import different, find_discoveries, judged, likeness
from training.subjects import Subjects
from training.texts import texts_of

ALONE = pl.DataFrame({"member": ["cy"], "group": ["oven-talk"], "first_ts": [NOW - 1e6]})


def found_in(
    memberships: pl.DataFrame = ALONE, **members: pl.Series
) -> tuple[DiscoveryColumns, list[set[str]]]:
    """Return what is found in the world with other memberships and members."""
    changed = {"memberships": memberships}
    if members:
        changed["members"] = tables()["members"].with_columns(**members)
    here = world(changed)
    found = find_discoveries(here.community, vectors_for(texts_of(here.community)), here.snapshot)
    names = here.snapshot.members.ids.tolist()
    rows = range(len(found.founders))
    return found, [{names[one] for one in found.founders.of_row(row)[0]} for row in rows]


def test_people_who_talk_of_the_same_without_a_group_are_found() -> None:
    found, (rocketeers,) = found_in()
    assert len(rocketeers) >= 5
    assert rocketeers <= {"ana", "bo", "fay", "gus", "mo", "nia"}
    assert len(found.terms.targets) > 0


def test_who_does_not_agree_or_is_of_another_band_is_in_no_set() -> None:
    _, sets = found_in()
    assert not {"di", "ed", "hal", "ivy", "lu"} & set().union(*sets)


def test_people_whom_a_public_group_serves_are_not_found() -> None:
    _, (people,) = found_in()
    joined = pl.DataFrame({"member": sorted(people), "group": "launch-site", "first_ts": NOW - 1e6})
    assert people not in found_in(joined)[1]


def test_a_secret_group_changes_nothing() -> None:
    _, (people,) = found_in()
    secret = pl.DataFrame(
        {"member": ["cy", *sorted(people)], "group": "secret-pad", "first_ts": NOW - 1e6}
    )
    secret[0, "group"] = "oven-talk"
    assert found_in(secret)[1] == [people]


def test_the_same_data_and_seed_give_the_same_discoveries() -> None:
    one, other = found_in()[0], found_in()[0]
    for (name, left), (_, right) in zip(to_arrays(one), to_arrays(other), strict=True):
        assert np.array_equal(left, right), name


def conversation_of(people: int, posts: int) -> Community:
    """Return six who chat, a post each, and people who signed so many posts of rockets together."""
    names = tuple(f"m{row}" for row in range(people))
    shared = [
        Post(f"p{row}", names, (), NOW, f"Model rocket igniter, part {row}") for row in range(posts)
    ]
    chat = [Post(f"c{row}", (f"x{row}",), (), NOW, f"chat {row}") for row in range(6)]
    everybody = [*names, *(f"x{row}" for row in range(6))]
    return make(everybody, ["hall"], posts=[*shared, *chat])


@pytest.mark.parametrize("posts", [1, 4])
def test_authors_of_the_same_posts_have_met_and_are_no_discovery(posts: int) -> None:
    community = conversation_of(6, posts)
    texts = texts_of(community)
    vectors = vectors_for(texts)
    snapshot = build_snapshot(community, texts, vectors)
    found = find_discoveries(community, vectors, snapshot).founders
    assert not set(range(6)) & set(found.targets.tolist())
    assert set(range(6, 12)) & set(found.targets.tolist())  # others who say one thing each


@pytest.mark.parametrize(("crowd", "found"), [((0, 1, 2), True), ((0, 1, 2, 3), False)])
def test_a_set_holds_no_more_than_half_of_one_conversation(
    crowd: tuple[int, ...], found: bool
) -> None:
    # Of six people three, or four, are in the first of several conversations.
    others = [row for row in range(6) if row not in crowd]
    people = sets_of([list(crowd), *([row] for row in others)], 6)
    places = np.tile(np.array([[1, 0]], np.float32), (people.shape[0], 1))
    subjects = Subjects(places, places, people, sparse.csc_array(people))
    sets = circles_of(subjects, sparse.csr_array((6, 0), dtype=np.float32), seed=0).people
    assert bool(sets.shape[0]) is found


def test_likeness_is_the_best_f1_with_any_group() -> None:
    sets = sets_of([[0, 1, 2], [4]], 6)
    groups = sets_of([[0, 1, 3, 5], [2, 3]], 6)
    # 2 * 2 / (3 + 4) = 4/7 beats 2 * 1 / (3 + 2); nobody of the second is anywhere.
    assert likeness(sets, groups).tolist() == pytest.approx([4 / 7, 0])


def circles(people: list[list[int]], signs: np.ndarray) -> Circles:
    rows = np.arange(len(people))
    return Circles(sets_of(people, 10), rows, rows, signs)


def test_of_sets_that_share_most_people_the_first_is_kept() -> None:
    some = circles([[0, 1, 2, 3], [0, 1, 2, 4], [5, 6, 7, 8]], np.zeros((3, 9)))
    assert list(different(some, np.array([1, 0, 2]))) == [1, 2]


def test_what_makes_a_group_is_learned_from_the_groups_there_are() -> None:
    rng = np.random.default_rng(0)
    signs = rng.normal(size=(200, 9))
    alike = (signs[:, 8] > 0).astype(float)  # here only the last sign tells
    some = circles([[0]] * 200, signs)
    scores = judged(some, alike, seed=0)
    assert scores[alike > 0].min() > scores[(alike == 0) & (signs[:, 0] < 0)].max()
    assert np.corrcoef(scores, signs[:, 8])[0, 1] > 0.6 > np.corrcoef(scores, signs[:, 0])[0, 1]
    among = alike > 0
    assert np.corrcoef(scores[among], signs[among, 0])[0, 1] > 0.6, "of those the narrow first"
    few = replace(some)
    untaught = judged(few, np.zeros(200), seed=0)
    assert np.corrcoef(untaught, signs[:, 0])[0, 1] > 0.5  # narrowness, and words
