"""Puts the figures of `benchmarks/results/*.json` into the README and the docs, between markers.

    python -m benchmarks.tables

It changes nothing outside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.introduction_tables import introduction_goals, introduction_tables
from benchmarks.live_tables import (
    durability_table,
    freshness_table,
    fuzz_table,
    live_goals,
    shedding_table,
)
from benchmarks.meeting_tables import (
    discoveries_table,
    meeting_goals,
    policies_table,
    responders_table,
    rounds_table,
)
from benchmarks.report import run
from benchmarks.table_cells import best_ratio, interval
from engine.errors import DataError

RESULTS = Path("benchmarks/results")
README = "README.md"
PAGES = {
    "introductions": "docs/introductions.md",
    "policies": "docs/introductions.md",
    "responders": "docs/responders.md",
    "rounds": "docs/rounds.md",
    "discoveries": "docs/discoveries.md",
}
"""Where the tables of a benchmark go, if not into the README."""
BEGIN, END = "<!-- measured: python -m benchmarks.tables -->", "<!-- /measured -->"

METRICS = ("ndcg_at_10", "recall_at_10", "belonging_ndcg_at_10", "coverage", "gini")
"""Columns of a table of quality."""


def pages(results: Path) -> dict[str, str]:
    """Return what stands between the markers of each page, by its path."""
    found = {page: tables(results, page) for page in (README, *dict.fromkeys(PAGES.values()))}
    found[README] = f"{goals(results)}\n\n{found[README]}"
    return found


def tables(results: Path, page: str) -> str:
    """Return all tables of a page as Markdown, in order of file name."""
    parts: list[str] = []
    for path in sorted(results.glob("*.json")):
        kind = path.stem.split("-")[0]
        if PAGES.get(kind, README) != page:
            continue
        result = json.loads(path.read_text("utf-8"))
        if kind in SEVERAL:
            parts.extend(SEVERAL[kind](result))
        elif kind in LINES:
            parts.append("\n".join(LINES[kind](result)))
        else:
            known = [*SEVERAL, *LINES]
            raise DataError(f"{path} is named after no benchmark: expected one of {known}")
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
    recalls = [interval(case["at"]["10"]["recall"], digits=4) for case in retrieval["cases"]]
    cold, warm = cost["first"], cost["second"]
    rows = {
        "nashville-meetup, members with an earlier group: NDCG@10 / item-kNN's at least 1": (
            interval(quality["ratios"]["item_knn"], digits=2)
        ),
        "groups over HTTP on pyvideo, one worker, 100 requests/s: p50 < 6, p99 < 25 ms": (
            f"{interval(took['p50'], digits=1)}, {interval(took['p99'], digits=1)} ms"
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
    rows |= _group_goals(results)
    rows |= introduction_goals(results)
    rows |= meeting_goals(results)
    rows |= live_goals(results)
    lines = ["| goal | measured |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {goal} | {found} |" for goal, found in rows.items())])


def _group_goals(results: Path) -> dict[str, str]:
    """Return the goals of group suggestions beside tuned peers."""
    nash, talks, sites, ranking = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in (
            "peers-nashville",
            "peers-pyvideo",
            "peers-stackexchange",
            "ranking-nashville",
        )
    )

    def over(section: dict[str, Any], metric: str = "ndcg_at_10") -> str:
        peer, ratio = best_ratio(section, metric)
        return f"{interval(ratio, digits=2)} × {peer}"

    sizes = {name: nash["systems"][name]["median_size"]["value"] for name in ("belong", "ease")}
    usual = next(line for line in nash["intimacy"] if line["default"])
    without = next(line for line in nash["intimacy"] if line["intimacy"] == 0)
    kept = usual["ndcg_at_10"]["value"] / without["ndcg_at_10"]["value"]
    told = nash["calibration"]
    return {
        "nashville-meetup, NDCG@10 / best peer at least 1.30": over(nash),
        "the same, belonging NDCG@10 at least 1.35": over(nash, "belonging_ndcg_at_10"),
        "the same, groups without history, recall@10 at least 2.0": over(
            nash["slices"]["cold_groups"], "recall_at_10"
        ),
        "the same, coverage at least 0.6": interval(nash["systems"]["belong"]["coverage"]),
        "the same, median size / EASE's at most 0.5, at an NDCG cost of at most 2 %": (
            f"{sizes['belong'] / sizes['ease']:.2f}; NDCG {kept - 1:+.1%} beside intimacy 0"
        ),
        "pyvideo 2016 to 2019, NDCG@10 / best peer at least 1.15; without the 10 largest": (
            f"{over(talks)}; {over(talks['slices']['without_10_largest'])}"
        ),
        "stackexchange-small, NDCG@10 / best peer at least 1.15": over(sites),
        "newcomers by text alone, pyvideo; stackexchange-small: at least 1.5": (
            f"{over(talks['slices']['cold_members'])}; {over(sites['slices']['cold_members'])}"
        ),
        "calibration on nashville-meetup: slope 0.8 to 1.25; Brier skill above 0": (
            f"{interval(told['slope'], digits=2)}; {interval(told['brier_skill'], digits=4)}"
            if told
            else "not calibrated"
        ),
        "scoring 300 candidates on one core: p50 at most 0.5 ms": (
            f"{ranking['ranking']['ms']['score']['p50']:.2f} ms"
        ),
        "learning nashville-meetup with a warm cache: at most 90 s": (
            f"{ranking['fit_seconds']:.0f} s"
        ),
    }


def _quality(result: dict[str, Any]) -> Iterator[str]:
    """Yield a table of groups; introductions have tables of their own, beside more peers."""
    if not result["members"]:
        return
    until, days = result["until"], result.get("window_days")
    how = f"until {until[:10]}" if isinstance(until, str) else "until a cut for each part"
    how += f", the {days:g} days after" if days else ""
    lines = [
        f"**{result['dataset']}, groups** ({how}; {result['members']:,} members)",
        "",
        f"| system | {' | '.join(METRICS)} | Belong / it, NDCG |",
        f"| --- |{' --- |' * (len(METRICS) + 1)}",
    ]
    for name, figures in result["systems"].items():
        cells = [interval(figures.get(metric)) for metric in METRICS]
        ratio = interval(result["ratios"].get(name), digits=2)
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio} |")
    yield "\n".join(lines)


PEER_METRICS = ("ndcg_at_10", "belonging_ndcg_at_10", "recall_at_10", "coverage", "median_size")
"""Columns of a table of peers."""


def _peers(result: dict[str, Any]) -> Iterator[str]:
    """Yield a table of systems, one of slices, and what else was measured."""
    until = result["until"]
    when = until[:10] if isinstance(until, str) else f"{len(until)} cuts"
    days = f", {result['window_days']:g} days after" if result["window_days"] else ", all after"
    lines = [
        f"**{result['dataset']}, groups beside tuned peers** ({when}{days}; "
        f"{result['members']:,} members with an earlier group)",
        "",
        f"| system | {' | '.join(PEER_METRICS)} | Belong / it, NDCG |",
        f"| --- |{' --- |' * (len(PEER_METRICS) + 1)}",
    ]
    for name, figures in result["systems"].items():
        cells = [
            interval(figures.get(metric), 0 if metric == "median_size" else 3)
            for metric in PEER_METRICS
        ]
        ratio = result["ratios"].get(name, {}).get("ndcg_at_10")
        label = f"{name} ({result['peers'][name]['package']})" if name in result["peers"] else name
        lines.append(f"| {label} | {' | '.join(cells)} | {interval(ratio, digits=2)} |")
    yield "\n".join(lines)
    lines = [
        "| slice | members | NDCG@10 | best peer | ratio | recall@10 ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, section in result["slices"].items():
        peer, ratio = best_ratio(section)
        recall = best_ratio(section, "recall_at_10")[1]
        ours = section["systems"]["belong"].get("ndcg_at_10")
        lines.append(
            f"| {name} | {section['members']:,} | {interval(ours)} | {peer} | "
            f"{interval(ratio, digits=2)} | {interval(recall, digits=2)} |"
        )
    yield "\n".join(lines)
    yield from _insides(result)


def _insides(result: dict[str, Any]) -> Iterator[str]:
    """Yield tables of Belong's settings, columns and stated chances."""
    for name in ("intimacy", "exploration"):
        if result.get(name):
            lines = [f"| {name} | NDCG@10 | coverage | median size |", "| --- | --- | --- | --- |"]
            lines += [
                f"| {line[name]:g}{' (default)' if line['default'] else ''} | "
                f"{interval(line['ndcg_at_10'])} | {interval(line['coverage'])} | "
                f"{interval(line['median_size'], 0)} |"
                for line in result[name]
            ]
            yield "\n".join(lines)
    if result.get("ablation"):
        lines = ["| silenced columns | NDCG@10 left | share left |", "| --- | --- | --- |"]
        lines += [
            f"| {line['without']} | {interval(line['ndcg_at_10'])} | "
            f"{interval(line['ratio'], digits=2)} |"
            for line in result["ablation"]
        ]
        yield "\n".join(lines)
    told = result.get("calibration")
    if told:
        yield (
            f"Chance of a {told['event'].replace('_', ' ')} within {told['horizon_days']:g} days: "
            f"calibration slope {interval(told['slope'], digits=2)}, Brier skill "
            f"{interval(told['brier_skill'], digits=4)}, {told['statements']:,} statements to "
            f"{told['members']:,} members."
        )


