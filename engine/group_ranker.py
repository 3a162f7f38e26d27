"""What orders groups: learned or hand-weighted scorers, their calibration, and what was chosen.

ranker/ranker.json      kinds, columns, weights, calibration, preferences, why
ranker/<who>.onnx       boosted trees, where there are any
ranker/seldom.npy       groups that are seldom shown
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.calibration import Calibration
from engine.errors import BundleError
from engine.features import CoMembership, Companions, InterestMatch, Liveliness
from engine.preferences import Preferences
from engine.ranker import Blend, Boosted, Linear, Weigher, WeightedSum
from engine.trees import Trees
from engine.types import BoolVector

WEIGHTS = {
    CoMembership.name: 1.0,
    Liveliness.name: 0.8,
    InterestMatch.name: 0.4,
    Companions.name: 0.3,
    "visits": 0.5,
}
"""Chosen by hand on validation windows; see the README's Decisions."""

NEWCOMER_WEIGHTS = {
    "text_fit": 1.0,
    "learned_match": 0.5,
    InterestMatch.name: 0.5,
    Liveliness.name: 0.5,
    "visits": 1.0,
}
"""For those who are in no group yet: what they say counts more than what is lively."""

RANKER = "ranker.json"


@dataclass(frozen=True, slots=True)
class GroupRanker:
    """Everything that turns measured groups into a slate.

    Attributes:
        known: Scores groups for members with groups.
        newcomer: Scores groups for those without.
        calibration: Probabilities for members with groups, None if they could not be calibrated.
        preferences: What the operator chose about slates.
        seldom: Groups that are alive and seldom shown, shape (groups,); empty for none.
        story: How the scorers were chosen: for a report, never read by a stage.
    """

    known: Weigher = field(default_factory=lambda: WeightedSum(WEIGHTS))
    newcomer: Weigher = field(default_factory=lambda: WeightedSum(NEWCOMER_WEIGHTS))
    calibration: Calibration | None = None
    preferences: Preferences = field(default_factory=Preferences)
    seldom: BoolVector = field(default_factory=lambda: np.zeros(0, bool))
    story: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Every column that is read: only these are measured."""
        read = [*self.known.columns, *self.newcomer.columns]
        read += self.calibration.columns if self.calibration else ()
        return list(dict.fromkeys(read))

    def save(self, folder: Path) -> None:
        """Write it into a new folder."""
        folder.mkdir()
        plain = {
            "known": _written(self.known, folder, "known"),
            "newcomer": _written(self.newcomer, folder, "newcomer"),
            "calibration": _plain(self.calibration),
            "preferences": asdict(self.preferences),
            "story": self.story,
        }
        (folder / RANKER).write_text(json.dumps(plain, indent=1), "utf-8")
        np.save(folder / "seldom.npy", self.seldom, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> GroupRanker:
        """Read it.

        Raises:
            BundleError: It cannot be read.
        """
        try:
            plain = json.loads((folder / RANKER).read_text("utf-8"))
            return cls(
                _read(plain["known"], folder),
                _read(plain["newcomer"], folder),
                _calibration(plain["calibration"]),
                Preferences(**plain["preferences"]),
                np.load(folder / "seldom.npy", allow_pickle=False),
                plain["story"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{folder / RANKER} cannot be read ({error}): train again") from error


def _written(scorer: Weigher, folder: Path, name: str) -> dict[str, Any]:
    if isinstance(scorer, WeightedSum):
        return {"kind": scorer.name, "weights": dict(scorer.weights)}
    if isinstance(scorer, Linear):
        numbers = {key: getattr(scorer, key).tolist() for key in ("means", "scales", "weights")}
        return {"kind": scorer.name, "columns": list(scorer.columns), **numbers}
    if isinstance(scorer, Boosted):
        (folder / f"{name}.onnx").write_bytes(scorer.trees.graph)
        return {"kind": scorer.name, "columns": list(scorer.columns), "file": f"{name}.onnx"}
    if isinstance(scorer, Blend):
        parts = [_written(part, folder, f"{name}-{n}") for n, part in enumerate(scorer.parts)]
        return {"kind": scorer.name, "parts": parts, "scales": list(scorer.scales)}
    raise TypeError(f"{type(scorer).__name__} cannot be stored")


def _read(plain: dict[str, Any], folder: Path) -> Weigher:
    kind = plain["kind"]
    if kind == WeightedSum.name:
        return WeightedSum(plain["weights"])
    if kind == Linear.name:
        numbers = [np.array(plain[key], np.float32) for key in ("means", "scales", "weights")]
        return Linear(tuple(plain["columns"]), *numbers)
    if kind == Boosted.name:
        graph = (folder / Path(plain["file"]).name).read_bytes()
        return Boosted(tuple(plain["columns"]), Trees(graph))
    if kind == Blend.name:
        parts = tuple(_read(part, folder) for part in plain["parts"])
        return Blend(parts, tuple(plain["scales"]))
    raise ValueError(f"a scorer of the kind {kind!r} is not known")


def _plain(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {**asdict(calibration), "weights": calibration.weights.tolist()}


def _calibration(plain: dict[str, Any] | None) -> Calibration | None:
    if plain is None:
        return None
    weights = np.array(plain["weights"], np.float32)
    return Calibration(**{**plain, "columns": tuple(plain["columns"]), "weights": weights})
