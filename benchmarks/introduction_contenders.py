"""Peers of introductions: tuned on earlier meetings, fitted before each one, turned into slates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import packages_of
from benchmarks.introduction_rules import Rules, rules_of
from benchmarks.introduction_trials import Meeting
from benchmarks.peers import Tuned
from benchmarks.people import Circle, PeoplePeer, PeopleScorer, circle_of
from benchmarks.slates import Right, Slates, best, ndcg, recall
from engine.errors import SettingError
from engine.types import BoolVector, Rows
from training.progress import SILENT, Progress
from training.texts import texts_of, vectors_of
from training.train import Workshop

BLOCK = 500
"""Viewers whose scores for all members are held at a time."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A meeting with everything that is the same for all systems.

    Attributes:
        meeting: Which one.
        circle: What was known, as peers know it.
        rules: Who may be introduced to whom.
        right: Who was met, of those who may be shown; a line is a member's row, gains are grades.
        untied: Who had met nobody before: bool of shape (members,).
        ids: Every member's id.
    """

    meeting: Meeting
    circle: Circle
    rules: Rules
    right: Right
    untied: BoolVector
    ids: list[str]

    @property
    def measured(self) -> Rows:
        """Rows of members who met somebody."""
        return np.unique(self.right.lines)

    @property
    def newly(self) -> Rows:
        """Rows of members who had met nobody before and then met somebody."""
        rows = self.measured
        return rows[self.untied[rows]]

    def values(self, slates: Slates, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """Return what members' slates are worth, by metric; NaN for who met nobody."""
        right, members = _of(self.right, rows), self.circle.members
        return {
            "ndcg_at_10": ndcg(slates, right, right.gains, members),
            "recall_at_10": recall(slates, right, members),
        }


@dataclass(frozen=True, slots=True)
class Aim:
    """What peers are tuned for.

    Attributes:
        metric: As `Ready.values` names it.
        viewers: Whose slates count.
    """

    metric: str
    viewers: Callable[[Ready], Rows]


EVERYBODY = Aim("ndcg_at_10", lambda ready: ready.measured)
"""NDCG@10 of all who met somebody."""

NEWLY = Aim("recall_at_10", lambda ready: ready.newly)
"""Recall@10 of those who had met nobody before."""


@dataclass(slots=True)
class PeopleContender:
    """A peer with the settings it does best with.

    Attributes:
        peer: Which one.
        package: Where it comes from, with its version.
        tuned: What tuning found.
        fit_seconds: What fitting at what is measured took.
    """

    peer: PeoplePeer
    package: str
    tuned: Tuned
    fit_seconds: float = field(default=0.0)

    def slates(self, ready: Ready, rows: Rows, seed: int) -> Slates:
        """Fit it on what was known, and return members' slates."""
        start = time.perf_counter()
        scorer = self.peer.fit(ready.circle, self.tuned.settings, seed)
        self.fit_seconds += time.perf_counter() - start
        return slates_of(scorer, ready, rows)

    def as_dict(self, metric: str) -> dict[str, Any]:
        """Return how it was tuned, as the result has it."""
        return {
            "package": self.package,
            "settings": dict(self.tuned.settings),
            "tried": self.tuned.tries,
            f"validation_{metric}": self.tuned.figure,
            "seconds": round(self.tuned.seconds + self.fit_seconds, 2),
        }


def ready_for(meeting: Meeting, workshop: Workshop, progress: Progress = SILENT) -> Ready:
    """Return what everything is measured with; vectors come from the workshop's cache."""
    early = meeting.early
    vectors = vectors_of(texts_of(early), workshop.encoder, workshop.vectors, progress)
    circle = circle_of(early, vectors, meeting.now)
    rules = rules_of(early)
    untied = circle.degrees() == 0
    return Ready(
        meeting, circle, rules, _right(meeting, rules), untied, early.members["id"].to_list()
    )


def people_contenders(
    peers: Mapping[str, PeoplePeer],
    earlier: Sequence[Ready],
    aim: Aim,
    seed: int,
    progress: Progress = SILENT,
) -> tuple[dict[str, PeopleContender], dict[str, str]]:
    """Return every peer at its best, and why those that are missing are.

    Raises:
        SettingError: A package is not installed.
    """
    packages = packages_of(peers)
    found: dict[str, PeopleContender] = {}
    left_out: dict[str, str] = {}
    for name, peer in peers.items():
        with progress.task(f"tuning {name}", len(peer.grid)) as advance:
            try:
                tuned = _tuned(peer, earlier, aim, seed, advance)
                found[name] = PeopleContender(peer, packages[name], tuned)
            except SettingError as error:
                left_out[name] = str(error)
    return found, left_out


def slates_of(scorer: PeopleScorer, ready: Ready, rows: Rows) -> Slates:
    """Return members' slates, a block at a time; whom the rules forbid is not shown."""
    parts = []
    for start in range(0, max(len(rows), 1), BLOCK):
        part = rows[start : start + BLOCK]
        parts.append(best(ready.rules.masked(scorer(part), part)))
    return np.concatenate(parts)


def _tuned(
    peer: PeoplePeer,
    earlier: Sequence[Ready],
    aim: Aim,
    seed: int,
    advance: Callable[[int], None],
) -> Tuned:
    """Try every setting on all earlier meetings together."""
    start = time.perf_counter()
    tried = []
    for settings in peer.grid:
        found = []
        for ready in earlier:
            rows = aim.viewers(ready)
            if len(rows):
                slates = slates_of(peer.fit(ready.circle, settings, seed), ready, rows)
                found.append(ready.values(slates, rows)[aim.metric])
        if not found:
            raise SettingError(
                "nobody met anybody new in the windows to tune peers on: choose with --validate"
            )
        tried.append((settings, float(np.concatenate(found).mean())))
        advance(1)
    place = int(np.argmax([figure for _, figure in tried]))
    return Tuned(*tried[place], tuple(tried), time.perf_counter() - start)


def _right(meeting: Meeting, rules: Rules) -> Right:
    """Return who was met, of those who may be shown."""
    members = len(meeting.early.members)
    met = meeting.met.both(members)
    lines = np.repeat(np.arange(members), met.counts())
    allowed = np.zeros(len(lines), dtype=bool)
    for start in range(0, len(lines), BLOCK):
        part = slice(start, start + BLOCK)
        wrong = np.logical_or.reduce(list(rules.forbidden(lines[part]).values()))
        allowed[part] = ~np.take_along_axis(wrong, met.targets[part][:, None], axis=1)[:, 0]
    judged = np.ones(int(allowed.sum()), dtype=bool)
    return Right(members, lines[allowed], met.targets[allowed], met.weights[allowed], judged)


def _of(right: Right, rows: Rows) -> Right:
    """Return what was right for some members, ascending, a line for each."""
    place = np.full(right.viewers, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    kept = right.kept(place[right.lines] >= 0)
    return Right(len(rows), place[kept.lines], kept.groups, kept.gains, kept.judged)
