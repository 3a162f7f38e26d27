"""A town of two hundred, in which a comparison takes seconds, and when people joined there."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from data.community import Community
from data.town import make_town
from data.validate import read_community
from data.write import write_folder


def small_town(folder: Path) -> Community:
    write_folder(make_town(200, seed=3).tables, folder)
    return read_community(folder, now=time.time())


def day(community: Community, share: float) -> str:
    """Return the day by which a share of the joins had happened."""
    when = community.memberships["first_ts"].drop_nulls().sort()
    return datetime.fromtimestamp(when[int(len(when) * share)], tz=UTC).date().isoformat()
