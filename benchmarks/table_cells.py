"""What the cells of the README's tables hold: figures with intervals, and the best peer's."""

from __future__ import annotations

from typing import Any


def best_ratio(
    section: dict[str, Any], metric: str = "ndcg_at_10"
) -> tuple[str, dict[str, float] | None]:
    """Return the peer that is best at a metric, and Belong's figure over its."""
    peers = {
        name: figures[metric]["value"]
        for name, figures in section["systems"].items()
        if name != "belong" and figures.get(metric) and figures[metric]["value"] is not None
    }
    if not peers:
        return "", None
    best = max(peers, key=lambda name: float(peers[name]))
    return best, section["ratios"].get(best, {}).get(metric)


def interval(figure: dict[str, float] | None, digits: int = 3) -> str:
    """Return a figure with its interval, '' if it was not measured.

    >>> interval({"value": 1.5, "low": 1.25, "high": None}, digits=2)
    '1.50 (1.25–∞)'
    """
    if figure is None or figure["value"] is None:
        return ""
    ends = (figure[key] for key in ("value", "low", "high"))
    # A peer that found nothing in some samples is beaten without bound.
    value, low, high = ("∞" if end is None else f"{end:.{digits}f}" for end in ends)
    return f"{value} ({low}–{high})"
