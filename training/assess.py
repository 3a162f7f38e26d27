"""A whole evaluation of a community: groups by time, introductions by time or by hiding ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data.community import Community
from engine.domain import DAY_S
from engine.errors import SettingError
from training.evaluate import (
    Systems,
    evaluate_groups,
    evaluate_introductions,
    figures,
    hide_ties,
    later_ties,
    pooled,
    ratios,
)
from training.progress import SILENT, Progress
from training.split import cut_at, parts_by, past
from training.train import Workshop, introductions_of, model_of, snapshot_of

FOREVER = float("inf")

CAVEAT = (
    "profiles and descriptions are as of the end of the data; where ties are hidden, posts in "
    "which the two exchanged something are not"
)
"""What the figures do not say by themselves."""

NOBODY = {
    "groups": "nobody who was in a group before the cut joined another one after it",
    "introductions": "there is no tie after the cut, or none was hidden",
}
"""Why a part says nothing although it could be split."""


@dataclass(frozen=True, slots=True)
class AssessSettings:
    """What to measure.

    Attributes:
        until: The cut, a date or a share, of each part.
        window_days: How much after the cut counts; None for all there is.
        split_by: A column of groups and posts; each value is a community of its own.
        hide_ties: Share of ties hidden at random; None to take those that came after the cut.
        seed: Decides which ties are hidden.
    """

    until: str = "80%"
    window_days: float | None = None
    split_by: str | None = None
    hide_ties: float | None = None
    seed: int = 0


def assess(
    community: Community,
    settings: AssessSettings,
    workshop: Workshop,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Return the quality file: every system's figures with intervals and sample sizes.

    Keys: `dataset`, `until`, `members` and `systems` for groups, and under `introductions` the
    same for people. A part that cannot be measured is null, with the reason under `not_measured`.

    Raises:
        SettingError: Nothing can be measured with these settings.
    """
    parts = [("", community)]
    if settings.split_by:
        parts = list(parts_by(community, settings.split_by))
    groups: list[tuple[Systems, int]] = []
    people: list[tuple[Systems, int]] = []
    not_measured: dict[str, str] = {}
    cuts: dict[str, str] = {}
    for name, part in parts:
        try:
            cut = cut_at(part, settings.until)
            cuts[name] = datetime.fromtimestamp(cut, tz=UTC).isoformat(timespec="seconds")
            by_time = _by_time(part, cut, settings, workshop, progress)
            groups.append(by_time[0])
            if settings.hide_ties is None:
                people.append(by_time[1])
        except SettingError as error:
            not_measured[f"{name or part.name}: groups by time"] = str(error)
        if settings.hide_ties is not None:
            people.append(_by_hiding(part, settings, workshop, progress))
    if not groups and not people:
        raise SettingError("; ".join(not_measured.values()))
    not_measured |= _without_anybody({"groups": groups, "introductions": people})
    until = cuts.get("", cuts) if cuts else None
    return {
        "dataset": community.name,
        "until": until,
        "window_days": settings.window_days,
        "caveat": CAVEAT,
        **_section(groups),
        "introductions": _section(people) | {"hidden_share": settings.hide_ties},
        "not_measured": not_measured,
    }


def _by_time(
    part: Community,
    cut: float,
    settings: AssessSettings,
    workshop: Workshop,
    progress: Progress,
) -> tuple[tuple[Systems, int], tuple[Systems, int]]:
    days = settings.window_days
    window = (cut, FOREVER if days is None else cut + days * DAY_S)
    early = past(part, cut)
    snapshot, ranker = model_of(early, workshop, progress=progress, now=cut)
    people = introductions_of(early, workshop, snapshot, progress, cut)
    return (
        evaluate_groups(part, snapshot, window, progress, ranker),
        evaluate_introductions(snapshot, later_ties(part, window), progress, people),
    )


def _by_hiding(
    part: Community, settings: AssessSettings, workshop: Workshop, progress: Progress
) -> tuple[Systems, int]:
    if settings.hide_ties is None or not 0 < settings.hide_ties < 1:
        raise SettingError(f"--hide-ties wants a share between 0 and 1, not {settings.hide_ties}")
    kept, hidden = hide_ties(part, settings.hide_ties, settings.seed)
    snapshot = snapshot_of(kept, workshop, progress)
    people = introductions_of(kept, workshop, snapshot, progress)
    return evaluate_introductions(snapshot, hidden, progress, people)


def _without_anybody(parts: Mapping[str, Sequence[tuple[Systems, int]]]) -> dict[str, str]:
    empty = (name for name, part in parts.items() if part and not any(n for _, n in part))
    return {name: NOBODY[name] for name in empty}


def _section(measured: Sequence[tuple[Systems, int]]) -> dict[str, Any]:
    members = sum(count for _, count in measured)
    if not members:
        return {"members": 0, "systems": {}, "ratios": {}}
    systems = pooled([part for part, count in measured if count])
    return {"members": members, "systems": figures(systems), "ratios": ratios(systems)}
