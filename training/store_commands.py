"""Commands between a folder and the store: import, export; and where training reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from data.store import STORE
from engine.errors import SettingError, UnknownError

if TYPE_CHECKING:
    from data.community import Community
    from data.store.connect import Store
    from training.train import Stored

app = typer.Typer()

PATIENCE_S = 600.0
"""Seconds a statement may take: whole tables are read and written."""

StoreUrl = Annotated[
    str | None, typer.Option("--store", help="A path or postgresql://…; else that of --bundles.")
]
Bundles = Annotated[
    Path | None, typer.Option(help="The folder of all bundles, with a store in it.")
]


@app.command("import")
def import_(
    data: Annotated[Path, typer.Argument(help="A community folder.")],
    store: StoreUrl = None,
    bundles: Bundles = None,
    community: Annotated[str | None, typer.Option(help="Its name; the folder's if absent.")] = None,
) -> None:
    """Put a community folder into the store; run again, it finishes what was begun.

    What the store knows already is replaced, but never made more open than it is.
    """
    from data.store.import_export import import_community
    from data.validate import read_community
    from training.console import TerminalProgress

    console = Console(stderr=True, emoji=False)
    now = time.time()
    found = read_community(data, now=now, name=community)
    with opened_store(store, bundles) as opened:
        head = import_community(opened, found, now, TerminalProgress(console))
    if found.rejections:
        console.print(f"set aside {len(found.rejections)} rows: see belong inspect {data}")
    typer.echo(json.dumps({"community": found.name, "sequence": head}))


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="The folder to write.", file_okay=False)],
    store: StoreUrl = None,
    bundles: Bundles = None,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
) -> None:
    """Write a community of the store as a folder; the same state gives the same bytes."""
    from data.store.import_export import export_community

    with opened_store(store, bundles, make=False) as opened:
        name = community or only_community_in(opened)
        export_community(opened, name, out)
    typer.echo(json.dumps({"community": name, "folder": str(out)}))


def read_from_store(store: str | None, bundles: Path, name: str | None) -> tuple[Community, Stored]:
    """Return a community as the store has it, and what the store knows beside it.

    Args:
        store: The store's address; the one beside the bundles if None.
        bundles: The folder of all bundles.
        name: Which community; the only one if None.

    Raises:
        SettingError: There is no such store.
        UnknownError: There is no such community, or several and none was named.
        StoreUnavailableError: The database cannot be used.
    """
    from training.train import read_stored

    with opened_store(store, bundles, make=False) as opened:
        return read_stored(opened, name or only_community_in(opened), time.time())


@contextmanager
def opened_store(store: str | None, bundles: Path | None, *, make: bool = True) -> Iterator[Store]:
    """Open the store that a command names, for as long as it needs it.

    Args:
        store: Its address; the one beside the bundles if None.
        bundles: The folder of all bundles.
        make: Whether it may be made.

    Raises:
        SettingError: None is named, or there is none and none may be made.
        StoreUnavailableError: The database cannot be used.
    """
    from data.store.connect import open_store, store_url

    if store is None and bundles is None:
        raise SettingError("say which store: --store ADDRESS, or --bundles with one in it")
    url = store_url(store if store is not None else (bundles or Path()) / STORE)
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and not make and not path.exists():
        raise SettingError(f"there is no store {path}: make one with belong import")
    opened = open_store(url, PATIENCE_S)
    try:
        yield opened
    finally:
        opened.close()


def only_community_in(store: Store) -> str:
    """Return the one community there is.

    Raises:
        UnknownError: There is none, or there are several.
    """
    from data.store.reading import communities

    with store.reading() as connection:
        names = communities(connection)
    if len(names) != 1:
        raise UnknownError(
            f"the store holds {', '.join(names) or 'no community'}: name one with --community"
        )
    return names[0]
