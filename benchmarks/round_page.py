"""A result of rounds as a page for people, made as `benchmarks.quality_report` makes its.

python -m benchmarks.rounds --members 100000 --json OUT --report OUT.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.quality_background import caveats, facts, provenance
from benchmarks.quality_charts import Bar, bars
from benchmarks.quality_figures import (
    GAP,
    Json,
    decimals,
    measured,
    number,
    part,
    percent,
    shown,
    size,
)
from benchmarks.quality_html import Content, figure, node, table
from benchmarks.quality_report import Front, Section, Tile, page_of

Body = list[Content]

TERMS = (
    (
        "Quality of a pair",
        "How glad each would be to meet the other, as one number from 0 to 1 in which the lesser "
        "counts more.",
    ),
    ("Summed quality", "The qualities of all pairs of a round, added up."),
    (
        "Exact matching",
        "The pairs with the largest summed quality that there are among the same candidates, "
        "found by Edmonds’ blossoms (NetworkX). It takes too long for a large community.",
    ),
    (
        "Bound",
        "A number that the summed quality of no matching exceeds, by an assignment (SciPy). It "
        "may lie above what any matching reaches. Of the small community it is over all pairs "
        "who may meet, of the large one over the candidates.",
    ),
    (
        "Candidates",
        "The people that are looked at for somebody: in a small community everybody who may "
        "meet them, in a large one a dozen or more.",
    ),
    ("Matched", "The share of those who opted in that meet somebody."),
)
"""What the figures mean where a whole community meets."""

ALWAYS = (
    "The community is made up: clustered vectors and plausible links. The figures say how near a "
    "round comes to the best by its own measure, not how glad anybody would be.",
    "It is one community, drawn from one seed: there are no intervals.",
    "What makes a pair good is weighed by hand.",
    "Circles are held against no exact solution: to find one takes too long.",
    "Times depend on what else the machine was doing: its load stands below.",
    "Memory is the most that the process had held until then, so what comes later in the run "
    "includes what came before.",
)
"""What holds for all figures of rounds."""


def render_rounds(result: Mapping[str, Any]) -> str:
    """Return a result of rounds as a whole HTML page.

    Args:
        result: What `benchmarks.rounds` measured. Any part of it may be missing or null: the page
            then says that it was not measured. Its text is escaped.
    """
    title = "Belong’s rounds on a community made up for it"
    front = Front(title, _lede(result), {}, _headline(result), _tiles(result))
    return page_of(result, SECTIONS, front)


def near_all(value: float) -> str:
    """Write a share, with as many digits as tell it from everything.

    >>> [near_all(one).replace(GAP, " ") for one in (0.5, 0.9928, 0.99916, 0.999989, 1.0)]
    ['50 %', '99.3 %', '99.92 %', '99.999 %', '100 %']
    """
    if value <= 0.9 or value >= 1:
        return percent(value)
    # 99.96 % with one digit would be 100.0 %: that is one digit too few.
    lost = math.floor(-math.log10(1 - value))
    return f"{value:.{min(max(1, lost - 1), 4)}%}".replace("%", f"{GAP}%")


def _headline(result: Json) -> str:
    """Return how near the pairs come to the best there are."""
    small = part(result, "exact")
    of_exact, of_bound = number(small.get("of_exact")), number(small.get("of_bound"))
    if of_exact is None:
        return "Belong’s pairs were not held against the exact matching in this run"
    said = f"Belong’s pairs have {near_all(of_exact)} of the summed quality of the exact matching"
    if of_bound is None:
        return said
    return f"{said}, and {near_all(of_bound)} of a bound that no pairs exceed"


def _lede(result: Json) -> str:
    """Return on whom it was measured, and what became of the large community."""
    small, large = part(result, "exact"), part(result, "large")
    people, members = number(small.get("members")), number(large.get("members"))
    said = []
    if people is not None:
        said.append(f"Judged on pairs of {size(people)} members of a made-up community.")
    matched, seconds = number(large.get("coverage")), number(large.get("seconds"))
    if None not in (members, matched, seconds):
        said.append(
            f"Of {shown(members, size)} members, {shown(matched, near_all)} of those who opted in "
            f"were matched, in {shown(seconds, size)} seconds."
        )
    return " ".join(said) or "Rounds of a made-up community."


def _tiles(result: Json) -> list[Tile]:
    """Return the figures to remember, as far as they are known."""
    small, large = part(result, "exact"), part(result, "large")
    people, members = (f"of {_members(one)} members in pairs" for one in (small, large))
    memory = number(large.get("peak_mb"))
    found = (
        ("Of the exact matching", small.get("of_exact"), near_all, people),
        ("Of the bound", small.get("of_bound"), near_all, people),
        ("Matched, of those who opted in", large.get("coverage"), near_all, members),
        ("Seconds to plan", large.get("seconds"), size, members),
        ("Memory, GB", None if memory is None else memory / 1000, decimals(1), members),
    )
    known = ((name, number(raw), show, beside) for name, raw, show, beside in found)
    return [Tile(name, show(at), beside) for name, at, show, beside in known if at is not None]


def _compared(result: Json) -> Body:
    """The pairs' summed quality beside the best there is."""
    small, large = part(result, "exact"), part(result, "bounded")
    if number(small.get("weight")) is None and number(large.get("weight")) is None:
        return []
    people, members = (f"{_members(one)} members" for one in (small, large))
    named = (
        (people, "exact matching of the same candidates", small, "exact", "of_exact"),
        (people, "bound over all pairs who may meet", small, "bound", "of_bound"),
        (members, "bound over the same candidates", large, "bound", "of_bound"),
    )
    rows: list[list[Content]] = [
        [
            whom,
            beside,
            shown(number(found.get("weight")), decimals(2)),
            shown(number(found.get(key)), decimals(2)),
            shown(number(found.get(share)), near_all),
        ]
        for whom, beside, found, key, share in named
        if number(found.get("weight")) is not None
    ]
    heads = ["Pairs of", "Beside", "Belong", "It", "Belong’s share of it"]
    beside_it = table("compare-table", "Summed quality of all pairs", heads, rows, words={1})
    said = "Pairs are chosen so that as many as possible meet, and among such choices for the "
    said += "largest summed quality."
    met = number(small.get("coverage"))
    if met is not None:
        said += f" Of the small community {near_all(met)} of those who may meet do."
    return [node("p", said), _drawn(small), beside_it]