def _ranking(result: dict[str, Any]) -> Iterator[str]:
    ranking, took = result["ranking"], result["ranking"]["ms"]
    yield (
        f"| ranking on {result['dataset']}, one core | p50 ms | p99 ms |\n"
        "| --- | --- | --- |\n"
        + "\n".join(
            f"| {what} | {took[step]['p50']:.2f} | {took[step]['p99']:.2f} |"
            for step, what in (
                ("measure", f"{ranking['columns']} columns of {ranking['candidates']} candidates"),
                ("score", f"scoring them ({ranking['kind']})"),
                ("choose", "choosing the slate"),
            )
        )
    )
    yield (
        f"\nFitting took {result['fit_seconds']:.0f} s. EASE in its sparse form has "
        f"{interval(result['ease']['sparse_over_exact'], digits=2)} of the exact form's NDCG@10."
    )


def _retrieval(result: dict[str, Any]) -> Iterator[str]:
    yield "| vectors | kind | recall@10 | queries/s | exact queries/s | bytes a vector |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for case in result["cases"]:
        at = case["at"]["10"]
        yield (
            f"| {case['vectors']:,} {case['case']} | {case['kind']} | "
            f"{interval(at['recall'], digits=4)} | {at['search']['queries_per_s']:,.0f} | "
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
        f"{interval(took['p50'], digits=1)} | {interval(took['p99'], digits=1)} | "
        f"{took['p99_9']['value']:.1f} | {loop['errors']} | {result['start_to_ready_s']:.1f} s | "
        f"{result['memory_mb']['after_load']['rss']:,.0f} MB |"
    )


