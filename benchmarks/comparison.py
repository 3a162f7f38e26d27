"""Group suggestions beside tuned peers: the same viewers, candidates, windows and draws for all.

Everything is fitted on the past of a cut; peers are tuned on earlier windows, and each cut is
measured once. Belong answers through its whole pipeline, policies included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration import calibration
from benchmarks.contenders import Contender, contenders_of, packages_of, several_slates, slates_of
from benchmarks.insides import Occasion, curves, insides
from benchmarks.ours import OurSettings, belong_at
from benchmarks.peers import Peer
from benchmarks.slates import PLACES, Slates, right_at, without
from benchmarks.slices import (
    COLD,
    KNOWN,
    MAIN,
    MASKED,
    OURS,
    SLICES,
    TRIMMED,
    Outcome,
    SliceKind,
    pooled,
    section,
)
from benchmarks.trials import FOREVER, Cuts, Trial, trials_of
from benchmarks.viewers import (
    LARGEST,
    Asked,
    Prepared,
    anybody,
    masked_newcomers,
    newcomers,
    prepared,
    right_of,
)
from data.community import Community
from engine.calibration import Calibration
from engine.domain import DAY_S
from engine.errors import SettingError
from training.activity import last_of
from training.progress import SILENT, Progress
from training.split import joins_between
from training.train import Workshop

CAVEAT = (
    "profiles and descriptions are as of the end of the data; groups stand in random order, so "
    "that equal scores gain nothing by it"
)
"""What the figures do not say by themselves."""

JOIN = "join"
"""The event of a chance that asks only whether a group is joined, not whether that lasts."""

NOBODY = "nobody to measure in the windows"


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """What to compare.

    Attributes:
        cuts: Where to cut.
        curves: Settings of Belong to measure beside its default.
        seed: Decides what is left to chance.
    """

    cuts: Cuts
    curves: tuple[OurSettings, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Stated:
    """Chances that were stated, and what came of them.

    Attributes:
        chances: In [0, 1].
        happened: Whether it came true within the horizon.
        members: To whom, by id.
        by: What stated them.
    """

    chances: NDArray[np.float32]
    happened: NDArray[np.bool_]
    members: NDArray[np.str_]
    by: Calibration


@dataclass(slots=True)
class _Run:
    """What is gathered cut by cut."""

    outcomes: list[Outcome] = field(default_factory=list)
    occasions: list[Occasion] = field(default_factory=list)
    stated: list[Stated | None] = field(default_factory=list)


def compare(
    community: Community,
    settings: CompareSettings,
    workshop: Workshop,
    peers: Mapping[str, Peer],
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Return the comparison as the quality file has it.

    Raises:
        SettingError: Nothing can be measured with these settings, or a peer is not installed.
    """
    packages_of(peers)
    trials = trials_of(community, settings.cuts)
    earlier = [prepared(trial, workshop, progress) for trial in trials.validation]
    contenders, left_out = contenders_of(peers, earlier, settings.seed, progress)
    del earlier
    run = _Run()
    for trial in trials.test:
        _measure(trial, contenders, workshop, settings.seed, run, progress)
    main = _section(run.outcomes, MAIN, settings.seed)
    if main is None:
        raise SettingError(f"members with an earlier group: {NOBODY}")
    found = {kind.name: _section(run.outcomes, kind, settings.seed) for kind in SLICES}
    not_measured = {**trials.not_measured, **left_out}
    not_measured |= {name: NOBODY for name, one in found.items() if one is None}
    return {
        "dataset": community.name,
        "until": _named(trials.test),
        "validated": _named(trials.validation),
        "window_days": settings.cuts.window_days,
        "caveat": CAVEAT,
        **main,
        "slices": {name: one for name, one in found.items() if one is not None},
        "peers": {name: contender.as_dict() for name, contender in contenders.items()},
        "calibration": _calibrated(run.stated, settings.seed),
        **curves(run.occasions, settings.curves, progress),
        **insides(run.occasions),
        "not_measured": not_measured,
    }


