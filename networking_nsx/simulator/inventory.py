"""What NSX has: switches, routers and ports, in memory, whatever API asks for them.

Promises: every operation is atomic under one lock; objects are frozen values, so whoever holds one
may render it outside the lock; whoever watches hears of each change once, in order, under the lock.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.population import KINDS, STATUSES, Item, Plan, identifier, items_of

Watcher = Callable[[Item | None, Item | None], None]


class Refused(ValueError):
    """An operation that cannot be done; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which objects an operation is about: these ids, or a random fraction of what has a Neutron id."""

    kind: str
    ids: Collection[str] | None = None  # Neutron ids, or NSX ids
    fraction: float = 1.0  # of the distinct Neutron ids of the kind
    seed: int = 0


class Inventory:
    """The objects of one NSX, by NSX id."""

    def __init__(self, generations: Generations) -> None:
        self.lock = threading.RLock()
        self.generations = generations
        self._items: dict[str, Item] = {}
        self._baseline: dict[str, Item] = {}
        self._ours: dict[tuple[str, str], list[str]] = {}
        self._ports: dict[str, set[str]] = {}
        self._created = 0
        self._watchers: list[Watcher] = []
        self.populations = 0  # how often everything was replaced: such a change is no event
        self.populating = False

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher(before, after)` at each change from now on; None is absence."""
        self._watchers.append(watcher)

    def __getitem__(self, nsx_id: str) -> Item:
        """Raises KeyError."""
        return self._items[nsx_id]

    def get(self, nsx_id: str) -> Item | None:
        return self._items.get(nsx_id)

    def items(self, kind: str | None = None) -> list[Item]:
        """All objects of a kind, or of all kinds, by kind and NSX id."""
        with self.lock:
            chosen = [item for item in self._items.values() if kind in (None, item.kind)]
        return sorted(chosen, key=lambda item: (KINDS.index(item.kind), item.nsx_id))

    def ports_of(self, nsx_id: str) -> Iterator[Item]:
        """The ports of a switch or router, in no order."""
        return (self._items[port] for port in self._ports.get(nsx_id, ()))

    def named(self, kind: str, given: str) -> list[Item]:
        """The objects of a kind with this NSX id, or else this Neutron id, the oldest first."""
        item = self._items.get(given)
        if item and item.kind == kind:
            return [item]
        return [self._items[nsx_id] for nsx_id in self._ours.get((kind, given), ())]

    def alter(self, changed: Iterable[Item]) -> None:
        """Put these in the places of the objects with their NSX ids, where there still are such."""
        with self.lock:
            here = [(self._items.get(item.nsx_id), item) for item in changed]
            self._swap((before, after) for before, after in here if before is not None)

    def exchange(self, gone: Iterable[str], come: Iterable[Item]) -> None:
        """Take away what there is of these NSX ids, and add objects."""
        with self.lock:
            leaving = [item for nsx_id in gone if (item := self._items.get(nsx_id))]
            self._swap([*((item, None) for item in leaving), *((None, item) for item in come)])

    def populate(self, plan: Plan) -> None:
        """Replace everything by what the plan says; `restore` comes back to this."""
        _check_plan(plan)
        items = sorted(items_of(plan), key=lambda item: item.nsx_id)
        with self.lock:
            self.populations += 1
            self.populating = True
            self._become({item.nsx_id: item for item in items})
            self.populating = False
            self._baseline = dict(self._items)
            self._created = 0

    def restore(self) -> None:
        """Make objects and statuses those of the last `populate`."""
        with self.lock:
            self._become(self._baseline)

    def set_status(self, choice: Choice, status: str, message: str = "") -> tuple[list[str], int]:
        """Give the chosen objects this status and reason; return their ids and how many had another one."""
        _check_word(status, STATUSES, "status")
        with self.lock:
            chosen = self._chosen(choice)
            different = [item for item in chosen if (item.status, item.message) != (status, message)]
            self._swap((item, replace(item, status=status, message=message)) for item in different)
            return _ids(chosen), len(different)

    def delete(self, choice: Choice) -> list[str]:
        """Delete the chosen objects; a switch takes its ports with it."""
        with self.lock:
            chosen = self._chosen(choice)
            orphans = [port for item in chosen for port in self.ports_of(item.nsx_id)]
            self._swap((item, None) for item in [*orphans, *chosen])
            return _ids(chosen)

    def create(
        self,
        kind: str,
        *,
        ids: Sequence[str] | None = None,
        count: int = 1,
        network_id: str | None = None,
        status: str = "up",
        untagged: bool = False,
    ) -> list[str]:
        """Create objects of these Neutron ids, else `count` with ids of their own; return the ids.

        An id that NSX has already gets a second object: one more switch of a network, a duplicate
        of a port or router. Ports go to `network_id`, else to all networks in turn. Untagged
        objects belong to nobody and are known by their NSX ids.
        """
        _check_word(kind, KINDS, "kind")
        _check_word(status, STATUSES, "status")
        if count < 0:
            raise Refused(f"count must not be negative, but is {count}")
        with self.lock:
            random = Random(f"created:{kind}:{self._created}:{len(self._items)}")
            wanted = list(ids) if ids is not None else [identifier(random) for _ in range(count)]
            switches = self._switches(network_id) if kind == "port" else []
            made = [
                self._made(kind, None if untagged else wanted_id, status, switches, random)
                for wanted_id in wanted
            ]
            self._swap((None, item) for item in made)
            return _ids(made)

    def unknown(self, kind: str, ids: Iterable[str]) -> list[str]:
        """The ids that no object of the kind has."""
        with self.lock:
            return [given for given in ids if not self.named(kind, given)]

    def _chosen(self, choice: Choice) -> list[Item]:
        _check_word(choice.kind, KINDS, "kind")
        if choice.ids is not None:
            return [item for given in dict.fromkeys(choice.ids) for item in self.named(choice.kind, given)]
        if not 0 <= choice.fraction <= 1:
            raise Refused(f"fraction must be within 0 and 1, not {choice.fraction}")
        ours = sorted(neutron_id for kind, neutron_id in self._ours if kind == choice.kind)
        sample = Random(choice.seed).sample(ours, round(len(ours) * choice.fraction))
        return [item for neutron_id in sample for item in self.named(choice.kind, neutron_id)]

    def _switches(self, network_id: str | None) -> list[Item]:
        switches = [
            item
            for item in self._items.values()
            if item.kind == "network" and network_id in (None, item.neutron_id, item.nsx_id)
        ]
        if not switches:
            which = f"network {network_id}" if network_id else "NSX"
            raise Refused(f"{which} has no switch: create the network before its ports")
        return switches

    def _made(
        self, kind: str, neutron_id: str | None, status: str, switches: list[Item], random: Random
    ) -> Item:
        self._created += 1
        switch = switches[self._created % len(switches)] if switches else None
        return Item(
            kind=kind,
            nsx_id=identifier(random),
            neutron_id=neutron_id,
            status=status,
            number=len(self._items) + self._created,
            tenant=identifier(random),
            network_id=switch.neutron_id if switch else None,
            parent=switch.nsx_id if switch else None,
            device_id=identifier(random) if switch else None,
            chained=kind == "network" and (kind, neutron_id) in self._ours,
            twin=(kind, neutron_id) in self._ours,
        )

    def _become(self, wanted: dict[str, Item]) -> None:
        # Backwards, because an index in the order of ids gives up its last entries at no cost.
        gone = [(item, None) for key, item in reversed(self._items.items()) if key not in wanted]
        new = [
            (self._items.get(key), item) for key, item in wanted.items() if self._items.get(key) is not item
        ]
        self._swap([*gone, *new])

    def _swap(self, changes: Iterable[tuple[Item | None, Item | None]]) -> None:
        changed = False
        for before, after in changes:
            self._forget(before)
            self._remember(after)
            changed = True
            for watcher in self._watchers:
                watcher(before, after)
        if changed:
            self.generations.grow()

    def _forget(self, item: Item | None) -> None:
        if item is None:
            return
        del self._items[item.nsx_id]
        if item.parent:
            self._ports[item.parent].discard(item.nsx_id)
        if item.neutron_id:
            twins = self._ours[item.kind, item.neutron_id]
            twins.remove(item.nsx_id)
            if not twins:
                del self._ours[item.kind, item.neutron_id]

    def _remember(self, item: Item | None) -> None:
        if item is None:
            return
        self._items[item.nsx_id] = item
        if item.parent:
            self._ports.setdefault(item.parent, set()).add(item.nsx_id)
        if item.neutron_id:
            self._ours.setdefault((item.kind, item.neutron_id), []).append(item.nsx_id)


def _ids(items: Iterable[Item]) -> list[str]:
    return list(dict.fromkeys(item.neutron_id or item.nsx_id for item in items))


def _check_word(word: str, words: Collection[str], what: str) -> None:
    if word not in words:
        raise Refused(f"{what} must be one of {', '.join(words)}, not {word!r}")


def _check_plan(plan: Plan) -> None:
    _check_word(plan.status, STATUSES, "status")
    if min(plan.networks, plan.ports, plan.routers, plan.ports_per_network or 0) < 0:
        raise Refused("networks, ports and routers must not be negative")
    if plan.switches_per_network < 1:
        raise Refused(f"switches_per_network must be 1 or more, not {plan.switches_per_network}")
    networks = len(plan.network_ids or ()) or plan.networks
    if not networks and (plan.ports or plan.port_ids):
        raise Refused("ports need a network: ask for networks as well")
