"""A real PostgreSQL server for the tests: started once, in a folder of its own, a socket its door.

Tests that need it take the fixture `postgres_url`, an empty database each. Without PostgreSQL
installed they are skipped, and say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

WAIT_S = 30
PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql")
OWNER = "postgres"
_numbers = count(1)


def program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs, the newest version's; None without one."""
    found = sorted(
        (path for place in PLACES for path in Path(place).glob(f"*/bin/{name}")),
        key=lambda path: [int(part) for part in path.parts if part.isdigit()],
    )
    return str(found[-1]) if found else shutil.which(name)


def as_owner(*command: str) -> list[str]:
    """Return the command as someone other than root runs it: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return list(command)
    who = f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"
    # Should the tests be killed, the server goes with them.
    return ["setpriv", *who, "--pdeathsig", "QUIT", *command]


@dataclass
class Server:
    """A server that can be stopped and started again.

    Attributes:
        folder: Holds its data and its socket.
        process: None while it is stopped.
        syncs: Whether it waits for the disk. No test can pull the plug, so what that adds is
            seen by benchmarks alone.
    """

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    syncs: bool = False

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Return the address of a database nobody has used."""
        name = f"belong_{next(_numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Take a database away, whoever is still connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                as_owner(
                    program("postgres") or "postgres",
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *("-c", "listen_addresses=", "-c", "max_connections=200"),
                    *("-c", f"fsync={'on' if self.syncs else 'off'}"),
                ),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self._wait()

    def stop(self) -> None:
        """Stop it at once, as a crash would; what was committed is kept."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(WAIT_S)
            self.process = None

    def _wait(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                alive = self.process is not None and self.process.poll() is None
                if not alive or time.monotonic() > deadline:
                    pytest.fail((self.folder / "log").read_text("utf-8", "replace"))
                time.sleep(0.05)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running server for the whole session."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgres() as server:
        yield server


@contextmanager
def running_postgres(*, syncs: bool = False) -> Iterator[Server]:
    """Give a running server in a folder of its own; both are gone in the end."""
    initdb = program("initdb")
    assert initdb is not None, "PostgreSQL is not installed"
    folder = Path(tempfile.mkdtemp(prefix="belong-postgres-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam(OWNER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = Server(folder, syncs=syncs)
    made = subprocess.run(
        as_owner(
            *(initdb, "-D", str(folder / "data"), "-U", OWNER, "-A", "trust", "-E", "UTF8"),
            # An order of letters that is not that of bytes, as most servers have.
            *("--locale-provider=icu", "--icu-locale=en-US"),
        ),
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert made.returncode == 0, made.stderr
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The address of an empty database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)
