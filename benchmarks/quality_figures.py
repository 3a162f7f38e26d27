"""Reads the figures of a quality result, whatever is missing in it, and says them in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

OURS = "belong"
NOT_MEASURED = "n/a"
GAP = "\u00a0"
"""Keeps a number and its unit on one line."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95 % interval; what is not known is None."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, or None unless both are known."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def known(self) -> list[float]:
        """The value and both ends, as far as they are known."""
        return [end for end in (self.value, self.low, self.high) if end is not None]


class Verdict(StrEnum):
    """What a ratio with its interval says."""

    AHEAD = "ahead"
    BEHIND = "behind"
    INCONCLUSIVE = "inconclusive"
    UNKNOWN = "n/a"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is shown of every system.

    Attributes:
        key: Its name in the result.
        label: Its name for people.
        better: What is better, in a few words.
        show: How its value is written.
        lower_first: Whether the list begins with the lowest.
    """

    key: str
    label: str
    better: str
    show: Callable[[float], str]
    lower_first: bool = False


def number(raw: object) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    return float(raw)


def measured(raw: object) -> Measured:
    """Return a figure; a plain number has no interval, and anything else is not known.

    >>> measured({"value": 0.5, "low": 0.4, "high": None, "n": 12})
    Measured(value=0.5, low=0.4, high=None, count=12)
    """
    if not isinstance(raw, Mapping):
        return Measured(number(raw))
    value, low, high, count = (number(raw.get(name)) for name in ("value", "low", "high", "n"))
    return Measured(value, low, high, None if count is None else int(count))


def part(result: Json, *names: str) -> Json:
    """Return a part of a result by its path; empty if it is not there."""
    found: Any = result
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(raw: object) -> list[Json]:
    """Return the objects of a list; none if it is no list."""
    if not isinstance(raw, list | tuple):
        return []
    return [item for item in raw if isinstance(item, Mapping)]


def texts(raw: object) -> list[str]:
    """Return the members of a list as text; none if it is no list."""
    return [str(item) for item in raw] if isinstance(raw, list | tuple) else []


def decimals(digits: int) -> Callable[[float], str]:
    """Return how to write a number with so many digits after the point."""
    return lambda value: f"{value:,.{digits}f}"


def size(value: float) -> str:
    """Write a size.

    >>> size(34.0), size(34.5)
    ('34', '34.5')
    """
    return f"{value:,.1f}".removesuffix(".0")


def percent(value: float) -> str:
    """Write a share, with more digits the smaller it is.

    >>> [percent(share).replace(GAP, " ") for share in (0.456, 0.042, 0.0015, 1e-6, 0)]
    ['46 %', '4.2 %', '0.15 %', 'under 0.01 %', '0 %']
    """
    if 0 < value < 5e-5:
        return f"under 0.01{GAP}%"
    digits = sum(0 < abs(value) < bound for bound in (0.0995, 0.00995))
    return f"{value:.{digits}%}".replace("%", f"{GAP}%")


def round_percent(value: float) -> str:
    """Write a round share, as axes have them.

    >>> [round_percent(share).replace(GAP, " ") for share in (0.5, 0.02, 0.005)]
    ['50 %', '2 %', '0.5 %']
    """
    return f"{value * 100:.6g}{GAP}%"


def shown(value: float | None, show: Callable[[float], str]) -> str:
    """Write a number that may not be known."""
    return NOT_MEASURED if value is None else show(value)


def with_interval(figure: Measured, show: Callable[[float], str]) -> str:
    """Write a figure with its interval.

    >>> with_interval(Measured(1.2, 1.1, 1.3), decimals(2))
    '1.20 (1.10 to 1.30)'
    """
    if figure.value is None or figure.interval is None:
        return shown(figure.value, show)
    low, high = figure.interval
    return f"{show(figure.value)} ({show(low)} to {show(high)})"


def ratio_digits(ratios: Iterable[Measured]) -> Callable[[float], str]:
    """Return how to write ratios: with as many digits as it takes to tell their ends from 1.

    >>> ratio_digits([Measured(1.2, 1.1, 1.3)])(1.2), ratio_digits([Measured(1.1, 1.002)])(1.2)
    ('1.20', '1.200')
    """
    ends = [end for ratio in ratios for end in ratio.known]
    return decimals(3 if any(end != 1 and f"{end:.2f}" == "1.00" for end in ends) else 2)


def times(ratio: Measured) -> str:
    """Write a ratio that stands by itself.

    >>> times(Measured(1.2, 1.1, 1.3)), times(Measured(1.006, 1.002, 1.01))
    ('1.20 (1.10 to 1.30)', '1.006 (1.002 to 1.010)')
    """
    return with_interval(ratio, ratio_digits([ratio]))


def verdict(ratio: Measured) -> Verdict:
    """Return what a ratio says: only an interval that leaves out 1 settles anything."""
    if ratio.value is None or ratio.interval is None:
        return Verdict.UNKNOWN
    low, high = ratio.interval
    if low > 1:
        return Verdict.AHEAD
    return Verdict.BEHIND if high < 1 else Verdict.INCONCLUSIVE


MAIN = (
    Metric("ndcg_at_10", "NDCG@10", "higher is better", decimals(3)),
    Metric("belonging_ndcg_at_10", "Belonging NDCG@10", "higher is better", decimals(3)),
    Metric("recall_at_10", "Recall@10", "higher is better", decimals(3)),
    Metric("coverage", "Coverage", "higher: more groups are found", percent),
    Metric("gini", "Gini", "lower: attention is shared", decimals(3), lower_first=True),
)
NDCG, BELONGING, RECALL, COVERAGE, GINI = MAIN
SIZE = Metric("median_size", "Median size", "lower: smaller groups", size, lower_first=True)

NAMES = {
    OURS: "Belong",
    "als": "ALS",
    "bm25": "BM25",
    "minilm": "MiniLM",
    "bpr": "BPR",
    "ease": "EASE",
    "slim": "SLIM",
    "svd": "SVD",
    "lightfm": "LightFM",
    "lightgcn": "LightGCN",
    "light_gcn": "LightGCN",
    "ials": "iALS",
    "ials_ties": "iALS over ties",
    "item_knn": "item\u2011kNN",
    "user_knn": "user\u2011kNN",
    "rp3beta": "RP3beta",
    "adamic_adar": "Adamic/Adar",
    "common_neighbours": "in common",
    "resource_allocation": "allocation",
}
"""Systems whose names are written in their own way; the hyphens do not break lines."""


def label(name: object) -> str:
    """Return the name of a system, a setting or a slice as people write it.

    >>> label("ease"), label("implicit_als"), label("cold_members")
    ('EASE', 'implicit ALS', 'cold members')
    """
    whole = str(name)
    if whole in NAMES:
        return NAMES[whole]
    return " ".join(NAMES.get(word, word) for word in whole.split("_"))


def ranked(systems: Json, metric: Metric) -> list[tuple[str, Measured]]:
    """Return every system's figure, the best first and those not measured last."""
    found = [(name, measured(part(systems, name).get(metric.key))) for name in systems]
    sign = 1 if metric.lower_first else -1
    return sorted(found, key=lambda one: math.inf if one[1].value is None else sign * one[1].value)


