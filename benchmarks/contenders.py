"""Peers in a comparison: tuned on earlier windows, fitted at each cut, turned into slates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Protocol

import numpy as np

from benchmarks.peers import Peer, Scorer, Tuned
from benchmarks.slates import Slates, best, masked, values_of
from benchmarks.viewers import Asked, Prepared
from engine.errors import SettingError
from engine.types import BoolVector
from training.progress import SILENT, Progress

BLOCK = 500
"""Viewers whose scores for all groups are held at a time."""


class Packaged(Protocol):
    """Anything that comes from a package.

    Attributes:
        package: The distribution.
    """

    package: ClassVar[str]


@dataclass(slots=True)
class Contender:
    """A peer with the settings it does best with.

    Attributes:
        peer: Which one.
        package: Where it comes from, with its version.
        tuned: What tuning found.
        fit_seconds: What fitting at the measured cuts took.
    """

    peer: Peer
    package: str
    tuned: Tuned
    fit_seconds: float = field(default=0.0)

    def fitted(self, ready: Prepared, seed: int) -> Scorer:
        """Fit it on the past of a cut."""
        start = time.perf_counter()
        scorer = self.peer.fit(ready.history, self.tuned.settings, seed)
        self.fit_seconds += time.perf_counter() - start
        return scorer

    def as_dict(self) -> dict[str, Any]:
        """Return how it was tuned, as the result has it."""
        return {
            "package": self.package,
            "settings": dict(self.tuned.settings),
            "tried": self.tuned.tries,
            "validation_ndcg_at_10": self.tuned.figure,
            "seconds": round(self.tuned.seconds + self.fit_seconds, 2),
        }


def packages_of(peers: Mapping[str, Packaged]) -> dict[str, str]:
    """Return each peer's package with its version.

    Raises:
        SettingError: One is not installed.
    """
    found, missing = {}, []
    for name, peer in peers.items():
        try:
            found[name] = f"{peer.package} {version(peer.package)}"
        except PackageNotFoundError:
            missing.append(peer.package)
    if missing:
        raise SettingError(
            f"--peers needs {', '.join(sorted(set(missing)))}, which cannot be found: install "
            "belong[bench]"
        )
    return found


def tuned(
    peer: Peer,
    earlier: Sequence[Prepared],
    seed: int,
    advance: Callable[[int], None] = lambda done: None,
) -> Tuned:
    """Try every setting of a peer on all earlier windows together.

    Args:
        peer: Which one.
        earlier: The cuts to try it at; all their viewers count alike.
        seed: Decides what the peer leaves to chance.
        advance: Told of every setting tried.

    Raises:
        SettingError: The peer cannot be fitted here, or there is nobody to measure on.
    """
    start = time.perf_counter()
    tried = []
    for settings in peer.grid:
        found = [
            values_of(
                slates_of(peer.fit(ready.history, settings, seed), ready, ready.known),
                ready.known.right,
                ready.history.groups,
            )["ndcg_at_10"]
            for ready in earlier
            if ready.known.ids
        ]
        if not found:
            raise SettingError(
                "nobody who was in a group joined another one in the window to tune peers on: "
                "choose it with --validate"
            )
        tried.append((settings, float(np.concatenate(found).mean())))
        advance(1)
    best_place = int(np.argmax([figure for _, figure in tried]))
    return Tuned(*tried[best_place], tuple(tried), time.perf_counter() - start)


def contenders_of(
    peers: Mapping[str, Peer], earlier: Sequence[Prepared], seed: int, progress: Progress = SILENT
) -> tuple[dict[str, Contender], dict[str, str]]:
    """Return every peer at its best, and why those that are missing are."""
    packages = packages_of(peers)
    found: dict[str, Contender] = {}
    left_out: dict[str, str] = {}
    for name, peer in peers.items():
        with progress.task(f"tuning {name}", len(peer.grid)) as advance:
            try:
                best_found = tuned(peer, earlier, seed, advance)
                found[name] = Contender(peer, packages[name], best_found)
            except SettingError as error:
                left_out[name] = str(error)
    return found, left_out


def slates_of(
    scorer: Scorer, ready: Prepared, asked: Asked, offered: BoolVector | None = None
) -> Slates:
    """Return everybody's slates, a block of viewers at a time.

    Args:
        scorer: A fitted peer.
        ready: The cut.
        asked: Who is asked.
        offered: Which groups may be shown; those of the cut if None.
    """
    allowed = ready.facts.offered if offered is None else offered
    return several_slates(scorer, ready, asked, [allowed])[0]


def several_slates(
    scorer: Scorer, ready: Prepared, asked: Asked, offers: Sequence[BoolVector]
) -> list[Slates]:
    """Return slates for each of several choices of what may be shown; each is scored once."""
    parts: list[list[Slates]] = [[] for _ in offers]
    for start in range(0, max(len(asked.viewers), 1), BLOCK):
        part = asked.viewers.part(start, start + BLOCK)
        scores = scorer(part)
        for slates, offered in zip(parts, offers, strict=True):
            slates.append(best(masked(scores, part.rows, ready.there, offered)))
    return [np.concatenate(slates) for slates in parts]
