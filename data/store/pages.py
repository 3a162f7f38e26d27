"""Slates that are shown page by page, kept for a quarter of an hour, for every worker."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, or_, select

from data.store.connect import Store
from data.store.log import turn_of
from data.store.schema import erasures, pages
from engine.errors import BehindError

KEPT_S = 15 * 60.0
"""Seconds for which a slate is kept."""


@dataclass(frozen=True, slots=True)
class Paged:
    """A slate that is shown page by page.

    Attributes:
        viewer: To whom.
        purpose: For what.
        items: Ids, best first.
    """

    viewer: str
    purpose: str
    items: tuple[str, ...]


def keep_paged(
    store: Store, community: str, one: tuple[str, Paged], known: int, now: float
) -> None:
    """Keep a slate under an id, and drop those that are too old.

    Args:
        store: Where.
        community: Whose.
        one: The id, which cannot be guessed, and the slate.
        known: The last change that the slate knows.
        now: Unix seconds.

    Raises:
        BehindError: Somebody was forgotten after that; who it was may be in the slate.
        StoreUnavailableError: The database cannot be used.
    """
    name, slate = one
    mine = pages.c.community == community
    later = select(func.count()).where(erasures.c.community == community, erasures.c.seq > known)
    # Nobody is forgotten between looking and writing: that takes the community's turn as well.
    with store.writing() as connection, turn_of(connection, community, now):
        if connection.scalar(later):
            raise BehindError("somebody was forgotten just now: try again")
        # What lies ahead was kept before the clock was set back.
        old = or_(pages.c.created_ts < now - KEPT_S, pages.c.created_ts > now + KEPT_S)
        connection.execute(delete(pages).where(mine, old))
        row = {"viewer": slate.viewer, "purpose": slate.purpose, "items": list(slate.items)}
        connection.execute(
            insert(pages), {"community": community, "id": name, "created_ts": now, **row}
        )


def read_paged(store: Store, community: str, name: str, now: float) -> Paged | None:
    """Return the slate that is kept under an id, None if there is none or it is too old.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    mine = select(pages).where(pages.c.community == community, pages.c.id == name)
    with store.reading() as connection:
        row = connection.execute(mine).mappings().one_or_none()
    if row is None or abs(row["created_ts"] - now) > KEPT_S:
        return None
    return Paged(row["viewer"], row["purpose"], tuple(row["items"]))
