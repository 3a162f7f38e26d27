"""Commands that read bundles: `belong serve`, `belong recommend`."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.errors import UnknownError

app = typer.Typer()

Bundles = Annotated[Path, typer.Option(help="The folder of all bundles.", file_okay=False)]


class RecommendedKind(StrEnum):
    """What may be recommended."""

    GROUPS = "groups"
    MEMBERS = "members"


@app.command()
def serve(
    bundles: Bundles,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Answer over HTTP from the current bundles."""
    # Set before numpy is imported: many small products are quicker on one thread each.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from engine.registry import Registry
    from serving.run import check_address
    from serving.run import serve as run
    from serving.settings import ServeSettings

    if not Registry(bundles).communities():
        raise UnknownError(f"{bundles} holds no current bundle: run belong train first")
    check_address(host, port)
    Console(stderr=True).print(f"Belong answers on http://{host}:{port}, docs on /docs")
    run(ServeSettings(bundles, host, port, workers))


@app.command()
def recommend(
    member: Annotated[str, typer.Argument(help="The member's id.")],
    bundles: Bundles,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    kind: Annotated[
        RecommendedKind, typer.Option(help="What to suggest.")
    ] = RecommendedKind.GROUPS,
    limit: Annotated[int, typer.Option("-k", "--limit", min=1, max=100)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Suggest groups or people to a member, with reasons."""
    from engine.bundle import load_bundle
    from engine.recommender import Recommender
    from engine.registry import Registry

    registry = Registry(bundles)
    name = community or registry.only_community()
    recommender = Recommender(load_bundle(registry.current(name), threads=0))
    ask = recommender.groups_for if kind == RecommendedKind.GROUPS else recommender.members_for
    items = ask(member, limit).items
    if as_json:
        rows = [
            {
                "id": item.id,
                "name": item.name,
                "score": item.score,
                "reasons": [
                    {"kind": why.kind, "text": why.text, "evidence": list(why.evidence)}
                    for why in item.reasons
                ],
            }
            for item in items
        ]
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
