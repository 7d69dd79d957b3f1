"""What stays changed for as long as a fault stands: tampered tags, duplicate ports, another password.

Promises: when the fault is cleared, or used up, things are as if it had never been; what a populate
makes while it stands is affected too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random

from networking_nsx.simulator.accounts import Accounts
from networking_nsx.simulator.fault_kinds import Fault
from networking_nsx.simulator.faults import Faults
from networking_nsx.simulator.feed import chosen
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item, identifier


class Standing:
    """The lasting effects on one NSX."""

    def __init__(self, inventory: Inventory, accounts: Accounts, faults: Faults) -> None:
        self._inventory = inventory
        self._accounts = accounts
        self._faults = faults
        self._now: tuple[Sequence[Fault], int] = ((), 0)
        self._twins: dict[str, str] = {}  # NSX ids of the duplicates, by those of the ports

    def settle(self) -> None:
        """Let things be as the faults that stand now want them."""
        faults = self._faults.standing()
        if not faults and not self._now[0]:
            return
        with self._inventory.lock:
            wanted = (faults, self._inventory.populations)
            if wanted == self._now:
                return
            self._now = wanted
            self._accounts.become(_password(faults))
            self._tamper([fault for fault in faults if fault.fault == "tag-tampered"])
            self._duplicate([fault for fault in faults if fault.fault == "duplicate-port"])

    def _tamper(self, faults: Iterable[Fault]) -> None:
        ours = [item for item in self._inventory.items() if item.neutron_id]
        wanted = {
            item.nsx_id: str(fault.parameters["variant"])
            for fault in faults
            for item in ours
            if _meant(fault, item)
        }
        self._inventory.alter(
            replace(item, guise=wanted.get(item.nsx_id, ""))
            for item in ours
            if item.guise != wanted.get(item.nsx_id, "")
        )

    def _duplicate(self, faults: Sequence[Fault]) -> None:
        twins = set(self._twins.values())
        ports = [
            item for item in self._inventory.items("port") if item.neutron_id and item.nsx_id not in twins
        ]
        wanted = {item.nsx_id: item for item in ports if any(_meant(fault, item) for fault in faults)}
        gone = [self._twins.pop(nsx_id) for nsx_id in list(self._twins) if nsx_id not in wanted]
        here = {nsx_id for nsx_id, twin in self._twins.items() if self._inventory.get(twin)}
        self._inventory.exchange(gone, self._made(wanted[nsx_id] for nsx_id in wanted if nsx_id not in here))

    def _made(self, ports: Iterable[Item]) -> Iterator[Item]:
        for port in ports:
            twin = identifier(Random(f"twin:{port.nsx_id}"))
            self._twins[port.nsx_id] = twin
            yield replace(port, nsx_id=twin, status="down", twin=True, guise="")


def _password(faults: Sequence[Fault]) -> str | None:
    changed = [fault for fault in faults if fault.fault == "password-changed"]
    return str(changed[-1].parameters["password"]) if changed else None


def _meant(fault: Fault, item: Item) -> bool:
    """Whether a fault is about an object: one of its ids, else one of its fraction."""
    ids = fault.parameters["ids"]
    if ids:
        return item.neutron_id in ids or item.nsx_id in ids
    return chosen(item.nsx_id, fault.parameters["fraction"], fault.parameters["seed"])
