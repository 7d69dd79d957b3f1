"""What an object is called by the Policy API: its id, its path and that of its parent.

The first object of a Neutron id has that id; a further one that and a part of its NSX id; what is not
ours its NSX id.
"""

from typing import NamedTuple

from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.population import Item

POINT = "/infra/sites/default/enforcement-points/default"
TRANSPORT_ZONE = "6a2f0c1e-5d38-4e0b-9f27-8c41d7a0b3e5"
EDGE_CLUSTER = "e1d7c9a4-30b2-4f6d-8a55-92c1b7e0d3f8"
EDGE_NODES = ("0f1a6d1c-9d7e-4c0b-b7d4-1f5c8e2a9b01", "7c2b9e40-5a6f-4d31-8e90-3ab7c5d1f602")

_FOLDERS = {"network": "segments", "router": "tier-1s"}


def policy_id(item: Item) -> str:
    if item.neutron_id is None:
        return item.nsx_id
    return f"{item.neutron_id}_{item.nsx_id[:8]}" if item.twin else item.neutron_id


def name(item: Item) -> str:
    return f"{item.kind}-{item.number}"


def vif(item: Item) -> str:
    """The interface at a port: Neutron's own id of it, or that of a machine that is not Neutron's."""
    return item.neutron_id or item.device_id or item.nsx_id


def has_edges(item: Item, share: float) -> bool:
    """Whether this router is one of the share that runs on an edge cluster too."""
    return int((item.number + 1) * share) > int(item.number * share)


class Paths(NamedTuple):
    """Where objects are in the tree of the Policy API."""

    inventory: Inventory

    def of(self, item: Item) -> str:
        if item.kind != "port":
            return f"/infra/{_FOLDERS[item.kind]}/{policy_id(item)}"
        return f"{self.parent(item)}/ports/{policy_id(item)}"

    def parent(self, item: Item) -> str:
        if item.kind != "port":
            return "/infra"
        segment = self.inventory.get(item.parent or "")
        # The search index still shows ports whose segment is gone.
        named = policy_id(segment) if segment else item.network_id or item.parent
        return f"/infra/segments/{named}"

    def locale_services(self, item: Item) -> str:
        return f"{self.of(item)}/locale-services/{LOCALE_SERVICES}"


LOCALE_SERVICES = "default"
