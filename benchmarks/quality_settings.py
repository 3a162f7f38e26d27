"""The sections on what can be set and what is stated: intimacy, exploration, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from benchmarks.quality_figures import (
    BELONGING,
    COVERAGE,
    GINI,
    NDCG,
    SIZE,
    Json,
    Metric,
    best_peer,
    decimals,
    items,
    label,
    measured,
    number,
    part,
    percent,
    plain,
    round_percent,
    shown,
    size,
    with_interval,
)
from benchmarks.quality_html import Content, figure, node, table
from benchmarks.quality_plots import Axis, Bin, Spot, calibration, crowded, trade_off
from benchmarks.quality_words import intimacy_said, skill_said, slope_said

Body = list[Content]
NOTE = "Each point is a setting, the ring marks the default."


def intimacy(result: Json) -> Body:
    """What smaller groups cost."""
    settings = items(result.get("intimacy"))
    if not settings:
        return []
    peer = best_peer(result)
    across = Axis("median size of suggested groups", size, log=True)
    charts = []
    for metric in (NDCG, BELONGING):
        spots = _spots(settings, "intimacy", SIZE, metric)
        if peer is not None:
            figures = part(result, "systems", peer)
            members, worth = (measured(figures.get(one.key)) for one in (SIZE, metric))
            spots.append(Spot(label(peer), members, worth, beside=True))
        title = f"Intimacy: {metric.label} by the median size of suggested groups"
        charts.append(trade_off(f"intimacy-{metric.key}", title, spots, across, Axis(metric.label)))
    note = NOTE if peer is None else f"{NOTE} The diamond is the best peer, {label(peer)}."
    metrics = (SIZE, NDCG, BELONGING, COVERAGE, GINI)
    return [
        node("p", intimacy_said(settings)),
        *_pictures(charts, note),
        _settings("intimacy", settings, metrics),
    ]


def exploration(result: Json) -> Body:
    """What it costs to show groups that would else not be shown."""
    settings = items(result.get("exploration"))
    if not settings:
        return []
    charts = []
    for metric, across in ((COVERAGE, Axis("coverage", round_percent)), (GINI, Axis("Gini"))):
        spots = _spots(settings, "exploration", metric, NDCG)
        title = f"Exploration: {NDCG.label} by {metric.label}"
        key = f"exploration-{metric.key}"
        charts.append(trade_off(key, title, spots, across, Axis(NDCG.label)))
    said = "Exploration is how much room is given to groups that would else hardly be shown."
    return [
        node("p", said),
        *_pictures(charts, NOTE),
        _settings("exploration", settings, (NDCG, COVERAGE, GINI)),
    ]


def _pictures(charts: Sequence[Element | None], note: str) -> Body:
    """Return pictures side by side, the note under them; nothing if none could be drawn."""
    drawn = [figure(chart) for chart in charts if chart is not None]
    return [node("div.pair", *drawn), node("p.note", note)] if drawn else []


def calibrated(result: Json) -> Body:
    """Whether a stated chance can be taken at its word."""
    found = part(result, "calibration")
    bins = list(_bins(found))
    if not bins:
        return []
    days = number(found.get("horizon_days"))
    within = "" if days is None else f" within {size(days)} days"
    chart = calibration("calibration-plot", "Stated chances and what came true", bins)
    beside = table(
        "calibration-table",
        "Suggestions by stated chance",
        ["Stated", "Came true", "Suggestions"],
        [
            [percent(bin_.predicted), with_interval(bin_.observed, percent), size(bin_.count)]
            for bin_ in bins
        ],
    )
    note = "On the dashed line chances come true as stated. A point’s area is how many suggestions "
    note += "it stands for."
    if crowded(bins):
        note += " Both axes are stretched near 0, where most chances are."
    error, brier = number(found.get("ece")), number(found.get("brier"))
    apart = shown(error, lambda share: f"{100 * share:.2g} percentage points")
    return [
        node(
            "p",
            f"A suggestion may state the chance that the member joins{within}. ",
            f"{slope_said(measured(found.get('slope')))} ",
            f"{skill_said(measured(found.get('brier_skill')))} ",
            f"On average what is stated and what came true are {apart} apart "
            f"(expected calibration error); the Brier score is {shown(brier, decimals(4))}.",
        ),
        node("div.pair", figure(chart, note), beside),
    ]


def _bins(found: Json) -> Iterator[Bin]:
    for raw in items(found.get("bins")):
        predicted = number(raw.get("predicted"))
        observed = measured({**raw, "value": raw.get("observed")})
        if predicted is not None and observed.value is not None:
            yield Bin(predicted, observed, number(raw.get("count")) or 0.0)


def _spots(settings: Sequence[Json], name: str, across: Metric, up: Metric) -> list[Spot]:
    return [
        Spot(
            plain(one.get(name)),
            measured(one.get(across.key)),
            measured(one.get(up.key)),
            default=one.get("default") is True,
        )
        for one in settings
    ]


def _settings(name: str, settings: Sequence[Json], metrics: Sequence[Metric]) -> Element:
    default = {place for place, one in enumerate(settings) if one.get("default") is True}
    rows: list[list[Content]] = [
        [
            plain(one.get(name)) + (" (default)" if place in default else ""),
            *(with_interval(measured(one.get(metric.key)), metric.show) for metric in metrics),
        ]
        for place, one in enumerate(settings)
    ]
    heads = [name.capitalize(), *(metric.label for metric in metrics)]
    return table(f"{name}-table", f"Every setting of {name}", heads, rows, ours=default)
