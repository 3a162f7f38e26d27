"""What a quality result says in plain words, no better and no worse than its intervals allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.quality_figures import (
    BELONGING,
    GAP,
    NDCG,
    OURS,
    Json,
    Measured,
    Metric,
    Verdict,
    best_peer,
    counted,
    day,
    decimals,
    items,
    label,
    measured,
    number,
    part,
    percent,
    ratio_digits,
    ratio_to,
    shown,
    size,
    texts,
    times,
    verdict,
    with_interval,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is said of Belong beside the best of the others, as parts of one sentence.

    Attributes:
        metric: What both are compared by.
        what: What is judged.
        does: What Belong's does, up to the ratio.
        beside: What the ratio is over, up to the peer's name.
        scores: How it scores by itself, up to the figure.
        on: On what the ratio was found.
    """

    metric: Metric
    what: str
    does: str
    beside: str
    scores: str
    on: str


SUGGESTED = Claim(
    NDCG,
    "suggestions",
    "ten suggestions are worth",
    "times those of the best peer,",
    "ten suggestions score an NDCG@10 of",
    "on these members",
)
"""What is said of suggestions."""


def headline(result: Json, claim: Claim = SUGGESTED) -> str:
    """Return in one sentence how Belong does beside the best of the others."""
    metric = claim.metric
    ours = measured(part(result, "systems", OURS).get(metric.key))
    peer = best_peer(result, metric)
    if ours.value is None:
        return f"Belong’s {claim.what} were not measured in this run"
    if peer is None:
        value = with_interval(ours, metric.show)
        return f"Belong’s {claim.scores} {value}; nothing was measured beside"
    ratio = ratio_to(result, peer, metric)
    found = verdict(ratio)
    if ratio.value is None or ratio.interval is None:
        return f"Belong was measured beside {label(peer)}, but not how far apart the two are"
    show = ratio_digits([ratio])
    value, low, high = (show(one) for one in (ratio.value, *ratio.interval))
    best = f"{claim.beside} {label(peer)}"
    if found is Verdict.INCONCLUSIVE:
        return (
            f"Inconclusive: Belong’s {claim.does} between {low} and {high} {best} "
            f"({value} {claim.on})"
        )
    said = f"{claim.does} {value} {best} ({low}{GAP}to{GAP}{high})"
    return f"Belong’s {said}" if found is Verdict.AHEAD else f"Belong is behind: its {said}"


def lede(result: Json) -> str:
    """Return what was measured, on whom and when."""
    count = number(result.get("members"))
    who = "members" if count is None else f"{size(count)} members"
    name = result.get("dataset")
    where = f" of {name}" if name else ""
    return f"Judged on what {who}{where} joined {when(result)}."


def when(result: Json) -> str:
    """Return which time the suggestions were judged on."""
    until, days = result.get("until"), number(result.get("window_days"))
    window = "" if days is None else f"in the {size(days)} days "
    if isinstance(until, str):
        return f"{window}after {day(until)}"
    if isinstance(until, Mapping) and until:
        return f"{window}after the cut of each of {len(until)} parts"
    return f"{window}after the cut"


def lasting(result: Json) -> str | None:
    """Return how Belong does where joins that last count three times as much."""
    peer = best_peer(result, BELONGING)
    ratio = ratio_to(result, peer, BELONGING)
    if ratio.value is None:
        return None
    found = verdict(ratio)
    ending = "" if found in {Verdict.AHEAD, Verdict.UNKNOWN} else f", {found.value}"
    return (
        "Where a join that lasts counts three times as much, they are worth "
        f"{times(ratio)} times those of {label(peer)}{ending}."
    )


def slices_said(sections: list[Json], metric: Metric = NDCG) -> str:
    """Return in how many slices Belong is ahead."""
    ratios = (ratio_to(one, best_peer(one, metric), metric) for one in sections)
    found = counted(verdict(ratio) for ratio in ratios)
    parts = [
        f"{said} in {found[one]}"
        for one, said in (
            (Verdict.AHEAD, "ahead"),
            (Verdict.INCONCLUSIVE, "inconclusive"),
            (Verdict.BEHIND, "behind"),
            (Verdict.UNKNOWN, "not compared"),
        )
        if found[one]
    ]
    slices = "one slice" if len(sections) == 1 else f"{len(sections)} slices"
    return (
        f"Of {slices}, Belong is {', '.join(parts)}. Each is compared with whichever peer has the "
        f"highest {metric.label} in it."
    )


