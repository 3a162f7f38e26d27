"""The peer that spreads vectors along ties and memberships: LightGCN by PyTorch Geometric."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from benchmarks.peers.peer import Settings, grid_of, needed
from benchmarks.people.circle import Circle
from benchmarks.people.peer import PeopleScorer, in_blocks
from engine.types import Matrix

FACTORS, LAYERS, PENALTY = 64, 2, 1e-4


@dataclass(frozen=True, slots=True)
class LightGcn:
    """Light graph convolution (He et al. 2020), descending along ties (BPR, all at a time).

    The graph is that of ties or, with `groups`, of ties and memberships; either way it learns to
    put people who have met above people drawn at random.
    """

    name: ClassVar[str] = "light_gcn"
    package: ClassVar[str] = "torch-geometric"
    grid: ClassVar[Sequence[Settings]] = grid_of(
        groups=[False, True], epochs=[60, 200], learning_rate=[0.01, 0.03]
    )

    def fit(self, circle: Circle, settings: Settings, seed: int) -> PeopleScorer:
        """Descend."""
        torch = needed("torch")
        graph = _graph(circle, groups=bool(settings["groups"]))
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # sums of several threads are rounded by chance
        try:
            with warnings.catch_warnings():
                # Sparse tensors are told to be in beta.
                warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
                people = _descended(circle, graph, settings, seed)
        finally:
            torch.set_num_threads(before)
        return in_blocks(lambda rows: people[rows] @ people.T, circle.members)


def _graph(circle: Circle, *, groups: bool) -> sparse.csr_array:
    """Return the adjacency of people (and then groups), divided by the roots of degrees."""
    ties = circle.ties()
    joined = circle.history.matrix()
    whole = sparse.bmat([[ties, joined], [joined.T, None]]) if groups else ties
    degree = np.asarray(whole.sum(axis=1)).ravel()
    root = sparse.diags_array(1 / np.sqrt(np.maximum(degree, 1))).astype(np.float32)
    return sparse.csr_array(root @ whole @ root)


def _descended(circle: Circle, graph: sparse.csr_array, settings: Settings, seed: int) -> Matrix:
    """Return a vector for each member."""
    torch, models = needed("torch"), needed("torch_geometric.nn.models")
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = models.LightGCN(graph.shape[0], FACTORS, LAYERS)
    for conv in model.convs:
        conv.normalize = False  # the graph already is
    adjacency = torch.sparse_csr_tensor(
        torch.from_numpy(graph.indptr.astype(np.int64)),
        torch.from_numpy(graph.indices.astype(np.int64)),
        torch.from_numpy(graph.data),
        graph.shape,
        check_invariants=True,
    )
    one = torch.from_numpy(np.concatenate([circle.one, circle.other]))
    other = torch.from_numpy(np.concatenate([circle.other, circle.one]))
    steps = torch.optim.Adam(model.parameters(), lr=float(settings["learning_rate"]))
    for _ in range(int(settings["epochs"]) if len(one) else 0):
        steps.zero_grad()
        stranger = torch.from_numpy(rng.integers(0, circle.members, len(one)))
        _loss(model, adjacency, (one, other, stranger)).backward()
        steps.step()
    with torch.no_grad():
        vectors: Matrix = model.get_embedding(adjacency)[: circle.members].numpy()
    return vectors


def _loss(model: Any, adjacency: Any, ends: tuple[Any, Any, Any]) -> Any:  # noqa: ANN401
    """Return how far strangers stand above those who have met."""
    torch = needed("torch")
    one, other, stranger = ends
    vectors = model.get_embedding(adjacency)
    met = (vectors[one] * vectors[other]).sum(dim=1)
    not_met = (vectors[one] * vectors[stranger]).sum(dim=1)
    nodes = torch.cat(ends).unique()
    return model.recommendation_loss(met, not_met, node_id=nodes, lambda_reg=PENALTY)
