"""A result of introductions as a page for people, made as `benchmarks.quality_report` makes its.

python -m benchmarks.introductions DATA --peers --json OUT --report OUT.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from benchmarks.quality_background import caveats, facts, listed, peers, provenance
from benchmarks.quality_charts import Bar, bars
from benchmarks.quality_figures import (
    COVERAGE,
    GINI,
    NDCG,
    OURS,
    RECALL,
    Json,
    decimals,
    items,
    label,
    measured,
    number,
    part,
    percent,
    ranked,
    shown,
    size,
    texts,
    times,
)
from benchmarks.quality_html import Content, figure, node, table
from benchmarks.quality_report import Front, Section, page_of
from benchmarks.quality_sections import comparison, slices
from benchmarks.quality_words import GLOSSARY, Claim, headline, when

Body = list[Content]

METRICS = (NDCG, RECALL, COVERAGE, GINI)

TERMS = (
    (
        "NDCG@10",
        "What ten introductions are worth: everybody whom the member then met counts, more at the "
        "top of the list than at its end, and twice where each answered the other. 1 is the best "
        "possible list, 0 a list of people never met.",
    ),
    ("Recall@10", "The share of the people met later that the ten introductions held."),
    ("Coverage", "The share of all who may be introduced that were shown to at least one member."),
    (
        "Gini",
        "How unequally people are shown: 0 if all are shown equally often, near 1 if a few are "
        "shown all the time. Those who are never shown count.",
    ),
)
"""What the figures mean where people are introduced."""


INTRODUCED = Claim(
    NDCG,
    "introductions",
    "ten introductions are worth",
    "times those of the best peer,",
    "ten introductions score an NDCG@10 of",
    "on these members",
)
"""What is said of introductions."""


def render_introductions(result: Mapping[str, Any]) -> str:
    """Return a result of introductions as a whole HTML page.

    Args:
        result: What `benchmarks.introductions` measured. Any part of it may be missing or null:
            the page then says that it was not measured. Its text is escaped.
    """
    title = f"Belong’s introductions on {result.get('dataset') or 'a community'}"
    tiles = {
        NDCG: NDCG.label,
        RECALL: RECALL.label,
        COVERAGE: "People shown to somebody",
        GINI: "How unequally people are shown",
    }
    front = Front(title, _lede(result), tiles, headline(result, INTRODUCED))
    return page_of(result, SECTIONS, front)


def _compared(result: Json) -> Body:
    return comparison(result, METRICS)


def _exposure(result: Json) -> Body:
    """How evenly people are shown, and what that costs."""
    systems, found = part(result, "systems"), part(result, "fairness")
    order = [(name, one) for name, one in ranked(systems, GINI) if one.value is not None]
    if not order:
        return []
    said = ["Over the slates of everybody who may be introduced, whether they met somebody or not."]
    peer, ratio = found.get("peer"), measured(found.get("gini_over_peer"))
    if peer is not None:
        said.append(f"Belong’s gini is {times(ratio)} times that of {label(peer)}.")
    never = number(found.get("never_shown"))
    if never is not None:
        said.append(f"It never shows {percent(never)} of those who may be shown.")
    cost = measured(found.get("ndcg_over_unpriced"))
    if cost.value is not None:
        said.append(f"Its NDCG@10 is {times(cost)} times what it is without a price on exposure.")
    rows = [Bar(label(name), one, name == OURS) for name, one in order]
    chart = figure(bars("exposure-gini", "Gini of each system", rows, decimals(3)))
    coverages = [measured(part(systems, name).get(COVERAGE.key)).value for name, _ in order]
    beside = table(
        "exposure-table",
        "People who are shown to nobody",
        ["System", "Never shown"],
        [
            [label(name), shown(None if found is None else 1 - found, percent)]
            for (name, _), found in zip(order, coverages, strict=True)
        ],
        ours={place for place, (name, _) in enumerate(order) if name == OURS},
    )
    return [node("p", " ".join(said)), node("div.pair", chart, beside)]


def _policies(result: Json) -> Body:
    """Whether anybody was shown who may not be."""
    found = part(result, "policies")
    places = number(found.get("shown"))
    if places is None:
        return []
    broken = number(found.get("broken_in_all"))
    said = f"Of {size(places)} places of slates, {shown(broken, size)} break a rule, checked "
    said += "against the tables themselves."
    by_rule = part(found, "broken")
    return [
        node("p", said),
        facts([(label(name), shown(number(by_rule[name]), size)) for name in by_rule]),
    ]


def _examples(result: Json) -> Body:
    """Some members' slates, with reasons, and whom they met."""
    people = items(result.get("examples"))
    if not people:
        return []
    said = "They are examples; the figures above are the evidence."
    return [node("p", said), node("div.cards", *(_card(one) for one in people))]


def _card(person: Json) -> Element:
    places = items(person.get("items"))
    return node(
        "article",
        node("h3", node("bdi", str(person.get("known_by", "n/a")))),
        node("p.who", "member ", node("bdi", str(person.get("member", "n/a")))),
        *listed([_place(one) for one in places]),
    )


def _place(item: Json) -> Element:
    reasons = [node("li", node("bdi", reason)) for reason in texts(item.get("reasons"))]
    return node(
        "li",
        node("bdi.group", str(item.get("member", "n/a"))),
        " ",
        node("span.joined", "✓ met") if item.get("met") is True else None,
        node("small", node("bdi", str(item.get("known_by", "")))),
        node("ul", *reasons) if reasons else None,
    )


def _reading(result: Json) -> Body:
    """What the terms mean."""
    own = {term for term, _ in TERMS}
    general = [pair for pair in GLOSSARY if pair[0] in {"Interval", "Ratio"} - own]
    return [facts([*general, *TERMS])]


def _lede(result: Json) -> str:
    """Return what was measured, on whom and when."""
    members, pairs = number(result.get("members")), number(result.get("pairs"))
    who = "members" if members is None else f"{size(members)} members"
    share = number(result.get("hidden_share"))
    met = "" if pairs is None else f", {size(pairs)} new pairs in all"
    if share is not None:
        return f"Judged on whom {who} have met, with {percent(share)} of all ties hidden{met}."
    rehearsed = " This is a rehearsal: peers were tuned on what is shown here."
    said = f"Judged on whom {who} met for the first time {when(result)}{met}."
    return said + (rehearsed if result.get("rehearsal") is True else "")


SECTIONS = (
    Section("compare", "Compared", "Beside other ways of finding people", _compared),
    Section("slices", "Slices", "For whom it works", slices),
    Section("exposure", "Exposure", "How evenly people are shown", _exposure),
    Section("policies", "Policies", "Whether anybody was shown who may not be", _policies),
    Section("examples", "Examples", "Some introductions, and what came of them", _examples),
    Section("peers", "Peers", "The peers, and how they were tuned", peers),
    Section("reading", "Terms", "How to read this page", _reading),
    Section("caveats", "Caveats", "What the figures do not say", caveats),
    Section("provenance", "Origin", "Command and machine", provenance),
)