def _cost(result: dict[str, Any]) -> Iterator[str]:
    several = f" in {result['processes']} processes" if result.get("processes", 1) > 1 else ""
    head = f"training on {result['dataset']}{several}"
    yield f"| {head} | seconds | of it not encoding | peak memory |"
    yield "| --- | --- | --- | --- |"
    first = "empty cache" if result["cold"] else "first run"
    for name, run_of in ((first, result["first"]), ("warm cache", result["second"])):
        yield (
            f"| {name} | {run_of['seconds']:.0f} | {run_of['seconds_without_encoding']:.0f} | "
            f"{run_of['peak_rss_mb']:,.0f} MB |"
        )


SEVERAL = {"quality": _quality, "peers": _peers, "introductions": introduction_tables}
"""Yield the tables of each benchmark of quality."""

LINES = {
    "retrieval": _retrieval,
    "latency": _latency,
    "cost": _cost,
    "ranking": _ranking,
    "durability": durability_table,
    "freshness": freshness_table,
    "shedding": shedding_table,
    "fuzz": fuzz_table,
    "policies": policies_table,
    "rounds": rounds_table,
    "responders": responders_table,
    "discoveries": discoveries_table,
}
"""Yield the lines of the one table of each other benchmark."""


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the markers.

    Raises:
        DataError: The markers are not there.
    """
    whole = page.read_text("utf-8")
    if BEGIN not in whole or END not in whole:
        raise DataError(f"{page} has no place for tables: expected {BEGIN} and {END}")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def main(
    results: Annotated[Path, typer.Option(help="Where the JSON files are.")] = RESULTS,
    root: Annotated[Path, typer.Option(help="Where README.md and docs/ are.")] = Path(),
) -> None:
    """Write the tables of all results into the README and the docs."""
    for page, text in pages(results).items():
        write_into(root / page, text)


if __name__ == "__main__":
    run(main)
