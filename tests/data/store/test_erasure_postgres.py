"""On PostgreSQL, too, no byte is left of whoever was forgotten: what we can reach, and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from data.store.changes import PutMember, PutPost, apply_changes, create_community
from data.store.connect import Store, open_store
from data.store.erasure import compact, erase_member
from data.store.schema import metadata
from tests.postgres import Server

TOWN, NOW = "town", 1_700_000_000.0
_tests = count(1)


@dataclass(frozen=True)
class Words:
    """Words that only the forgotten member's rows hold, and those of no other test.

    All tests have one server, which keeps for a while what it has written.
    """

    member: str
    name: str
    text: str
    post: str


@pytest.fixture
def words() -> Words:
    """Words that nobody has said before."""
    number = next(_tests)
    return Words(*(f"{word}{number}" for word in ("quagga", "ocarina", "kohlrabi", "sousaphone")))


@pytest.fixture
def store(postgres_url: str, words: Words) -> Iterator[Store]:
    """A town of two hundred, one of whom says what nobody else says."""
    opened = open_store(postgres_url)
    create_community(opened, TOWN, NOW)
    others = [PutMember(f"m{one}", text="bread " * 40) for one in range(200)]
    text = f"{words.text} " * 1_500  # long enough for pages of its own, and to be stored apart
    theirs = PutPost(words.post, (words.member,), title=words.text, text=text)
    member = PutMember(words.member, words.name, words.text)
    apply_changes(opened, TOWN, [*others, member, theirs], NOW)
    compact(opened)  # so that statistics quote them as well
    yield opened
    opened.close()


@pytest.fixture
def not_recycling(postgres_server: Server) -> Iterator[None]:
    """The server removes old parts of its write-ahead log instead of using their files again."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET wal_recycle = off")
        connection.execute("SELECT pg_reload_conf()")
        yield
        connection.execute("ALTER SYSTEM RESET wal_recycle")
        connection.execute("SELECT pg_reload_conf()")


def found_in(folder: Path, words: Words) -> dict[str, str]:
    """Return which of the words are in any byte of any file, and in which file."""
    return {
        word: path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for word in astuple(words)
        if word.encode() in content
    }


def test_no_byte_of_the_tables_or_statistics_holds_the_words_of_the_forgotten(
    store: Store, postgres_server: Server, words: Words
) -> None:
    base = postgres_server.folder / "data" / "base"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        before = found_in(base, words)
        erase_member(store, TOWN, words.member, NOW)
        compact(store)
        connection.execute("CHECKPOINT")
    # The long text is packed, but its first words stand there as they are.
    assert before.keys() == set(astuple(words))
    assert found_in(base, words) == {}


@pytest.mark.usefixtures("not_recycling")
def test_nor_does_the_write_ahead_log_where_old_parts_of_it_are_removed(
    store: Store, postgres_server: Server, words: Words
) -> None:
    data = postgres_server.folder / "data"
    erase_member(store, TOWN, words.member, NOW)
    assert found_in(data / "pg_wal", words)
    compact(store)
    assert found_in(data, words) == {}


def test_a_role_that_may_not_begin_a_new_log_still_empties_the_tables(
    store: Store, postgres_server: Server, words: Words
) -> None:
    name = str(store.engine.url.database)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO plain'.encode())
    with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        for table in metadata.sorted_tables:
            connection.execute(f'ALTER TABLE "{table.name}" OWNER TO plain'.encode())
        connection.execute("GRANT SELECT ON alembic_version TO plain")
    plain = open_store(postgres_server.url(name).replace("postgres@", "plain@"))
    refused: list[str] = []
    event.listen(plain.engine, "handle_error", lambda told: refused.append(told.statement))
    try:
        erase_member(plain, TOWN, words.member, NOW)
        assert compact(plain)
    finally:
        plain.close()
        with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
            connection.execute("REASSIGN OWNED BY plain TO postgres")
            connection.execute("DROP OWNED BY plain")
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" OWNER TO postgres'.encode())
            connection.execute("DROP ROLE plain")
    assert refused == ["SELECT pg_switch_wal()", "CHECKPOINT"]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    assert found_in(postgres_server.folder / "data" / "base", words) == {}
