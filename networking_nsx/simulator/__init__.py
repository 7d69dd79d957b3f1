"""An NSX in memory, served over real HTTP(S): for tests, demonstrations and benchmarks.

`with Simulator(nodes=3) as nsx:` serves from threads of this process; `run(settings)` serves until
SIGTERM. Nothing here comes from the code that reads NSX: URLs and JSON are spelled a second time, so
that a mistake in a codec is not mirrored in its double.
"""

from networking_nsx.simulator.inventory import Refused
from networking_nsx.simulator.population import Item
from networking_nsx.simulator.server import Simulator
from networking_nsx.simulator.settings import SimulatorSettings

__all__ = ["Item", "Refused", "Simulator", "SimulatorSettings"]
