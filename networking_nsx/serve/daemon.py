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
from networking_nsx.serve.web import web
from networking_nsx.sync.runner import Listener, Several, SeveralSettling

_LOG = logging.getLogger(__name__)


class Followers(NamedTuple):
    """Who is told of all that a daemon does."""

    log_lines: Listener
    metrics: Metrics
    journal: Journal


def serve(parts: Parts, followers: Followers, stop: threading.Event, stops: list[Callable[[], None]]) -> None:
    """Synchronize until `stop` is set. What ends waits is added to `stops`, which a signal calls."""
    settings = parts.settings
    board = Board(parts.clock, parts.sweeper.canary if parts.source.index else None)
    schedule = parts.schedule()
    journal, series = followers.journal, followers.metrics.series
    desk = Desk(
        _facts(settings, parts.clock.now()), board, parts.brake, parts.clock, schedule, parts.window, journal
    )
    parts.window.also(lambda phase, found: journal.happened("maintenance", f"{phase}: {found.reason}"))
    expose(followers.metrics, parts, board, desk)
    site = Site(parts)
    sweeps = Several(
        *(followers.log_lines, board, parts.window, meters.Sweeping(series, parts.clock)),
        *(journal.sweeps("sweep"), *site.followers("sweep")),
    )
    sweeping = parts.runner(sweeps, desk, desk.hint)
    settles = SeveralSettling(
        desk.tally, meters.Settling(series), journal.settling(), *site.followers("settle")
    )
    settling = parts.settle_runner(schedule, settles, desk.settling())

    def end() -> None:
        stop.set()
        desk.stop()

    stops.append(desk.stop)
    if stop.is_set():  # while all this was made
        end()
    health = health_of(parts, desk, board)
    expose_health(followers.metrics, desk, health)
    expose_evidence(followers.metrics, journal)
    views = site.views(desk, health, followers.metrics.registry)
    with ExitStack() as opened:
        opened.enter_context(web(settings.listen, views))
        opened.enter_context(control(settings.control_socket, desk))
        opened.enter_context(beside("settle", lambda: settling.run(stop.is_set), end))
        opened.enter_context(supervised(os.environ, health.hangs))
        _announce(settings)
        journal.happened("daemon", f"started: process {os.getpid()}")
        sweeping.run(stop.is_set)
    journal.happened("daemon", f"stopped: process {os.getpid()}")


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
