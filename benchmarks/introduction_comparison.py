"""Introductions beside tuned peers: the same people, rules, pairs and draws for all.

Everything is fitted on what was known before people met. By time, peers are tuned on earlier
windows; where ties are hidden, on ties hidden again among those that are left. Belong answers
through its whole pipeline, policies included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.introduction_contenders import (
    EVERYBODY,
    NEWLY,
    PeopleContender,
    Ready,
    people_contenders,
    ready_for,
)
from benchmarks.introduction_examples import examples
from benchmarks.introduction_figures import (
    KINDS,
    MAIN,
    OURS,
    UNPRICED,
    WITHOUT,
    Outcome,
    best_peer,
    section,
)
from benchmarks.introduction_ours import Ours, belong_people_at
from benchmarks.introduction_trials import (
    BOTH_WAYS,
    Meeting,
    Meetings,
    hidden,
    hidden_again,
    meetings_by_hiding,
    meetings_by_time,
)
from benchmarks.people import PeoplePeer
from benchmarks.trials import Cuts
from data.community import Community
from engine.errors import SettingError
from training.progress import SILENT, Progress
from training.train import Workshop

CAVEAT = (
    "profiles and descriptions are as of the end of the data; people stand in random order, so "
    "that equal scores gain nothing by it; only people who had been heard of before are there; "
    "where ties are hidden, posts in which the two exchanged something are not"
)
"""What the figures do not say by themselves."""

COLD = "every_tie_hidden"
"""The slice of members whose every tie is hidden, over several seeds."""

NOBODY = "nobody to measure"


@dataclass(frozen=True, slots=True)
class IntroductionSettings:
    """What to compare.

    Attributes:
        cuts: Where to cut, by time; its `seed` decides what is left to chance.
        hide_ties: Share of ties hidden at random instead; None to cut by time.
        cold_seeds: Seeds 0 to so many - 1 with which ties are hidden to measure members whose
            every tie is; only with `hide_ties`.
        rehearse: Measure where peers are tuned, and leave what is to be measured unseen.
        show: Members of each part whose slates are handed back to be read.
    """

    cuts: Cuts
    hide_ties: float | None = None
    cold_seeds: int = 0
    rehearse: bool = False
    show: int = 0


@dataclass(slots=True)
class _Run:
    """What all meetings are measured with, and what was broken on the way."""

    settings: IntroductionSettings
    workshop: Workshop
    progress: Progress
    ours: Ours
    broken: Counter[str]
    shown: int = 0
    asked: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    learned: dict[str, Any] = field(default_factory=dict)


def compare_introductions(
    community: Community,
    settings: IntroductionSettings,
    workshop: Workshop,
    peers: Mapping[str, PeoplePeer],
    progress: Progress = SILENT,
    *,
    ours: Ours = belong_people_at,
) -> dict[str, Any]:
    """Return the comparison as the result file has it, and under `examples` what may be read.

    Args:
        community: Whose people meet.
        settings: What to compare.
        workshop: Encodes texts, and keeps the vectors.
        peers: By name.
        progress: Told of every step.
        ours: How Belong is made at each meeting.

    Raises:
        SettingError: Nothing can be measured with these settings, or a peer is not installed.
    """
    meetings = _meetings(community, settings)
    run = _Run(settings, workshop, progress, ours, Counter())
    earlier = [ready_for(one, workshop, progress) for one in meetings.validation]
    seed = settings.cuts.seed
    contenders, left_out = people_contenders(peers, earlier, EVERYBODY, seed, progress)
    measured = earlier if settings.rehearse else [
        ready_for(one, workshop, progress) for one in meetings.test
    ]  # fmt: skip
    outcomes = [_outcome(ready, contenders, run) for ready in measured]
    main = section(outcomes, MAIN, seed, exposure=True)
    if main is None:
        raise SettingError(f"members who met somebody new: {NOBODY}")
    found = {name: section(outcomes, kind, seed) for name, kind in KINDS.items()}
    cold, cold_tuned = _cold(community, measured, peers, run)
    found |= cold
    not_measured = {**meetings.not_measured, **left_out}
    not_measured |= {name: NOBODY for name, one in found.items() if one is None}
    return {
        "dataset": community.name,
        **_when(meetings, settings),
        "caveat": CAVEAT,
        "graded_both_ways": sum(
            int((one.meeting.met.grades == BOTH_WAYS).sum()) for one in measured
        ),
        **_without(main),
        "slices": {name: _without(one) for name, one in found.items() if one is not None},
        "parts": _parts(outcomes, seed),
        "fairness": _fairness(main),
        "policies": {
            "slates": run.asked,
            "shown": run.shown,
            "broken": dict(run.broken),
            "broken_in_all": run.broken.total(),
        },
        "peers": {name: one.as_dict(EVERYBODY.metric) for name, one in contenders.items()},
        "peers_without_ties": {name: one.as_dict(NEWLY.metric) for name, one in cold_tuned.items()},
        "learned": run.learned,
        "not_measured": not_measured,
        "examples": run.examples,
    }


def _meetings(community: Community, settings: IntroductionSettings) -> Meetings:
    if settings.hide_ties is None:
        return meetings_by_time(community, settings.cuts)
    cuts = settings.cuts
    return meetings_by_hiding(community, settings.hide_ties, cuts.seed, cuts.split_by)


def _outcome(
    ready: Ready, contenders: Mapping[str, PeopleContender], run: _Run, *, cold: bool = False
) -> Outcome:
    """Ask every system; in the cold slice only about those whom it is about."""
    rows = ready.newly if cold else np.flatnonzero(ready.rules.asks)
    belong = run.ours(ready.meeting, run.workshop, run.progress)
    shown = {OURS: belong.slates(rows, run.progress)}
    run.broken.update(ready.rules.broken(shown[OURS], rows))
    run.asked += len(rows)
    run.shown += int((shown[OURS] >= 0).sum())
    unpriced = None if cold else belong.unpriced_slates(rows, run.progress)
    if unpriced is not None:
        shown[UNPRICED] = unpriced
    if not cold:
        run.learned[ready.meeting.name or "now"] = dict(belong.story)
        run.examples += examples(ready, belong, run.settings.show, run.settings.cuts.seed)
    with run.progress.task("asking peers", len(contenders)) as advance:
        for name, contender in contenders.items():
            shown[name] = contender.slates(ready, rows, run.settings.cuts.seed)
            advance(1)
    return Outcome(ready, rows, shown)


def _cold(
    community: Community, measured: Sequence[Ready], peers: Mapping[str, PeoplePeer], run: _Run
) -> tuple[dict[str, dict[str, Any] | None], dict[str, PeopleContender]]:
    """Measure members whose every tie is hidden, every system fitted anew for every seed."""
    settings, share = run.settings, run.settings.hide_ties
    if share is None or not settings.cold_seeds:
        return {}, {}
    first = measured[0].meeting
    inner = [ready_for(one, run.workshop, run.progress) for one in hidden_again(first, share)]
    seed = settings.cuts.seed
    contenders, _ = people_contenders(peers, inner, NEWLY, seed, run.progress)
    outcomes = []
    whole = first.early if settings.rehearse else community
    for one in range(settings.cold_seeds):
        ready = ready_for(hidden(f"seed {one}", whole, share, one), run.workshop, run.progress)
        outcomes.append(_outcome(ready, contenders, run, cold=True))
    about = f"whose every tie is hidden, pooled over {settings.cold_seeds} seeds"
    return {COLD: section(outcomes, replace(WITHOUT, about=about), seed)}, contenders


def _parts(outcomes: Sequence[Outcome], seed: int) -> dict[str, dict[str, Any]]:
    """Return every cut or community by itself, where there are several."""
    if len(outcomes) == 1:
        return {}
    found = {one.ready.meeting.name: section([one], MAIN, seed) for one in outcomes}
    return {name: _without(one) for name, one in found.items() if one is not None}


def _fairness(main: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how evenly people are shown beside the peer with the highest NDCG, and its cost."""
    peer = best_peer(main)
    if peer is None:
        return None
    found: dict[str, Any] = {
        "peer": peer,
        "gini": main["systems"][OURS]["gini"],
        "gini_of_peer": main["systems"][peer]["gini"],
        "gini_over_peer": main["ratios"][peer]["gini"],
        "never_shown": _never_shown(main["systems"][OURS]),
        "never_shown_by_peer": _never_shown(main["systems"][peer]),
    }
    if UNPRICED in main["systems"]:
        found |= {
            "gini_unpriced": main["systems"][UNPRICED]["gini"],
            "ndcg_over_unpriced": main["ratios"][UNPRICED]["ndcg_at_10"],
        }
    return found


