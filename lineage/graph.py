"""What can be said of a part of the graph that was fetched. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`rank` places each node left to right, sources first; the nodes of one cycle share a rank."""

    rank: dict[int, int]
    cycles: list[list[int]]


def shape(nodes: Iterable[int], edges: Iterable[tuple[int, int]]) -> Shape:
    """Ranks by longest path over the graph with its cycles drawn together (a job may read what it writes)."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    condensed = nx.condensation(graph)
    rank: dict[int, int] = {}
    cycles: list[list[int]] = []
    for number, generation in enumerate(nx.topological_generations(condensed)):
        for component in generation:
            members = sorted(condensed.nodes[component]["members"])
            if len(members) > 1:
                cycles.append(members)
            rank.update(dict.fromkeys(members, number))
    return Shape(rank=rank, cycles=cycles)
