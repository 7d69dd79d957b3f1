"""What a page of 1,000 ports costs the simulator: CPU milliseconds of its process, over real HTTP.

Run: python benchmarks/simulator_page.py [--ports 100000] [--tls]
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import requests

from networking_nsx.simulator import Simulator

PAGE = 1000
LIST = (
    "/ws.v1/lswitch/*/lport?fields=uuid,tags,fabric_status_up&relations=LogicalPortStatus"
    f"&_page_length={PAGE}&tag_scope=quantum"
)


def serve(pipe: Connection, ports: int, tls: bool) -> None:
    """Serve, and tell the CPU seconds used so far whenever asked."""
    with Simulator(networks=ports // 50, ports=ports, routers=ports // 500, tls=tls) as nsx:
        pipe.send((nsx.urls[0], nsx.ca_file))
        while pipe.recv():
            pipe.send(time.process_time())


def pages(session: requests.Session, url: str) -> Iterator[int]:
    """List all ports; yield the bytes of each page."""
    cursor = ""
    while True:
        answer = session.get(url + LIST + cursor, timeout=60)
        yield len(answer.content)
        following = answer.json().get("page_cursor")
        if following is None:
            return
        cursor = f"&_page_cursor={following}"


def cpu_seconds(pipe: Connection) -> float:
    pipe.send("used")
    return float(pipe.recv())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", type=int, default=100_000)
    parser.add_argument("--tls", action="store_true")
    asked = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs, asked.ports, asked.tls), daemon=True)
    process.start()
    url, ca_file = ours.recv()
    session = requests.Session()
    session.trust_env = False  # its certificates would be preferred
    session.verify = ca_file or True
    session.post(f"{url}/ws.v1/login", data={"username": "admin", "password": "admin"}, timeout=60)
    for sweep in ("first sweep (renders)", "second sweep", "third sweep"):
        before = cpu_seconds(ours)
        sizes = list(pages(session, url))
        spent = cpu_seconds(ours) - before
        print(
            f"{sweep}: {len(sizes)} pages, {sum(sizes) / asked.ports:.0f} bytes per port, "
            f"{1000 * spent / len(sizes):.2f} ms CPU per page"
        )
    ours.send("")
    process.join()


if __name__ == "__main__":
    main()
