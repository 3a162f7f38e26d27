"""What ranking costs, and what a sparse EASE loses.

    python -m benchmarks.ranking DATA --until DATE --json ranking.json

One core: the learned ranker scores 300 candidates; measuring their columns and choosing the slate
are timed beside it. Above 10,000 groups EASE is solved among near groups only: here both forms
order the same candidates of the same members, so that the loss can be seen.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from benchmarks.report import run, write_report
from data.community import Community
from data.validate import read_community
from engine.group_ranker import GroupRanker
from engine.groups import group_recommender
from engine.index import VectorIndex
from engine.pipeline import columns_of
from engine.pool import Pool
from engine.query import query_of_member
from engine.snapshot import Snapshot
from engine.types import Vector
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL
from training.ease import ease
from training.examples import known_examples
from training.figures_file import check_writable
from training.metrics import mean_with_interval, ratio_with_interval
from training.scorers import ndcg_of
from training.split import cut_at, past
from training.train import model_of, open_workshop
from training.windows import Window

CANDIDATES = 300
ASKED = 500
"""Members that are asked."""


def timings(
    snapshot: Snapshot, ranker: GroupRanker, candidates: int = CANDIDATES
) -> dict[str, Any]:
    """Return the milliseconds of measuring, scoring and choosing, at p50 and p99, on one core."""
    index = VectorIndex.build(snapshot.groups.prototypes.vectors)
    pipeline = group_recommender(snapshot, index, ranker)
    known = np.flatnonzero(snapshot.members.groups.counts() > 0)
    rng = np.random.default_rng(0)
    asked = rng.choice(known, min(ASKED, len(known)), replace=False)
    spent: dict[str, list[float]] = {"measure": [], "score": [], "choose": []}
    groups = len(snapshot.groups.ids)
    with threadpool_limits(1):
        for member in asked.tolist():
            query = query_of_member(snapshot, member)
            rows = np.sort(rng.choice(groups, min(candidates, groups), replace=False))
            start = time.perf_counter()
            columns: dict[str, Vector] = {}
            for feature in pipeline.features:
                columns |= columns_of(feature, query, Pool(rows))
            measured = time.perf_counter()
            pool = Pool(rows, columns=columns)
            scores = pipeline.scorer.score(query, pool)
            scored = time.perf_counter()
            pipeline.selector.select(query, pool, scores, 10)
            spent["measure"].append(measured - start)
            spent["score"].append(scored - measured)
            spent["choose"].append(time.perf_counter() - scored)
    return {
        "candidates": min(candidates, groups),
        "members": len(asked),
        "kind": ranker.story["known"]["kind"],
        "columns": len(pipeline.features),
        "ms": {
            name: {f"p{q}": round(float(np.percentile(times, q)) * 1e3, 3) for q in (50, 99)}
            for name, times in spent.items()
        },
    }


def sparse_loss(
    community: Community, early: Community, snapshot: Snapshot, window: Window
) -> dict[str, Any]:
    """Return the NDCG@10 of the column `ease` in its exact and its sparse form."""
    joined = early.memberships.filter(pl.col("left_ts").is_null())
    matrix = sparse.csr_array(
        (np.ones(len(joined), np.float32), (joined["member"], joined["group"])),
        shape=(len(early.members), len(early.groups)),
    )
    found = {}
    for name, below in (("exact", len(early.groups) + 1), ("sparse", 0)):
        acts = replace(snapshot.behaviour, ease=ease(matrix, exact_below=below))
        changed = replace(snapshot, behaviour=acts)
        rng = np.random.default_rng(0)
        examples = known_examples(community, changed, window, 0, rng)
        found[name] = ndcg_of(examples, examples.column("ease"))
    ratio = ratio_with_interval(found["sparse"], found["exact"])
    return {
        **{name: mean_with_interval(values).as_dict() for name, values in found.items()},
        "sparse_over_exact": ratio.as_dict(),
    }


def main(
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    json_file: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    until: Annotated[str, typer.Option(help="The past ends at a date or a share.")] = "80%",
    window: Annotated[float, typer.Option(help="Days after the cut that count.", min=1)] = 91,
    cache: Annotated[Path, typer.Option(help="Where vectors are kept.")] = DEFAULT_CACHE,
) -> None:
    """Measure what ranking costs on one core, and what a sparse EASE loses."""
    check_writable(json_file)
    here = machine()
    community = read_community(data, now=time.time())
    cut = cut_at(community, until)
    early = past(community, cut)
    workshop = open_workshop(cache, DEFAULT_MODEL)
    start = time.perf_counter()
    snapshot, ranker = model_of(early, workshop, now=cut)
    fitted = time.perf_counter() - start
    result = {
        "dataset": community.name,
        "until": until,
        "window_days": window,
        "fit_seconds": round(fitted, 2),
        "ranking": timings(snapshot, ranker),
        "ease": sparse_loss(community, early, snapshot, Window(cut, cut + window * 86_400)),
    }
    write_report(json_file, result, here)
    typer.echo(json.dumps({key: result[key] for key in ("fit_seconds", "ranking", "ease")}))


if __name__ == "__main__":
    run(main)
