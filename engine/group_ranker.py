"""What orders groups: learned or hand-weighted scorers, their calibration, and what was chosen.

ranker/ranker.json      kinds, columns, weights, calibration, preferences, why
ranker/<who>.onnx       boosted trees, where there are any
ranker/seldom.npy       groups that are seldom shown
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from engine.array_file import mapped_array
from engine.calibration import Calibration
from engine.errors import BundleError, SettingError
from engine.features import CoMembership, Companions, InterestMatch, Liveliness
from engine.json_file import json_object, names_in, number_in, only, part_of
from engine.preferences import Preferences
from engine.ranker import Weigher, WeightedSum
from engine.ranker_file import numbers_of, read_scorer, written_scorer
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
            "known": written_scorer(self.known, folder, "known"),
            "newcomer": written_scorer(self.newcomer, folder, "newcomer"),
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
            plain = json_object((folder / RANKER).read_bytes())
            return cls(
                read_scorer(part_of(plain, "known", dict), folder),
                read_scorer(part_of(plain, "newcomer", dict), folder),
                _calibration(part_of(plain, "calibration", dict, NoneType)),
                _preferences(part_of(plain, "preferences", dict)),
                _seldom(folder / "seldom.npy"),
                part_of(plain, "story", dict),
            )
        except RecursionError as error:
            raise BundleError(f"{folder / RANKER} is nested too deep: train again") from error
        except (OSError, ValueError, TypeError, SettingError) as error:
            raise BundleError(f"{folder / RANKER} cannot be read ({error}): train again") from error


def _seldom(path: Path) -> BoolVector:
    found = np.array(mapped_array(path))
    if found.dtype != np.bool_ or found.ndim != 1:
        raise ValueError(f"{path.name} is not a yes or no for each group")
    return found


def _preferences(plain: dict[str, Any]) -> Preferences:
    part_of({"new_groups": 0, **plain}, "new_groups", int)
    return Preferences(**{name: part_of(plain, name, int, float) for name in plain})


def _plain(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {**asdict(calibration), "weights": calibration.weights.tolist()}


def _calibration(plain: dict[str, Any] | None) -> Calibration | None:
    if plain is None:
        return None
    only(plain, [one.name for one in fields(Calibration)])
    columns = names_in(plain, "columns")
    return Calibration(
        part_of(plain, "event", str),
        number_in(plain, "horizon_days"),
        columns,
        number_in(plain, "intercept"),
        numbers_of(plain, "weights", 2 + len(columns)),
        number_in(plain, "highest"),
    )
