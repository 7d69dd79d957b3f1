"""What is going to happen in a run: one seed decides all of it, down to ids and seconds. Pure.

Six lanes go on side by side: `nsx` (objects flip, vanish, appear), `user` (Neutron's rows), and the four of
trouble: `faults`, `network`, `database`, `daemon`. Each minute has `TROUBLED` seconds of trouble and is calm
afterwards, so that some writes are judged where nothing held the synchronizer up.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.acts import EXTERNAL, FOREIGN, MINUTE, NETWORKS, PORTS, ROUTERS, SPARE_NETWORKS, Act, identifier
from chaos.hazards import hazards
from chaos.load import World, load


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    api: str
    minutes: float
    networks: Sequence[str]
    spare_networks: Sequence[str]  # no port is on them
    routers: Sequence[str]
    ports: Sequence[str]
    acts: Sequence[Act]

    @property
    def foreign(self) -> Sequence[str]:
        return self.ports[:FOREIGN]

    @property
    def external(self) -> Sequence[str]:
        return self.spare_networks[:EXTERNAL]


def plan(seed: int, minutes: float) -> Plan:
    """The whole run of a seed. Even seeds are of NSX-MH, odd ones of NSX Policy."""
    chance = random.Random(f"chaos {seed}")
    api = ("mh", "policy")[seed % 2]
    ids = {
        name: [identifier(chance) for _ in range(count)]
        for name, count in (("n", NETWORKS), ("s", SPARE_NETWORKS), ("r", ROUTERS), ("p", PORTS))
    }
    world = World(chance, ids["n"], ids["s"], ids["r"], ids["p"])
    acts = [*load(world, (minutes + 0.5) * MINUTE), *hazards(chance, api, minutes)]
    acts.sort(key=lambda act: act.at)
    return Plan(seed, api, minutes, ids["n"], ids["s"], ids["r"], ids["p"], acts)
