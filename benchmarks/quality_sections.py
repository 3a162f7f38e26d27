"""The sections that show figures: each returns its content, or nothing if it was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from benchmarks.quality_charts import Bar, RatioMarks, bars
from benchmarks.quality_figures import (
    MAIN,
    NDCG,
    OURS,
    SIZE,
    Json,
    Metric,
    Verdict,
    best_peer,
    items,
    label,
    measured,
    number,
    part,
    ranked,
    ratio_to,
    shown,
    size,
    times,
    verdict,
    with_interval,
)
from benchmarks.quality_html import Content, node, table
from benchmarks.quality_words import slices_said

Body = list[Content]


def comparison(result: Json, metrics: Sequence[Metric] = MAIN) -> Body:
    """Every system's figures, as bars and as a table; the first metric decides the order."""
    systems = part(result, "systems")
    shown_metrics = [metric for metric in metrics if _any(systems, metric)]
    if not shown_metrics:
        return []
    charts = [_bars("compare", systems, metric) for metric in shown_metrics]
    first = metrics[0]
    order = [name for name, _ in ranked(systems, first)]
    rows: list[list[Content]] = [
        [
            label(name),
            *(with_interval(measured(part(systems, name).get(m.key)), m.show) for m in metrics),
            "" if name == OURS else times(ratio_to(result, name, first)),
        ]
        for name in order
    ]
    return [
        node(
            "p",
            "Each bar is a system’s figure, the thin line its 95 % interval; Belong is in "
            "colour and bold.",
        ),
        node("div.multiples", *charts),
        table(
            "compare-table",
            f"All systems, the best by {first.label} first",
            ["System", *(metric.label for metric in metrics), f"Belong / it, {first.label}"],
            rows,
            ours=_ours(order),
        ),
    ]


def slices(result: Json, metric: Metric = NDCG, units: str = "Members") -> Body:
    """Kinds of members and of groups, or of other units, each against its best peer."""
    found = part(result, "slices")
    named = [(name, part(found, name)) for name in found if part(found, name, "systems")]
    if not named:
        return []
    ratios = [ratio_to(one, best_peer(one, metric), metric) for _, one in named]
    marks = RatioMarks.fitting(ratios)
    rows = [
        [
            _named(name, section),
            _said(verdict(ratio)),
            marks.mark(f"slices-{place}", ratio),
            marks.said(ratio),
            *_both(section, metric),
        ]
        for place, ((name, section), ratio) in enumerate(zip(named, ratios, strict=True))
    ]
    heads: list[Content] = ["Slice", "Belong is", marks.head("slices-scale"), "Ratio"]
    return [
        node("p", slices_said([section for _, section in named], metric)),
        table(
            "slices-table",
            f"{metric.label} in each slice, and Belong’s over the best peer’s; "
            "the upright line is 1",
            [*heads, units, "Belong", "Best peer"],
            rows,
            words={1, 2},
        ),
    ]


def _both(section: Json, metric: Metric) -> list[Content]:
    """Return how many there are in a slice, and Belong's figure and the best peer's."""
    peer = best_peer(section, metric)
    systems = part(section, "systems")
    figures = (measured(part(systems, one).get(metric.key)) for one in (OURS, peer or ""))
    ours, theirs = (shown(figure.value, metric.show) for figure in figures)
    return [
        shown(number(section.get("members")), size),
        ours,
        theirs if peer is None else f"{label(peer)} {theirs}",
    ]


def sizes(result: Json) -> Body:
    """How large the groups are that each system suggests."""
    systems = part(result, "systems")
    if not _any(systems, SIZE):
        return []
    order = ranked(systems, SIZE)
    beside = table(
        "sizes-table",
        "Median size of suggested groups",
        ["System", "Members"],
        [[label(name), with_interval(figure, size)] for name, figure in order],
        ours=_ours([name for name, _ in order]),
    )
    said = "Belonging needs a place small enough to be known in. Half of the groups that a system "
    said += "suggests have at most this many members."
    return [node("p", said), node("div.pair", _bars("sizes", systems, SIZE), beside)]


HELPS = {
    Verdict.AHEAD: "better without it",
    Verdict.BEHIND: "needed",
    Verdict.INCONCLUSIVE: "no difference shown",
    Verdict.UNKNOWN: "n/a",
}


def ablation(result: Json) -> Body:
    """What each column of the ranker is worth: the figures without it."""
    found = items(result.get("ablation"))
    if not found:
        return []
    pairs = [(measured(one.get("ratio")), one) for one in found]
    pairs.sort(key=lambda pair: 99.0 if pair[0].value is None else pair[0].value)
    marks = RatioMarks.fitting([ratio for ratio, _ in pairs])
    rows: list[list[Content]] = [
        [
            _named(one.get("without"), one),
            HELPS[verdict(ratio)],
            marks.mark(f"ablation-{place}", ratio, bar=True),
            marks.said(ratio),
            with_interval(measured(one.get(NDCG.key)), NDCG.show),
        ]
        for place, (ratio, one) in enumerate(pairs)
    ]
    return [
        node(
            "p",
            "The ranker was fitted again without each column. A bar to the left of the upright "
            "line is what is lost without it; the most needed come first.",
        ),
        table(
            "ablation-table",
            "Without a column, over all columns",
            ["Without", "The column is", marks.head("ablation-scale"), "Ratio", NDCG.label],
            rows,
            words={1, 2},
        ),
    ]


def _named(name: object, one: Json) -> Element:
    about = one.get("about")
    return node("div", label(name), node("small", str(about)) if about else None)


def _any(systems: Json, metric: Metric) -> bool:
    return any(figure.value is not None for _, figure in ranked(systems, metric))


def _bars(key: str, systems: Json, metric: Metric) -> Element:
    rows = [Bar(label(name), figure, name == OURS) for name, figure in ranked(systems, metric)]
    chart = bars(f"{key}-{metric.key}", f"{metric.label} of each system", rows, metric.show)
    caption = node("figcaption", node("strong", metric.label), " ", node("small", metric.better))
    return node("figure", caption, chart)


def _ours(names: Sequence[str]) -> set[int]:
    return {place for place, name in enumerate(names) if name == OURS}


def _said(found: Verdict) -> Element:
    return node(f"span.{'unknown' if found is Verdict.UNKNOWN else found.value}", found.value)
