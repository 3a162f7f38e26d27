"""External id <-> row, at the border and nowhere else."""

from __future__ import annotations

from engine.columns import Strings
from engine.errors import UnknownError


class IdMap:
    """The ids of one kind of thing, in row order."""

    def __init__(self, ids: Strings, kind: str) -> None:
        self.ids = ids
        self.kind = kind
        self._rows = {external: row for row, external in enumerate(ids.tolist())}

    def __len__(self) -> int:
        """Return how many ids there are."""
        return len(self.ids)

    def __getitem__(self, row: int) -> str:
        """Return the id of a row."""
        return self.ids[row]

    def row(self, external: str) -> int:
        """Return the row of an id.

        Raises:
            UnknownError: Nothing has that id.
        """
        row = self._rows.get(external)
        if row is None:
            raise UnknownError(f"no {self.kind} has the id {external!r}")
        return row
