"""What the gate compares, what it refuses, and what it says then."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.bundle import Bundle, load_bundle, save_bundle
from engine.erasure import without_members
from engine.errors import SettingError
from engine.group_ranker import GroupRanker
from tests.bundle_draft import draft_of
from training.gate import (
    QUICK_S,
    SLIGHT,
    Check,
    GateSettings,
    Verdict,
    at_least,
    at_most,
    judge,
    latency_check,
    quality_checks,
    validation_of,
)


@pytest.fixture(scope="module")
def world_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The world, saved and opened."""
    folder = tmp_path_factory.mktemp("gate")
    save_bundle(draft_of(folder), folder / "world")
    return load_bundle(folder / "world" / "v1")


class Ticking:
    """A clock that goes on by what the present question is worth: a list of seconds, repeated."""

    def __init__(self, *steps: float) -> None:
        self.steps, self.now, self.read = steps, 0.0, 0

    def __call__(self) -> float:
        # Every second reading ends what the one before it began.
        self.now += self.steps[self.read // 2 % len(self.steps)] if self.read % 2 else 0
        self.read += 1
        return self.now


def with_groups(bundle: Bundle, *, public: list[int]) -> Bundle:
    """Return the bundle with only these groups to offer."""
    shown = np.zeros(len(bundle.snapshot.groups.ids), bool)
    shown[public] = True
    groups = replace(bundle.snapshot.groups, public=shown)
    return replace(bundle, snapshot=replace(bundle.snapshot, groups=groups))


def told(ndcg: float | None, viewers: int, who: str = "known") -> GroupRanker:
    """Return a ranker whose story says so."""
    validation = {} if ndcg is None else {"boosted": ndcg, "hand_weighted": 0.01}
    return GroupRanker(
        story={who: {"kind": "boosted", "validation": validation, "viewers": viewers}}
    )


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


# Both bundles, asked


def test_a_bundle_passes_beside_itself_and_every_figure_is_told(world_bundle: Bundle) -> None:
    verdict = judge(world_bundle, world_bundle, clock=Ticking(0.01))
    assert verdict.passed
    assert [check.name for check in verdict.checks] == [
        "coverage", "answered", "exposure", "latency",
    ]  # fmt: skip
    assert all(check.current == check.new for check in verdict.checks)
    assert verdict.refusal == ""


def test_a_bundle_that_answers_nobody_is_refused_for_that(world_bundle: Bundle) -> None:
    silent = with_groups(world_bundle, public=[])
    verdict = judge(world_bundle, silent, clock=Ticking(0.01))
    assert not verdict.passed
    assert failed(verdict) == ["coverage", "answered"]
    answered = verdict.checks[1]
    assert (answered.current, answered.new) == (1, 0)
    assert "answered dropped from 1 to 0, more than 10%" in verdict.refusal


def test_a_bundle_in_which_fewer_members_are_answered_is_refused(world_bundle: Bundle) -> None:
    # Everybody but Mo could still join the launch site or the rocket club; he is in both.
    ids = world_bundle.snapshot.groups.ids.tolist()
    few = with_groups(world_bundle, public=[ids.index("launch-site")])
    verdict = judge(world_bundle, few, GateSettings(coverage=0.1), Ticking(0.01))
    answered = next(check for check in verdict.checks if check.name == "answered")
    # Bo, Mo and Nia of fourteen are in the launch site.
    assert answered.new == pytest.approx(11 / 14)
    assert not answered.passed
    lenient = judge(world_bundle, few, GateSettings(coverage=0.25), Ticking(0.01))
    assert "answered" not in failed(lenient)


def test_a_slower_bundle_is_refused_whoever_is_asked_first(world_bundle: Bundle) -> None:
    # The order turns every time: new, current, current, new.
    slower = Ticking(0.016, 0.01, 0.01, 0.016)
    verdict = judge(world_bundle, world_bundle, clock=slower)
    assert failed(verdict) == ["latency"]
    assert "latency rose from 10ms to 16ms, more than 50%" in verdict.refusal
    assert judge(world_bundle, world_bundle, clock=Ticking(0.014, 0.01, 0.01, 0.014)).passed


def test_only_members_of_both_bundles_are_asked(world_bundle: Bundle) -> None:
    everybody = np.arange(len(world_bundle.snapshot.members.ids))
    snapshot = without_members(world_bundle.snapshot, everybody[1:])
    verdict = judge(world_bundle, replace(world_bundle, snapshot=snapshot), clock=Ticking(0.01))
    assert verdict.checks[1].new == 1  # Ana is answered, and nobody else is missed
    nobody = replace(world_bundle, snapshot=without_members(world_bundle.snapshot, everybody))
    assert judge(world_bundle, nobody).checks == ()
    assert judge(nobody, nobody).checks == ()  # the forgotten have an id in common: none


def test_a_sample_is_as_large_as_was_set_and_always_the_same(world_bundle: Bundle) -> None:
    first, again = (
        judge(world_bundle, world_bundle, GateSettings(sample=3), Ticking(0.01)) for _ in range(2)
    )
    assert first == again
    launch_site = world_bundle.snapshot.groups.ids.tolist().index("launch-site")
    few = with_groups(world_bundle, public=[launch_site])
    third = judge(world_bundle, few, GateSettings(sample=3), Ticking(0.01)).checks[1].new
    assert third in {0, 1 / 3, 2 / 3, 1}  # and not 11 / 14


# Figures


@pytest.mark.parametrize(
    ("current", "new", "passed"),
    [(0.5, 0.449, False), (0.5, 0.451, True), (0.5, 0.9, True), (0.5, math.nan, False)],
)
def test_what_should_be_large_may_drop_by_its_margin(
    current: float, new: float, passed: bool
) -> None:
    assert at_least("coverage", current, new, 0.1).passed is passed


@pytest.mark.parametrize(
    ("current", "new", "passed"),
    [(0.5, 0.551, False), (0.5, 0.549, True), (0.5, 0.1, True), (0.5, math.nan, False)],
)
def test_what_should_be_small_may_rise_by_its_margin(
    current: float, new: float, passed: bool
) -> None:
    assert at_most("exposure", current, new, 0.1).passed is passed


def test_a_slight_difference_of_a_small_figure_refuses_nothing() -> None:
    assert at_most("exposure", 0.05, 0.05 + 0.9 * SLIGHT, 0.1, SLIGHT).passed
    assert not at_most("exposure", 0.05, 0.05 + 1.1 * SLIGHT, 0.1, SLIGHT).passed
    assert at_least("coverage", 0.05, 0.05 - 0.9 * SLIGHT, 0.1, SLIGHT).passed
    assert not at_least("coverage", 0.05, 0.05 - 1.1 * SLIGHT, 0.1, SLIGHT).passed


def test_latency_is_judged_by_the_median_of_ratios() -> None:
    # Both medians are 20 ms, but two of three questions took twice as long.
    check = latency_check([0.01, 0.02, 0.05], [0.02, 0.04, 0.02], 0.5)
    assert (check.current, check.new) == (0.02, 0.04)
    assert not check.passed
    assert latency_check([0.01, 0.02, 0.05], [0.014, 0.028, 0.5], 0.5).passed


def test_an_answer_that_is_still_quick_refuses_nothing() -> None:
    assert latency_check([QUICK_S / 5] * 3, [0.9 * QUICK_S] * 3, 0.5).passed
    assert not latency_check([QUICK_S / 5] * 3, [1.1 * QUICK_S] * 3, 0.5).passed


# What rankers scored on what they had not seen


def test_a_ranker_says_what_it_scored_on_a_window_it_had_not_seen() -> None:
    assert validation_of(told(0.3, 900)) == {"known": {"ndcg_at_10": 0.3, "viewers": 900}}
    assert validation_of(GroupRanker()) == {}
    assert validation_of(told(None, 3)) == {}
    compared = told(0.3, 900)
    compared.story["known"]["compared"] = 120  # of them, those in the window it was compared on
    assert validation_of(compared)["known"]["viewers"] == 120


def test_quality_may_drop_by_its_margin_and_by_what_few_viewers_may_vary() -> None:
    # 0.3 less 5 % is 0.285; with 10,000 viewers each, one standard error is at most
    # sqrt((0.3 * 0.7 + 0.27 * 0.73) / 10,000) = 0.0064: at least 0.2786 passes.
    many = 10_000
    [check] = quality_checks(told(0.3, many), told(0.27, many), 0.05)
    assert check == Check("quality for known members", 0.3, 0.27, 0.05, False)
    [check] = quality_checks(told(0.3, many), told(0.28, many), 0.05)
    assert check.passed
    # With 100 each it is 0.064.
    [check] = quality_checks(told(0.3, 100), told(0.27, 100), 0.05)
    assert check.passed
    [check] = quality_checks(told(0.3, 100), told(0.2, 100), 0.05)
    assert not check.passed


def test_a_figure_that_was_there_and_is_no_more_is_a_drop() -> None:
    verdict = Verdict.of(quality_checks(told(0.3, 900), told(None, 3), 0.05))
    assert not verdict.passed
    assert verdict.refusal == ("quality for known members was 0.300 and cannot be told any more")
    assert verdict.checks[0].as_dict()["new"] is None


def test_where_the_current_bundle_has_no_figure_there_is_nothing_to_compare() -> None:
    assert quality_checks(told(None, 3), told(0.3, 900), 0.05) == []
    assert quality_checks(told(0.3, 900, "newcomer"), told(0.3, 900, "newcomer"), 0.05)[0].passed


def test_rankers_are_compared_when_bundles_are(world_bundle: Bundle) -> None:
    current = replace(world_bundle, ranker=told(0.3, 10_000))
    new = replace(world_bundle, ranker=told(0.2, 10_000))
    assert failed(judge(current, new, clock=Ticking(0.01))) == ["quality for known members"]
    assert judge(current, new, GateSettings(quality=0.5), Ticking(0.01)).passed


@pytest.mark.parametrize(
    ("setting", "value"),
    [("quality", -0.1), ("coverage", math.nan), ("exposure", -1), ("latency", -1), ("sample", 0)],
)
def test_a_margin_that_makes_no_sense_is_refused(setting: str, value: float) -> None:
    with pytest.raises(SettingError, match=setting if setting != "sample" else "at least one"):
        GateSettings(**{setting: value})  # type: ignore[arg-type]
