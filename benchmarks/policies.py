"""Do slates of people ever break a policy: `python -m benchmarks.policies --worlds 10000`.

Hypothesis draws small communities in which people look, decline, block, want more or fewer
introductions, come and go while weeks pass; each slate is held against the rules, looked up the
long way. See `benchmarks.policy_worlds`. A break is written into the report with what it broke,
and the exit code is 1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.machine import machine
from benchmarks.policy_worlds import Count, Plan, base_bundle, live_through, plans
from benchmarks.report import run, write_report

BROKEN = 1
SHOWN = 20
"""Breaks that are written out."""


def live_through_all(worlds: int, drawn_from: int = 0) -> Count:
    """Return what was asked in so many worlds, and what broke a rule.

    Args:
        worlds: How many are drawn; no two alike.
        drawn_from: Of what seed.
    """
    base, count = base_bundle(), Count()

    @seed(drawn_from)
    @settings(
        max_examples=worlds,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(plans)
    def every(plan: Plan) -> None:
        live_through(base, plan, count)

    every()
    return count


def main(
    worlds: Annotated[int, typer.Option(min=1, help="Random communities.")] = 10_000,
    drawn_from: Annotated[int, typer.Option("--seed", help="Of what they are drawn.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures into this file.")] = None,
) -> None:
    """Count the slates that break a policy."""
    where, started = machine(), time.perf_counter()
    count = live_through_all(worlds, drawn_from)
    figures = _figures(count, time.perf_counter() - started)
    print(
        f"{figures['worlds']} worlds, {figures['requests']} requests, {figures['people']} people "
        f"shown: {figures['breaks']} breaks"
    )
    for broken in figures["broken"]:
        print(broken)
    if json is not None:
        write_report(json, figures, where)
    if count.breaks:
        sys.exit(BROKEN)


def _figures(count: Count, seconds: float) -> dict[str, Any]:
    return {
        "worlds": count.worlds,
        "requests": count.requests,
        "people": count.people,
        "breaks": len(count.breaks),
        "broken": count.breaks[:SHOWN],
        "short": dict(count.short),
        "removed": dict(count.removed),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    run(main)
