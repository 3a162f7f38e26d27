"""What an operator may choose about slates. It imports nothing heavy: a command line reads it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import SettingError


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a community's operator may choose about slates.

    Attributes:
        intimacy: How much small counts, 0 not at all. A group ten times the preferred size falls
            behind by this share of the spread between the best and the fiftieth candidate.
        preferred_size: Members up to which a group is as small as anybody could wish.
        variety: How much a slate is drawn to the viewer's mix of interests and away from copies.
        exploration: Share of slates of which one place goes to a fitting group that is seldom
            shown.
        new_groups: Places of ten, at most, that are kept for groups nobody has joined yet; what
            is learned from earlier windows may be fewer.
    """

    intimacy: float = 0.3
    preferred_size: float = 20.0
    variety: float = 0.1
    exploration: float = 0.1
    new_groups: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            SettingError: A value is outside its range.
        """
        ranges = {
            "intimacy": (0, 3), "preferred_size": (1, float("inf")), "variety": (0, 1),
            "exploration": (0, 1), "new_groups": (0, 5),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise SettingError(f"{name} is {low} to {high}, not {getattr(self, name)}")
