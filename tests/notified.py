"""systemd's end of the socket at which a service tells of itself."""

import select
import socket
from contextlib import contextmanager


class Systemd:
    """The end of the socket at which it listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def heard(self, seconds: float = 20.0) -> str:
        """The next word; "" when there is none for so long."""
        ready, _, _ = select.select([self._socket], [], [], seconds)
        return self._socket.recv(100).decode() if ready else ""

    def close(self) -> None:
        self._socket.close()


@contextmanager
def systemd(address):
    made = Systemd(address)
    try:
        yield made
    finally:
        made.close()