def _never_shown(system: Mapping[str, Any]) -> float:
    """Return the share of people who may be shown and never are."""
    return round(1 - float(system["coverage"]["value"]), 6)


def _both_ways(ready: Ready) -> int:
    """Return how many of the pairs that met answered each other."""
    return int((ready.meeting.met.grades == BOTH_WAYS).sum())


def _without(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section without the system that is no peer: it is told under fairness."""
    kept = {
        name: {one: value for one, value in found[name].items() if one != UNPRICED}
        for name in ("systems", "ratios")
    }
    return {**found, **kept}


def _when(meetings: Meetings, settings: IntroductionSettings) -> dict[str, Any]:
    test = meetings.validation if settings.rehearse else meetings.test
    hiding = settings.hide_ties is not None
    return {
        "rehearsal": settings.rehearse,
        "hidden_share": settings.hide_ties,
        "until": None if hiding else _days(test),
        "validated": None if hiding else _days(meetings.validation),
        "window_days": None if hiding else settings.cuts.window_days,
        "seed": settings.cuts.seed,
    }


def _days(meetings: Sequence[Meeting]) -> str | dict[str, str]:
    """Return when it is asked: a date if there is one, else one by name."""
    days = {
        one.name: datetime.fromtimestamp(one.now, tz=UTC).isoformat(timespec="seconds")
        for one in meetings
    }
    return next(iter(days.values())) if len(days) == 1 else days
