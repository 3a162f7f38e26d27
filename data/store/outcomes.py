"""What was served, put together with what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from data.store.connect import Store
from data.store.holds import Event
from data.store.ledger import ServedItem, item_of
from data.store.rows import rows_by
from data.store.schema import feedback, served

AT_ONCE = 500
"""Slates read at a time."""

_COLUMNS = ("recommendation_id", "member", "item", "item_kind", "event")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item of one slate, and everything that was told of it.

    Attributes:
        recommendation_id: In which slate it was.
        created_ts: When that was served, unix seconds.
        member: To whom.
        purpose: For what.
        bundle: The version that answered.
        arm: Of which experiments: see `data.store.ledger.Served`.
        item: The item as it was served: its rank, its odds, its sources, its kinds of reasons.
        events: What became of it, at least one. Whatever became of it, it was shown.
    """

    recommendation_id: str
    created_ts: float
    member: str
    purpose: str
    bundle: str
    arm: str
    item: ServedItem
    events: frozenset[Event]


def outcomes(store: Store, community: str, since_ts: float = 0.0) -> Iterator[Outcome]:
    """Give everything that was shown, slate by slate, as far as the ledger knows the slate.

    What another member than the slate's tells of it is left out.

    Args:
        store: Where.
        community: Whose.
        since_ts: Only what was served from then on, unix seconds.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    last = ""
    while True:
        with store.reading() as connection:
            mine = (
                select(served)
                .where(served.c.community == community, served.c.created_ts >= since_ts)
                .where(served.c.recommendation_id > last)
                .order_by(served.c.recommendation_id)
                .limit(AT_ONCE)
            )
            slates = connection.execute(mine).mappings().all()
            ids = [slate["recommendation_id"] for slate in slates]
            told: defaultdict[tuple[str, str, str], set[Event]] = defaultdict(set)
            for row in rows_by(connection, feedback, community, "recommendation_id", ids, _COLUMNS):
                key = row["recommendation_id"], row["member"], row["item"]
                told[key].add(Event(row["event"]))
        for slate in slates:
            for cell in slate["items"]:
                events = told.get((slate["recommendation_id"], slate["member"], cell["item"]))
                if events:
                    yield Outcome(
                        recommendation_id=slate["recommendation_id"],
                        created_ts=slate["created_ts"],
                        member=slate["member"],
                        purpose=slate["purpose"],
                        bundle=slate["bundle"],
                        arm=slate["arm"] or "",
                        item=item_of(cell),
                        events=frozenset(events),
                    )
        if len(slates) < AT_ONCE:
            return
        last = ids[-1]
