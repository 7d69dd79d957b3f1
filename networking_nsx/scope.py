"""What the operator left to us, as a value."""

from dataclasses import dataclass

from networking_nsx.model import Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are ours to write; an empty field sets no limit."""

    kinds: frozenset[Kind] = frozenset()
    network_types: tuple[str, ...] = ()  # of a network's segments, e.g. ("geneve",)
    physical_networks: tuple[str, ...] = ()  # of the same segment: the NSX transport zones we serve
    drivers: tuple[str, ...] = ()  # mechanism drivers, one of which bound the port; costs a lookup per port
    api: str = "mh"  # what NSX ought to have differs: see `neutron/scope.py`
