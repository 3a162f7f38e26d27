"""Recommenders that others maintain, beside which group suggestion is measured."""

from collections.abc import Mapping

from benchmarks.peers.centroids import MiniLmCentroids
from benchmarks.peers.counting import Popularity, RecentPopularity
from benchmarks.peers.factors import Bpr, Ials
from benchmarks.peers.history import TEXT_ALONE, History, Viewers, history_of, viewers_of
from benchmarks.peers.hybrid import LightFm
from benchmarks.peers.nearest import Ease, ItemKnn
from benchmarks.peers.peer import Peer, Scorer, Settings
from benchmarks.peers.tuning import Tuned, tune

PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Popularity(),
        RecentPopularity(),
        ItemKnn(),
        Ials(),
        Bpr(),
        Ease(),
        LightFm(),
        MiniLmCentroids(),
    )
}
"""Every peer by its name, the simplest first."""

__all__ = [
    "PEERS",
    "TEXT_ALONE",
    "History",
    "Peer",
    "Scorer",
    "Settings",
    "Tuned",
    "Viewers",
    "history_of",
    "tune",
    "viewers_of",
]
