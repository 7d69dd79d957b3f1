"""What is at which path."""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from werkzeug.wrappers import Request, Response

from networking_nsx.ports import Clock
from networking_nsx.serve import health
from networking_nsx.serve.findings import time_of
from networking_nsx.serve.health import Hang, Loop
from networking_nsx.serve.web import View


class Health:
    """`/healthz`: does a loop hang? `/readyz`: does it not, and has a sweep completed?"""

    def __init__(
        self, clock: Clock, loops: Callable[[], Sequence[Loop]], swept: Callable[[], bool], patience: float
    ) -> None:
        self._clock = clock
        self._loops = loops
        self._swept = swept
        self._patience = patience

    def views(self) -> Mapping[str, View]:
        return {"/healthz": self._healthz, "/readyz": self._readyz}

    def hangs(self) -> list[Hang]:
        return health.hangs(self._loops(), self._clock.monotonic(), self._patience)

    def _healthz(self, _request: Request) -> Response:
        return self._told(self.hangs(), "")

    def _readyz(self, _request: Request) -> Response:
        found = self.hangs()
        return self._told(found, health.unready(found, swept=self._swept()))

    def _told(self, found: Sequence[Hang], reason: str) -> Response:
        lines = [self.told(hang) for hang in found] or ([reason] if reason else [])
        return Response("\n".join(lines or ["ok"]) + "\n", 503 if lines else 200, mimetype="text/plain")

    def told(self, hang: Hang) -> str:
        """Say it in a sentence."""
        since = time_of(self._clock.now() - hang.seconds)
        return f"{hang.name}: hangs since {since}, for {hang.seconds:.0f} s"


def metrics(registry: CollectorRegistry) -> Mapping[str, View]:
    """`/metrics`, for Prometheus."""

    def show(_request: Request) -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return {"/metrics": show}
