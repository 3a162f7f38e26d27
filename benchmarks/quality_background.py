"""The sections beside the figures: examples, peers, how to read the page, its origin."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from benchmarks.quality_charts import Bar, bars
from benchmarks.quality_figures import (
    Json,
    decimals,
    items,
    label,
    measured,
    number,
    part,
    percent,
    plain,
    shown,
    size,
    texts,
)
from benchmarks.quality_html import Content, figure, node, shape, table
from benchmarks.quality_words import GLOSSARY, joined_said, reasons_of, sentence

Body = list[Content]

CARDS, IN_SIGHT = 12, 4
"""People on the page, and suggestions of each that are seen without unfolding."""


def suggestions(result: Json) -> Body:
    """Real suggestions, and whether they came true."""
    people = items(result.get("suggestions"))[:CARDS]
    if not people:
        return []
    return [
        node("p", joined_said(people)),
        node("div.cards", *(_card(one) for one in people)),
    ]


def _card(person: Json) -> Element:
    groups = texts(person.get("known_by"))
    known: list[Content] = []
    for place, name in enumerate(groups):
        known += [", " if place else None, node("bdi", name)]
    suggested = items(person.get("items"))
    return node(
        "article",
        node("h3", *(known or ["In no group yet"])),
        node("p.who", "member ", node("bdi", str(person.get("member", "n/a")))),
        *listed([_item(item) for item in suggested], _joined(suggested[IN_SIGHT:])),
    )


def _joined(rest: list[Json]) -> str:
    joined = sum(item.get("joined") is True for item in rest)
    if len(rest) == 1:
        return ", joined" if joined else ""
    return f", {joined} of them joined" if joined else ""


def listed(entries: Sequence[Element], of_rest: str = "") -> list[Content]:
    """Return an ordered list, of which the first few are in sight and the others folded.

    Args:
        entries: List items.
        of_rest: What is said of the others after how many they are.
    """
    seen, rest = entries[:IN_SIGHT], entries[IN_SIGHT:]
    found: list[Content] = [node("ol", *seen)] if seen else []
    if rest:
        others = shape("ol", {"start": IN_SIGHT + 1}, *rest)
        found.append(node("details", node("summary", f"{len(rest)} more{of_rest}"), others))
    return found


def _item(item: Json) -> Element:
    facts = [f"{shown(number(item.get('size')), size)} members"]
    chance = number(item.get("probability"))
    if chance is not None:
        facts.append(f"chance {percent(chance)}")
    reasons = [node("li", node("bdi", reason)) for reason in reasons_of(item)]
    return node(
        "li",
        node("bdi.group", str(item.get("name", "n/a"))),
        " ",
        node("span.joined", "✓ joined") if item.get("joined") is True else None,
        node("small", " · ".join(facts)),
        node("ul", *reasons) if reasons else None,
    )


TUNED = "Each peer’s settings were chosen on an earlier window than the one judged on, by NDCG@10."
"""How peers of suggestions are tuned."""

OF_PEERS = (
    ("Tried", "tried", size),
    ("NDCG@10 on validation", "validation_ndcg_at_10", decimals(3)),
    ("Seconds", "seconds", size),
)
"""Figures of tuning, and how each is written; one that no peer has is no column."""


def peers(result: Json, tuned: str = TUNED) -> Body:
    """What Belong was measured beside, and how it was tuned."""
    found = part(result, "peers")
    if not found:
        return []
    known = [one for one in OF_PEERS if any(one[1] in part(found, name) for name in found)]
    rows: list[list[Content]] = []
    for name in found:
        peer = part(found, name)
        rows.append(
            [
                label(name),
                plain(peer.get("package")),
                plain(peer.get("settings") or "none"),
                *(shown(number(peer.get(key)), show) for _, key, show in known),
            ]
        )
    heads = ["Peer", "Package", "Settings chosen", *(head for head, _, _ in known)]
    if any(key == "tried" for _, key, _ in known):
        tuned += " Tried is how many settings it was given."
    return [node("p", tuned), table("peers-table", "Peers as measured", heads, rows, words={1, 2})]


def ranker(result: Json) -> Body:
    """What orders the suggestions, and what else was tried."""
    found = part(result, "ranker")
    kind = found.get("kind")
    candidates = [(name, measured(value)) for name, value in part(found, "validation").items()]
    if kind is None and not candidates:
        return []
    why = found.get("why")
    said = node(
        "p",
        "Suggestions are ordered by ",
        node("strong", plain(None if kind is None else label(kind))),
        f": {sentence(str(why))}" if why else ".",
    )
    if not candidates:
        return [said]
    candidates.sort(key=lambda one: -(one[1].value or 0.0))
    rows = [Bar(label(name), figure, name == kind) for name, figure in candidates]
    title = "NDCG@10 of each candidate on the validation window"
    beside = table(
        "ranker-table",
        title,
        ["Candidate", "NDCG@10"],
        [[row.label, shown(row.figure.value, decimals(4))] for row in rows],
        ours={place for place, row in enumerate(rows) if row.ours},
    )
    return [said, node("div.pair", figure(bars("ranker-bars", title, rows, decimals(3))), beside)]


def reading(result: Json) -> Body:
    """What the terms mean."""
    return [facts([(term, meaning) for term, meaning in GLOSSARY])]


CAVEATS = (
    "The best peer is picked on the same members it is compared on, which favours the peer.",
    "What a member would have loved but never saw counts as wrong, for every system.",
    "Slices, settings and columns are many: one in twenty intervals misses by chance.",
)
"""What holds for all figures of suggestions."""


def caveats(result: Json, always: Sequence[str] = CAVEATS) -> Body:
    """What the figures do not say: what the result says of itself, and what always holds."""
    given = result.get("caveat")
    said = [sentence(str(given), capital=True)] if given else []
    said += always
    left_out = part(result, "not_measured")
    said += [f"Not measured: {name}: {left_out[name]}." for name in left_out]
    return [node("ul", *(node("li", one) for one in said))]


def provenance(result: Json) -> Body:
    """The command and the machine."""
    command = result.get("command")
    said: list[tuple[str, str]] = []
    until = result.get("until")
    said += [("until", plain(until))] if until else []
    said += [(name, plain(result[name])) for name in ("model", "set_aside") if name in result]
    for name in ("cost", "machine"):
        found = part(result, name)
        said += [(label(key), plain(found[key])) for key in found]
    if not command and not said:
        return []
    typed = node("pre", node("code", str(command))) if command else None
    return [typed, facts(said)]


def facts(pairs: list[tuple[str, str]]) -> Element:
    """Return terms with what is said of each."""
    return node("dl", *(node("div", node("dt", name), node("dd", said)) for name, said in pairs))