def _drawn(small: Json) -> Content:
    """Return the summed quality of the small community as bars, if it is known."""
    named = (("bound", "Bound"), ("exact", "Exact matching"), ("weight", "Belong"))
    rows = [Bar(name, measured(small.get(key)), key == "weight") for key, name in named]
    if rows[-1].figure.value is None:
        return None
    people = _members(small)
    chart = bars("compare-weight", f"Summed quality of {people} members", rows, decimals(1))
    return node("div.multiples", figure(chart, f"Summed quality, {people} members in pairs"))


def _matched(result: Json) -> Body:
    """How many meet somebody, and how good the matches are."""
    rows: list[list[Content]] = [
        [
            name,
            shown(number(one.get("members")), size),
            shown(number(one.get("opted_in")), size),
            shown(number(one.get("coverage")), near_all),
            shown(number(one.get("mean_quality")), decimals(3)),
            shown(number(one.get("worst_quality")), decimals(3)),
        ]
        for name, one in _planned(result)
    ]
    heads = ["In", "Members", "Opted in", "Matched", "Mean quality", "Worst quality"]
    said = "Whoever is not matched is left out, and told why. The worst match is what coverage "
    said += "costs: one match more comes before any quality."
    caption = "Whole communities in one round"
    return [node("p", said), table("matched-table", caption, heads, rows)] if rows else []


def _taken(result: Json) -> Body:
    """Time and memory."""
    rows: list[list[Content]] = [
        [
            name,
            shown(number(one.get("members")), size),
            shown(number(one.get("seconds")), size),
            shown(number(one.get("cpu_seconds")), size),
            shown(number(one.get("peak_mb")), size),
            shown(number(one.get("snapshot_mb")), size),
        ]
        for name, one in _planned(result)
    ]
    heads = ["In", "Members", "Seconds", "Processor, s", "Memory, MB", "Before planning, MB"]
    said = "From a loaded community to a plan. Memory is the most the process had held until then."
    caption = "What planning a round takes"
    return [node("p", said), table("taken-table", caption, heads, rows)] if rows else []


def _planned(result: Json) -> list[tuple[str, Json]]:
    """Return the rounds that were planned whole, and what people were put into."""
    found = (part(result, key) for key in ("large", "circles"))
    return [(_kind(one), one) for one in found if number(one.get("members")) is not None]


def _members(one: Json) -> str:
    return shown(number(one.get("members")), size)


def _kind(one: Json) -> str:
    many = number(one.get("size"))
    return "pairs" if many == 2 else f"circles of {shown(many, size)}"


def _reading(result: Json) -> Body:
    """What the terms mean."""
    return [facts([*TERMS])]


SECTIONS = (
    Section("compare", "Compared", "Beside the exact matching and the bound", _compared),
    Section("matched", "Matched", "Who meets somebody", _matched),
    Section("taken", "Cost", "What it takes", _taken),
    Section("reading", "Terms", "How to read this page", _reading),
    Section("caveats", "Caveats", "What the figures do not say", partial(caveats, always=ALWAYS)),
    Section("provenance", "Origin", "Command and machine", provenance),
)
