"""Peers that give members and groups a vector each: iALS and BPR, both by implicit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.peers.history import History
from benchmarks.peers.peer import Scorer, Settings, for_members, grid_of, needed
from engine.types import Matrix

FACTORS = 64


@dataclass(frozen=True, slots=True)
class Ials:
    """Implicit alternating least squares (Hu, Koren & Volinsky 2008)."""

    name: ClassVar[str] = "ials"
    package: ClassVar[str] = "implicit"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = grid_of(
        alpha=[70.0],
        regularization=[75.0, 150.0, 250.0, 350.0],
        half_life_days=[180.0, 365.0, 1095.0],
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Solve for members and groups in turn."""
        als, threads = needed("implicit.als"), needed("threadpoolctl")
        joined = history.matrix(history.strength(float(settings["half_life_days"])))
        # implicit has threads of its own; those of BLAS beside them make it many times slower.
        with threads.threadpool_limits(1, "blas"):
            model = als.AlternatingLeastSquares(
                factors=FACTORS,
                regularization=settings["regularization"],
                alpha=settings["alpha"],
                random_state=seed,
            )
            model.fit(joined, show_progress=False)
        return _inner_products(model.user_factors, model.item_factors)


@dataclass(frozen=True, slots=True)
class Bpr:
    """Bayesian personalised ranking (Rendle et al. 2009). It takes no weights."""

    name: ClassVar[str] = "bpr"
    package: ClassVar[str] = "implicit"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = tuple(
        {"learning_rate": rate, "iterations": iterations, "regularization": regularization}
        for rate, iterations in ((0.005, 50), (0.02, 200), (0.05, 300), (0.1, 200))
        for regularization in (0.01, 0.05, 0.07)
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Descend along sampled pairs of a group that was joined and one that was not."""
        bpr = needed("implicit.bpr")
        model = bpr.BayesianPersonalizedRanking(
            factors=FACTORS,
            learning_rate=settings["learning_rate"],
            regularization=settings["regularization"],
            iterations=settings["iterations"],
            num_threads=1,  # with more, the order of updates is a matter of chance
            random_state=seed,
        )
        model.fit(history.matrix(), show_progress=False)
        return _inner_products(model.user_factors, model.item_factors)


def _inner_products(members: Matrix, groups: Matrix) -> Scorer:
    return for_members(lambda rows: members[rows] @ groups.T, len(groups))
