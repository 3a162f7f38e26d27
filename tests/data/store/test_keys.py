"""API keys: shown once, kept as a digest, found by what is presented, ended at once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store.api_key import EVERY_COMMUNITY, KeyScope, NewKey
from data.store.connect import Store, open_store
from data.store.key_finder import KeyFinder, key_finder
from data.store.keys import (
    create_key,
    digest_of,
    has_keys,
    id_presented,
    list_keys,
    revoke_key,
    rotate_key,
)
from engine.errors import SettingError, StoreUnavailableError, UnknownError

NOW = 1_000.0
READ = [KeyScope.READ]


@pytest.fixture
def finder(store: Store) -> Iterator[KeyFinder]:
    finder = key_finder(store)
    yield finder
    finder.close()


def made(store: Store, name: str = "forum") -> NewKey:
    return create_key(store, name, [KeyScope.WRITE, KeyScope.READ], ["town", "café"], NOW)


def test_a_key_is_found_by_what_was_shown_and_says_all_it_may(
    store: Store, finder: KeyFinder
) -> None:
    new = made(store)
    assert re.fullmatch(r"belong_[0-9a-f]{12}_[0-9a-f]{64}", new.presented)
    found = finder.find(new.presented, NOW)
    assert found == new.key == list_keys(store)[0]
    assert found.scopes == {"read", "write"}
    assert [found.covers(name) for name in ("town", "café", "Town", "*")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_key_for_every_community_covers_any(store: Store) -> None:
    key = create_key(store, "all", READ, [EVERY_COMMUNITY], NOW).key
    assert key.covers("town")
    assert key.covers_every_community


def test_whatever_else_is_presented_finds_nothing(store: Store, finder: KeyFinder) -> None:
    new, other = made(store), made(store)
    secret = new.presented.rpartition("_")[2]
    wrong = [
        new.presented[:-1] + ("0" if new.presented[-1] != "0" else "1"),
        new.presented + "0",
        new.presented.upper(),
        f"belong_{other.key.id}_{secret}",
        f"belong_000000000000_{secret}",
        f"belong_{new.key.id}_{digest_of(secret)}",
        f"belong_{new.key.id}_",
        secret,
        "",
        "\x00",
        "\ud800",
        "' OR 1=1 --",
        "x" * 100_000,
    ]
    assert [finder.find(presented, NOW) for presented in wrong] == [None] * len(wrong)


def test_no_secret_is_kept_listed_or_shown_by_accident(store: Store, tmp_path: Path) -> None:
    new = made(store)
    secret = new.presented.rpartition("_")[2]
    assert secret not in repr(new)
    assert secret not in repr(list_keys(store))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in files)


def test_two_keys_never_share_a_secret(store: Store) -> None:
    assert len({made(store).presented[20:] for _ in range(5)}) == 5


def test_a_revoked_key_is_refused_at_once_by_whoever_looked_before(
    store: Store, finder: KeyFinder, store_address: str
) -> None:
    new, other = made(store), made(store)
    assert finder.find(new.presented, NOW)
    elsewhere = open_store(store_address)
    revoke_key(elsewhere, new.key.id, NOW + 1)
    elsewhere.close()
    assert finder.find(new.presented, NOW + 1) is None
    assert finder.find(other.presented, NOW + 1) == other.key


def test_revoking_again_changes_nothing(store: Store) -> None:
    new = made(store)
    revoke_key(store, new.key.id, NOW + 1)
    revoke_key(store, new.key.id, NOW + 9)
    assert [key.revoked_ts for key in list_keys(store)] == [NOW + 1]


def test_a_rotated_key_lives_for_its_grace_and_no_longer(store: Store, finder: KeyFinder) -> None:
    old = made(store)
    new = rotate_key(store, old.key.id, NOW + 1, grace_s=60)
    assert (new.key.name, new.key.scopes, new.key.communities) == (
        old.key.name, old.key.scopes, old.key.communities,
    )  # fmt: skip
    assert new.key.rotated_from == old.key.id
    assert new.presented[20:] != old.presented[20:]
    valid = [finder.find(old.presented, NOW + then) is not None for then in (1, 60.9, 61, 1e9)]
    assert valid == [True, True, False, False]
    assert finder.find(new.presented, NOW + 1e9) == new.key


def test_without_grace_the_old_key_ends_as_the_new_one_begins(
    store: Store, finder: KeyFinder
) -> None:
    old = made(store)
    new = rotate_key(store, old.key.id, NOW)
    assert finder.find(old.presented, NOW) is None
    assert finder.find(new.presented, NOW)


def test_a_key_in_its_grace_can_be_revoked_at_once(store: Store, finder: KeyFinder) -> None:
    old = made(store)
    rotate_key(store, old.key.id, NOW, grace_s=60)
    revoke_key(store, old.key.id, NOW + 1)
    assert finder.find(old.presented, NOW + 1) is None


def test_a_key_that_is_ending_cannot_be_rotated(store: Store) -> None:
    old = made(store)
    rotate_key(store, old.key.id, NOW, grace_s=60)
    with pytest.raises(SettingError, match="make a new one"):
        rotate_key(store, old.key.id, NOW)
    assert len(list_keys(store)) == 2


@pytest.mark.parametrize("grace", [-1.0, float("nan"), float("inf")])
def test_a_grace_that_is_no_time_is_refused(store: Store, grace: float) -> None:
    new = made(store)
    with pytest.raises(SettingError, match="grace"):
        rotate_key(store, new.key.id, NOW, grace_s=grace)
    assert list_keys(store) == [new.key]


@pytest.mark.parametrize("change", [revoke_key, rotate_key])
def test_an_unknown_id_is_said_to_be_so(store: Store, change: object) -> None:
    assert callable(change)
    with pytest.raises(UnknownError, match="feedfacecafe"):
        change(store, "feedfacecafe", NOW)


@pytest.mark.parametrize(
    ("name", "scopes", "communities"),
    [
        ("", READ, ["town"]),
        (" ", READ, ["town"]),
        ("x\ny", READ, ["town"]),
        ("x" * 101, READ, ["town"]),
        ("x", [], ["town"]),
        ("x", READ, []),
        ("x", READ, [""]),
        ("x", READ, ["town", EVERY_COMMUNITY]),
    ],
)
def test_a_key_that_would_mean_nothing_is_refused(
    store: Store, name: str, scopes: list[KeyScope], communities: list[str]
) -> None:
    with pytest.raises(SettingError):
        create_key(store, name, scopes, communities, NOW)
    assert list_keys(store) == []


def test_revoking_the_last_key_does_not_make_a_store_one_without_keys(
    store: Store, finder: KeyFinder
) -> None:
    assert (has_keys(store), finder.any()) == (False, False)
    new = made(store)
    assert (has_keys(store), finder.any()) == (True, True)
    revoke_key(store, new.key.id, NOW)
    assert (has_keys(store), finder.any(), key_finder(store).any()) == (True, True, True)


def test_known_and_unknown_ids_take_one_look_up_and_one_comparison_each() -> None:
    looked_up: list[str] = []

    def digest(key_id: str, otherwise: str) -> str:
        looked_up.append(key_id)
        return digest_of("1" * 64) if key_id == "a" * 12 else otherwise

    assert id_presented(f"belong_{'a' * 12}_{'1' * 64}", digest) == "a" * 12
    for presented in (f"belong_{'a' * 12}_{'2' * 64}", f"belong_{'b' * 12}_{'1' * 64}", "junk"):
        assert id_presented(presented, digest) is None
    assert looked_up == ["a" * 12, "a" * 12, "b" * 12, ""]


def test_a_store_that_is_gone_finds_nobody_and_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "belong.sqlite3")
    new = made(store)
    finder = key_finder(store)
    assert finder.find(new.presented, NOW)
    with sqlite3.connect(tmp_path / "belong.sqlite3") as connection:
        connection.execute("ALTER TABLE api_keys RENAME TO gone")
    connection.close()
    with pytest.raises(StoreUnavailableError):
        finder.find(new.presented, NOW)
    with sqlite3.connect(tmp_path / "belong.sqlite3") as connection:
        connection.execute("ALTER TABLE gone RENAME TO api_keys")
    connection.close()
    assert finder.find(new.presented, NOW)
    finder.close()
    store.close()
