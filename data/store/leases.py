"""One at a time: whoever holds a lease does the work, until it runs out."""

from __future__ import annotations

from sqlalchemy import or_, update

from data.store.connect import Store
from data.store.rows import is_new
from data.store.schema import leases


def hold_lease(store: Store, name: str, holder: str, now: float, for_s: float) -> bool:
    """Take a lease, or keep it for longer.

    Args:
        store: Where it is written.
        name: What it is for.
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
        leases.c.name == name, or_(leases.c.holder == holder, leases.c.until_ts <= now)
    )
    with store.writing() as connection:
        if is_new(connection, leases, row):
            return True
        return bool(connection.execute(theirs.values(holder=holder, until_ts=until)).rowcount)
