"""Which manager is asked first."""

import itertools
from collections.abc import Container, Sequence

from networking_nsx.nsx.node import Node


class Order:
    """In which order managers are asked, by all views of a client."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._first = 0  # the one that all stay with
        self._turns = itertools.count()

    def kept(self) -> list[Node]:
        """The one that worked last, then those behind it; whoever lets nobody in comes last."""
        return sorted(self._from(self._first), key=Node.barred)

    def spread(self, asked: Container[Node], now: float, *, urgent: bool) -> list[Node]:
        """Those that have not failed this request first, by what they have to do, and else in turn."""
        nodes = self._from(next(self._turns))
        return sorted(nodes, key=lambda node: (node in asked, node.load(now, urgent=urgent)))

    def worked(self, node: Node) -> None:
        if node in self._nodes:
            self._first = self._nodes.index(node)

    def failed(self, node: Node) -> None:
        if self._nodes[self._first] is node:
            self._first = (self._first + 1) % len(self._nodes)

    def _from(self, start: int) -> list[Node]:
        start %= len(self._nodes)
        return [*self._nodes[start:], *self._nodes[:start]]
