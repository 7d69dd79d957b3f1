"""What the daemon shows over HTTP, put together: its status page, its health, its metrics."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from networking_nsx.assemble import Parts
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.health import Loop, patience
from networking_nsx.serve.page import Page, Watched
from networking_nsx.serve.page_census import Counter
from networking_nsx.serve.page_history import Changes, ChangesOf, Minutes
from networking_nsx.serve.views import Health, metrics
from networking_nsx.serve.web import View


class Site:
    """Follows the runners from their start on, and shows them when they are all there."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._minutes = Minutes(parts.clock)
        self._changes = Changes(parts.clock)

    def followers(self, runner: str) -> tuple[Minutes, ChangesOf]:
        """Listeners for one of the runners."""
        return self._minutes, self._changes.listener(runner)

    def views(self, desk: Desk, health: Health, registry: CollectorRegistry) -> Mapping[str, View]:
        """What is at which path."""
        clock, interval = self._parts.clock, self._parts.settings.pacing.interval
        counter = Counter(self._parts.census, clock, interval)
        watched = Watched(desk.told, health.hangs, self._minutes, self._changes, counter, interval, clock)
        return {**Page(watched).views(), **health.views(), **metrics(registry)}


def health_of(parts: Parts, desk: Desk, board: Board) -> Health:
    """Whether its loops hang, and whether it has swept."""
    http, interval = parts.settings.http, parts.settings.pacing.interval
    return Health(
        parts.clock,
        lambda: [Loop(name, since, parts.pulses[name].at) for name, since in desk.busy().items()],
        lambda: board.now.last is not None,
        patience(interval, http.retries, http.connect_timeout),
    )
