"""External id <-> row, at the border and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from engine.columns import Strings
from engine.errors import UnknownError
from engine.facts import Written


class IdMap:
    """The ids of one kind of thing, in row order; '' is that of one who was forgotten."""

    def __init__(self, ids: Strings, kind: str, rows: Mapping[str, int] | None = None) -> None:
        self.ids = ids
        self.kind = kind
        if rows is None:  # '' is nobody's id: it stands for whoever was erased
            rows = {external: row for row, external in enumerate(ids.tolist()) if external}
        self._rows = rows

    def __len__(self) -> int:
        """Return how many ids there are."""
        return len(self._rows)

    def __getitem__(self, row: int) -> str:
        """Return the id of a row."""
        return self.ids[row]

    def find(self, external: str) -> int | None:
        """Return the row of an id, None if nothing has it."""
        return self._rows.get(external)

    def row(self, external: str) -> int:
        """Return the row of an id.

        Raises:
            UnknownError: Nothing has that id.
        """
        row = self.find(external)
        if row is None:
            raise UnknownError(f"no {self.kind} has the id {external!r}")
        return row


def digest_of(secret: bytes, external: str, kind: Written = Written.MEMBER) -> str:
    """Return the opaque tombstone that stands for an id that was forgotten.

    Who does not know the id learns nothing from it, nor who has a list of likely ids but not the
    secret.

    Args:
        secret: The community's own.
        external: The id of a member, or of a post that only a forgotten member wrote.
        kind: Which. A post and a member of the same id have different digests, since no id
            holds NUL.
    """
    named = external if kind is Written.MEMBER else f"{kind.value}\0{external}"
    return hashlib.sha256(secret + named.encode("utf-8", "surrogatepass")).hexdigest()
