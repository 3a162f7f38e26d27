"""One at a time: whoever holds a lease does the work, until it runs out."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, or_, update

from data.store.connect import Store
from data.store.rows import is_new
from data.store.schema import leases

SKEW_S = 60.0
"""By how much the clocks of several machines may differ."""


def ahead(moment: ColumnElement[float], now: float, for_s: float) -> ColumnElement[bool]:
    """Return that a lease ends later than anybody could have asked for by now.

    Then it was taken before the clock was set back: nobody is to wait until the clock is there
    again.

    Args:
        moment: When it ends.
        now: Unix seconds.
        for_s: For how long it is asked for.
    """
    return moment > now + for_s + SKEW_S


def hold_lease(store: Store, name: str, holder: str, now: float, for_s: float) -> bool:
    """Take a lease, or keep it for longer.

    Args:
        store: Where it is written.
        name: What it is for; all who ask for it ask for as long.
        holder: Who asks.
        now: Unix seconds by the asker's clock.
        for_s: How long they want it from now on; 0 gives it back.

    Returns:
        Whether they hold it: False while it is someone else's.

    Raises:
        StoreUnavailableError: The database cannot be used.
    """
    until = now + for_s
    row = {"name": name, "holder": holder, "until_ts": until}
    theirs = update(leases).where(
        leases.c.name == name,
        or_(
            leases.c.holder == holder,
            leases.c.until_ts <= now,
            ahead(leases.c.until_ts, now, for_s) if for_s else false(),
        ),
    )
    with store.writing() as connection:
        if is_new(connection, leases, row):
            return True
        return bool(connection.execute(theirs.values(holder=holder, until_ts=until)).rowcount)
