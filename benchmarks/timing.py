"""Percentiles of latencies, with intervals that know that slow requests come together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics import RESAMPLES

PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999}
"""The percentiles that are reported, by their name in the JSON."""

Times = NDArray[np.float64]
"""Moments or durations: float64 of shape (n,)."""


def latencies_ms(scheduled_s: Times, finished_s: Times) -> Times:
    """Return how long each request took, from the moment it was due.

    A request that is sent late because its sender waited for an earlier one still counts from
    when it should have gone out: else one stall would hide all the requests behind it
    (coordinated omission, Tene 2013).

    Args:
        scheduled_s: When each was due, seconds.
        finished_s: When its last byte had come, on the same clock.

    >>> latencies_ms(np.array([0.0, 0.25, 0.5]), np.array([1.0, 1.0, 1.0])).tolist()
    [1000.0, 750.0, 500.0]
    """
    return (finished_s - scheduled_s) * 1e3


def percentile(values: Times, share: float) -> float:
    """Return the smallest value that at least a share of all values do not exceed.

    It is a value that has occurred, never one in between.

    >>> percentile(np.array([4.0, 1.0, 3.0, 2.0]), 0.5), percentile(np.array([1.0, 9.0]), 0.99)
    (2.0, 9.0)
    """
    return float(np.quantile(values, share, method="inverted_cdf"))


def summary(values: Times, due_s: Times, seed: int = 0) -> dict[str, Any]:
    """Return the percentiles of latencies with 95 % intervals, their maximum and mean.

    Whole seconds of the run are drawn with replacement, not single requests: a stall makes
    neighbours slow together, and intervals that ignore it are too narrow. Where a run had fewer
    than four seconds, single requests are drawn.

    Args:
        values: Latencies, at least one.
        due_s: When each request was due, seconds.
        seed: Decides what is drawn.

    Returns:
        `p50`, `p99` and `p99_9` as {value, low, high, n}; `mean`, `max`, `n`.
    """
    blocks = _blocks(values, due_s)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in PERCENTILES}
    for _ in range(RESAMPLES):
        picked = rng.integers(0, len(blocks), len(blocks))
        sample = np.sort(np.concatenate([blocks[block] for block in picked]))
        for name, share in PERCENTILES.items():
            drawn[name].append(float(sample[int(np.ceil(share * len(sample))) - 1]))
    result: dict[str, Any] = {}
    for name, share in PERCENTILES.items():
        low, high = np.quantile(drawn[name], [0.025, 0.975])
        figure = {"value": percentile(values, share), "low": float(low), "high": float(high)}
        result[name] = {**figure, "n": len(values)}
    return {**result, "mean": float(values.mean()), "max": float(values.max()), "n": len(values)}


def _blocks(values: Times, due_s: Times) -> list[Times]:
    seconds = np.floor(due_s - due_s.min()).astype(np.int64)
    if seconds.max() < 3:
        seconds = np.arange(len(values))
    order = np.argsort(seconds, kind="stable")
    starts = np.unique(seconds[order], return_index=True)[1]
    return list(np.split(values[order], starts[1:]))
