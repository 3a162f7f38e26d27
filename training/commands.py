"""Commands that learn or manage what was learnt: train, evaluate, inspect, bundles."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from engine.errors import SettingError
from engine.preferences import Preferences
from training.cores import cores_here
from training.figures_file import check_writable, write_figures

if TYPE_CHECKING:
    from data.community import Community
    from training.train import Stored

app = typer.Typer()
bundles_app = typer.Typer(help="List bundles, make one current, go back.", no_args_is_help=True)
app.add_typer(bundles_app, name="bundles")

Data = Annotated[Path, typer.Argument(help="A community folder.")]
MaybeData = Annotated[Path | None, typer.Argument(help="A community folder, if not --store.")]
StoreUrl = Annotated[
    str | None, typer.Option("--store", help="A path or postgresql://…; else that of --bundles.")
]
Bundles = Annotated[Path, typer.Option(help="The folder of all bundles.", file_okay=False)]
Model = Annotated[str, typer.Option(help="A sentence-transformers model, by name or folder.")]
Cache = Annotated[Path, typer.Option(help="Where vectors are kept between runs.", file_okay=False)]
Processes = Annotated[
    int, typer.Option(help="Processes that learn at once; each takes memory.", min=1, max=2)
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "belong"
DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_PROCESSES = min(cores_here(), 2)


USUAL = Preferences()


@app.command()
def train(  # noqa: PLR0913
    bundles: Bundles,
    data: MaybeData = None,
    store: StoreUrl = None,
    community: Annotated[str | None, typer.Option(help="Its name; the folder's if absent.")] = None,
    until: Annotated[str | None, typer.Option(help="Use the past of a date or a share.")] = None,
    intimacy: Annotated[
        float, typer.Option(help="How much small groups count; 0 for not at all.", min=0, max=3)
    ] = USUAL.intimacy,
    preferred_size: Annotated[
        float, typer.Option(help="Members up to which a group is as small as can be.", min=1)
    ] = USUAL.preferred_size,
    variety: Annotated[
        float, typer.Option(help="How much slates mix like the member's interests.", min=0, max=1)
    ] = USUAL.variety,
    exploration: Annotated[
        float, typer.Option(help="Share of slates with a seldom-shown group.", min=0, max=1)
    ] = USUAL.exploration,
    new_groups: Annotated[
        int, typer.Option(help="Places of ten, at most, for brand-new groups.", min=0, max=5)
    ] = USUAL.new_groups,
    promote: Annotated[
        bool, typer.Option(help="Make it current, unless it is worse than the current one.")
    ] = True,
    force: Annotated[bool, typer.Option(help="Make it current even if it is worse.")] = False,
    model: Model = DEFAULT_MODEL,
    cache: Cache = DEFAULT_CACHE,
    processes: Processes = DEFAULT_PROCESSES,
) -> None:
    """Make a bundle from a community folder, or from the store, and make it current."""
    from engine.registry import Registry
    from training.console import TerminalProgress
    from training.promotion import Candidate, promote_if_good
    from training.train import TrainSettings
    from training.train import train as run

    console = Console(stderr=True, emoji=False)
    found, stored = _given(data, store, bundles, community, console)
    wish = Preferences(intimacy, preferred_size, variety, exploration, new_groups)
    settings = TrainSettings(model, until, cache, wish, promote=False, processes=processes)
    now = datetime.now(UTC)
    progress = TerminalProgress(console)
    manifest = run(found, settings, Registry(bundles), now, progress, stored)
    for who, how in manifest.settings["ranker"].items():
        console.print(f"{who} members are served by {how['kind']}: {escape(how['why'])}")
    if "feedback" in manifest.settings:
        console.print(f"what became of suggestions: {manifest.settings['feedback']['why']}")
    if promote:
        candidate = Candidate(found, manifest.version, cache, force)
        verdict = promote_if_good(candidate, Registry(bundles), now, None, progress)
        if not verdict.passed:
            why = verdict.refusal or "nothing could be compared"
            console.print(f"made current by --force: {escape(why)}")
        console.print(f"[bold]{escape(found.name)}[/bold] is current at {manifest.version}")
    typer.echo(json.dumps({"community": found.name, "version": manifest.version}))


@app.command()
def evaluate(  # noqa: PLR0913
    data: Data,
    until: Annotated[str, typer.Option(help="The past ends at a date or a share.")] = "80%",
    window: Annotated[float | None, typer.Option(help="Days after the cut that count.")] = None,
    split_by: Annotated[str | None, typer.Option(help="A community for each value.")] = None,
    hide_ties: Annotated[float | None, typer.Option(help="Share of ties hidden at random.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which ties are hidden.", min=0)] = 0,
    model: Model = DEFAULT_MODEL,
    cache: Cache = DEFAULT_CACHE,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write figures here.")] = None,
) -> None:
    """Measure suggestions on what happened later, beside simple recommenders."""
    from training.assess import AssessSettings, assess
    from training.console import TerminalProgress, figures_table
    from training.train import open_workshop

    console = Console(stderr=True, emoji=False)
    if json_file is not None:
        check_writable(json_file)
    found = _read(data, None, console)
    progress = TerminalProgress(console)
    settings = AssessSettings(until, window, split_by, hide_ties, seed)
    result = assess(found, settings, open_workshop(cache, model, progress), progress)
    out = Console(emoji=False)
    for title, section in (("groups", result), ("introductions", result["introductions"])):
        if section["members"]:
            heading = f"{title}, {section['members']} members of {found.name}"
            out.print(figures_table(heading, section["systems"]))
    for what, why in result["not_measured"].items():
        console.print(f"not measured: {escape(what)}: {escape(why)}")
    if json_file is not None:
        write_figures(json_file, result)


@app.command()
def inspect(data: Data, as_json: AsJson = False) -> None:
    """Say what is in a community folder, and what is wrong with it."""
    from training.summary import summary

    console = Console(stderr=True, emoji=False)
    found = _read(data, None, console)
    facts = summary(found)
    if as_json:
        aside = [asdict(rejection) for rejection in found.rejections]
        typer.echo(json.dumps({"community": found.name, **facts, "set_aside": aside}, indent=2))
        return
    table = Table("what", "how many", title=Text(found.name))
    for name, value in facts.items():
        table.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)
        )
    Console().print(table)
    for rejection in found.rejections:
        line = f"{rejection.file}:{rejection.line}: {rejection.reason}"
        Console().print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


@bundles_app.command("list")
def list_bundles(bundles: Bundles, as_json: AsJson = False) -> None:
    """List every community's bundles, oldest first."""
    from engine.registry import Registry

    registry = Registry(bundles)
    rows = [
        {
            "community": name,
            "version": listed.version,
            "current": listed.current,
            "members": listed.manifest.sizes.get("members") if listed.manifest else None,
            "created_at": listed.manifest.created_at if listed.manifest else None,
            "problem": listed.problem,
        }
        for name in registry.communities()
        for listed in registry.versions(name)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    # A version is there to be copied: the rest makes room for it.
    version = Column("version", no_wrap=True)
    table = Table("community", version, "current", "members")
    for row in rows:
        mark = "yes" if row["current"] else ""
        # An unreadable bundle has no size, and says why in its place.
        cells = (row["community"], row["version"], mark, row["members"] or row["problem"])
        table.add_row(*(Text(str(cell)) for cell in cells))
    Console().print(table)


@bundles_app.command()
def promote(
    version: Annotated[str, typer.Argument(help="The version to make current.")],
    bundles: Bundles,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
) -> None:
    """Make a version current."""
    from engine.registry import Registry

    registry = Registry(bundles)
    name = community or registry.only_community()
    registry.promote(name, version)
    typer.echo(f"{name} is current at {version}")


@bundles_app.command()
def rollback(
    bundles: Bundles,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
) -> None:
    """Make the version that was current before the present one current again."""
    from engine.registry import Registry

    registry = Registry(bundles)
    name = community or registry.only_community()
    typer.echo(f"{name} is current at {registry.roll_back(name)}")


@bundles_app.command()
def remove(
    version: Annotated[str, typer.Argument(help="The version to remove; not the current one.")],
    bundles: Bundles,
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
) -> None:
    """Remove a version for good, such as one that nobody can read and that holds up forgetting."""
    from engine.registry import Registry

    registry = Registry(bundles)
    name = community or registry.only_community()
    registry.remove(name, version)
    typer.echo(f"{version} of {name} is gone")


def _given(
    data: Path | None, store: str | None, bundles: Path, name: str | None, console: Console
) -> tuple[Community, Stored]:
    """Return the community to learn from, and what the store knows beside it."""
    from training.train import FOLDER

    if data is not None:
        if store is not None:
            raise SettingError("train learns from a folder or from a --store: give one of them")
        return _read(data, name, console), FOLDER
    from training.store_commands import read_from_store

    return read_from_store(store, bundles, name)


def _read(data: Path, name: str | None, console: Console) -> Community:
    from data.validate import read_community

    found = read_community(data, now=time.time(), name=name)
    if found.rejections:
        first = found.rejections[0]
        console.print(
            f"set aside {len(found.rejections)} rows, the first {first.file}:{first.line}: "
            f"{first.reason} (all of them: belong inspect {data})",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return found
