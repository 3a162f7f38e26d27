"""How the results of a live server are laid out in the README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STORES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def live_goals(results: Path) -> dict[str, str]:
    """Return what was to be reached by a live server, each with what was measured."""
    killed = [
        json.loads((results / f"durability-{store}.json").read_text("utf-8")) for store in STORES
    ]
    fresh, crowded, fuzzed = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in ("freshness", "shedding", "fuzz")
    )
    rate = fresh["settings"]["rate"]
    names = "; ".join(STORES.values())
    return {
        f"`kill -9` under writes, 50 times, {names}: nothing lost, nothing done twice": "; ".join(
            f"{one['lost']} and {one['duplicated']} of {one['acknowledged']:,} changes in "
            f"{one['rounds']} rounds"
            for one in killed
        ),
        f"a new text is in the answers of every worker, {rate:g} texts/s: within 200 ms": "; ".join(
            f"{one['workers']} {_worker(one)}: p50 {_ms(one['texts']['seen_ms'], 'p50')}, "
            f"p99 {_ms(one['texts']['seen_ms'], 'p99')}"
            for one in fresh["runs"]
        ),
        "first answers after a block, a preference, a deletion that still show it: 0": "; ".join(
            f"{_shown(one)} of {_asked(one):,}" for one in fresh["runs"]
        ),
        "asked twice what it can serve: refused with 503, p99 of the rest at most 3 times the "
        "usual, as before within 5 s": (
            f"{crowded['much']['refused']:,} refused, {_ratio(crowded)}, {_again(crowded)}"
        ),
        f"readers fuzzed for {fuzzed['minutes']:g} minutes: 0 failures": (
            f"{fuzzed['failures']} of {fuzzed['inputs']:,} inputs"
        ),
    }


def durability_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of what was left after kills."""
    yield (
        f"| `kill -9` under writes, {STORES[result['store']]} | acknowledged | lost | done twice | "
        "unanswered, of them done | restrictions not held at once | answers unlike a fresh "
        "server's |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield (
        f"| {result['rounds']} rounds | {result['acknowledged']:,} | {result['lost']} | "
        f"{result['duplicated']} | {result['unanswered']}, {result['unanswered_but_done']} | "
        f"{result['restrictions_shown']} of {result['restrictions_checked']:,} | "
        f"{result['answers_different']} of {result['answers_compared']:,} |"
    )


def freshness_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of tables of how soon changes are seen, and of the queue beyond that."""
    yield (
        f"| changes to {result['community']}, {result['settings']['rate']:g} texts/s | texts/s "
        "acknowledged | p50, p99 until acknowledged | p50, p99 from there until seen in every "
        "worker | first answers that show what is forbidden | p50, p99 added to them |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in result["runs"]:
        texts, held = one["texts"], one["restrictions"]
        yield (
            f"| {one['workers']} {_worker(one)} | {texts['acknowledged_per_s']:.0f} | "
            f"{_both(texts['acknowledged_ms'])} | {_both(texts['seen_ms'])} | "
            f"{held['still_shown']} of {held['first_answers']} | {_both(held['added_ms'])} |"
        )
    beyond = [one for one in result["runs"] if "beyond" in one]
    if not beyond:
        return
    yield ""
    yield (
        f"| beyond: {result['settings']['beyond']:g} texts/s told | acknowledged/s | refused | "
        "texts waiting at most | until none waits | embedded/s |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in beyond:
        much = one["beyond"]
        yield (
            f"| {one['workers']} {_worker(one)} | {much['acknowledged_per_s']:.0f} | "
            f"{much['refused']:,} | {much['most_waiting']:,} | {much['drained_s']:.1f} s | "
            f"{much['embedded_per_s']:.0f} |"
        )


def shedding_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of a server that is asked more than it can serve."""
    much = result["settings"]
    yield (
        f"| {much['kind']} on {result['community']}, {much['workers']} {_worker(much)} | asked/s | "
        "answered/s | refused | p50, p99 of answers | p99 of refusals |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, part in (("little", result["little"]), ("twice its capacity", result["much"])):
        yield (
            f"| {name} | {part['rate']:.0f} | {part['answered_per_s']:.0f} | {part['refused']:,} | "
            f"{_both(part['latency_ms'])} | {_ms(part['refused_ms'], 'p99')} |"
        )


def fuzz_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of what damaged and hostile input did to each reader."""
    yield f"| {result['minutes']:g} minutes of | inputs | read | refused | failed | slowest |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, one in result["targets"].items():
        yield (
            f"| {name.replace('_', ' ')} | {one['inputs']:,} | {one['read']:,} | "
            f"{one['refused']:,} | {one['failed']} | {one['slowest_s']:.1f} s |"
        )


def _ratio(crowded: dict[str, Any]) -> str:
    ratio = crowded["p99_ratio"]
    return "nothing answered" if ratio is None else f"{ratio:.1f} times"


def _again(crowded: dict[str, Any]) -> str:
    recovery = crowded["recovery_s"]
    return "not as before" if recovery is None else f"{recovery:.1f} s"


def _worker(run: dict[str, Any]) -> str:
    return "worker" if run["workers"] == 1 else "workers"


def _ms(figures: dict[str, Any] | None, name: str) -> str:
    return "" if figures is None else f"{figures[name]['value']:.0f} ms"


def _both(figures: dict[str, Any] | None) -> str:
    return f"{_ms(figures, 'p50')}, {_ms(figures, 'p99')}"


def _parts(run: dict[str, Any]) -> list[dict[str, Any]]:
    return [run["restrictions"], *([run["beyond"]["restrictions"]] if "beyond" in run else [])]


def _shown(run: dict[str, Any]) -> int:
    return sum(part["still_shown"] for part in _parts(run))


def _asked(run: dict[str, Any]) -> int:
    return sum(part["first_answers"] for part in _parts(run))
