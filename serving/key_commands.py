"""Commands for API keys: `belong keys create`, `list`, `rotate`, `revoke`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.store import STORE
from data.store.api_key import EVERY_COMMUNITY, ApiKey, KeyScope, NewKey, check_key
from engine.errors import SettingError

if TYPE_CHECKING:
    from data.store.connect import Store

app = typer.Typer()
keys_app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")
app.add_typer(keys_app, name="keys")

StoreUrl = Annotated[
    str | None, typer.Option("--store", help="A path or postgresql://…; else that of --bundles.")
]
Bundles = Annotated[
    Path | None, typer.Option(help="The folder of all bundles, with a store in it.")
]
KeyId = Annotated[str, typer.Argument(help="The key's id, its middle part.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@keys_app.command()
def create(  # noqa: PLR0913
    name: Annotated[str, typer.Option(help="Whom it is for.")],
    scope: Annotated[list[KeyScope], typer.Option(help="What it may do; repeat for more.")],
    community: Annotated[
        list[str] | None, typer.Option(help="Where it may do it; repeat for more.")
    ] = None,
    all_communities: Annotated[bool, typer.Option("--all", help="In every community.")] = False,
    store: StoreUrl = None,
    bundles: Bundles = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once."""
    from data.store.keys import create_key

    if all_communities == bool(community):
        raise SettingError("a key is for some communities or for all: give --community or --all")
    where = [EVERY_COMMUNITY] if all_communities else community or []
    if community and EVERY_COMMUNITY in community:
        raise SettingError("for every community, say --all")
    check_key(name, scope, where)
    with _opened(store, bundles, make=True) as opened:
        _show(create_key(opened, name, scope, where, time.time()), as_json)


@keys_app.command("list")
def list_all(store: StoreUrl = None, bundles: Bundles = None, as_json: AsJson = False) -> None:
    """List every key there has been, oldest first, without its secret."""
    from data.store.keys import list_keys

    with _opened(store, bundles) as opened:
        found = list_keys(opened)
    if as_json:
        typer.echo(json.dumps([_row(key) for key in found], indent=2))
        return
    table = Table("id", "name", "scopes", "communities", "made", "valid until")
    for key in found:
        where = "all" if key.covers_every_community else ", ".join(sorted(key.communities))
        cells = (key.id, key.name, ", ".join(sorted(key.scopes)), where, _day(key.created_ts))
        table.add_row(*map(Text, (*cells, _day(key.revoked_ts))))
    Console().print(table)


@keys_app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[float, typer.Option(help="Seconds the old one stays valid.", min=0)] = 0.0,
    store: StoreUrl = None,
    bundles: Bundles = None,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one that may do the same, and show it, once."""
    from data.store.keys import rotate_key

    with _opened(store, bundles) as opened:
        _show(rotate_key(opened, key_id, time.time(), grace), as_json)


@keys_app.command()
def revoke(key_id: KeyId, store: StoreUrl = None, bundles: Bundles = None) -> None:
    """Make a key invalid at once, in every running server."""
    from data.store.keys import revoke_key

    with _opened(store, bundles) as opened:
        revoke_key(opened, key_id, time.time())
    typer.echo(f"{key_id} is revoked")


def store_of(store: str | None, bundles: Path | None) -> str | Path:
    """Return the address of the store that two options mean.

    Raises:
        SettingError: Neither is given.
    """
    if store is not None:
        return store
    if bundles is None:
        raise SettingError("which store? give --store, or --bundles for the one in that folder")
    return bundles / STORE


@contextmanager
def _opened(store: str | None, bundles: Path | None, *, make: bool = False) -> Iterator[Store]:
    from data.store.connect import open_store, store_url

    url = store_url(store_of(store, bundles))
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and not make and not path.exists():
        raise SettingError(f"{path} is not there: make the first key with belong keys create")
    opened = open_store(url)
    try:
        yield opened
    finally:
        opened.close()


def _show(made: NewKey, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_row(made.key) | {"key": made.presented}, indent=2))
        return
    Console(stderr=True).print(
        "This is the only time the key is shown: keep it where secrets are kept.", soft_wrap=True
    )
    typer.echo(made.presented)


def _row(key: ApiKey) -> dict[str, Any]:
    return asdict(key) | {"scopes": sorted(key.scopes), "communities": sorted(key.communities)}


def _day(moment: float | None) -> str:
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
