"""`belong round`: a community introduced at once, from a bundle and a store, without a server."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.store import STORE
from engine.errors import BehindError, SettingError
from engine.round_wishes import Mix

if TYPE_CHECKING:
    from data.store.connect import Store
    from data.store.rounds import KeptRound
    from engine.recommender import Recommender
    from serving.live import Live
    from serving.round_schemas import RoundBody, RoundCard

app = typer.Typer()

TRIES = 5
"""How often a commit is tried while changes keep coming in that it must know."""


@app.command("round")
def plan_a_round(  # noqa: PLR0913
    bundles: Annotated[Path, typer.Option(help="The folder of all bundles.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="Who meets whom: a .json or .csv.", dir_okay=False)],
    community: Annotated[str | None, typer.Option(help="Needed if there are several.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where rounds are kept; belong.sqlite3 beside the bundles.")
    ] = None,
    members: Annotated[
        Path | None,
        typer.Option(help="A file of ids, one a line; else all who are open.", dir_okay=False),
    ] = None,
    size: Annotated[int, typer.Option(help="2 for pairs, 3 to 9 for circles.", min=2, max=9)] = 2,
    seed: Annotated[int, typer.Option(help="The same gives the same plan.", min=0)] = 0,
    minimum: Annotated[
        float, typer.Option(help="What each pair or circle must reach.", min=0, max=1)
    ] = 0.0,
    no_repeat: Annotated[
        int, typer.Option(help="Repeat no pair of so many last rounds.", min=0, max=52)
    ] = 0,
    mix: Annotated[Mix, typer.Option(help="Who is to meet whom.")] = Mix.ANY,
    threes: Annotated[bool, typer.Option(help="Let whoever is left over join a pair.")] = False,
    name: Annotated[str, typer.Option(help="What to call it.")] = "",
    commit: Annotated[bool, typer.Option("--commit", help="Make it so at once.")] = False,
) -> None:
    """Introduce a whole community: pairs or circles, who is left out and why."""
    from pydantic import ValidationError

    from engine.registry import Registry
    from serving.round_schemas import RoundBody

    if out.suffix not in {".json", ".csv"}:
        raise SettingError(f"expected a file of .json or .csv, got {out}")
    try:
        body = RoundBody(
            members="all" if members is None else _ids_in(members),
            size=size,
            seed=seed,
            minimum_quality=minimum,
            no_repeat_rounds=no_repeat,
            mix=mix,
            threes=threes,
            name=name,
        )
    except ValidationError as error:
        raise SettingError(error.errors()[0]["msg"]) from error
    called = community or Registry(bundles).only_community()
    where = _address(bundles, store)
    if where is None:
        card = _without_store(bundles, called, body, commit)
    else:
        card = _with_store(bundles, (where, called), body, commit)
    _write(out, card)
    told = {name: getattr(card, name) for name in TOLD}
    typer.echo(json.dumps({**told, "file": str(out)}))


TOLD = ("id", "status", "matches_total", "left_out_total", "total_quality", "worst_quality")


def _address(bundles: Path, store: str | None) -> str | None:
    """Return the store's address, None if there is none and none was named."""
    from data.store.connect import store_url

    where = store_url(store if store is not None else bundles / STORE)
    path = Path(where.removeprefix("sqlite:///"))
    if where.startswith("sqlite") and not path.exists():
        if store is not None:
            raise SettingError(f"there is no store {path}")
        return None
    return where


def _without_store(bundles: Path, community: str, body: RoundBody, commit: bool) -> RoundCard:
    """Plan a round by a bundle alone, and return all of it; nothing is kept."""
    from data.store.rounds import KeptRound
    from engine.bundle import load_bundle
    from engine.recommender import Recommender
    from engine.registry import Registry
    from engine.rounds import plan_round

    if commit or body.no_repeat_rounds:
        raise SettingError("a round is committed, and earlier ones are known, with a store alone")
    recommender = Recommender(load_bundle(Registry(bundles).current(community), threads=0))
    now = time.time()
    plan = plan_round(recommender, body.wishes(()), now)
    found = KeptRound("", body.name, body.settings(), now, now, None, "", plan)
    return _all_of(found, community, recommender)


def _with_store(bundles: Path, place: tuple[str, str], body: RoundBody, commit: bool) -> RoundCard:
    """Plan a round by all that is known by now, keep it, maybe commit it, and return all of it."""
    from data.store.connect import open_store
    from data.store.rounds import begin_round
    from engine.bundle import load_bundle
    from engine.registry import Registry
    from serving.live import Live
    from serving.recommend_all import PATIENCE_S
    from serving.round_work import plan_and_keep

    where, community = place
    store = open_store(where, PATIENCE_S)
    try:
        live = Live(community, load_bundle(Registry(bundles).current(community), threads=0), store)
        live.catch_up()
        now = time.time()
        one = begin_round(store, community, body.name, body.settings(), now)
        found = plan_and_keep(live.recommender, store, (community, one), body, now)
        if commit:
            found = _committed(live, store, (community, one))
        return _all_of(found, community, live.recommender)
    finally:
        store.close()


def _all_of(found: KeptRound, community: str, recommender: Recommender) -> RoundCard:
    from serving.round_work import Window, card_of

    everything = Window(0, max(1, len(found.plan.matches), len(found.plan.left_out)))
    return card_of(found, community, recommender, everything, time.time())


def _committed(live: Live, store: Store, place: tuple[str, str]) -> KeptRound:
    from serving.round_work import committed

    for _ in range(TRIES):
        live.catch_up()
        try:
            return committed(live.recommender, store, place, time.time())
        except BehindError:
            continue
    raise BehindError("changes keep coming in: commit the round again")


def _ids_in(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} cannot be read: expected ids, one a line") from error
    return [line for line in lines if line]


def _write(out: Path, card: RoundCard) -> None:
    """Write a round: JSON as the server has it, or a line for everybody who opted in."""
    if out.suffix == ".json":
        out.write_text(card.model_dump_json(indent=2) + "\n", "utf-8", errors="surrogatepass")
        return
    with out.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["member", "match", "with", "quality", "why_left_out"])
        for number, match in enumerate(card.matches, 1):
            for one in match.members:
                others = " ".join(other for other in match.members if other != one)
                lines.writerow([one, number, others, match.quality, ""])
        for left in card.left_out:
            lines.writerow([left.member, "", "", "", left.why])