def _measure(
    trial: Trial,
    contenders: dict[str, Contender],
    workshop: Workshop,
    seed: int,
    run: _Run,
    progress: Progress,
) -> None:
    """Ask every system at one cut."""
    ready = prepared(trial, workshop, progress)
    cold = newcomers(ready, workshop, progress)
    names = trial.community.groups["name"].to_list()
    masked = masked_newcomers(cold, names, workshop, progress)
    asked = {KNOWN: ready.known, TRIMMED: ready.known, COLD: cold, MASKED: masked}
    occasion = Occasion(ready, belong_at(ready.early, trial.cut, workshop, progress))
    shown: dict[str, dict[str, Slates]] = {name: {} for name in asked}
    _ask_belong(occasion, asked, shown, progress)
    with progress.task("asking peers", len(contenders)) as advance:
        for name, contender in contenders.items():
            for table, slates in _peer_slates(contender, ready, asked, seed).items():
                shown[table][name] = slates
            advance(1)
    run.outcomes.append(Outcome(ready.facts, asked, shown))
    run.occasions.append(occasion)
    run.stated.append(_stated(occasion, anybody(ready, seed), progress))


def _ask_belong(
    occasion: Occasion,
    asked: Mapping[str, Asked],
    shown: dict[str, dict[str, Slates]],
    progress: Progress,
) -> None:
    belong, facts = occasion.belong, occasion.ready.facts
    # The ten best of a slate need not be its first ten places: a selector may spread a longer one.
    shown[KNOWN][OURS] = belong.answers(asked[KNOWN], PLACES, progress).slates
    longer = belong.answers(asked[TRIMMED], PLACES + LARGEST, progress).slates
    shown[TRIMMED][OURS] = without(longer, facts.largest)
    for table in (COLD, MASKED):
        shown[table][OURS] = belong.answers(asked[table], PLACES, progress).slates


def _peer_slates(
    contender: Contender, ready: Prepared, asked: Mapping[str, Asked], seed: int
) -> dict[str, Slates]:
    scorer = contender.fitted(ready, seed)
    offers = [ready.facts.offered, ready.facts.offered & ~ready.facts.largest]
    slates = dict(
        zip((KNOWN, TRIMMED), several_slates(scorer, ready, asked[KNOWN], offers), strict=True)
    )
    if contender.peer.serves_text:
        slates |= {table: slates_of(scorer, ready, asked[table]) for table in (COLD, MASKED)}
    return slates


def _stated(occasion: Occasion, asked: Asked, progress: Progress) -> Stated | None:
    """Return what chances Belong states to members, joiners or not, and what came of them.

    A chance is over so many days from the cut, and only that stretch is looked at; if the window
    or the data end before it does, nothing can be said.
    """
    stated, trial = occasion.belong.stated, occasion.ready.trial
    if stated is None:
        return None
    end = trial.cut + stated.horizon_days * DAY_S
    if end > min(trial.end, (last_of(trial.community) or FOREVER) + DAY_S):
        return None
    joins = joins_between(trial.community, trial.cut, end)
    right = right_of(joins, asked.viewers.rows)
    if stated.event != JOIN:
        right = right.kept(right.gains > 1)  # it lasted
    answers = occasion.belong.answers(asked, PLACES, progress)
    told = ~np.isnan(answers.probabilities)
    came = right_at(answers.slates, right, occasion.ready.history.groups)
    members = np.repeat(np.array(asked.ids, dtype=np.str_)[:, None], PLACES, axis=1)
    return Stated(answers.probabilities[told], came[told], members[told], stated)


def _calibrated(stated: Sequence[Stated | None], seed: int) -> dict[str, Any] | None:
    """Return how stated chances compare with what happened, at all cuts; None if none were."""
    known = [one for one in stated if one is not None and len(one.chances)]
    if not known:
        return None
    owners = np.unique(np.concatenate([one.members for one in known]), return_inverse=True)[1]
    found = calibration(
        np.concatenate([one.chances for one in known]),
        np.concatenate([one.happened for one in known]),
        owners.astype(np.int64),
        seed,
    )
    return {"horizon_days": known[-1].by.horizon_days, "event": known[-1].by.event, **found}


def _section(outcomes: Sequence[Outcome], kind: SliceKind, seed: int) -> dict[str, Any] | None:
    found = pooled(outcomes, kind)
    return None if found is None else section(found, kind.about, seed)


def _named(trials: Sequence[Trial]) -> str | dict[str, str]:
    """Return when the cuts are: a date if there is one, else one by name."""
    if len(trials) == 1:
        return trials[0].day
    return {trial.name: trial.day for trial in trials}
