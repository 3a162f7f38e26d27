"""A result of responders as a page for people, made as `benchmarks.quality_report` makes its.

python -m benchmarks.responders DATA --split-by site --json OUT --report OUT.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.quality_background import caveats, facts, peers, provenance
from benchmarks.quality_figures import (
    COVERAGE,
    GINI,
    NOT_MEASURED,
    Json,
    Metric,
    Verdict,
    best_peer,
    day,
    decimals,
    items,
    label,
    number,
    percent,
    ratio_to,
    shown,
    size,
    times,
    verdict,
)
from benchmarks.quality_html import Content, node, table
from benchmarks.quality_report import Front, Section, page_of
from benchmarks.quality_sections import comparison
from benchmarks.quality_words import GLOSSARY, Claim, headline

Body = list[Content]

THREE = Metric("recall_at_3", "Recall@3", "higher is better", decimals(3))
TEN = Metric("recall_at_10", "Recall@10", "higher is better", decimals(3))
ASKED = Metric(COVERAGE.key, COVERAGE.label, "higher: more people are asked", percent)
METRICS = (THREE, TEN, ASKED, GINI)

CLAIM = Claim(
    THREE,
    "responders",
    "three names hold",
    "times as many of those who answered as three by the best peer,",
    "three names have a recall@3 of",
    "on these questions",
)

TERMS = (
    (
        "Interval",
        "The two numbers in brackets: 95 % of what other, equally likely questions would have "
        "given. Ratios are paired: all systems are asked the same questions.",
    ),
    *(pair for pair in GLOSSARY if pair[0] == "Ratio"),
    (
        "Recall@3",
        "Of the people who answered a question, the share that the first three names held: the "
        "mean over questions. Nobody who could not be named counts.",
    ),
    ("Recall@10", "The same for ten names."),
    ("Coverage", "The share of all people who are among the first three of at least one question."),
    (
        "Gini",
        "How unequally people are asked: 0 if all are asked equally often, near 1 if a few are "
        "asked all the time. Those who are never asked count.",
    ),
)
"""What the figures mean where people are asked."""

TUNED = (
    "Each peer’s settings were those with the highest recall@3 on earlier windows than the ones "
    "judged on."
)

ALWAYS = (
    "The best peer is picked on the same questions it is compared on, which favours the peer.",
    "Whoever would have answered well but was busy, or never saw the question, counts as wrong, "
    "for every system.",
    "Intervals come from resampling questions: that each part is one draw of who is busy, they "
    "do not show.",
    "While Belong’s weights were settled, the windows of stackexchange-small were looked at "
    "several times, by validation alone.",
    "An answer counts whether it was good or not.",
)
"""What holds for all figures of responders."""


def render_responders(result: Mapping[str, Any]) -> str:
    """Return a result of responders as a whole HTML page.

    Args:
        result: What `benchmarks.responders` measured. Any part of it may be missing or null: the
            page then says that it was not measured. Its text is escaped.
    """
    title = f"Belong’s responders on {result.get('dataset') or 'a community'}"
    tiles = {
        THREE: "Recall@3: three names",
        TEN: "Recall@10: ten names",
        ASKED: "People asked at least once",
        GINI: "How unequally people are asked",
    }
    front = Front(title, _lede(result), tiles, headline(result, CLAIM))
    return page_of(result, SECTIONS, front)


def _compared(result: Json) -> Body:
    body = comparison(result, METRICS)
    foreseen = number(result.get("same_people_for_all_at_best"))
    if body and foreseen is not None:
        said = "For comparison: whoever named the same people for every question, those who will "
        said += f"turn out to answer most, would have a recall@3 of {decimals(3)(foreseen)}."
        body.append(node("p.note", said))
    return body


def _windows(result: Json) -> Body:
    """What was asked in each part, and what nobody could find."""
    windows = items(result.get("windows"))
    if not windows:
        return []
    lost = _sum(windows, "answers_by_people_who_came_later_or_are_not_open")
    unanswered = _sum(windows, "questions_that_nobody_who_could_be_named_answered")
    said = "Every system knows the same past and the same people, and none may name who asks. "
    said += f"{shown(lost, size)} more answers came from people who came later or may not be "
    said += f"asked, and {shown(unanswered, size)} more questions have no answer by anybody who "
    said += "could be named: neither counts."
    rows: list[list[Content]] = [
        [
            label(one.get("name") or "all"),
            _date(one.get("cut")),
            *(shown(number(one.get(key)), size) for key in COLUMNS),
        ]
        for one in windows
    ]
    heads = ["Part", "Known until", *COLUMNS.values()]
    return [node("p", said), table("windows-table", "Each part, with its past", heads, rows)]


COLUMNS = {
    "questions": "Questions",
    "answers_to_be_found": "Answers to be found",
    "people": "People",
    "answers_before": "Answers before",
    "answers_by_people_who_came_later_or_are_not_open": "Answers nobody could find",
    "questions_that_nobody_who_could_be_named_answered": "Questions left out",
}
"""What is told of each part, and what it is called."""


def _date(cut: object) -> str:
    at = number(cut)
    try:
        return NOT_MEASURED if at is None else day(datetime.fromtimestamp(at, UTC).isoformat())
    except (OverflowError, OSError, ValueError):
        return NOT_MEASURED


def _sum(windows: Sequence[Json], key: str) -> float | None:
    counts = [number(one.get(key)) for one in windows]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _reading(result: Json) -> Body:
    """What the terms mean."""
    return [facts([*TERMS])]


def _lede(result: Json) -> str:
    """Return what was measured, and how ten names do."""
    windows = items(result.get("windows"))
    questions = _sum(windows, "questions") if windows else None
    asked = "questions" if questions is None else f"{size(questions)} questions"
    name = result.get("dataset")
    asked += f" of {name}" if name else ""
    asked += f" in {len(windows)} parts" if len(windows) > 1 else ""
    said = f"Judged on who answered {asked}, from the last fifth of {_each(windows)}."
    if result.get("rehearsal") is True:
        said = f"Judged on who answered {asked}, from the windows on which everything is chosen. "
        said += "This is a rehearsal: the last fifth stays unseen."
    peer = best_peer(result, TEN)
    ratio = ratio_to(result, peer, TEN)
    if verdict(ratio) is Verdict.UNKNOWN:
        return said
    found = f"as many as ten by {label(peer)}, the best at that: {verdict(ratio).value}"
    return f"{said} Ten names hold {times(ratio)} times {found}."


def _each(windows: list[Json]) -> str:
    return "each" if len(windows) > 1 else "all"


SECTIONS = (
    Section("compare", "Compared", "Beside other ways of finding who answers", _compared),
    Section("windows", "Questions", "What was asked", _windows),
    Section("peers", "Peers", "The peers, and how they were tuned", partial(peers, tuned=TUNED)),
    Section("reading", "Terms", "How to read this page", _reading),
    Section("caveats", "Caveats", "What the figures do not say", partial(caveats, always=ALWAYS)),
    Section("provenance", "Origin", "Command and machine", provenance),
)
