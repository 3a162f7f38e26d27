"""Peers that give people a vector each: iALS by implicit, over groups or over ties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from benchmarks.peers.history import unit_rows
from benchmarks.peers.peer import Settings, grid_of, needed
from benchmarks.people.circle import Circle
from benchmarks.people.peer import PeopleScorer, in_blocks
from engine.types import Matrix, Rows

ALPHA = 40.0
"""How much more a cell that is there counts than one that is not (Hu, Koren & Volinsky 2008)."""


@dataclass(frozen=True, slots=True)
class IalsPeople:
    """Implicit alternating least squares over memberships: people are alike by their vectors.

    Source: Hu, Koren & Volinsky 2008. Likeness is the cosine of the vectors.
    """

    name: ClassVar[str] = "ials"
    package: ClassVar[str] = "implicit"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        factors=[32, 96], regularization=[1.0, 10.0, 30.0], alpha=[5.0, ALPHA]
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Solve for people and groups in turn."""
        model = _solved(circle.history.matrix(), settings, float(settings["alpha"]), seed)
        people = unit_rows(model.user_factors)
        return in_blocks(lambda rows: people[rows] @ people.T, circle.members)


@dataclass(frozen=True, slots=True)
class IalsTies:
    """The same over ties, or over ties and memberships side by side.

    The score is how far each of the two is foretold as someone the other has met, both added.
    """

    name: ClassVar[str] = "ials_ties"
    package: ClassVar[str] = "implicit"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        groups=[False, True], factors=[32, 96], regularization=[1.0, 30.0, 100.0]
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Solve for people and whom they met in turn."""
        parts = [circle.ties()] + ([circle.history.matrix()] if settings["groups"] else [])
        cells = sparse.csr_matrix(sparse.hstack(parts, format="csr", dtype=np.float32))
        model = _solved(cells, settings, ALPHA, seed)
        people, met = model.user_factors, model.item_factors[: circle.members]

        def score(rows: Rows) -> Matrix:
            both_ways: Matrix = people[rows] @ met.T + met[rows] @ people.T
            return both_ways

        return in_blocks(score, circle.members)


def _solved(cells: sparse.csr_matrix, settings: Settings, alpha: float, seed: int) -> Any:  # noqa: ANN401
    als, threads = needed("implicit.als"), needed("threadpoolctl")
    # implicit has threads of its own; those of BLAS beside them make it many times slower.
    with threads.threadpool_limits(1, "blas"):
        model = als.AlternatingLeastSquares(
            factors=int(settings["factors"]),
            regularization=settings["regularization"],
            alpha=alpha,
            random_state=seed,
        )
        model.fit(cells, show_progress=False)
    return model
