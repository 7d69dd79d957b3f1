"""What the daemon shows over HTTP, put together: its status page, its health, its metrics."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from networking_nsx.assemble import Parts
from networking_nsx.serve.desk import Desk
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
        parts, interval = self._parts, self._parts.settings.pacing.interval
        counter = Counter(parts.census, parts.clock, interval)
        watched = Watched(
            desk.told, health.hangs, self._minutes, self._changes, counter, interval, parts.clock
        )
        return {**Page(watched).views(), **health.views(), **metrics(registry)}
