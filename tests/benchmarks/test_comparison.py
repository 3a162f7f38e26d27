"""A comparison is fair: its figures are the usual ones, and nobody sees what came later."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
import typer
from sklearn.metrics import ndcg_score, recall_score
from typer.testing import CliRunner

from benchmarks import quality
from benchmarks.calibration import calibration
from benchmarks.comparison import CompareSettings, compare
from benchmarks.contenders import packages_of, tuned
from benchmarks.ours import OurSettings
from benchmarks.peers import History, Peer, Scorer, Settings, Viewers
from benchmarks.quality_report import render
from benchmarks.resampling import Draws, figure, means, ratio
from benchmarks.slates import NOTHING, PLACES, Right, best, masked, values_of
from benchmarks.slices import MAIN, OURS, SLICES
from benchmarks.spread import spread
from benchmarks.trials import Cuts, shuffled, trials_of
from benchmarks.viewers import masked_newcomers, newcomers, prepared
from data.community import Community
from data.town import make_town
from data.validate import read_community
from data.write import write_folder
from engine.columns import Links
from engine.domain import DAY_S
from engine.errors import SettingError
from engine.types import Matrix
from training.figures_file import without_nan
from training.metrics import coverage, gini
from training.train import Workshop

GROUPS = 30


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Community:
    folder = tmp_path_factory.mktemp("towns") / "town"
    write_folder(make_town(200, seed=3).tables, folder)
    return read_community(folder, now=time.time())


def day(community: Community, share: float) -> str:
    """Return the day by which a share of the joins had happened."""
    when = community.memberships["first_ts"].drop_nulls().sort()
    return datetime.fromtimestamp(when[int(len(when) * share)], tz=UTC).date().isoformat()


def random_right(rng: np.random.Generator, viewers: int) -> Right:
    """Return one to twelve right groups for each viewer, all judged, gains 1 or 3."""
    amounts = rng.integers(1, 13, viewers)
    groups = [np.sort(rng.permutation(GROUPS)[:amount]) for amount in amounts]
    lines = np.repeat(np.arange(viewers), amounts)
    gains = rng.choice([1.0, 3.0], len(lines)).astype(np.float32)
    return Right(viewers, lines, np.concatenate(groups), gains, np.ones(len(lines), bool))


# Slates and what they are worth


def test_equal_scores_are_ordered_by_row_and_what_may_not_be_offered_is_not_shown() -> None:
    there = Links.of(2, np.array([1]), np.array([0]))  # member 1 is in group 0
    offered = np.array([True, True, False, True])
    scores = np.array([[0.5, 0.5, 9, 0.7], [9, 0.1, 9, np.nan]], np.float32)

    slates = best(masked(scores, np.array([-1, 1]), there, offered), places=3)

    assert slates.tolist() == [[3, 0, 1], [1, NOTHING, NOTHING]]


def test_slates_are_those_of_a_stable_sort() -> None:
    scores = np.random.default_rng(0).integers(0, 9, (200, GROUPS)).astype(np.float32)

    assert np.array_equal(best(scores), np.argsort(-scores, axis=1, kind="stable")[:, :PLACES])


def test_ndcg_and_recall_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    right, scores = random_right(rng, 40), rng.random((40, GROUPS)).astype(np.float32)
    slates = best(scores)
    gains = np.zeros((40, GROUPS))
    gains[right.lines, right.groups] = right.gains
    shown = np.zeros((40, GROUPS), bool)
    shown[np.arange(40)[:, None], slates] = True

    values = values_of(slates, right, GROUPS)

    assert values["ndcg_at_10"].mean() == pytest.approx(ndcg_score(gains > 0, scores, k=PLACES))
    assert values["belonging_ndcg_at_10"].mean() == pytest.approx(
        ndcg_score(gains, scores, k=PLACES)
    )
    assert values["recall_at_10"].mean() == pytest.approx(
        recall_score(gains > 0, shown, average="samples")
    )


def test_only_judged_joins_count_for_belonging() -> None:
    # The first place is right but cannot be judged; the third is judged and lasts.
    right = Right(1, np.zeros(2, np.int64), np.array([4, 7]), np.array([1, 3], np.float32),
                  np.array([False, True]))  # fmt: skip

    values = values_of(np.array([[4, 1, 7, *[NOTHING] * 7]]), right, GROUPS)

    assert values["belonging_ndcg_at_10"].tolist() == [0.5]  # 1 / log2(4)
    assert values["recall_at_10"].tolist() == [1.0]


def test_a_viewer_for_whom_nothing_was_right_has_no_value() -> None:
    nothing = np.zeros(0, np.int64)
    right = Right(1, nothing, nothing, np.zeros(0, np.float32), np.zeros(0, bool))

    values = values_of(np.full((1, PLACES), 3), right, GROUPS)

    assert np.isnan(values["ndcg_at_10"]).all()


def test_exposure_is_that_of_the_plain_definitions() -> None:
    rng = np.random.default_rng(2)
    slates = best(rng.random((50, GROUPS)).astype(np.float32) ** 3)
    sizes = rng.integers(0, 90, GROUPS).astype(np.float32)

    measured = [one for one, _ in spread(slates, sizes, GROUPS, Draws(np.arange(50)))]

    rows = slates.ravel()
    plain = [coverage(rows, GROUPS), gini(rows, GROUPS), float(np.median(sizes[rows]))]
    assert measured == pytest.approx(plain)


# Intervals


def test_a_system_over_itself_is_one_in_every_resample() -> None:
    values = np.random.default_rng(3).random((80, 1))
    whole, samples = means(values, Draws(np.arange(80)))

    found = ratio((whole[0], samples[:, 0]), (whole[0], samples[:, 0]), 80)

    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_member_is_drawn_with_all_their_answers() -> None:
    owners = np.array([0, 1, 0, 2])

    blocks = np.concatenate(list(Draws(owners).blocks(100)))

    assert (blocks[:, 0] == blocks[:, 2]).all()
    assert (blocks[:, 0] + blocks[:, 1] + blocks[:, 3] == 3).all()  # three people each time
    assert len(np.unique(blocks[:, 0])) > 1


def test_the_same_members_at_more_cuts_make_no_interval_narrower() -> None:
    values = np.random.default_rng(4).random(60)
    once, samples = means(values[:, None], Draws(np.arange(60)))
    again, twice = means(np.tile(values, 2)[:, None], Draws(np.tile(np.arange(60), 2)))

    one, other = figure(once[0], samples[:, 0], 60), figure(again[0], twice[:, 0], 120)

    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-6)


def test_an_interval_that_repeats_would_shift_lies_around_its_ratio() -> None:
    # A resample always shows fewer groups: 0.4 and 0.8 instead of 0.5 and 0.9.
    ours, theirs = (0.5, np.full(9, 0.4)), (0.9, np.full(9, 0.8))

    found = ratio(ours, theirs, 9, centred=True)

    assert (found.low, found.high) == pytest.approx((found.value, found.value))


def test_a_ratio_over_nothing_is_not_known() -> None:
    nothing, something = (0.0, np.zeros(9)), (0.3, np.full(9, 0.3))

    assert np.isnan(ratio(something, nothing, 9).value)


# Calibration


def stated(boldness: float) -> dict[str, Any]:
    """Return the calibration of chances whose log-odds are too far from 0 by a factor."""
    rng = np.random.default_rng(5)
    odds = rng.normal(-2, 1, 6_000)
    happened = rng.random(6_000) < 1 / (1 + np.exp(-odds))
    return calibration(1 / (1 + np.exp(-odds * boldness)), happened, np.arange(6_000) // 10)


def test_honest_chances_have_a_slope_of_one_and_skill() -> None:
    found = stated(boldness=1)

    assert found["slope"]["low"] < 1 < found["slope"]["high"]
    assert found["intercept"]["low"] < 0 < found["intercept"]["high"]
    assert found["brier_skill"]["low"] > 0
    assert found["ece"] < 0.02
    assert len(found["bins"]) == 10
    assert sum(one["count"] for one in found["bins"]) == found["statements"] == 6_000
    assert all(one["low"] <= one["observed"] <= one["high"] for one in found["bins"])


def test_bold_chances_have_a_slope_below_one() -> None:
    assert stated(boldness=2)["slope"]["value"] == pytest.approx(0.5, abs=0.05)


def test_one_chance_for_all_has_no_slope_and_one_bin() -> None:
    found = calibration(np.full(4, 0.25), np.array([1, 0, 0, 0]), np.arange(4))

    assert np.isnan(found["slope"]["value"])
    assert found["brier_skill"]["value"] == pytest.approx(0)
    assert [one["predicted"] for one in found["bins"]] == [0.25]


# Cuts


def test_the_order_of_groups_is_random_and_nothing_else_changes(town: Community) -> None:
    mixed = shuffled(town, seed=1)

    def pairs(community: Community, table: str, other: str) -> list[tuple[Any, ...]]:
        frame = getattr(community, table)
        return sorted(zip(community.groups["id"].gather(frame["group"]), frame[other], strict=True))

    assert mixed.groups["id"].to_list() != town.groups["id"].to_list()
    assert pairs(mixed, "memberships", "member") == pairs(town, "memberships", "member")
    assert pairs(mixed, "post_groups", "post") == pairs(town, "post_groups", "post")
    assert mixed.groups.sort("id").equals(town.groups.sort("id"))


def test_no_window_reaches_into_the_next_one(town: Community) -> None:
    days = [day(town, share) for share in (0.4, 0.5, 0.7, 0.8)]
    cuts = Cuts((days[2], days[3]), (days[0], days[1]), window_days=10_000)

    trials = trials_of(town, cuts)

    assert [trial.name for trial in trials.test] == days[2:]
    assert trials.validation[0].end == trials.validation[1].cut
    assert trials.validation[1].end == trials.test[0].cut
    assert trials.test[0].end == trials.test[1].cut


def test_without_a_date_peers_are_tuned_on_one_window_before_the_first_cut(
    town: Community,
) -> None:
    trials = trials_of(town, Cuts((day(town, 0.8),), window_days=30))

    assert [trial.cut for trial in trials.validation] == [trials.test[0].cut - 30 * DAY_S]
    assert trials.validation[0].end == trials.test[0].cut


def test_without_a_window_peers_are_tuned_on_the_last_fifth_of_the_past(town: Community) -> None:
    trials = trials_of(town, Cuts(("80%",)))

    joins = np.sort(town.memberships["first_ts"].drop_nulls().to_numpy())
    share = np.mean(joins < trials.validation[0].cut)
    assert share == pytest.approx(0.64, abs=0.01)
    assert trials.validation[0].end == trials.test[0].cut


def test_a_cut_to_tune_on_after_the_first_test_is_refused(town: Community) -> None:
    with pytest.raises(SettingError, match="before the first --until"):
        trials_of(town, Cuts((day(town, 0.5),), (day(town, 0.6),)))


# Newcomers


def test_a_newcomer_is_known_by_the_profile_or_else_the_first_post_of_the_window(
    town: Community, workshop: Workshop
) -> None:
    (trial,) = trials_of(town, Cuts((day(town, 0.6),))).test
    ready = prepared(trial, workshop)
    told = newcomers(ready, workshop)
    silent = replace(town, members=town.members.with_columns(text=pl.lit(""),
        seeking=pl.lit(""), offering=pl.lit("")))  # fmt: skip
    quiet = replace(trial, community=shuffled(silent, seed=0))

    by_post = newcomers(prepared(quiet, workshop), workshop)

    profiles = dict(zip(town.members["id"], town.members["text"], strict=True))
    assert told.ids
    assert all(text.startswith(profiles[one]) for one, text in zip(told.ids, told.texts,
        strict=True))  # fmt: skip
    assert 0 < len(by_post.ids) < len(told.ids)
    posts = town.posts.with_columns(member=pl.Series(_first_authors(town)))
    for one, text in zip(by_post.ids, by_post.texts, strict=True):
        mine = posts.filter(
            (pl.col("member") == one) & (pl.col("ts") >= trial.cut) & pl.col("public")
        ).sort("ts")
        assert mine["text"][0].strip(" .") in text
    assert (by_post.viewers.rows == -1).all()


def test_names_of_groups_are_taken_out_and_whoever_said_nothing_else_is_left_out(
    town: Community, workshop: Workshop
) -> None:
    (trial,) = trials_of(town, Cuts((day(town, 0.6),))).test
    told = newcomers(prepared(trial, workshop), workshop)
    names = [*town.groups["name"], told.texts[1]]  # the second's text is itself a name

    masked_told = masked_newcomers(told, names, workshop)

    assert told.ids[1] not in masked_told.ids
    words = {word for name in names for word in name.lower().split()}
    assert not any(words & set(text.lower().split()) for text in masked_told.texts)
    assert masked_told.right.viewers == len(masked_told.ids)
    assert masked_told.right.lines.max() < len(masked_told.ids)
    for place, one in enumerate(masked_told.ids):
        before = told.right.groups[told.right.lines == told.ids.index(one)]
        after = masked_told.right.groups[masked_told.right.lines == place]
        assert np.array_equal(before, after)


def _first_authors(community: Community) -> list[str | None]:
    authors = dict(community.authors.select("post", "member").iter_rows())
    ids = community.members["id"]
    return [ids[authors[row]] if row in authors else None for row in range(len(community.posts))]


# Whole comparisons, with peers that need no package


@dataclass(frozen=True, slots=True)
class Counted:
    """Orders groups by how often they were joined; one setting counts backwards."""

    histories: list[History] = field(default_factory=list)
    name: ClassVar[str] = "counted"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = True
    grid: ClassVar[Sequence[Settings]] = ({"sign": -1}, {"sign": 1})

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        self.histories.append(history)
        counts = np.bincount(history.group, minlength=history.groups).astype(np.float32)
        signed = counts * np.float32(settings["sign"])

        def score(viewers: Viewers) -> Matrix:
            return np.tile(signed, (len(viewers), 1))

        return score


@dataclass(frozen=True, slots=True)
class Speechless:
    """Knows members by their row, and has nothing to say to anybody else."""

    name: ClassVar[str] = "speechless"
    package: ClassVar[str] = "numpy"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = ({"seed": 1},)

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        table = np.random.default_rng(seed).random((history.members, history.groups))

        def score(viewers: Viewers) -> Matrix:
            assert (viewers.rows >= 0).all(), "asked about somebody it cannot know"
            return table[viewers.rows].astype(np.float32)

        return score


@dataclass(frozen=True, slots=True)
class TooSmall(Speechless):
    """A peer that is made for other communities."""

    name: ClassVar[str] = "too_small"

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        raise SettingError("too_small takes three groups at most")


@dataclass(frozen=True, slots=True)
class Absent(Speechless):
    """A peer whose package nobody has."""

    name: ClassVar[str] = "absent"
    package: ClassVar[str] = "no-such-package-anywhere"


@pytest.fixture(scope="module")
def compared(town: Community, workshop: Workshop) -> tuple[dict[str, Any], Counted]:
    counted = Counted()
    peers: dict[str, Peer] = {"counted": counted, "speechless": Speechless(), "big": TooSmall()}
    cuts = Cuts((day(town, 0.6), day(town, 0.8)), window_days=120)
    settings = CompareSettings(cuts, (OurSettings(intimacy=0.0), OurSettings(intimacy=1.0)))
    return compare(town, settings, workshop, peers), counted


def test_every_system_is_measured_on_the_same_members_with_intervals_and_paired_ratios(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert set(result["systems"]) == {OURS, "counted", "speechless"}
    for figures in result["systems"].values():
        assert set(figures) == {"ndcg_at_10", "belonging_ndcg_at_10", "recall_at_10",
                                "coverage", "gini", "median_size"}  # fmt: skip
        found = figures["ndcg_at_10"]
        assert found["low"] <= found["value"] <= found["high"]
        assert found["n"] == result["members"] > 0
    ours, theirs = (result["systems"][one]["ndcg_at_10"]["value"] for one in (OURS, "counted"))
    assert result["ratios"]["counted"]["ndcg_at_10"]["value"] == pytest.approx(ours / theirs)
    assert len(result["until"]) == 2


def test_a_peer_that_cannot_answer_a_text_is_no_part_of_cold_members(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert set(result["slices"]["cold_members"]["systems"]) == {OURS, "counted"}
    assert {kind.name for kind in SLICES} == {
        *result["slices"], *(set(result["not_measured"]) - {"big"})
    }  # fmt: skip
    assert MAIN.name not in result["slices"]


def test_a_peer_is_tuned_on_earlier_cuts_and_no_history_holds_what_came_later(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, counted = compared

    assert result["peers"]["counted"]["settings"] == {"sign": 1}
    assert result["peers"]["counted"]["tried"] == 2
    assert result["peers"]["counted"]["package"].startswith("numpy 2")
    # Two settings on one earlier window, then one fit at each cut.
    times = [history.asof for history in counted.histories]
    assert len(times) == 4
    assert times[0] == times[1] < times[2] < times[3]
    for history in counted.histories:
        assert np.nanmax(history.ts) < history.asof


def test_a_peer_that_cannot_be_fitted_here_is_left_out_with_its_reason(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    assert "three groups at most" in result["not_measured"]["big"]
    assert "big" not in result["peers"]


def test_settings_are_measured_beside_the_default(
    compared: tuple[dict[str, Any], Counted],
) -> None:
    result, _ = compared

    none, default, much = result["intimacy"]
    assert (none["intimacy"], much["intimacy"]) == (0.0, 1.0)
    assert [one["default"] for one in result["intimacy"]] == [False, True, False]
    assert default["ndcg_at_10"] == result["systems"][OURS]["ndcg_at_10"]
    assert much["median_size"]["value"] <= none["median_size"]["value"]
    assert "exploration" not in result


def test_a_comparison_is_json_and_a_page(compared: tuple[dict[str, Any], Counted]) -> None:
    result = without_nan(compared[0])

    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert "counted" in render(result)


def test_the_same_seed_gives_the_same_comparison(town: Community, workshop: Workshop) -> None:
    settings = CompareSettings(Cuts((day(town, 0.8),), window_days=60))
    peers: dict[str, Peer] = {"speechless": Speechless()}

    one, other = (compare(town, settings, workshop, peers) for _ in range(2))

    assert str(one["slices"]) == str(other["slices"])  # NaN is not equal to itself


# What a user sees


def test_a_peer_whose_package_is_not_there_says_what_to_install() -> None:
    with pytest.raises(SettingError, match=r"no-such-package-anywhere.*belong\[bench\]"):
        packages_of({"absent": Absent()})


def test_tuning_on_a_window_without_anybody_is_refused() -> None:
    with pytest.raises(SettingError, match="--validate"):
        tuned(Counted(), [], seed=0)


@pytest.mark.parametrize(
    "options",
    [["--until", "50%", "--until", "80%"], ["--validate", "50%"], ["--intimacy", "0.5"]],
)
def test_what_only_a_comparison_knows_is_refused_without_peers(
    options: list[str], tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(quality.main)

    done = CliRunner().invoke(app, [str(tmp_path), "--json", str(tmp_path / "out.json"), *options])

    assert isinstance(done.exception, SettingError)
    assert "--peers" in str(done.exception)
