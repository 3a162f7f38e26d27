"""What an operator may choose for a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Self

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

    def to_json(self) -> str:
        """Return the settings for a worker process."""
        fields = {field.name: getattr(self, field.name) for field in fields_of(self)}
        return json.dumps(fields | {"bundles": str(self.bundles)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the settings a parent process wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "bundles": Path(fields["bundles"])})
