"""What an operator may choose for a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MAX_LIMIT = 100
"""Items in one slate at most."""

MAX_BODY = 1_000_000
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
    """

    bundles: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    poll_s: float = 2.0

    def to_json(self) -> str:
        """Return the settings for a worker process."""
        fields = {name: getattr(self, name) for name in ("host", "port", "workers", "poll_s")}
        return json.dumps({"bundles": str(self.bundles), **fields})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the settings a parent process wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "bundles": Path(fields["bundles"])})
