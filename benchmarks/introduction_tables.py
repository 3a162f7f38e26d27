"""How the results of introductions are laid out in the README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.table_cells import best_ratio, interval

SETS = ("lastfm", "pyvideo", "stackexchange")
"""What the result files are named after."""

COLUMNS = ("ndcg_at_10", "recall_at_10", "coverage", "gini")
"""Columns of a table of systems."""


def introduction_goals(results: Path) -> dict[str, str]:
    """Return what was to be reached by introductions, each with what was measured so far."""
    found = {
        name: json.loads(path.read_text("utf-8"))
        for name in SETS
        if (path := results / f"introductions-{name}.json").exists()
    }
    goals: dict[str, str] = {}
    if "lastfm" in found:
        said = "lastfm, introductions, 20 % of friendships hidden: NDCG@10 / best peer at least 1.4"
        goals[said] = over(found["lastfm"])
        cold = found["lastfm"]["slices"].get("every_tie_hidden")
        if cold:
            said = "the same, members whose every friendship is hidden: recall@10 at least 1.5"
            goals[said] = over(cold, "recall_at_10")
    for name, what in (("pyvideo", "new pairs of speakers"), ("stackexchange", "new ties")):
        if name in found:
            goals[f"{name}, {what}: NDCG@10 / best peer at least 1.3"] = over(found[name])
    if found:
        goals["gini of exposure / that of the peer with the highest NDCG at most 0.7"] = "; ".join(
            f"{name} {_gini(one)}" for name, one in found.items()
        )
        goals["NDCG@10 that even exposure costs at most 3 %"] = "; ".join(
            f"{name} {_price(one)}" for name, one in found.items()
        )
        goals["introductions that break a policy: 0"] = "; ".join(
            f"{one['policies']['broken_in_all']} of {one['policies']['shown']:,}"
            for one in found.values()
        )
    return goals


def introduction_tables(result: dict[str, Any]) -> Iterator[str]:
    """Yield a table of systems, one of slices, and what is said of exposure and policies."""
    lines = [
        f"**{result['dataset']}, introductions beside tuned peers** ({_how(result)}; "
        f"{result['members']:,} members, {result['pairs']:,} pairs)",
        "",
        f"| system | {' | '.join(COLUMNS)} | Belong / it, NDCG |",
        f"| --- |{' --- |' * (len(COLUMNS) + 1)}",
    ]
    for name, figures in result["systems"].items():
        cells = [interval(figures.get(metric)) for metric in COLUMNS]
        ratio = interval(result["ratios"].get(name, {}).get("ndcg_at_10"), digits=2)
        label = f"{name} ({result['peers'][name]['package']})" if name in result["peers"] else name
        lines.append(f"| {label} | {' | '.join(cells)} | {ratio} |")
    yield "\n".join(lines)
    yield "\n".join(_slices(result))
    yield _exposure(result)


def over(section: dict[str, Any], metric: str = "ndcg_at_10") -> str:
    """Return Belong's figure over that of the best peer at it, and which that is."""
    peer, ratio = best_ratio(section, metric)
    return f"{interval(ratio, digits=2)} × {peer}" if peer else "no peer was measured"


def _slices(result: dict[str, Any]) -> Iterator[str]:
    yield "| slice | members | NDCG@10 | / best peer | recall@10 | / best peer |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for section in result["slices"].values():
        ours = section["systems"]["belong"]
        yield (
            f"| {section['about']} | {section['members']:,} | {interval(ours['ndcg_at_10'])} | "
            f"{over(section)} | {interval(ours['recall_at_10'])} | "
            f"{over(section, 'recall_at_10')} |"
        )


def _exposure(result: dict[str, Any]) -> str:
    found, policies = result["fairness"], result["policies"]
    broken = f"{policies['broken_in_all']} of {policies['shown']:,} places break a policy."
    if not found:
        return broken
    return (
        f"Exposure: gini / that of {found['peer']} {_gini(result)}; never shown "
        f"{found['never_shown']:.1%}, by {found['peer']} {found['never_shown_by_peer']:.1%}; "
        f"NDCG@10 / that without prices {_price(result)}. {broken}"
    )


def _gini(result: dict[str, Any]) -> str:
    found = result["fairness"]
    return interval(found["gini_over_peer"], digits=2) if found else "not measured"


def _price(result: dict[str, Any]) -> str:
    found = result["fairness"] or {}
    return interval(found.get("ndcg_over_unpriced"), digits=3) or "not measured"


def _how(result: dict[str, Any]) -> str:
    if result["hidden_share"]:
        return f"{result['hidden_share']:.0%} of ties hidden"
    until, days = result["until"], result["window_days"]
    when = until[:10] if isinstance(until, str) else f"{len(until)} cuts"
    return f"{when}, {days:g} days after" if days else f"{when}, all after"
