"""Peers that weigh which groups share members: item-kNN and EASE."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.peers.history import History
from benchmarks.peers.peer import HALF_LIVES_DAYS, Scorer, Settings, for_members, grid_of, needed
from engine.errors import SettingError

NEIGHBOURS = 200
"""Groups that item-kNN keeps for each group; more made no difference."""

MAX_GROUPS = 10_000
"""Groups up to which EASE's dense matrix of groups x groups is reasonable."""


@dataclass(frozen=True, slots=True)
class ItemKnn:
    """Sum of similarities between a member's groups and each group, as implicit computes them.

    Similarity is the inner product of groups' members under BM25 weights (Robertson & Zaragoza
    2009), which on validation windows beat implicit's cosine and TF-IDF, and a cosine damped
    against small overlaps.
    """

    name: ClassVar[str] = "item_knn"
    package: ClassVar[str] = "implicit"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = grid_of(
        k1=[2.0, 10.0], b=[0.0, 0.1], half_life_days=[180.0, 365.0, 1095.0]
    )  # fmt: skip

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Compute the similarities."""
        nearest = needed("implicit.nearest_neighbours")
        model = nearest.BM25Recommender(
            K=min(NEIGHBOURS, history.groups), K1=settings["k1"], B=settings["b"]
        )
        joined = history.matrix(history.strength(float(settings["half_life_days"])))
        with warnings.catch_warnings():
            # It warns of a conversion that its own weighting makes necessary.
            warnings.filterwarnings("ignore", message="Method expects CSR")
            model.fit(joined, show_progress=False)
        return for_members(lambda rows: (joined[rows] @ model.similarity).toarray(), history.groups)


@dataclass(frozen=True, slots=True)
class Ease:
    """A linear model of groups from each other, in closed form (Steck 2019), by irspack."""

    name: ClassVar[str] = "ease"
    package: ClassVar[str] = "irspack"
    serves_text: ClassVar[bool] = False
    grid: ClassVar[Sequence[Settings]] = grid_of(
        regularization=[50.0, 200.0, 800.0], half_life_days=HALF_LIVES_DAYS
    )

    def fit(self, history: History, settings: Settings, seed: int) -> Scorer:
        """Invert the regularised co-membership matrix."""
        if history.groups > MAX_GROUPS:
            raise SettingError(
                f"ease is left out: it needs a dense matrix of groups x groups, and "
                f"{history.groups:,} groups are more than {MAX_GROUPS:,}"
            )
        irspack = needed("irspack")
        joined = history.matrix(history.strength(float(settings["half_life_days"])))
        model = irspack.DenseSLIMRecommender(joined, reg=settings["regularization"]).learn()
        return for_members(model.get_score, history.groups)
