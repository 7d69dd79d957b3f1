"""A Nova as a child: takes every external event and tells how many there were, and for which ports.

Run by `writes`: python -m benchmarks.nova PORT.
"""

import json
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.child import serve

_heard: dict[str, list[str]] = defaultdict(list)  # name of the event -> port ids, each as often as it came


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as by a real one

    def do_POST(self) -> None:
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["events"]
        for each in events:
            _heard[each["name"]].append(each["tag"])
            each["code"] = 200
        body = json.dumps({"events": events}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def take() -> dict[str, list[str]]:
    taken = dict(_heard)
    _heard.clear()
    return taken


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve({"count": lambda: sum(map(len, _heard.values())), "take": take})


if __name__ == "__main__":
    main()
