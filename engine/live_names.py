"""Languages and places as numbers, while new ones come: the handiwork of the overlay."""

from __future__ import annotations

from collections.abc import Mapping

from engine.columns import Strings
from engine.snapshot import UNKNOWN
from engine.wanted import compared


class Names:
    """The number of each name: a bundle's, then one more for each that is new. One writer."""

    def __init__(self, base: Strings) -> None:
        self.strings = base  # never changed, only replaced: readers may hold it
        # '' stands for what only somebody had told who was erased from the bundle.
        self._numbers = {name: place for place, name in enumerate(base.tolist()) if name}

    def numbers(self, told: Mapping[int, str]) -> dict[int, int]:
        """Return for each row the number of what it told, `UNKNOWN` for nothing."""
        names = {row: compared(name) for row, name in told.items()}
        new = sorted(set(names.values()) - {"", *self._numbers})
        if new:
            size = len(self.strings)
            places = {size + place: name for place, name in enumerate(new)}
            self.strings = self.strings.with_items(places, size + len(new))
            self._numbers |= {name: place for place, name in places.items()}
        return {row: self._numbers.get(name, UNKNOWN) for row, name in names.items()}
