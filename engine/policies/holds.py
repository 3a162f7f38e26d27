"""Policies that heed what members have said of earlier suggestions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.columns import contains
from engine.holds import Held
from engine.pool import Pool
from engine.query import Query
from engine.types import BoolVector, Rows


@dataclass(frozen=True, slots=True)
class NotSetAside:
    """Shows nobody what they have set aside, until its time is over.

    The time it is comes with the query; where none is given, it is never over.
    """

    held: Mapping[int, Held]
    name: ClassVar[str] = "not_set_aside"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return what the viewer has not set aside."""
        mine = self.held.get(query.member)
        if mine is None:
            return np.ones(len(pool), dtype=bool)
        return ~contains(mine.rows[mine.until > query.asked_at], pool.rows)


@dataclass(frozen=True, slots=True)
class NotReported:
    """Shows nobody whom several have reported, until an operator has looked."""

    hidden: Rows
    name: ClassVar[str] = "not_reported"

    def allows(self, query: Query, pool: Pool) -> BoolVector:
        """Return who is not hidden."""
        return ~contains(self.hidden, pool.rows)
