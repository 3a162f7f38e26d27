"""The five stages of every recommendation, and the checks that keep each within its role."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import StageError
from engine.pool import Pool, Slate, Trace, pool_of
from engine.query import Query
from engine.types import BoolVector, Rows, Vector

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Anything with a name for the trace."""

    @property
    def name(self) -> str:
        """The stage's name in traces and metrics."""


class Source(Stage, Protocol):
    """Proposes rows. May fail, visibly."""

    def propose(self, query: Query) -> Rows:
        """Return candidate rows in any order, repeats allowed: int64 of shape (m,)."""


class Policy(Stage, Protocol):
    """Keeps or removes, per candidate. Fails closed."""

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who may be shown to the viewer: bool of shape (n,)."""


class Feature(Stage, Protocol):
    """One measured column per candidate."""

    def measure(self, query: Query, pool: Pool) -> Vector:
        """Return one finite number a candidate: float32 of shape (n,)."""


class Measures(Stage, Protocol):
    """Several measured columns per candidate, which share their work."""

    def measure_all(self, query: Query, pool: Pool) -> Mapping[str, Vector]:
        """Return columns by name, each one finite number a candidate: float32 of shape (n,)."""


class Scorer(Stage, Protocol):
    """Turns columns into one number that orders a pool."""

    def score(self, query: Query, pool: Pool) -> Vector:
        """Return one finite number a candidate: float32 of shape (n,)."""


class Calibrator(Protocol):
    """Turns scores into probabilities; it changes no order."""

    def probability(self, query: Query, pool: Pool, scores: Vector) -> Vector | None:
        """Return one probability a candidate, float32 of shape (n,); None if not calibrated."""


class Odds(Protocol):
    """Tells how likely each choice was; it changes none."""

    def odds(self, query: Query, pool: Pool, scores: Vector, chosen: Rows) -> Vector:
        """Return the probability with which each of the chosen is served: float32, as many."""


class Selector(Stage, Protocol):
    """Chooses and orders what is returned."""

    def select(self, query: Query, pool: Pool, scores: Vector, k: int) -> Rows:
        """Return at most k distinct positions of the pool, best first: int64."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An assembly of stages; it is the whole recommender."""

    sources: Sequence[Source]
    policies: Sequence[Policy]
    features: Sequence[Feature | Measures]
    scorer: Scorer
    selector: Selector
    calibrator: Calibrator | None = None
    odds: Odds | None = None

    def __post_init__(self) -> None:
        """Refuse two stages of one name: one would hide the other in the trace."""
        stages = [*self.sources, *self.policies, *self.features, self.scorer, self.selector]
        names = [stage.name for stage in stages]
        if len(set(names)) != len(names):
            raise StageError(f"stages must have names of their own, got {names}")

    def recommend(self, query: Query, k: int) -> Slate:
        """Return at most k suggestions, best first."""
        trace = Trace()
        pool = self._propose(query, trace)
        pool = self._permit(query, pool, trace)
        pool = self._measure(query, pool, trace)
        trace.candidates = len(pool)
        with _timed(trace, self.scorer):
            scores = _column(self.scorer, self.scorer.score(query, pool), pool, np.float32)
        with _timed(trace, self.selector):
            chosen = self.selector.select(query, pool, scores, k)
        _check_choice(self.selector, chosen, len(pool), k)
        likely = self._likely(query, pool, scores)
        slate = _slate(pool, scores, chosen, trace, likely)
        if self.odds is None:
            return slate
        return replace(slate, ranked_odds=self.odds.odds(query, pool, scores, chosen))

    def refusals(self, query: Query, rows: Collection[int]) -> dict[int, str]:
        """Return which of these rows a policy refuses, and which one is the first to do so."""
        trace = Trace()
        self._permit(query, Pool(np.unique(np.array(list(rows), np.int64))), trace)
        return {row: name for name, gone in trace.removed.items() for row in gone.tolist()}

    def measured(self, query: Query) -> Pool:
        """Return the permitted candidates with their columns, unscored: for a ranker to learn."""
        trace = Trace()
        pool = self._permit(query, self._propose(query, trace), trace)
        return self._measure(query, pool, trace)

    def _likely(self, query: Query, pool: Pool, scores: Vector) -> Vector | None:
        if self.calibrator is None:
            return None
        likely = self.calibrator.probability(query, pool, scores)
        if likely is None:
            return None
        if likely.shape != (len(pool),) or not ((likely >= 0) & (likely <= 1)).all():
            raise StageError("the calibration gave something that is no probability")
        return likely

    def _propose(self, query: Query, trace: Trace) -> Pool:
        found: dict[str, Rows] = {}
        for source in self.sources:
            with _timed(trace, source):
                try:
                    found[source.name] = _proposal(source, source.propose(query))
                except Exception as error:  # a request is answered from the sources that work
                    log.exception("source %s failed", source.name)
                    trace.failed[source.name] = f"{type(error).__name__}: {error}"
        return pool_of(found)

    def _permit(self, query: Query, pool: Pool, trace: Trace) -> Pool:
        for policy in self.policies:
            with _timed(trace, policy):
                try:
                    keep = _column(policy, policy.allows(query, pool), pool, np.bool_)
                except Exception as error:  # fails closed: who cannot be looked up is not shown
                    log.exception("policy %s failed", policy.name)
                    trace.failed[policy.name] = f"{type(error).__name__}: {error}"
                    keep = np.zeros(len(pool), dtype=bool)
            trace.removed[policy.name] = pool.rows[~keep]
            pool = pool.kept(keep)
        return pool

    def _measure(self, query: Query, pool: Pool, trace: Trace) -> Pool:
        columns: dict[str, Vector] = {}
        for feature in self.features:
            with _timed(trace, feature):
                for name, values in columns_of(feature, query, pool).items():
                    columns[name] = _column(feature, values, pool, np.float32)
        return Pool(pool.rows, pool.found_by, columns)


