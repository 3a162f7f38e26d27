"""How good rounds are by their own measure, and what they take.

    python -m benchmarks.rounds --members 100000 --json rounds.json --report rounds.html

On a synthetic community (`benchmarks.round_town`). Of 1,000 members the pairs are held against the
exact maximum-weight matching of the same graph (NetworkX, Edmonds' blossoms) and against the bound
over *all* pairs who may meet (an assignment, SciPy); of as many as are asked for against the bound
of their candidate graph, and time and memory are measured.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.machine import command_line, machine, peak_mb
from benchmarks.quality import write_page
from benchmarks.report import run, write_report
from benchmarks.round_page import render_rounds
from benchmarks.round_town import synthetic_recommender
from engine.affinities import GladBoth
from engine.matching import FREE, upper_bound, weight_of
from engine.pair_graph import Graph
from engine.round_ground import Ground, ground_of
from engine.round_pairs import Pairing
from engine.round_rules import may_meet
from engine.round_wishes import Wishes
from engine.rounds import plan_round
from training.figures_file import check_writable, without_nan

NOW = 1_750_000_000.0
EXACT = 1_000
"""Members whose exact matching is found: it takes a minute or two."""


def exactness(count: int, seed: int) -> dict[str, Any]:
    """Return the pairs of a small community beside the exact ones.

    Args:
        count: Its members.
        seed: Of the community and of the plan.

    Returns:
        ``weight`` of our pairs, ``exact`` that of the maximum-weight matching of the same
        candidates, ``bound`` that no matching of any pairs who may meet exceeds, their ratios,
        and ``coverage``, the share of those who may meet that do.
    """
    import networkx  # type: ignore[import-untyped, unused-ignore]

    ground, pairing, quality = _prepared(count, seed)
    edges, partner = pairing.matched()
    graph = pairing.graph(edges)
    everything = networkx.Graph()
    everything.add_weighted_edges_from(
        zip(graph.one.tolist(), graph.other.tolist(), graph.weight.tolist(), strict=True)
    )
    best = networkx.max_weight_matching(everything)
    exact = sum(everything[one][other]["weight"] for one, other in best)
    ours = weight_of(pairing.graph(edges, partner), partner)
    bound = upper_bound(_all_pairs(ground, quality))
    return {
        "members": count,
        "weight": ours,
        "exact": exact,
        "bound": bound,
        "of_exact": ours / exact,
        "of_bound": ours / bound,
        "coverage": float((partner != FREE).mean()),
    }


def cost(count: int, seed: int, size: int) -> dict[str, Any]:
    """Return how long planning a round takes from a loaded snapshot, and how many it matches."""
    recommender = synthetic_recommender(count, seed, NOW)
    before = peak_mb()
    start, busy = time.perf_counter(), time.process_time()
    plan = plan_round(recommender, Wishes(size=size, seed=seed), NOW)
    taken, worked = time.perf_counter() - start, time.process_time() - busy
    matched = sum(len(match.members) for match in plan.matches)
    return {
        "members": count,
        "size": size,
        "opted_in": matched + len(plan.left_out),
        "coverage": matched / max(1, matched + len(plan.left_out)),
        "mean_quality": plan.total / max(1, len(plan.matches)),
        "worst_quality": plan.worst,
        "seconds": taken,
        "cpu_seconds": worked,
        "peak_mb": peak_mb(),
        "snapshot_mb": before,
    }


def bounded(count: int, seed: int) -> dict[str, Any]:
    """Return the weight of the pairs of a large community beside the bound of their graph."""
    _, pairing, _ = _prepared(count, seed)
    edges, partner = pairing.matched()
    ours = weight_of(pairing.graph(edges, partner), partner)
    bound = upper_bound(pairing.graph(edges))
    return {"members": count, "weight": ours, "bound": bound, "of_bound": ours / bound}


def _prepared(count: int, seed: int) -> tuple[Ground, Pairing, GladBoth]:
    recommender = synthetic_recommender(count, seed, NOW)
    ground = ground_of(recommender, Wishes(seed=seed), NOW)
    quality = GladBoth.of_snapshot(recommender.bundle.snapshot)
    return ground, Pairing(ground, quality), quality


def _all_pairs(ground: Ground, quality: GladBoth) -> Graph:
    """Return the graph of all pairs who may meet, candidates or not."""
    size = len(ground.snapshot.members.ids)
    bands = ground.snapshot.members.audience[ground.pool]
    one, other = np.triu_indices(len(ground.pool), 1)
    keep = may_meet(size, ground.apart, ground.pool[one], ground.pool[other])
    keep &= bands[one] == bands[other]
    one, other = one[keep], other[keep]
    weight = quality.of(ground.pool[one], ground.pool[other]).astype(np.float64)
    return Graph(len(ground.pool), one, other, weight)


def main(
    json_file: Annotated[Path, typer.Option("--json", help="Where to write the figures.")],
    members: Annotated[int, typer.Option(help="Members of the large community.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of communities and plans.")] = 0,
    exact: Annotated[int, typer.Option(help="Members of the small one.")] = EXACT,
    circles: Annotated[int, typer.Option(help="Members put into circles; 0 for none.")] = 10_000,
    report: Annotated[Path | None, typer.Option(help="Where a page for people goes.")] = None,
) -> None:
    """Measure rounds."""
    for path in (json_file, *([report] if report else [])):
        check_writable(path)
    here = machine()
    found = {"large": cost(members, seed, 2)}
    typer.echo(json.dumps(found["large"]))
    found["bounded"] = bounded(members, seed)
    typer.echo(json.dumps(found["bounded"]))
    found["exact"] = exactness(exact, seed)
    typer.echo(json.dumps(found["exact"]))
    if circles:
        found["circles"] = cost(circles, seed, 4)
        typer.echo(json.dumps(found["circles"]))
    write_report(json_file, found, here)
    if report:
        page = {**found, "machine": here, "command": command_line()}
        write_page(report, render_rounds(without_nan(page)))


if __name__ == "__main__":
    run(main)
