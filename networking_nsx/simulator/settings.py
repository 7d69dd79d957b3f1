"""What a simulator can be told at its start."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """One simulated NSX: where it listens, how it behaves, what it holds at first."""

    host: str = "127.0.0.1"
    port: int = 0  # of the first node; the others follow, then the VIP; 0: any free ports
    allow_remote: bool = False  # listen beyond loopback; everybody who reaches it controls it
    nodes: int = 1
    tls: bool = False
    ca_file: str | None = None  # where to write the certificate that clients trust; None: a temporary file
    user: str = "admin"
    password: str = "admin"  # noqa: S105 - everybody knows a simulator's password
    session_lifetime: float = 1800.0  # seconds from a login until its cookie is refused
    cursor: str = "keyed"  # `positional`: a deletion before the cursor makes a client miss objects
    unknown_cursor: int = 404  # the status that answers a cursor nobody gave out; 400 and 410 also occur
    node_lag: tuple[float, ...] = ()  # seconds by which each node's generation is late; missing: 0
    generation_wait: float = 5.0  # seconds that an answer is held for a generation to arrive
    threads: int = 24  # requests that a node can hold at a time, faults that never answer included
    networks: int = 0  # objects to begin with
    ports: int = 0
    routers: int = 0
    seed: int = 0  # of all identifiers and random choices
