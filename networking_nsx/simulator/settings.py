"""What a simulator can be told at its start."""

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]  # seconds that never go back


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """One simulated NSX: where it listens, how it behaves, what it holds at first."""

    host: str = "127.0.0.1"
    port: int = 0  # of the first node; the others follow, then the VIP; 0: any free ports
    allow_remote: bool = False  # listen beyond loopback; everybody who reaches it controls it
    nodes: int = 1
    tls: bool = False
    ca_file: str | None = None  # where to write the certificate that clients trust; None: a temporary file
    api: str = "mh"  # mh, policy, or both on the same ports
    user: str = "admin"
    password: str = "admin"  # noqa: S105 - everybody knows a simulator's password
    session_lifetime: float = 1800.0  # seconds from a login (MH) or the last use (Policy) until it is refused
    token: str = ""  # Policy: a bearer token that is accepted; empty: none is
    client_cert_file: str | None = None  # Policy: where to write a client's key and certificate (needs `tls`)
    roles: tuple[str, ...] = ("enterprise_admin",)  # Policy: of every account
    cursor: str = "keyed"  # `positional`: a deletion before the cursor makes a client miss objects
    unknown_cursor: int = 404  # the status that answers a cursor nobody gave out; 400 and 410 also occur
    node_lag: tuple[float, ...] = ()  # seconds by which each node's generation is late; missing: 0
    generation_wait: float = 5.0  # seconds that an answer is held for a generation to arrive
    client_rate_limit: int = 100  # Policy: requests a second of an account at a node, then 429; 0: no limit
    client_concurrency_limit: int = (
        40  # Policy: requests in flight of an account at a node, then 503; 0: none
    )
    node_concurrency_limit: int = 199  # Policy: requests in flight at a node, then 503; 0: no limit
    deployment_id: str = "sim"  # Policy: of the tag os-deployment-id; empty: no such tag
    edge_routers: float = 0.5  # Policy: the share of routers with an edge cluster; the others are distributed
    realization_delay: float = 0.0  # Policy: seconds until a status shows in a direct read
    runtime_delay: float = 0.0  # Policy: seconds more until that of a port does
    index_delay: float = 0.0  # Policy: seconds more until search knows it
    purge_delay: float = 0.0  # Policy: seconds for which search shows what is marked for deletion
    search_ceiling: int = 50_000  # Policy: hits of a query that can be reached
    search_ceiling_mode: str = "error"  # `silent`: the hits simply end there
    search_page_limit: int = 0  # Policy: larger search pages are answered with 60576; 0: no limit
    threads: int = 24  # requests that a node can hold at a time, faults that never answer included
    networks: int = 0  # objects to begin with
    ports: int = 0
    routers: int = 0
    seed: int = 0  # of all identifiers and random choices
    clock: Clock = time.monotonic  # what delays, lags, lifetimes and limits are counted by
