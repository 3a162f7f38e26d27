"""Whether a new bundle may take the place of the current one, and what dropped if it may not.

Two bundles are never quite comparable: the newer one was trained on what came after the older,
so no window of joins is later for both, and to fit both again on an earlier past costs two
trainings (measured: 2.3). Hence three ways to look, each fair in itself and none as long as a
training:

- **Quality of the ranker**: when each was fitted, it was compared on a window it had not seen,
  and says so in its story. These two figures are of two windows, nearly the same ones where
  bundles follow each other closely, so a drop counts only beyond the margin and one standard
  error of their difference, taken as large as it can be for values in [0, 1]. A figure that was
  there and is no more is a drop. Another encoder is judged by this, since each ranker was fitted
  with its own.
- **Quality by preferences**, where these differ: `training.promotion` rebuilds the community as
  it was before the newest window and measures slates by either preferences with one and the same
  scorer, for the same members.
- **Coverage, exposure, answers and latency** need no labels: the same members, a fixed sample of
  those in both bundles, ask both bundles. Each bundle is asked first every other time, and the
  latency is judged by the median of the ratios, so that a busy machine slows both alike.

The margins are relative. A difference below `SLIGHT` in a figure between 0 and 1, and an answer
within `QUICK_S`, never refuse: in a small community they are a matter of chance.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from engine.bundle import Bundle
from engine.errors import SettingError
from engine.group_ranker import GroupRanker
from engine.ids import IdMap
from engine.recommender import Recommender
from training.metrics import coverage, gini

PLACES = 10
"""Places of a slate that count."""

SLIGHT = 0.02
"""A difference in coverage, exposure or answers that is taken for chance."""

QUICK_S = 0.003
"""An answer within so many seconds is quick, whatever it took before."""

TIMINGS = 100
"""Pairs of timings from which the median of their ratios is told, at least."""

WARM_UP = 10
"""Members asked once before anything is timed."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How much a new bundle may be worse than the current one, relative to it.

    Attributes:
        quality: Drop of the NDCG.
        coverage: Drop of the share of groups shown, and of the share of members answered.
        exposure: Rise of the Gini coefficient of how often groups are shown.
        latency: Rise of the median time of an answer.
        sample: Members who are asked, at most.
    """

    quality: float = 0.05
    coverage: float = 0.1
    exposure: float = 0.1
    latency: float = 0.5
    sample: int = 500

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            SettingError: A margin is negative or no number, or nobody is to be asked.
        """
        for name in ("quality", "coverage", "exposure", "latency"):
            if not getattr(self, name) >= 0:
                raise SettingError(
                    f"the margin of {name} is 0 or more, not {getattr(self, name)}: 0.1 lets a "
                    "tenth go"
                )
        if self.sample < 1:
            raise SettingError(f"the gate asks at least one member, not {self.sample}")


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of both bundles.

    Attributes:
        name: What was measured.
        current: The current bundle's figure.
        new: The new bundle's, NaN if it has none.
        margin: How much worse it may be, relative to the current one.
        passed: Whether it is not worse than that.
    """

    name: str
    current: float
    new: float
    margin: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the check as JSON has it; a figure that is missing is null."""
        return asdict(self) | {"new": self.new if math.isfinite(self.new) else None}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new bundle may be promoted, and by which checks; none for a first bundle."""

    passed: bool
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Sequence[Check]) -> Verdict:
        """Return the verdict of checks: all of them must pass."""
        return cls(all(check.passed for check in checks), tuple(checks))

    @property
    def refusal(self) -> str:
        """What dropped, from what to what; '' if nothing did."""
        return "; ".join(_said(check) for check in self.checks if not check.passed)


def judge(
    current: Bundle,
    new: Bundle,
    settings: GateSettings | None = None,
    clock: Clock = time.perf_counter,
) -> Verdict:
    """Compare two bundles of one community by what they say of themselves and how they answer.

    Args:
        current: What is served now.
        new: What would be served instead.
        settings: The margins.
        clock: Seconds, for the latency.
    """
    settings = settings or GateSettings()
    members = _sampled(current, new, settings.sample)
    checks = quality_checks(current.ranker, new.ranker, settings.quality)
    if members:
        # Threads that wait for each other cost several times what one question is worth.
        with threadpool_limits(1):
            checks += _answer_checks(current, new, members, settings, clock)
    return Verdict.of(checks)


def validation_of(ranker: GroupRanker) -> dict[str, dict[str, float]]:
    """Return what a ranker scored on a window it had not seen, for known members and newcomers.

    For each of them that was learned from: `ndcg_at_10`, and `viewers`, how many it is the mean
    of. It belongs in a manifest's metrics.
    """
    found = {}
    for who in ("known", "newcomer"):
        story = ranker.story.get(who, {})
        value = story.get("validation", {}).get(story.get("kind"))
        if value is not None:
            viewers = story.get("compared", story.get("viewers", 1))
            found[who] = {"ndcg_at_10": float(value), "viewers": int(viewers)}
    return found


def quality_checks(current: GroupRanker, new: GroupRanker, margin: float) -> list[Check]:
    """Return a check for known members and one for newcomers, where the current one has a figure.

    Args:
        current: What orders groups now.
        new: What would.
        margin: The relative drop that is allowed, beside one standard error.
    """
    before, after = validation_of(current), validation_of(new)
    checks = []
    for who, figure in before.items():
        old, found = figure["ndcg_at_10"], after.get(who)
        value = found["ndcg_at_10"] if found else math.nan
        # The variance of values in [0, 1] is at most mean x (1 - mean).
        noise = math.sqrt(sum(_variance(part) for part in (figure, found) if part))
        passed = value >= old * (1 - margin) - noise
        checks.append(Check(f"quality for {who} members", old, value, margin, passed))
    return checks


def at_least(name: str, current: float, new: float, margin: float, slight: float = 0.0) -> Check:
    """Return the check of a figure of which more is better.

    >>> at_least("coverage", 0.5, 0.44, 0.1).passed, at_least("coverage", 0.5, 0.46, 0.1).passed
    (False, True)
    """
    return Check(name, current, new, margin, new >= current - max(margin * current, slight))


def at_most(name: str, current: float, new: float, margin: float, slight: float = 0.0) -> Check:
    """Return the check of a figure of which less is better.

    >>> at_most("exposure", 0.5, 0.56, 0.1).passed, at_most("exposure", 0.5, 0.54, 0.1).passed
    (False, True)
    """
    return Check(name, current, new, margin, new <= current + max(margin * current, slight))


def latency_check(current_s: Sequence[float], new_s: Sequence[float], margin: float) -> Check:
    """Return the check of the median time of an answer.

    Args:
        current_s: Seconds the current bundle took for each question.
        new_s: Seconds the new one took for the same, asked next to it.
        margin: The relative rise that is allowed.

    Returns:
        `current` is its median in seconds; `new` is that times the median of the ratios.
    """
    before = float(np.median(current_s))
    ratio = float(np.median(np.asarray(new_s) / np.maximum(current_s, 1e-9)))
    after = before * ratio
    return Check("latency", before, after, margin, ratio <= 1 + margin or after <= QUICK_S)


def _answer_checks(
    current: Bundle, new: Bundle, members: Sequence[str], settings: GateSettings, clock: Clock
) -> list[Check]:
    sides = (_Side(current, clock), _Side(new, clock))
    for member in members[:WARM_UP]:
        for side in sides:
            side.ask(member)
    for side in sides:
        side.forget()
    rounds = math.ceil(TIMINGS / len(members))
    with _uncollected():
        for place, member in enumerate(list(members) * rounds):
            for side in sides if place % 2 else reversed(sides):
                side.ask(member)
    before, after = (side.figures(len(members)) for side in sides)
    margin = settings.coverage
    return [
        at_least("coverage", before["coverage"], after["coverage"], margin, SLIGHT),
        at_least("answered", before["answered"], after["answered"], margin, SLIGHT),
        at_most("exposure", before["gini"], after["gini"], settings.exposure, SLIGHT),
        latency_check(sides[0].seconds, sides[1].seconds, settings.latency),
    ]


class _Side:
    """One of the two bundles being asked."""

    def __init__(self, bundle: Bundle, clock: Clock) -> None:
        self.recommender = Recommender(bundle)
        groups = bundle.snapshot.groups
        self.rows = IdMap(groups.ids, "group")
        self.offered = int((groups.public & (groups.capacity > groups.size)).sum())
        self.clock = clock
        self.seconds: list[float] = []
        self.slates: list[list[int]] = []

    def ask(self, member: str) -> None:
        start = self.clock()
        items = self.recommender.groups_for(member, PLACES).items
        self.seconds.append(self.clock() - start)
        self.slates.append([self.rows.row(item.id) for item in items])

    def forget(self) -> None:
        self.seconds.clear()
        self.slates.clear()

    def figures(self, members: int) -> dict[str, float]:
        """Return coverage, share of members answered and Gini of each member's first slate."""
        slates = self.slates[:members]
        shown = np.array([row for slate in slates for row in slate], dtype=np.int64)
        return {
            "coverage": coverage(shown, self.offered),
            "answered": sum(map(bool, slates)) / members,
            "gini": gini(shown, self.offered),
        }


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from interrupting one of two things that are compared."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sampled(current: Bundle, new: Bundle, count: int) -> list[str]:
    """Return members in both bundles, the same whenever they are asked for."""
    both = set(current.snapshot.members.ids.tolist()) & set(new.snapshot.members.ids.tolist())
    as_if_drawn = sorted(both - {""}, key=_digest)
    return as_if_drawn[:count]


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _variance(figure: dict[str, float]) -> float:
    value = min(max(figure["ndcg_at_10"], 0.0), 1.0)
    return value * (1 - value) / max(figure["viewers"], 1)


def _said(check: Check) -> str:
    if math.isnan(check.new):
        return f"{check.name} was {check.current:.3f} and cannot be told any more"
    unit, scale = ("ms", 1000.0) if check.name == "latency" else ("", 1.0)
    went = "rose" if check.new > check.current else "dropped"
    return (
        f"{check.name} {went} from {check.current * scale:.3g}{unit} to "
        f"{check.new * scale:.3g}{unit}, more than {check.margin:.0%}"
    )
