"""Commands that read bundles: `belong serve`, `belong recommend`."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.store import STORE
from engine.errors import SettingError, UnknownError

if TYPE_CHECKING:
    from engine.answers import Suggestion
    from engine.recommender import Recommender

app = typer.Typer()

Bundles = Annotated[Path, typer.Option(help="The folder of all bundles.", file_okay=False)]


class RecommendedKind(StrEnum):
    """What may be recommended."""

    GROUPS = "groups"
    MEMBERS = "members"


@app.command()
def serve(  # noqa: PLR0913
    bundles: Bundles,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    store: Annotated[
        str | None, typer.Option(help="Where changes are kept; belong.sqlite3 beside the bundles.")
    ] = None,
    rate: Annotated[
        float, typer.Option(help="Requests a second, of one key to one worker.", min=1)
    ] = 500.0,
    burst: Annotated[int, typer.Option(help="Requests that may come at once.", min=1)] = 1_000,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            help="Memory for communities, such as 2GB: they come when they are asked, and the "
            "least recently asked leave. Else all are loaded at the start."
        ),
    ] = None,
) -> None:
    """Answer over HTTP from the current bundles, and take in what changes."""
    # Set before numpy is imported: many small products are quicker on one thread each.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from data.store.connect import open_store
    from data.store.keys import has_keys
    from engine.registry import Registry
    from serving.keys import may_bind
    from serving.run import check_address
    from serving.run import serve as run
    from serving.settings import ServeSettings, bytes_of

    limit = None if memory_limit is None else bytes_of(memory_limit)
    if not Registry(bundles).communities():
        raise UnknownError(f"{bundles} holds no current bundle: run belong train first")
    check_address(host, port)
    where = store or str(bundles / STORE)
    opened = open_store(where)
    guarded = has_keys(opened)
    opened.close()
    may_bind(host, guarded)
    console = Console(stderr=True)
    console.print(f"Belong answers on http://{host}:{port}, docs on /docs")
    if not guarded:
        console.print("there is no key yet: everybody on this machine may ask, nobody else can")
    run(
        ServeSettings(
            bundles,
            host,
            port,
            workers,
            store=where,
            requests_per_s=rate,
            burst=burst,
            memory_limit=limit,
        )
    )


@app.command()
def recommend(  # noqa: PLR0913
    bundles: Bundles,
    member: Annotated[str | None, typer.Argument(help="The member's id.")] = None,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    kind: Annotated[
        RecommendedKind, typer.Option(help="What to suggest.")
    ] = RecommendedKind.GROUPS,
    limit: Annotated[int, typer.Option("-k", "--limit", min=1, max=100)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="To every member, into the file --out.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --all: a file of JSON lines.", dir_okay=False)
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Where changes are kept; belong.sqlite3 beside the bundles.")
    ] = None,
) -> None:
    """Suggest groups or people to a member, or to all, with reasons."""
    from engine.registry import Registry
    from serving.recommend_all import recommender_now, row_of

    if (member is None) != everybody or (out is None) == everybody:
        raise SettingError("name one member, or give --all with --out FILE")
    name = community or Registry(bundles).only_community()
    recommender = recommender_now(bundles, name, store)
    if out is not None:
        _recommend_all(recommender, kind, limit, out)
        return
    items = _asked(recommender, kind, str(member), limit)
    if as_json:
        rows = [row_of(item) for item in items]
        typer.echo(json.dumps({"community": name, "member": member, "items": rows}, indent=2))
        return
    table = Table("", kind.value, "why", title=Text(f"{kind.value} for {member} in {name}"))
    for place, item in enumerate(items, start=1):
        reasons = "\n".join(reason.text for reason in item.reasons)
        called = Text(item.name)
        if item.id != item.name:
            called.append(f"\n{item.id}", "dim")
        table.add_row(str(place), called, Text(reasons))
    Console().print(table)


def _asked(
    recommender: Recommender, kind: RecommendedKind, member: str, limit: int
) -> tuple[Suggestion, ...]:
    groups = kind == RecommendedKind.GROUPS
    return (recommender.groups_for if groups else recommender.members_for)(member, limit).items


def _recommend_all(recommender: Recommender, kind: RecommendedKind, limit: int, out: Path) -> None:
    from rich.progress import Progress

    from serving.recommend_all import write_slates

    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task("recommending", total=len(recommender.members))
        count = write_slates(
            out,
            recommender,
            lambda member, k: _asked(recommender, kind, member, k),
            limit,
            lambda done: bars.update(bar, advance=done),
        )
    typer.echo(json.dumps({"members": count, "file": str(out)}))
