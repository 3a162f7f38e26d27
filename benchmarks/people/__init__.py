"""Ways of finding people that others maintain, beside which introductions are measured."""

from collections.abc import Mapping

from benchmarks.people.circle import Circle, circle_of
from benchmarks.people.companions import AdamicAdar, CommonNeighbours, ResourceAllocation
from benchmarks.people.counting import MostKnown
from benchmarks.people.factors import IalsPeople, IalsTies
from benchmarks.people.light_gcn import LightGcn
from benchmarks.people.likeness import SharedGroups, SharedInterests
from benchmarks.people.peer import PeoplePeer, PeopleScorer

PEOPLE_PEERS: Mapping[str, PeoplePeer] = {
    peer.name: peer
    for peer in (
        MostKnown(),
        SharedGroups(),
        SharedInterests(),
        CommonNeighbours(),
        AdamicAdar(),
        ResourceAllocation(),
        IalsPeople(),
        IalsTies(),
        LightGcn(),
    )
}
"""Every peer by its name, the simplest first."""

__all__ = [
    "PEOPLE_PEERS",
    "Circle",
    "PeoplePeer",
    "PeopleScorer",
    "circle_of",
]
