"""What was heard of a live server, and the figures that come of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.timing import summary


@dataclass(slots=True)
class Tally:
    """What was heard while texts were told."""

    acknowledged: int = 0
    refused: int = 0
    told_ms: list[float] = field(default_factory=list)
    due_s: list[float] = field(default_factory=list)
    seen_ms: list[float] = field(default_factory=list)
    seen_at: list[float] = field(default_factory=list)
    seen_kind: list[str] = field(default_factory=list)
    never_seen: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Held:
    """What was heard right after restrictions."""

    first_ms: list[float] = field(default_factory=list)
    usual_ms: list[float] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    still_shown: Counter[str] = field(default_factory=Counter)
    refused_at_first: int = 0
    not_shown_before: int = 0


def texts_figures(tally: Tally) -> dict[str, Any]:
    """Return the figures of texts."""
    kinds = sorted(set(tally.seen_kind))
    seconds = max(tally.due_s, default=0.0) or 1.0
    return {
        "acknowledged": tally.acknowledged,
        "acknowledged_per_s": round(tally.acknowledged / seconds, 1),
        "refused": tally.refused,
        "acknowledged_ms": _summary(tally.told_ms, tally.due_s),
        "seen_ms": _summary(tally.seen_ms, tally.seen_at),
        "seen_ms_by_kind": {kind: _summary(*_of_kind(tally, kind)) for kind in kinds},
        "never_seen": sum(tally.never_seen.values()),
        "never_seen_by_kind": dict(tally.never_seen),
    }


def _of_kind(tally: Tally, kind: str) -> tuple[list[float], list[float]]:
    rows = [
        (took, at)
        for took, at, one in zip(tally.seen_ms, tally.seen_at, tally.seen_kind, strict=True)
        if one == kind
    ]
    return [took for took, _ in rows], [at for _, at in rows]


def held_figures(held: Held) -> dict[str, Any]:
    """Return the figures of restrictions."""
    added = [after - usual for after, usual in zip(held.first_ms, held.usual_ms, strict=True)]
    return {
        "made": dict(held.made),
        "first_answers": len(held.first_ms),
        "still_shown": sum(held.still_shown.values()),
        "still_shown_by_kind": {kind: n for kind, n in held.still_shown.items() if n},
        "refused_at_first": held.refused_at_first,
        "not_shown_before": held.not_shown_before,
        "first_answer_ms": _summary(held.first_ms, held.at),
        "usual_answer_ms": _summary(held.usual_ms, held.at),
        "added_ms": _summary(added, held.at),
    }


def _summary(values: list[float], due_s: list[float]) -> dict[str, Any] | None:
    return summary(np.array(values), np.array(due_s)) if values else None
