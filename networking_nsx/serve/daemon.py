"""A running daemon: two runners, each in its thread, and what tells of them and takes commands for them."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any, NamedTuple

from networking_nsx import meters
from networking_nsx.assemble import Parts
from networking_nsx.config import Settings
from networking_nsx.evidence.journal import Journal
from networking_nsx.metrics import Metrics
from networking_nsx.serve.beside import beside
from networking_nsx.serve.board import Board
from networking_nsx.serve.control import control
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.gauges import expose, expose_evidence, expose_health
from networking_nsx.serve.site import Site, health_of
from networking_nsx.serve.systemd import supervised
from networking_nsx.serve.views import Health
from networking_nsx.serve.web import web
from networking_nsx.sync.runner import (
    Listener,
    Runner,
    SettleListener,
    SettleRunner,
    Several,
    SeveralSettling,
)

_LOG = logging.getLogger(__name__)


class Followers(NamedTuple):
    """Who is told of all that a daemon does."""

    log_lines: Listener
    metrics: Metrics
    journal: Journal


def serve(parts: Parts, followers: Followers, stop: threading.Event, stops: list[Callable[[], None]]) -> None:
    """Synchronize until `stop` is set. What ends waits is added to `stops`, which a signal calls."""
    daemon = _Daemon(parts, followers)
    stops.append(daemon.desk.stop)
    if stop.is_set():  # while all this was made
        daemon.desk.stop()
    daemon.run(stop)


class _Daemon:
    """The runners, and all that follows them, meet here."""

    def __init__(self, parts: Parts, followers: Followers) -> None:
        self._parts = parts
        self._followers = followers
        self._schedule = parts.schedule()
        self._board = Board(parts.clock, parts.sweeper.canary if parts.source.index else None)
        facts = _facts(parts.settings, parts.clock.now())
        self.desk = Desk(
            *(facts, self._board, parts.brake, parts.clock, self._schedule, parts.window, followers.journal)
        )
        self._site = Site(parts)

    def run(self, stop: threading.Event) -> None:
        settings, journal = self._parts.settings, self._followers.journal
        sweeping, settling = self._sweeping(), self._settling()
        health = health_of(self._parts, self.desk, self._board)
        self._expose(health)

        def end() -> None:
            stop.set()
            self.desk.stop()

        with ExitStack() as opened:
            views = self._site.views(self.desk, health, self._followers.metrics.registry)
            opened.enter_context(web(settings.listen, views))
            opened.enter_context(control(settings.control_socket, self.desk))
            opened.enter_context(beside("settle", lambda: settling.run(stop.is_set), end))
            opened.enter_context(supervised(os.environ, health.hangs))
            _announce(settings)
            journal.happened("daemon", f"started: process {os.getpid()}")
            sweeping.run(stop.is_set)
        journal.happened("daemon", f"stopped: process {os.getpid()}")

    def _sweeping(self) -> Runner:
        log_lines, told, journal = self._followers
        listeners: list[Listener] = [log_lines, self._board, self._parts.window]
        listeners += [meters.Sweeping(told.series, self._parts.clock), journal.sweeps("sweep")]
        listeners += self._site.followers("sweep")
        return self._parts.runner(Several(*listeners), self.desk, self.desk.hint)

    def _settling(self) -> SettleRunner:
        _, told, journal = self._followers
        listeners: list[SettleListener] = [self.desk.tally, meters.Settling(told.series)]
        listeners += [journal.settling(), *self._site.followers("settle")]
        return self._parts.settle_runner(self._schedule, SeveralSettling(*listeners), self.desk.settling())

    def _expose(self, health: Health) -> None:
        _, told, journal = self._followers
        expose(told, self._parts, self._board, self.desk)
        expose_health(told, self.desk, health)
        expose_evidence(told, journal)
        self._parts.window.also(
            lambda phase, found: journal.happened("maintenance", f"{phase}: {found.reason}")
        )


def _facts(settings: Settings, now: float) -> dict[str, Any]:
    """What is told of this process for as long as it runs."""
    return {
        "version": version("networking-nsx"),
        "process": os.getpid(),
        "started_at": now,
        "api": settings.api,
        "managers": settings.managers,
        "mode": "report" if settings.report_only else "write",
    }


def _announce(settings: Settings) -> None:
    managers, interval = ", ".join(settings.managers), settings.pacing.interval
    mode = ": report only, nothing is written" if settings.report_only else ""
    _LOG.info("synchronizing with %s (api %s) every %s s%s", managers, settings.api, interval, mode)
    if settings.control_socket:
        _LOG.info("taking commands at %s", settings.control_socket)
