"""Another reader of Neutron's database, as a child: in turn a port by its id and the ports of a network.

Run by `writes`: python -m benchmarks.api_reads DATABASE. `take` answers the milliseconds of each read since
it was asked last.
"""

import itertools
import sys
import threading
import time

import sqlalchemy as sa

from benchmarks.child import serve

_PAUSE = 0.02  # seconds between two reads
_PORTS = """SELECT * FROM ports JOIN standardattributes a ON a.id = ports.standard_attr_id
  LEFT JOIN ml2_port_bindings b ON b.port_id = ports.id WHERE """

_taken: list[float] = []


def read_for_ever(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        ids = connection.execute(sa.text("SELECT id, network_id FROM ports ORDER BY id LIMIT 5000")).all()
    for port_id, network_id in itertools.cycle(ids):
        _read(engine, "ports.id = :id", port_id)
        _read(engine, "ports.network_id = :id LIMIT 50", network_id)


def _read(engine: sa.Engine, where: str, wanted: str) -> None:
    began = time.perf_counter()
    with engine.connect() as connection:
        connection.execute(sa.text(_PORTS + where), {"id": wanted}).all()
    _taken.append(1000 * (time.perf_counter() - began))
    time.sleep(_PAUSE)


def take() -> list[float]:
    taken = _taken.copy()
    _taken.clear()
    return taken


def main() -> None:
    engine = sa.create_engine(sys.argv[1])
    threading.Thread(target=read_for_ever, args=(engine,), daemon=True).start()
    serve({"take": take})


if __name__ == "__main__":
    main()
