"""A result of discoveries as a page for people, made as `benchmarks.quality_report` makes its.

python -m benchmarks.discoveries DATA --json OUT --show 20 --report OUT.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from benchmarks.quality_background import caveats, facts, listed, peers, provenance
from benchmarks.quality_figures import (
    OURS,
    Json,
    Metric,
    Verdict,
    best_peer,
    items,
    label,
    measured,
    number,
    part,
    percent,
    ratio_to,
    shown,
    size,
    texts,
    times,
    verdict,
)
from benchmarks.quality_html import Content, node, table
from benchmarks.quality_report import Front, Section, Tile, page_of
from benchmarks.quality_sections import comparison, slices
from benchmarks.quality_words import GLOSSARY, Claim, headline

Body = list[Content]

FOUND = Metric("found", "Recall", "higher is better", percent)

DISCOVERIES = "discoveries"
"""What Belong's is called in the result."""

CLAIM = Claim(
    FOUND,
    "discoveries",
    "discoveries bring back",
    "times as many hidden groups as the best peer,",
    "discoveries bring back, of the hidden groups that are lacked,",
    "on these groups",
)

PARTS = {
    "lacked": "without a twin among the groups that stayed: the ones judged",
    "all_hidden": "those with such a twin included, which nobody lacks",
}
"""The hidden groups that are counted, and what they are."""

TERMS = (
    (
        "Interval",
        "The two numbers in brackets: 95 % of what other, equally likely groups would have given. "
        "Ratios are paired: the same groups are hidden from all systems.",
    ),
    *(pair for pair in GLOSSARY if pair[0] == "Ratio"),
    (
        "Hidden",
        "A fifth of the public groups of 4 to 40 members is taken away before anything is "
        "learned: the groups, who was in them and which posts stood in them. The posts stay.",
    ),
    (
        "Recall",
        "The share of hidden groups that are found again: that have a discovery, or a cluster, of "
        "nearly their people, with an F1 of at least 0.3.",
    ),
    (
        "F1",
        "How alike two sets of people are: twice those in both, over the sizes of both together. "
        "1 is the same people, 0 nobody in common.",
    ),
    (
        "Lacked",
        "A hidden group is lacked if no group that stayed is its twin: an F1 of at least 0.5. "
        "Who has a twin at hand lacks nothing.",
    ),
    (
        "Draw",
        "Groups are hidden by chance, several times over. A group that several draws hid is "
        "counted in each, and is one unit of the intervals.",
    ),
)
"""What the figures mean where groups are found."""

TUNED = (
    "Each peer clusters the same vectors that discoveries are made of: members’ interests, "
    "conversations by text, and conversations where Belong compares them. It may propose as many "
    "sets, the tightest first, and has the setting that found most on other draws than those "
    "reported."
)

ALWAYS = (
    "The best peer is picked on the same groups it is compared on, which favours the peer.",
    "Only hidden groups count. Whether the other discoveries would have been welcome is not known.",
    "Which hidden groups are judged, and when a set counts as served, was settled after first "
    "results had been seen, the second after a run on the reported draws of stackexchange-small.",
    "A set that a group serves already is no discovery for Belong, and is one for the peers: "
    "over all hidden groups, twins included, that is to their advantage.",
    "HDBSCAN works in a few dimensions where there are many vectors, and may not be at its best "
    "there.",
)
"""What holds for all figures of discoveries."""


def render_discoveries(result: Mapping[str, Any]) -> str:
    """Return a result of discoveries as a whole HTML page.

    Args:
        result: What `benchmarks.discoveries` measured. Any part of it may be missing or null: the
            page then says that it was not measured. Its text is escaped.
    """
    compared = as_systems(result)
    title = f"Belong’s discoveries on {result.get('dataset') or 'a community'}"
    tiles = {FOUND: "Found again, of hidden groups that are lacked"}
    front = Front(title, _lede(compared), tiles, headline(compared, CLAIM), _tiles(compared))
    return page_of(compared, SECTIONS, front)


def as_systems(result: Json) -> dict[str, Any]:
    """Return a result with systems, ratios, slices and peers named as in other results.

    A peer is called by its kind (k-means), since its setting is part of its name in the result.
    """
    settings, tried = part(result, "settings"), part(result, "tried")
    kinds = {str(setting): kind for kind, setting in settings.items()}
    cut = {name: _section(part(result, name), kinds) for name in PARTS}
    judged = cut["lacked"]
    known = {name: {"about": PARTS[name], **one} for name, one in cut.items() if one["systems"]}
    chosen = {
        kind: {"package": "scikit-learn", "settings": str(setting).removeprefix(f"{kind}, ")}
        for kind, setting in settings.items()
    }
    beside = {kind: one | {"tried": tried[kind]} for kind, one in chosen.items() if kind in tried}
    return {**result, **judged, "slices": known, "peers": {**chosen, **beside}}


