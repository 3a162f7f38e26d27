"""What those look at who answer for a community. All but `communities` take an operator's key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from belong.client.answers import (
    Acknowledged,
    Arm,
    Communities,
    Community,
    Erasure,
    Experiment,
    Experiments,
    Replay,
)
from belong.client.call import Call, Repeat, given, json_of, path_in
from belong.client.reading import read


def communities() -> Call[tuple[Community, ...]]:
    """Return the communities that are served and that the key may see."""
    return Call("GET", "/v1/communities", lambda answer: read(Communities, answer).communities)


def erasure(community: str, erasure_id: str) -> Call[Erasure]:
    """Return the receipt of someone's being forgotten."""
    return Call("GET", path_in(community, "erasures", erasure_id), partial(read, Erasure))


def export_member(community: str, member: str) -> Call[Mapping[str, object]]:
    """Return all that is held on a member."""
    return Call("GET", path_in(community, "members", member, "export"), _mapping)


def replay(community: str, recommendation_id: str) -> Call[Replay]:
    """Return what was answered and why, through today's policies."""
    path = path_in(community, "recommendations", recommendation_id)
    return Call("GET", path, partial(read, Replay))


def clear_reports(community: str, member: str) -> Call[Acknowledged]:
    """Tell that reports of a member were looked into: they may be shown again.

    It is sent once only: sent again, it would clear reports made in between, too.
    """
    path = path_in(community, "members", member, "reports", "clear")
    return Call("POST", path, partial(read, Acknowledged), repeat=Repeat.NEVER)


def experiments(community: str) -> Call[tuple[Experiment, ...]]:
    """Return the experiments that run."""
    path = path_in(community, "experiments")
    return Call("GET", path, lambda answer: read(Experiments, answer).experiments)


def put_experiment(community: str, experiment: str, arms: Iterable[Arm]) -> Call[Experiment]:
    """Begin an experiment, or change its arms.

    Args:
        community: Its name.
        experiment: What it is called.
        arms: 1 to 10.
    """
    body = {"arms": [given(arm) for arm in arms]}
    path = path_in(community, "experiments", experiment)
    return Call("PUT", path, partial(read, Experiment), content=json_of(body))


def end_experiment(community: str, experiment: str) -> Call[None]:
    """End an experiment. `AbsentError` if there is none, or none any more after a lost answer."""
    return Call("DELETE", path_in(community, "experiments", experiment), lambda _: None)


def _mapping(answer: object) -> Mapping[str, object]:
    return read(Mapping[str, object], answer)  # type: ignore[type-abstract]