def columns_of(feature: Feature | Measures, query: Query, pool: Pool) -> Mapping[str, Vector]:
    """Return what a feature measures, by the names of its columns."""
    if hasattr(feature, "measure_all"):  # to ask isinstance of a protocol takes 15 µs
        return feature.measure_all(query, pool)
    return {feature.name: feature.measure(query, pool)}


def _slate(pool: Pool, scores: Vector, chosen: Rows, trace: Trace, likely: Vector | None) -> Slate:
    ascending = np.sort(chosen)
    keep = np.zeros(len(pool), dtype=bool)
    keep[chosen] = True
    order = np.searchsorted(ascending, chosen)
    kept = None if likely is None else likely[ascending]
    return Slate(pool.kept(keep), order, scores[ascending], trace, kept)


@contextmanager
def _timed(trace: Trace, stage: Stage) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        trace.seconds[stage.name] = time.perf_counter() - start


def _column(stage: Stage, values: NDArray[Any], pool: Pool, dtype: type[Any]) -> NDArray[Any]:
    """Return the column if its shape, dtype and values are what a stage owes.

    Raises:
        StageError: They are not.
    """
    if not isinstance(values, np.ndarray) or values.shape != (len(pool),):
        came = getattr(values, "shape", type(values).__name__)
        raise StageError(f"{stage.name} owes a column of shape ({len(pool)},), gave {came}")
    if values.dtype != dtype:
        raise StageError(f"{stage.name} owes {np.dtype(dtype)}, gave {values.dtype}")
    if dtype is np.float32 and not np.isfinite(values).all():
        row = pool.rows[~np.isfinite(values)][0]
        raise StageError(f"{stage.name} gave a value for row {row} that is not finite")
    return values


def _proposal(stage: Stage, rows: Rows) -> Rows:
    """Return the rows if they can be rows.

    Raises:
        StageError: They cannot; a negative one would silently stand for the last.
    """
    if not isinstance(rows, np.ndarray) or rows.ndim != 1 or rows.dtype != np.int64:
        raise StageError(f"{stage.name} owes rows, int64 of shape (m,), gave {rows!r:.60}")
    if len(rows) and rows.min() < 0:
        raise StageError(f"{stage.name} owes rows, gave {rows.min()}")
    return rows


def _check_choice(stage: Stage, chosen: Rows, size: int, k: int) -> None:
    if not isinstance(chosen, np.ndarray) or chosen.ndim != 1 or chosen.dtype != np.int64:
        raise StageError(f"{stage.name} owes positions, int64 of shape (m,), gave {chosen!r:.60}")
    distinct = np.unique(chosen)
    inside = len(chosen) == 0 or (distinct[0] >= 0 and distinct[-1] < size)
    if len(chosen) > k or len(distinct) != len(chosen) or not inside:
        raise StageError(f"{stage.name} owes at most {k} distinct positions below {size}")
