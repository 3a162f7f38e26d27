"""What members say they seek and offer now, and vectors with the weight of what they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine.columns import Profiles
from engine.facts import MemberFact, VectorFact, Written
from engine.live_rows import Row, even
from engine.overlay import PatchedProfiles
from engine.since import Since
from engine.snapshot import MemberColumns
from engine.terms import analyze
from engine.types import Matrix, Vector

Profile = tuple[Matrix, Vector]
"""The vectors of one row and their weights."""


def wishes_now(
    since: Since, last: Profiles, kind: Written, told: Mapping[int, str], size: int
) -> Profiles:
    """Return what members seek, or offer, with the newest in place of what was said before.

    Args:
        since: What is known since the bundle.
        last: The column before.
        kind: `Written.SEEKING` or `Written.OFFERING`.
        told: The ids of members who have a profile since, by row; '' for those who are gone.
        size: Rows there are.
    """
    nothing = np.zeros((0, last.vectors.shape[1]), np.float32), np.zeros(0, np.float32)
    changed: dict[int, Profile] = {}
    for row, one in told.items():
        said = since.vectors.get((kind, one))
        if said is not None:
            changed[row] = weighed(said, 1.0)
        elif row < len(last) and len(last.of_row(row)[1]):
            changed[row] = nothing
    if not changed and len(last) == size:
        return last
    return PatchedProfiles.over(last, changed, size)


def wish_terms(
    members: MemberColumns,
    facts: Mapping[int, MemberFact],
    gone: Iterable[int],
    terms: Mapping[str, int],
    size: int,
) -> dict[str, Any]:
    """Return the columns of terms in what members seek and offer now.

    Args:
        members: The columns before.
        facts: Members who have a profile since, by row.
        gone: Rows of whom nothing must be left.
        terms: Term -> its row.
        size: Rows there are.
    """

    def known(text: str) -> Row:
        return even({terms[term] for term in analyze(text) if term in terms})

    nothing = dict.fromkeys(gone, even(()))
    sought = {row: known(fact.seeking) for row, fact in facts.items()}
    offered = {row: known(fact.offering) for row, fact in facts.items()}
    return {
        "seeking_terms": members.seeking_terms.with_rows(sought | nothing, size),
        "offering_terms": members.offering_terms.with_rows(offered | nothing, size),
    }


def weighed(fact: VectorFact, whole: float) -> Profile:
    """Return a text's vectors with weights that sum to `whole`."""
    shares = np.array(fact.weights, np.float32)
    total = float(shares.sum())
    return fact.vectors, shares * (whole / total) if total else shares
