"""A Nova that hears external events, over real HTTP: `nova` is one for a test."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

_PATH = "/os-server-external-events"


class FakeNova:
    """Records every event and answers as it is told: 200 for each one unless a code is set for its port."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self.codes: dict[str, int] = {}  # port id -> code of its events, while it stands here
        self.failure: int | None = None  # HTTP status of the whole answer, while it is set
        self.poison: set[str] = set()  # port ids; a request that has one is answered with 400 as a whole
        self.delay = 0.0  # seconds before each answer
        self._answered = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Every event that was answered with 200."""
        return [event for request in self.requests for event in request if event.get("code") == 200]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, requests: int, timeout: float = 60.0) -> None:
        """Wait until so many requests were answered."""
        with self._answered:
            assert self._answered.wait_for(lambda: len(self.requests) >= requests, timeout), self.requests

    def answer(self, events: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        """Judge one request as nova/api/openstack/compute/server_external_events.py does."""
        time.sleep(self.delay)
        failure = 400 if self.poison & {event["tag"] for event in events} else self.failure
        if failure is not None:
            status, body = failure, {"fault": {"code": failure, "message": "as told"}}
        else:
            for event in events:
                event["code"] = self.codes.get(event["tag"], 200)
                event["status"] = "completed" if event["code"] == 200 else "failed"
            status = 200 if all(event["code"] == 200 for event in events) else 207
            body = {"events": events}
        with self._answered:
            self.requests.append(events)
            self._answered.notify_all()
        return status, body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        nova = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = nova.answer(asked["events"]) if self.path == _PATH else (404, {})
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture
def nova() -> Iterator[FakeNova]:
    fake = FakeNova()
    fake.start()
    yield fake
    fake.stop()
