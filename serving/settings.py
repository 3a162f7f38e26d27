"""What an operator may choose for a server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Self

from engine.errors import SettingError

MAX_LIMIT = 100
"""Items in one slate at most."""

MAX_BODY = 5_000_000
"""Bytes of a request's body at most."""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Settings of one server.

    Attributes:
        bundles: The folder of all communities' bundles.
        host: Address to listen on.
        port: Port to listen on.
        workers: Processes.
        poll_s: Seconds between looks for a newly promoted bundle.
        store: Where live changes are kept: a file, or a URL of PostgreSQL; None for
            `belong.sqlite3` in the bundles folder, if there is one.
        requests_per_s: How often one key may ask one worker, after a burst.
        burst: Requests that may come at one moment.
        handled: Requests one worker answers at once.
        queued: Requests that may wait beside them; more are refused.
        wait_s: Seconds a request may wait before it is refused.
        patience_s: Seconds a starting process waits for its bundles before it listens; after
            that it answers, with `/readyz` saying that it is not ready.
        hold_days: Days for which what is dismissed or declined is not suggested.
        ledger_days: Days for which what was served is kept.
        memory_limit: Bytes that communities may take in each worker: they are loaded when they
            are asked, and the least recently asked leave. None loads all of them at the start.
        load_wait_s: Seconds a request may wait for its community to be loaded.
    """

    bundles: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    poll_s: float = 2.0
    patience_s: float = 10.0
    store: str | None = None
    requests_per_s: float = 500.0
    burst: int = 1_000
    handled: int = 32
    queued: int = 128
    wait_s: float = 0.1
    hold_days: float = 90.0
    ledger_days: float = 180.0
    memory_limit: int | None = None
    load_wait_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a limit under which nothing could be loaded."""
        if self.memory_limit is not None and self.memory_limit < 1:
            raise SettingError(f"memory_limit is {self.memory_limit}, expected some bytes or none")

    def to_json(self) -> str:
        """Return the settings for a worker process."""
        fields = {field.name: getattr(self, field.name) for field in fields_of(self)}
        return json.dumps(fields | {"bundles": str(self.bundles)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the settings a parent process wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "bundles": Path(fields["bundles"])})


UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {f"{unit}I": 1024**place for place, unit in enumerate(UNITS) if unit}
SIZE = re.compile(r"(?P<number>\d{1,15}(\.\d{1,9})?)\s*(?P<unit>[KMGT]?I?)B?")


def bytes_of(text: str) -> int:
    """Return the bytes that a size in words stands for.

    Raises:
        SettingError: It is none, or less than a byte.

    >>> bytes_of("2GB"), bytes_of("1.5 GiB"), bytes_of("4096")
    (2000000000, 1610612736, 4096)
    """
    parts = SIZE.fullmatch(text.strip().upper())
    unit = UNITS.get(parts["unit"]) if parts else None
    found = int(float(parts["number"]) * unit) if parts and unit else 0
    if found < 1:
        raise SettingError(f"expected a size such as 2GB, 512MB or 1.5GiB, got {text[:40]!r}")
    return found
