"""How the tests run an application, change the bundles under it, and wait for what follows."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from engine.manifest import MANIFEST
from engine.registry import Registry
from serving.app import create_app
from serving.settings import ServeSettings

WAIT_S = 30.0


@contextmanager
def running(bundles: Path, *, wait: bool = True) -> Iterator[TestClient]:
    """Run an application that looks for new bundles many times a second."""
    app = create_app(ServeSettings(bundles, poll_s=0.02, patience_s=0))
    # A fault of the server shall be an answer here as it would be over the network.
    with TestClient(app, raise_server_exceptions=False) as client:
        if wait:
            wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def wait_until(happened: Callable[[], object]) -> None:
    """Return once it has happened; fail if that takes unreasonably long."""
    end = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < end, f"did not happen within {WAIT_S} s"
        time.sleep(0.02)


def copied(bundles: Path, to: Path) -> Registry:
    """Return a registry with the same bundles that may be changed file by file."""
    # A database that two servers know by different names would not survive that.
    store = shutil.ignore_patterns("belong.sqlite3*")
    shutil.copytree(bundles, to, copy_function=os.link, ignore=store)
    return Registry(to)


def another_version(registry: Registry, community: str, version: str) -> Path:
    """Add a copy of the current bundle under another version, not yet current."""
    current = registry.current(community)
    beside = current.with_name(f".{version}")  # as training does: there whole or not at all
    shutil.copytree(current, beside, copy_function=os.link)
    manifest = json.loads((beside / MANIFEST).read_text("utf-8"))
    replace_file(beside / MANIFEST, json.dumps(manifest | {"version": version}).encode())
    return beside.rename(current.with_name(version))


def replace_file(path: Path, content: bytes) -> None:
    """Give a file other content without touching those it shares its content with."""
    path.unlink()
    path.write_bytes(content)


def get_exactly(app: FastAPI, raw_path: str) -> tuple[int, Any]:
    """Ask for a path as it stands; clients would take `..` in it for a way up."""
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": raw_path.encode("ascii"),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return int(sent[0]["status"]), json.loads(body)
