"""A quality result as one page for people: no script, no request, nothing it says without data.

python -m benchmarks.quality DATA --until DATE --peers --json OUT --report OUT.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from benchmarks.quality_background import (
    caveats,
    peers,
    provenance,
    ranker,
    reading,
    suggestions,
)
from benchmarks.quality_figures import (
    BELONGING,
    COVERAGE,
    NDCG,
    OURS,
    SIZE,
    Json,
    Metric,
    best_peer,
    label,
    measured,
    part,
    shown,
)
from benchmarks.quality_html import Content, node, shape, written
from benchmarks.quality_sections import ablation, comparison, sizes, slices
from benchmarks.quality_settings import calibrated, exploration, intimacy
from benchmarks.quality_style import style
from benchmarks.quality_words import headline, lasting, lede

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page may load nothing and run nothing, even if something got into it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Attributes:
        key: Its anchor.
        short: What leads to it.
        title: Its heading.
        body: Makes its content; empty if it was not measured.
    """

    key: str
    short: str
    title: str
    body: Callable[[Json], list[Content]]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure to remember.

    Attributes:
        name: What it is of.
        value: As it is written.
        beside: What it is to be held against; empty for nothing.
    """

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Front:
    """What stands above the sections.

    Attributes:
        title: Of the page.
        lede: What was measured, on whom and when.
        tiles: The few figures to remember, and what each is called.
        headline: How Belong stands, in a sentence without its full stop; None to say it of
            suggestions.
        facts: Further figures to remember, which stand beside no other system.
    """

    title: str
    lede: str
    tiles: Mapping[Metric, str]
    headline: str | None = None
    facts: Sequence[Tile] = ()


SECTIONS = (
    Section("compare", "Compared", "Beside other recommenders", comparison),
    Section("slices", "Slices", "For whom it works", slices),
    Section("intimacy", "Intimacy", "Smaller groups, and what they cost", intimacy),
    Section("sizes", "Sizes", "How small the suggested groups are", sizes),
    Section("exploration", "Exploration", "Room for groups that are seldom seen", exploration),
    Section("calibration", "Calibration", "Whether a chance means what it says", calibrated),
    Section("ablation", "Columns", "What each column is worth", ablation),
    Section("suggestions", "Examples", "Some suggestions, and what came of them", suggestions),
    Section("peers", "Peers", "The peers, and how they were tuned", peers),
    Section("ranker", "Ranker", "What orders the suggestions", ranker),
    Section("reading", "Terms", "How to read this page", reading),
    Section("caveats", "Caveats", "What the figures do not say", caveats),
    Section("provenance", "Origin", "Command and machine", provenance),
)
FOOT = ("provenance",)
"""Sections that stand in the page's foot."""


def render(result: Mapping[str, Any]) -> str:
    """Return a quality result as a whole HTML page.

    Args:
        result: What `benchmarks.quality` measured. Any part of it may be missing or null: the
            page then says that it was not measured. Its text is escaped.
    """
    title = f"Belong’s suggestions on {result.get('dataset') or 'a community'}"
    lasting_joins = lasting(result)
    lead = lede(result) + (f" {lasting_joins}" if lasting_joins else "")
    tiles = {metric: TILES.get(metric.key, metric.label) for metric in TILED}
    return page_of(result, SECTIONS, Front(title, lead, tiles))


def page_of(result: Json, sections: Sequence[Section], front: Front) -> str:
    """Return a page of some sections; what `render` says of results holds here too."""
    bodies = {section: section.body(result) for section in sections}
    made = {section.key: _section(section, body) for section, body in bodies.items()}
    measured_here = [section for section, body in bodies.items() if body]
    main = node("main", *(one for key, one in made.items() if key not in FOOT))
    foot = node("footer", *(made[key] for key in FOOT))
    body = node("body", _header(result, measured_here, front), main, foot)
    page = shape("html", {"lang": "en"}, _head(front), body)
    return f"<!doctype html>\n{written(page)}\n"


def _head(front: Front) -> Element:
    return node(
        "head",
        shape("meta", {"charset": "utf-8"}),
        shape("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        shape("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        node("title", front.title),
        node("style", style()),
    )


def _header(result: Json, sections: list[Section], front: Front) -> Element:
    links = (shape("a", {"href": f"#{one.key}"}, one.short) for one in sections)
    return node(
        "header",
        node("p.eyebrow", "Belong · quality report"),
        node("h1", f"{front.headline or headline(result)}."),
        node("p.lede", front.lede),
        _tiles([*_beside_others(result, front.tiles), *front.facts]),
        shape("nav", {"aria-label": "Contents"}, node("ul", *(node("li", one) for one in links))),
    )


def _beside_others(result: Json, metrics: Mapping[Metric, str]) -> Iterator[Tile]:
    """Yield the few figures to remember, each beside the best of the others'."""
    systems = part(result, "systems")
    for metric, name in metrics.items():
        figure, peer = measured(part(systems, OURS).get(metric.key)), best_peer(result, metric)
        if figure.value is None:
            continue
        theirs = measured(part(systems, peer or "").get(metric.key))
        beside = f"best of the others: {label(peer)} {shown(theirs.value, metric.show)}"
        yield Tile(name, metric.show(figure.value), beside if peer else "")


def _tiles(tiles: Sequence[Tile]) -> Element | None:
    made = (
        node(
            "div",
            node("dt", tile.name),
            node(
                "dd",
                node("strong", tile.value),
                node("small", tile.beside) if tile.beside else None,
            ),
        )
        for tile in tiles
    )
    return node("dl.tiles", *made) if tiles else None


TILED = (NDCG, BELONGING, SIZE, COVERAGE)
"""The few figures to remember."""

TILES = {
    SIZE.key: "Median size of a suggested group",
    COVERAGE.key: "Groups suggested to somebody",
}
"""Labels that say more than the metric's."""


def _section(section: Section, body: list[Content]) -> Element:
    content = body or [node("p.absent", "Not measured in this run.")]
    title = shape("h2", {"id": f"{section.key}-heading"}, section.title)
    attributes = {"id": section.key, "aria-labelledby": f"{section.key}-heading"}
    return shape("section", attributes, title, *content)
