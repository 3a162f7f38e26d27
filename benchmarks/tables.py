"""Puts the figures of `benchmarks/results/*.json` into the README, between its markers.

    python -m benchmarks.tables

It changes nothing outside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.report import run
from engine.errors import DataError

RESULTS = Path("benchmarks/results")
BEGIN, END = "<!-- measured: python -m benchmarks.tables -->", "<!-- /measured -->"

METRICS = ("ndcg_at_10", "recall_at_10", "belonging_ndcg_at_10", "coverage", "gini")
"""Columns of a table of quality."""


NO_EVIDENCE = {("nashville-meetup", "introductions")}
"""Left out of the tables: ties made of attendance are predicted by attendance by construction."""


def tables(results: Path) -> str:
    """Return all tables as Markdown, in order of file name."""
    parts: list[str] = []
    for path in sorted(results.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        kind = path.stem.split("-")[0]
        if kind == "quality":
            parts.extend(_quality(result))
        elif kind in COSTS:
            parts.append("\n".join(COSTS[kind](result)))
        else:
            raise DataError(f"{path} is named after no benchmark: expected quality or {[*COSTS]}")
        parts.append(f"`{result['command']}`")
    return "\n\n".join(parts)


def goals(results: Path) -> str:
    """Return what was to be reached beside what was measured, as one Markdown table."""
    quality, latency, retrieval, cost = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in (
            "quality-nashville-meetup",
            "latency-pyvideo-groups",
            "retrieval-pyvideo",
            "cost-pyvideo",
        )
    )
    took, memory = latency["open_loop"]["latency_ms"], latency["memory_mb"]["after_load"]["rss"]
    recalls = [_interval(case["at"]["10"]["recall"], digits=4) for case in retrieval["cases"]]
    cold, warm = cost["first"], cost["second"]
    rows = {
        "nashville-meetup, members with an earlier group: NDCG@10 / item-kNN's at least 1": (
            _interval(quality["ratios"]["item_knn"], digits=2)
        ),
        "groups over HTTP on pyvideo, one worker, 100 requests/s: p50 < 6, p99 < 25 ms": (
            f"{_interval(took['p50'], digits=1)}, {_interval(took['p99'], digits=1)} ms"
        ),
        "recall@10 against exact search at least 0.98 (interests; prototypes)": "; ".join(recalls),
        "start to ready < 3 s; resident memory < 700 MB": (
            f"{latency['start_to_ready_s']:.1f} s; {memory:,.0f} MB"
        ),
        "training on pyvideo but for encoding, and with a warm cache: at most 45 s; < 4 GiB": (
            f"{cold['seconds_without_encoding']:.0f} s, {warm['seconds']:.0f} s; "
            f"{cold['peak_rss_mb'] / 1024:.1f} GiB"
        ),
    }
    lines = ["| goal | measured |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {goal} | {found} |" for goal, found in rows.items())])


def _quality(result: dict[str, Any]) -> Iterator[str]:
    until = result["until"]
    when = until[:10] if isinstance(until, str) else "a cut for each part"
    for what, section in (("groups", result), ("introductions", result["introductions"])):
        if not section["members"] or (result["dataset"], what) in NO_EVIDENCE:
            continue
        hidden = section.get("hidden_share")
        how = f"{hidden:.0%} of ties hidden" if hidden else f"until {when}"
        days = result.get("window_days")
        how += f", the {days:g} days after" if days and not hidden else ""
        lines = [
            f"**{result['dataset']}, {what}** ({how}; {section['members']:,} members)",
            "",
            f"| system | {' | '.join(METRICS)} | Belong / it, NDCG |",
            f"| --- |{' --- |' * (len(METRICS) + 1)}",
        ]
        for name, figures in section["systems"].items():
            cells = [_interval(figures.get(metric)) for metric in METRICS]
            ratio = _interval(section["ratios"].get(name), digits=2)
            lines.append(f"| {name} | {' | '.join(cells)} | {ratio} |")
        yield "\n".join(lines)


def _interval(figure: dict[str, float] | None, digits: int = 3) -> str:
    if figure is None or figure["value"] is None:
        return ""
    value, low, high = (f"{figure[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low}–{high})"


def _retrieval(result: dict[str, Any]) -> Iterator[str]:
    yield "| vectors | kind | recall@10 | queries/s | exact queries/s | bytes a vector |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for case in result["cases"]:
        at = case["at"]["10"]
        yield (
            f"| {case['vectors']:,} {case['case']} | {case['kind']} | "
            f"{_interval(at['recall'], digits=4)} | {at['search']['queries_per_s']:,.0f} | "
            f"{at['exact']['queries_per_s']:,.0f} | {case['bytes_per_vector']['total']:,.0f} |"
        )


def _latency(result: dict[str, Any]) -> Iterator[str]:
    loop = result["open_loop"]
    took = loop["latency_ms"]
    yield (
        f"| {result['kind']} on {result['community']}, {loop['rate']:g} requests/s | "
        "p50 ms | p99 ms | p99.9 ms | errors | start to ready | memory |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield (
        f"| {loop['requests']:,} requests, {result['workers']} worker | "
        f"{_interval(took['p50'], digits=1)} | {_interval(took['p99'], digits=1)} | "
        f"{took['p99_9']['value']:.1f} | {loop['errors']} | {result['start_to_ready_s']:.1f} s | "
        f"{result['memory_mb']['after_load']['rss']:,.0f} MB |"
    )


def _cost(result: dict[str, Any]) -> Iterator[str]:
    yield f"| training on {result['dataset']} | seconds | of it not encoding | peak memory |"
    yield "| --- | --- | --- | --- |"
    first = "empty cache" if result["cold"] else "first run"
    for name, run_of in ((first, result["first"]), ("warm cache", result["second"])):
        yield (
            f"| {name} | {run_of['seconds']:.0f} | {run_of['seconds_without_encoding']:.0f} | "
            f"{run_of['peak_rss_mb']:,.0f} MB |"
        )


COSTS = {"retrieval": _retrieval, "latency": _latency, "cost": _cost}
"""How the results of each benchmark of cost are laid out."""


def write_into(readme: Path, text: str) -> None:
    """Replace what stands between the markers.

    Raises:
        DataError: The markers are not there.
    """
    whole = readme.read_text("utf-8")
    if BEGIN not in whole or END not in whole:
        raise DataError(f"{readme} has no place for tables: expected {BEGIN} and {END}")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def main(
    results: Annotated[Path, typer.Option(help="Where the JSON files are.")] = RESULTS,
    readme: Annotated[Path, typer.Option(help="Where the tables go.")] = Path("README.md"),
) -> None:
    """Write the tables of all results into the README."""
    write_into(readme, f"{goals(results)}\n\n{tables(results)}")


if __name__ == "__main__":
    run(main)
