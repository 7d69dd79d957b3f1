"""A TCP proxy on loopback whose connections can be cut, slowed and held, while the run goes on.

Bytes pass unread: it knows neither HTTP nor MariaDB's protocol. A connection is two threads, one a direction.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_PIECE = 16_384  # bytes
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection


class Proxy:
    """`with Proxy(port) as proxy:` and who connects to `proxy.port` is connected to that port."""

    def __init__(self, target: int, sleep: Callable[[float], object] = time.sleep) -> None:
        self.target = target
        self.met = 0  # connections that were reset, and pieces that had to wait
        self._sleep = sleep
        self._delay = 0.0  # seconds before each piece
        self._open = threading.Event()  # bytes may pass
        self._open.set()
        self._refuses = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.release()
        self.cut()

    @property
    def connections(self) -> int:
        """That stand now."""
        return len(self._pairs)

    def cut(self) -> int:
        """Reset every connection that there is; answer how many."""
        with self._lock:
            pairs = list(self._pairs)
            self.met += len(pairs)
        for pair in pairs:
            self._end(pair)
        return len(pairs)

    def sever(self) -> int:
        """Reset every connection, and each new one, until `release`."""
        self._refuses = True
        return self.cut()

    def slow(self, delay: float) -> None:
        """Let each piece wait, until `release`."""
        self._delay = delay

    def hold(self) -> None:
        """Let nothing pass, until `release`: connections stand, and are silent."""
        self._open.clear()

    def release(self) -> None:
        """Be a wire again."""
        self._refuses, self._delay = False, 0.0
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        if self._refuses:
            self.met += 1
            self._end(pair)
        threading.Thread(target=self._pump, args=(server, client, pair), daemon=True).start()
        self._pump(client, server, pair)

    def _pump(
        self, here: socket.socket, there: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with suppress(OSError):
            while piece := here.recv(_PIECE):
                if self._delay:
                    self._sleep(self._delay)
                if self._delay or not self._open.is_set():
                    self.met += 1
                self._open.wait()
                there.sendall(piece)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.remove(pair)
        for one in pair:
            _reset(one)


def _reset(one: socket.socket) -> None:
    """Reset the connection; who waits for its bytes wakes."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        one.shutdown(socket.SHUT_RD)
    one.close()