def slope_said(slope: Measured) -> str:
    """Return whether stated chances differ as much as what came of them."""
    start = f"The slope is {with_interval(slope, decimals(2))}: "
    match verdict(slope):
        case Verdict.INCONCLUSIVE:
            return (
                f"{start}chances are stated neither too boldly nor too timidly, as far as these "
                "members can tell."
            )
        case Verdict.BEHIND:
            return f"{start}too bold, high chances come true less often than stated."
        case Verdict.AHEAD:
            return f"{start}too timid, chances differ more than they are stated to."
    return "The slope of the calibration is not known."


def skill_said(skill: Measured) -> str:
    """Return whether stated chances are worth more than one chance for everybody."""
    if skill.value is None or skill.interval is None:
        return f"The Brier skill is {shown(skill.value, percent)}."
    low, high = skill.interval
    start = f"The Brier skill is {with_interval(skill, percent)}: "
    if low > 0:
        return f"{start}better than to state the same chance for every suggestion."
    if high < 0:
        return f"{start}worse than to state the same chance for every suggestion."
    return f"{start}not shown to be better than the same chance for every suggestion."


def intimacy_said(settings: list[Json]) -> str:
    """Return what the highest setting changes against the default."""
    start = "Intimacy is how much smaller groups are preferred at nearly equal fit."
    default = next((one for one in settings if one.get("default") is True), None)
    top = max(settings, key=lambda one: number(one.get("intimacy")) or 0.0, default=None)
    if default is None or top is None or top is default:
        return start
    sizes = [measured(one.get("median_size")).value for one in (default, top)]
    worth = [measured(one.get(NDCG.key)).value for one in (default, top)]
    if sizes[0] is None or sizes[1] is None or not worth[0] or worth[1] is None:
        return start
    change = worth[1] / worth[0] - 1
    moved = "the same NDCG@10"
    if abs(change) >= 0.0005:
        moved = f"{percent(abs(change))} {'less' if change < 0 else 'more'} NDCG@10"
    return (
        f"{start} By default the median suggested group has {size(sizes[0])} members; at "
        f"{label(top.get('intimacy'))} it has {size(sizes[1])}, for {moved}."
    )


def joined_said(people: list[Json]) -> str:
    """Return how many of the suggestions came true, and that examples prove nothing."""
    suggested = [item for one in people for item in items(one.get("items"))]
    joined = sum(item.get("joined") is True for item in suggested)
    return (
        f"{len(people)} members, by the groups they were in before the cut. Of these "
        f"{len(suggested)} suggestions {joined} came true. They are examples; the figures above "
        "are the evidence."
    )


def reasons_of(item: Json) -> list[str]:
    """Return a suggestion's reasons, without empty ones."""
    return [reason for reason in texts(item.get("reasons")) if reason.strip()]


def sentence(text: str, *, capital: bool = False) -> str:
    """Return a text from data as a sentence of its own.

    >>> sentence("profiles are late", capital=True)
    'Profiles are late.'
    """
    text = text.strip()
    start = text[:1].upper() + text[1:] if capital else text
    return start if start.endswith((".", "!", "?")) else f"{start}."


GLOSSARY = (
    (
        "Interval",
        "The two numbers in brackets: 95 % of what other, equally likely members would have "
        "given. Ratios are paired: both systems suggest to the same members.",
    ),
    (
        "Ratio",
        "Belong’s figure divided by another system’s; above 1, Belong is better. Ahead and behind "
        "are said only where the whole interval is on one side of 1; all else is inconclusive.",
    ),
    (
        "NDCG@10",
        "What ten suggestions are worth: every group that the member later joined counts, more at "
        "the top of the list than at its end. 1 is the best possible list, 0 a list in which "
        "nothing came true.",
    ),
    (
        "Belonging NDCG@10",
        "The same, but a join that lasts counts 3 and any other join 1. It lasts if the member "
        "takes part at least three times, the first and the last at least 30 days apart.",
    ),
    ("Recall@10", "The share of the groups joined later that the ten suggestions held."),
    ("Coverage", "The share of all groups that were suggested to at least one member."),
    (
        "Gini",
        "How unequally suggestions are spread over groups: 0 if all groups are suggested equally "
        "often, near 1 if a few are suggested all the time.",
    ),
    ("Median size", "Half of the suggested groups have at most so many members."),
    (
        "Calibration slope",
        "1 if stated chances differ as much as what comes of them; below 1 they are too bold, "
        "above 1 too timid.",
    ),
    (
        "Brier skill",
        "How much smaller the squared error of the stated chances is than that of one chance for "
        "everybody: 100 % is perfect foresight, 0 % no gain.",
    ),
)
"""What the page's terms mean."""
