"""Commands for the day after: `belong backup`, `belong restore`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import SettingError

app = typer.Typer()

STORE = "belong.sqlite3"
"""The store of a server that is not told another, in the bundles folder."""

Bundles = Annotated[Path, typer.Option(help="The folder of all bundles.", file_okay=False)]
StoreUrl = Annotated[
    str | None, typer.Option("--store", help="A path or postgresql://…; else that of --bundles.")
]


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    bundles: Bundles,
    store: StoreUrl = None,
    link: Annotated[
        bool, typer.Option(help="Share bundles' files with the bundles folder: quick and small.")
    ] = False,
) -> None:
    """Copy all bundles and the store, while servers answer, into a new folder."""
    from data.store.backup import PATIENCE_S
    from data.store.connect import open_store, store_url
    from serving.backup import as_row, make_backup

    if not bundles.is_dir():
        raise SettingError(f"there is no folder {bundles}")
    where = store_url(store if store is not None else bundles / STORE)
    path = Path(where.removeprefix("sqlite:///"))
    absent = where.startswith("sqlite") and not path.exists()
    if absent and store is not None:
        raise SettingError(f"there is no store {path}")
    opened = None if absent else open_store(where, PATIENCE_S)
    try:
        card = make_backup(bundles, opened, out, time.time(), link=link)
    finally:
        if opened is not None:
            opened.close()
    typer.echo(json.dumps(as_row(card), indent=2))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The folder of a backup.", file_okay=False)],
    bundles: Bundles,
    store: StoreUrl = None,
) -> None:
    """Put a backup into an empty place: another bundles folder, another store."""
    from serving.backup import as_row, restore_backup

    address = store if store is not None else bundles / STORE
    card = restore_backup(source, bundles, address)
    typer.echo(json.dumps(as_row(card), indent=2))
