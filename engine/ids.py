"""External id <-> row, at the border and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Self

from engine.columns import Strings
from engine.errors import UnknownError
from engine.facts import Written


class IdMap:
    """The ids of one kind of thing, in row order; '' is that of one who was forgotten.

    Args:
        ids: The column of ids.
        kind: What they are ids of, for errors.
    """

    def __init__(self, ids: Strings, kind: str) -> None:
        self.ids = ids
        self.kind = kind
        # '' is nobody's id: it stands for whoever was erased.
        self._rows = {external: row for row, external in enumerate(ids.tolist()) if external}
        self._since: Mapping[str, int | None] = {}
        self._count = len(self._rows)

    def since(self, ids: Strings, changed: Mapping[str, int | None]) -> Self:
        """Return the same ids but for some that have come, moved or gone (None) since.

        That costs as much as there are changes, however many ids there are.
        """
        other = copy(self)
        other.ids, other._since = ids, dict(changed)
        came = sum(row is not None for row in changed.values())
        other._count = len(self._rows) + came - sum(one in self._rows for one in changed)
        return other

    def __len__(self) -> int:
        """Return how many ids there are."""
        return self._count

    def __getitem__(self, row: int) -> str:
        """Return the id of a row."""
        return self.ids[row]

    def externals(self) -> Iterable[str]:
        """Give the ids as they were at first, in row order."""
        return self._rows.keys()

    def find(self, external: str) -> int | None:
        """Return the row of an id, None if nothing has it."""
        if external in self._since:
            return self._since[external]
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