def best_peer(section: Json, metric: Metric = NDCG) -> str | None:
    """Return the best of all systems but ours, or None if no other was measured."""
    for name, figure in ranked(part(section, "systems"), metric):
        if name != OURS and figure.value is not None:
            return name
    return None


def ratio_to(section: Json, peer: str | None, metric: Metric = NDCG) -> Measured:
    """Return Belong's figure over a peer's."""
    return Measured() if peer is None else measured(part(section, "ratios", peer).get(metric.key))


def day(raw: object) -> str:
    """Write a date.

    >>> day("2017-04-01T00:00:00+00:00").split(), day("80%")
    (['1', 'April', '2017'], '80%')
    """
    try:
        moment = datetime.fromisoformat(str(raw))
    except ValueError:
        return str(raw)
    return f"{moment.day}{GAP}{moment:%B %Y}"


def plain(raw: object) -> str:
    """Write any JSON value on one line, as settings and machines need it.

    >>> plain({"factors": 64, "regularisation": 0.01, "seeds": [1, 2], "gpu": None})
    'factors 64, regularisation 0.01, seeds 1 2, gpu n/a'
    """
    if raw is None:
        return NOT_MEASURED
    if isinstance(raw, Mapping):
        return ", ".join(f"{label(name)} {plain(value)}" for name, value in raw.items())
    if isinstance(raw, list | tuple):
        return " ".join(plain(value) for value in raw)
    return f"{raw:.6g}" if isinstance(raw, float) else str(raw)


def counted(verdicts: Iterable[Verdict]) -> dict[Verdict, int]:
    """Return how often each verdict was reached."""
    found = list(verdicts)
    return {one: found.count(one) for one in Verdict}