def _section(found: Json, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return the figures of some hidden groups, by system."""
    shares, ratios = part(found, "found"), part(found, "ratios")
    names = {name: OURS if name == DISCOVERIES else kinds.get(name, name) for name in shares}
    return {
        "members": found.get("groups"),
        "systems": {names[name]: {FOUND.key: shares[name]} for name in shares},
        "ratios": {
            names[name]: {FOUND.key: ratios.get(f"{DISCOVERIES} / {name}")}
            for name in shares
            if name != DISCOVERIES
        },
    }


def _compared(result: Json) -> Body:
    return comparison(result, (FOUND,))


def _hidden(result: Json) -> Body:
    return slices(result, FOUND, "Groups")


def _draws(result: Json) -> Body:
    """What each draw proposed, and how long it took."""
    proposed, seconds = result.get("proposed"), result.get("seconds")
    shown_in = proposed if isinstance(proposed, list | tuple) else []
    took = seconds if isinstance(seconds, list | tuple) else []
    if not shown_in:
        return []
    rows: list[list[Content]] = [
        [
            f"{place + 1}",
            shown(number(count), size),
            shown(number(took[place]) if place < len(took) else None, size),
        ]
        for place, count in enumerate(shown_in)
    ]
    tuned = number(result.get("tuned"))
    said = "A peer may propose as many sets as discoveries may be shown."
    if tuned is not None:
        draws = "another draw" if tuned == 1 else f"{size(tuned)} other draws"
        said += f" Peers were tuned on {draws}."
    heads = ["Draw", "Discoveries shown", "Seconds to find them"]
    return [node("p", said), table("draws-table", "The draws that are reported", heads, rows)]


def _examples(result: Json) -> Body:
    """Some discoveries of the whole community, with nothing hidden."""
    found = items(result.get("examples"))
    if not found:
        return []
    said = "What a host of the whole community would be shown, with nothing hidden. They are "
    said += "examples; the figures above are the evidence."
    return [node("p", said), node("div.cards", *(_card(one) for one in found))]


def _card(one: Json) -> Element:
    founders, near = items(one.get("founders")), items(one.get("nearest"))
    return node(
        "article",
        node("h3", node("bdi", str(one.get("name", "n/a")))),
        node("p.who", node("bdi", str(one.get("description", "")))),
        *listed([_named(who) for who in founders]),
        node("p.who", "Nearest groups, and why they do not serve:") if near else None,
        node("ul", *(_named(group) for group in near)) if near else None,
    )


def _named(one: Json) -> Element:
    reasons = [node("li", node("bdi", reason)) for reason in texts(one.get("reasons"))]
    name = node("bdi.group", str(one.get("name", "n/a")))
    return node("li", name, node("ul", *reasons) if reasons else None)


def _reading(result: Json) -> Body:
    """What the terms mean."""
    return [facts([*TERMS])]


def _lede(result: Json) -> str:
    """Return what was hidden, and how it stands over all that was hidden."""
    groups, draws = number(result.get("members")), number(result.get("draws"))
    many = "groups" if groups is None else f"{size(groups)} groups"
    name = result.get("dataset")
    where = f" of {name}" if name else ""
    drawn = "" if draws is None else " in one draw" if draws == 1 else f" in {size(draws)} draws"
    said = f"Judged on {many}{where} that were hidden{drawn} and that no other group replaces."
    whole = part(result, "slices", "all_hidden")
    peer = best_peer(whole, FOUND)
    ratio = ratio_to(whole, peer, FOUND)
    if verdict(ratio) is Verdict.UNKNOWN:
        return said
    found = f"{times(ratio)} times as many as {label(peer)}, the best at that"
    return f"{said} Of all hidden groups it brings back {found}: {verdict(ratio).value}."


def _tiles(result: Json) -> list[Tile]:
    """Return the shares to remember beside the one that is judged."""
    tiles = []
    whole = part(result, "slices", "all_hidden")
    ours, peer = measured(part(whole, "systems", OURS).get(FOUND.key)), best_peer(whole, FOUND)
    if ours.value is not None:
        theirs = measured(part(whole, "systems", peer or "").get(FOUND.key))
        beside = f"best of the others: {label(peer)} {shown(theirs.value, percent)}"
        name = "Found again, of all hidden groups"
        tiles.append(Tile(name, percent(ours.value), beside if peer else ""))
    groups = number(result.get("members"))
    if groups is not None:
        tiles.append(Tile("Groups judged", size(groups), "hidden, and lacked"))
    return tiles


SECTIONS = (
    Section("compare", "Compared", "Beside clusters of the same vectors", _compared),
    Section("slices", "Hidden", "Groups that are lacked, and all that were hidden", _hidden),
    Section("draws", "Draws", "What each draw proposed", _draws),
    Section("examples", "Examples", "Some groups that should exist", _examples),
    Section("peers", "Peers", "The peers, and how they were tuned", partial(peers, tuned=TUNED)),
    Section("reading", "Terms", "How to read this page", _reading),
    Section("caveats", "Caveats", "What the figures do not say", partial(caveats, always=ALWAYS)),
    Section("provenance", "Origin", "Command and machine", provenance),
)
