"""The one place where concrete classes meet."""

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from oslo_config import cfg

from networking_nsx import config
from networking_nsx.clock import SystemClock
from networking_nsx.config import Settings
from networking_nsx.lease import lease
from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.events import recent
from networking_nsx.neutron.nova import PATIENCE, NovaNotifier, Silence
from networking_nsx.neutron.nova_client import notifier_from
from networking_nsx.neutron.store import NeutronStore, ReportStore
from networking_nsx.nsx.http import Client
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.ports import Clock, Source, Store
from networking_nsx.sync.brake import Brake
from networking_nsx.sync.ledger import Ledger
from networking_nsx.sync.pacing import Pacer
from networking_nsx.sync.runner import Listener, Runner
from networking_nsx.sync.sweep import Sweeper

FAREWELL = 10.0  # seconds at the end for what Nova has not been told yet; the next start tells it the rest

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """A synchronizer taken apart: what a command needs of it."""

    settings: Settings
    source: Source
    store: Store
    brake: Brake
    sweeper: Sweeper
    clock: Clock

    def runner(self, listener: Listener) -> Runner:
        pacer = Pacer(self.settings.pacing, random.Random())
        return Runner(self.sweeper, pacer, self.clock, listener, self.settings.first_delay)


@contextmanager
def reader(conf: cfg.ConfigOpts, stop: threading.Event) -> Iterator[Parts]:
    """A synchronizer that reads Neutron and NSX and writes nothing.

    Raises ConfigurationError, and StoreError when the database is not Neutron's.
    """
    with ExitStack() as opened:
        yield _parts(conf, stop, opened, writes=False)


@contextmanager
def writer(conf: cfg.ConfigOpts, stop: threading.Event) -> Iterator[Parts]:
    """A synchronizer that writes, unless `mode = report`, and tells Nova.

    Raises ConfigurationError, and StoreError when the database is not Neutron's.
    """
    with ExitStack() as opened:
        yield _parts(conf, stop, opened, writes=True)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lease of this NSX on this machine. Raises LeaseTaken."""
    with lease(settings.managers, settings.lock_path):
        yield


def _parts(conf: cfg.ConfigOpts, stop: threading.Event, opened: ExitStack, *, writes: bool) -> Parts:
    settings = config.settings(conf)
    clock = SystemClock(stop)
    source = _source(settings, clock, opened)
    store = _store(settings, conf, clock, opened, writes=writes and not settings.report_only)
    brake = Brake(settings.brake, random.Random())
    sweeper = Sweeper(source, Ledger(settings.ledger), store, brake, clock, settings.kinds, settings.looks)
    return Parts(settings, source, store, brake, sweeper, clock)


def _source(settings: Settings, clock: Clock, opened: ExitStack) -> Source:
    login = MhLogin(settings.user, settings.password)
    client = opened.enter_context(Client(settings.managers, login, settings.http, clock))
    return MhSource(client, clock, settings.generation_timeout)


def _store(
    settings: Settings, conf: cfg.ConfigOpts, clock: Clock, opened: ExitStack, *, writes: bool
) -> Store:
    database = engine(settings.connection)
    opened.callback(database.dispose)
    for doubt in schema.check(database):
        _LOG.warning("%s", doubt)
    if not writes:
        return ReportStore(NeutronStore(database, settings.scope, Silence(), clock))
    notifier = notifier_from(conf, clock)
    notifier.start()
    opened.callback(notifier.close, FAREWELL)
    if isinstance(notifier, NovaNotifier):
        # The process before us may have died between a commit and its event.
        notifier.notify(recent(database, settings.scope, PATIENCE, clock))
    return NeutronStore(database, settings.scope, notifier, clock)
