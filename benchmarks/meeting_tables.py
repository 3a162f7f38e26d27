"""How the results of rounds, responders, discoveries and policies are laid out in the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.introduction_tables import over
from benchmarks.table_cells import best_ratio, interval

Result = dict[str, Any]

RECALLS = ("recall_at_3", "recall_at_10")
"""Columns of a table of responders."""

SCOPES = {"lacked": "lacked", "all_hidden": "all that were hidden"}
"""Which hidden groups are judged, in words."""


def meeting_goals(results: Path) -> dict[str, str]:
    """Return what was to be reached beside introductions, each with what was measured so far."""
    goals: dict[str, str] = {}
    for path in sorted(results.glob("*.json")):
        kind, result = path.stem.split("-")[0], json.loads(path.read_text("utf-8"))
        if kind in GOALS:
            goals |= GOALS[kind](result)
    return goals


def _responder_goals(result: Result) -> dict[str, str]:
    said = f"who answers the next questions of {result['dataset']}: recall@3 / best peer"
    return {f"{said} at least 1.3": over(result, "recall_at_3")}


def _round_goals(result: Result) -> dict[str, str]:
    large, exact = result["large"], result["exact"]
    least = min(large["coverage"], exact["coverage"])
    return {
        f"rounds of {exact['members']:,} in pairs: at least 99 % of the exact maximum weight": (
            f"{exact['of_exact']:.2%}"
        ),
        f"rounds of {exact['members']:,} and of {large['members']:,}: coverage at least 99 %": (
            f"{least:.2%} at least"
        ),
        f"{large['members']:,} members paired in 90 s and 3 GiB": (
            f"{large['seconds']:.0f} s, {large['peak_mb'] / 1024:.1f} GiB"
        ),
    }


def _policy_goals(result: Result) -> dict[str, str]:
    said = f"requests that break a policy, in {result['worlds']:,} random communities: 0"
    return {said: f"{result['breaks']} of {result['requests']:,}"}


def _discovery_goals(result: Result) -> dict[str, str]:
    lacked = result["lacked"]
    said = f"hidden groups of {result['dataset']} that are found again: beside peers"
    found = {name: interval(one, digits=2) for name, one in lacked["found"].items()}
    return {said: "; ".join(f"{name} {share}" for name, share in found.items())}


GOALS = {
    "discoveries": _discovery_goals,
    "policies": _policy_goals,
    "responders": _responder_goals,
    "rounds": _round_goals,
}
"""What each benchmark was to reach."""


def responders_table(result: Result) -> Iterator[str]:
    """Yield a table of systems."""
    asked = sum(window["questions"] for window in result["windows"])
    lost = sum(
        window["questions_that_nobody_who_could_be_named_answered"] for window in result["windows"]
    )
    yield (
        f"**{result['dataset']}, who answers {asked:,} questions** (of {len(result['windows'])} "
        f"{'windows' if len(result['windows']) > 1 else 'window'}; {lost:,} more were answered by "
        "nobody who could be named)"
    )
    yield ""
    yield "| system | recall@3 | recall@10 | Belong / it, recall@3 | recall@10 |"
    yield "| --- | --- | --- | --- | --- |"
    for name, figures in result["systems"].items():
        ratios = result["ratios"].get(name, {})
        cells = [interval(figures[metric]) for metric in RECALLS]
        cells += [interval(ratios.get(metric), digits=2) for metric in RECALLS]
        label = f"{name} ({result['peers'][name]['package']})" if name in result["peers"] else name
        yield f"| {label} | {' | '.join(cells)} |"
    peer = best_ratio(result, "recall_at_3")[0]
    yield ""
    yield (
        f"The best peer is {peer}. The same three people for all questions of a window, those who "
        f"turned out to answer most, would have {result['same_people_for_all_at_best']:.2f}."
    )


def rounds_table(result: Result) -> Iterator[str]:
    """Yield a table of what rounds of several sizes take and reach."""
    large, exact, circles = result["large"], result["exact"], result["circles"]
    yield "| of | measure | result |"
    yield "| --- | --- | --- |"
    rows = (
        (
            f"{large['members']:,} members in pairs, {large['opted_in']:,} of whom are open",
            "time; of the processor, one core",
            f"{large['seconds']:.0f} s; {large['cpu_seconds']:.0f} s",
        ),
        (
            "",
            f"memory, the community of {large['snapshot_mb'] / 1024:.1f} GiB included",
            f"{large['peak_mb'] / 1024:.1f} GiB",
        ),
        ("", "matched", f"{large['coverage']:.3%}"),
        (
            "",
            "summed quality beside a bound that no matching of the same candidates exceeds",
            f"{result['bounded']['of_bound']:.1%}",
        ),
        (
            f"{exact['members']:,} members in pairs",
            "summed quality beside the exact maximum-weight matching of the same candidates",
            f"{exact['of_exact']:.1%}",
        ),
        ("", "beside a bound over all pairs who may meet", f"{exact['of_bound']:.1%}"),
        ("", "matched", f"{exact['coverage']:.1%}"),
        (
            f"{circles['members']:,} members in circles of {circles['size']}",
            "matched; time",
            f"{circles['coverage']:.1%}; {circles['seconds']:.0f} s",
        ),
    )
    for row in rows:
        yield f"| {' | '.join(row)} |"


def policies_table(result: Result) -> Iterator[str]:
    """Yield a table of how often each rule was needed, and that none was broken."""
    yield (
        f"{result['worlds']:,} random communities, {result['requests']:,} requests, "
        f"{result['people']:,} people shown: {result['breaks']} break a policy."
    )
    yield ""
    yield "| rule | candidates it removed |"
    yield "| --- | --- |"
    for rule, times in sorted(result["removed"].items(), key=lambda item: -item[1]):
        yield f"| {rule} | {times:,} |"


def discoveries_table(result: Result) -> Iterator[str]:
    """Yield a table of the share of hidden groups that each system found again."""
    draws, settings = result["draws"], result["settings"]
    yield (
        f"**{result['dataset']}, hidden groups found again** ({draws} "
        f"{'draws' if draws > 1 else 'draw'}; peers at {'; '.join(settings.values())})"
    )
    yield ""
    yield "| judged | groups | discoveries | k-means | HDBSCAN | / k-means | / HDBSCAN |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for key, words in SCOPES.items():
        scope = result[key]
        shares = [interval(one, digits=2) for one in scope["found"].values()]
        ratios = [interval(one, digits=2) for one in scope["ratios"].values()]
        yield f"| {words} | {scope['groups']:,} | {' | '.join(shares + ratios)} |"
