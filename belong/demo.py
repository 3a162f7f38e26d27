"""`belong demo`: a synthetic town, from nothing to a server that answers, in a few minutes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from data.store import STORE
from training.commands import DEFAULT_CACHE, DEFAULT_MODEL, DEFAULT_PROCESSES

if TYPE_CHECKING:
    from data.community import Community
    from engine.answers import Answer
    from engine.recommender import Recommender
    from training.progress import Progress

SEED = 7
SHOWN = 3
"""Members whose suggestions are printed."""


def demo(
    members: Annotated[int, typer.Option(help="Size of the town, 200 to 1,000,000.")] = 2_000,
    port: Annotated[int, typer.Option(help="Port to serve on.", min=1, max=65535)] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Print and end.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the town and its bundle go.")] = Path("demo"),
) -> None:
    """Make a synthetic town, learn from it, measure, show three members, and serve."""
    from engine.bundle import load_bundle
    from engine.recommender import Recommender
    from engine.registry import Registry
    from training.assess import AssessSettings, assess
    from training.console import TerminalProgress, figures_table
    from training.train import Stored, TrainSettings, open_workshop, train

    if not no_serve:
        _check_port(port)
    console = Console(emoji=False)
    progress = TerminalProgress(Console(stderr=True))
    town = _make(members, folder / "town", console)
    registry = Registry(folder / "bundles")
    settings = TrainSettings(DEFAULT_MODEL, None, DEFAULT_CACHE, processes=DEFAULT_PROCESSES)
    console.rule("keep")
    town, watermark = _kept(town, folder / "bundles" / STORE, progress)
    console.rule("learn")
    train(town, settings, registry, datetime.now(UTC), progress, Stored(watermark))
    console.rule("measure on the last fifth of the joins")
    result = assess(town, AssessSettings(), open_workshop(DEFAULT_CACHE), progress)
    console.print(figures_table("groups", result["systems"]))
    console.print(figures_table("introductions", result["introductions"]["systems"]))
    console.rule("suggest")
    recommender = Recommender(load_bundle(registry.current("town")))
    for member in _interesting(town):
        _show(recommender, town, member, console)
    if no_serve:
        console.print(f"Serve it with: belong serve --bundles {folder / 'bundles'}")
        return
    console.rule("serve")
    _serve(folder / "bundles", port, console)


def _make(members: int, folder: Path, console: Console) -> Community:
    """Make the town as a folder on disk and read it back, as any community would be."""
    from data.town import make_town
    from data.validate import read_community
    from data.write import write_folder

    console.rule("a town")
    town = make_town(members, SEED)
    write_folder(town.tables, folder)
    community = read_community(folder, now=datetime.now(UTC).timestamp(), name="town")
    console.print(
        f"{len(community.members):,} members, {len(community.groups):,} groups, "
        f"{len(community.posts):,} posts in {folder}"
    )
    return community


def _kept(town: Community, file: Path, progress: Progress) -> tuple[Community, int]:
    """Put the town into a store, as a platform would, and read it back for training."""
    from data.store.connect import open_store
    from data.store.import_export import import_community, read_stored_community

    now = datetime.now(UTC).timestamp()
    file.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(file, timeout_s=60.0)
    try:
        import_community(store, town, now, progress)
        return read_stored_community(store, town.name, now)
    finally:
        store.close()


def _interesting(town: Community) -> list[int]:
    """Return members to show: someone at home here, someone quiet, someone new."""
    import numpy as np

    count = len(town.members)
    groups = np.bincount(town.memberships["member"], minlength=count)
    posts = np.bincount(town.authors["member"], minlength=count)
    told = (town.members["text"] != "").to_numpy()
    may = (town.members["discoverable"] & town.members["open_to_introductions"]).to_numpy()
    may &= town.members["audience"].is_not_null().to_numpy()
    kinds = (
        (groups >= 3) & (posts >= 5) & told,
        (groups >= 1) & (posts == 0),
        (groups == 0) & told,
    )
    chosen = [np.flatnonzero(kind & may)[:1] for kind in kinds]
    return [int(rows[0]) for rows in chosen if len(rows)][:SHOWN]


def _show(recommender: Recommender, town: Community, member: int, console: Console) -> None:
    row = town.members.row(member, named=True)
    groups = town.memberships.filter(town.memberships["member"] == member)["group"]
    joined = ", ".join(town.groups["name"].gather(groups).to_list()) or "no group yet"
    lines = [f"[dim]{escape(row['text'] or 'no profile')}\nin: {escape(joined)}[/dim]", ""]
    lines += ["[bold]groups[/bold]", *_lines(recommender.groups_for(row["id"], 3))]
    lines += ["[bold]people[/bold]", *_lines(recommender.members_for(row["id"], 3))]
    console.print(Panel("\n".join(lines), title=escape(f"{row['name']} ({row['id']})")))


def _lines(answer: Answer) -> list[str]:
    lines = []
    for item in answer.items:
        lines.append(f"  {escape(item.name)}")
        lines += [f"    [green]{escape(reason.text)}[/green]" for reason in item.reasons]
    return lines or ["  nobody to suggest"]


def _check_port(port: int) -> None:
    from serving.run import check_address

    check_address("127.0.0.1", port)


def _serve(bundles: Path, port: int, console: Console) -> None:
    from serving.run import serve
    from serving.settings import ServeSettings

    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    base = f"http://127.0.0.1:{port}"
    console.print(f"Docs of the API: {base}/docs   (Ctrl-C stops)")
    example = f"{base}/v1/communities/town/members/m000001/recommendations/groups?limit=5"
    console.print(f"Try: curl '{example}'", soft_wrap=True)
    said = '{"text": "I bake rye bread and row at dawn.", "audience": "adult"}'
    new = f"{base}/v1/communities/town/members/me"
    console.print(f"Join: curl -X PUT '{new}' -d '{said}'", soft_wrap=True)
    console.print(f"then: curl '{new}/recommendations/groups?limit=5'", soft_wrap=True)
    serve(ServeSettings(bundles, port=port, store=str(bundles / STORE)))
