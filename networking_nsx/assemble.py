"""The one place where concrete classes meet."""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from oslo_config import cfg

from networking_nsx import config
from networking_nsx.clock import SystemClock
from networking_nsx.config import Settings
from networking_nsx.lease import lease
from networking_nsx.maintenance_file import log, memory
from networking_nsx.neutron import schema
from networking_nsx.neutron.bindings import Bindings
from networking_nsx.neutron.census import Census
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.events import recent
from networking_nsx.neutron.nova import PATIENCE, NovaNotifier, Silence
from networking_nsx.neutron.nova_client import notifier_from
from networking_nsx.neutron.store import NeutronStore, ReportStore
from networking_nsx.nsx.api import MH, POLICY, Api
from networking_nsx.nsx.auth import (
    Authentication,
    Basic,
    BasicFromFile,
    Certificate,
    Credential,
    Login,
    LoginFromFile,
    PolicyLogin,
    Token,
)
from networking_nsx.nsx.checks import Manager
from networking_nsx.nsx.http import Client
from networking_nsx.nsx.mh import MhLogin, MhSource
from networking_nsx.nsx.policy import PolicySource
from networking_nsx.nsx.pulse import Pulse
from networking_nsx.nsx.reader_mh import Generation
from networking_nsx.ports import UNMEASURED, Clock, Explained, Hint, Metrics, Source, Store, Told
from networking_nsx.sync.brake import Allowance, Brake
from networking_nsx.sync.canary import Canary
from networking_nsx.sync.damping import Damped
from networking_nsx.sync.ledger import Ledger
from networking_nsx.sync.maintenance import Deferring, Forgetful, Window
from networking_nsx.sync.pacing import Pacer
from networking_nsx.sync.runner import Gate, Listener, Runner, SettleListener, SettleRunner
from networking_nsx.sync.settle import Schedule, Settler
from networking_nsx.sync.sweep import Sweeper

URGENT_SHARE = 0.1  # of `request_rate`, kept for single rows; more stretches the sweeps of a busy cloud
FAREWELL = 10.0  # seconds at the end for what Nova has not been told yet; the next start tells it the rest

Clients = tuple[Client, Client]  # of one NSX: for sweeps, and for single rows
Sources = tuple[Explained, Source]  # the same

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """A synchronizer taken apart: what a command needs of it."""

    settings: Settings
    client: Client
    nova: NovaNotifier | Silence
    source: Explained
    urgent: Source
    """The same NSX, for the settle runner: it shares with the source what threads may."""
    store: Store
    census: Census
    brake: Brake
    sweeper: Sweeper
    clock: Clock
    window: Window
    pulses: Mapping[str, Pulse]
    """By the runner, `sweep` and `settle`: each beats while its requests to NSX go on."""

    def schedule(self) -> Schedule:
        return Schedule(self.clock, threading.Lock())

    def settle_runner(self, schedule: Schedule, listener: SettleListener, gate: Gate) -> SettleRunner:
        allowance = Allowance(self.settings.brake)
        settler = Settler(self.urgent, self.store, schedule, allowance, self.clock)
        return SettleRunner(settler, self.clock, listener, gate)

    def runner(self, listener: Listener, gate: Gate, hint: Hint) -> Runner:
        pacing = replace(self.settings.pacing, page_maximum=self.source.page_maximum)
        pacer = Pacer(pacing, random.Random())
        sweeper = replace(self.sweeper, direct_seconds=float(pacing.interval), hint=hint)
        return Runner(sweeper, pacer, self.clock, listener, self.settings.first_delay, gate)


@contextmanager
def reader(conf: cfg.ConfigOpts, stop: threading.Event) -> Iterator[Parts]:
    """A synchronizer that reads Neutron and NSX and writes nothing.

    Raises ConfigurationError, and StoreError when the database is not Neutron's.
    """
    with ExitStack() as opened:
        yield _parts(conf, stop, opened, writes=False)


@contextmanager
def writer(
    conf: cfg.ConfigOpts, stop: threading.Event, told: Sequence[Told] = (), *, rehearses: bool = False
) -> Iterator[Parts]:
    """A synchronizer that writes, unless `mode = report` or it only rehearses, and tells Nova.

    `told` hear what Nova answers.

    Raises ConfigurationError, StateError, and StoreError when the database is not Neutron's.
    """
    with ExitStack() as opened:
        yield _deferring(_parts(conf, stop, opened, writes=not rehearses, told=told))


@contextmanager
def daemon(
    conf: cfg.ConfigOpts, stop: threading.Event, told: Sequence[Told] = (), metrics: Metrics = UNMEASURED
) -> Iterator[Parts]:
    """As `writer`, for two runners that share a budget and a store, which delays writes of flapping ports.

    Raises ConfigurationError, StateError, and StoreError when the database is not Neutron's.
    """
    with ExitStack() as opened:
        parts = _parts(conf, stop, opened, writes=True, told=told, metrics=metrics, urgent_share=URGENT_SHARE)
        yield _deferring(_writing_to(Damped(parts.store, parts.clock, threading.Lock()), parts))


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lease of this NSX on this machine. Raises LeaseTaken."""
    with lease(settings.managers, settings.lock_path):
        yield


@contextmanager
def bindings(settings: Settings) -> Iterator[Bindings]:
    """What Neutron knows of where ports are."""
    database = engine(settings.connection)
    try:
        yield Bindings(database)
    finally:
        database.dispose()


@contextmanager
def manager(settings: Settings, base: str) -> Iterator[Manager]:
    """One manager of this NSX, to be asked by itself. A question ends within a minute."""
    clock = SystemClock(threading.Event())
    http = replace(settings.http, retries=0, total_timeout=min(settings.http.total_timeout, 60.0))
    with _client(replace(settings, managers=(base,), http=http), clock) as client:
        source, _ = _SOURCES[settings.api](settings, (client, client.urgent()), clock)
        yield Manager(base, client, source, http, settings.kinds, clock)


def _parts(
    conf: cfg.ConfigOpts,
    stop: threading.Event,
    opened: ExitStack,
    *,
    writes: bool,
    told: Sequence[Told] = (),
    metrics: Metrics = UNMEASURED,
    urgent_share: float = 0.0,
) -> Parts:
    settings = config.settings(conf)
    clock = SystemClock(stop)
    http = replace(settings.http, urgent_share=urgent_share)
    client = opened.enter_context(_client(replace(settings, http=http), clock, metrics))
    pulses = {runner: Pulse(clock) for runner in ("sweep", "settle")}
    clients = client.followed(pulses["sweep"]), client.urgent().followed(pulses["settle"])
    source, urgent = _SOURCES[settings.api](settings, clients, clock)
    writes = writes and not settings.report_only
    store, nova, census = _neutron(settings, conf, clock, opened, told, metrics, writes=writes)
    brake = Brake(settings.brake, random.Random())
    sweeper = Sweeper(
        source,
        Ledger(settings.ledger),
        store,
        brake,
        Canary(settings.canary, random.Random()),
        clock,
        settings.kinds,
        settings.looks,
    )
    window = Window(clock, threading.Lock(), Forgetful(), log)
    return Parts(settings, client, nova, source, urgent, store, census, brake, sweeper, clock, window, pulses)


def _deferring(parts: Parts) -> Parts:
    """The same, which writes nothing for the worse during a maintenance. Raises StateError."""
    kept, standing = memory(parts.settings.state_path)
    window = Window(parts.clock, threading.Lock(), kept, log, standing)
    return replace(_writing_to(Deferring(parts.store, window), parts), window=window)


def _writing_to(store: Store, parts: Parts) -> Parts:
    return replace(parts, store=store, sweeper=replace(parts.sweeper, store=store))


def _client(settings: Settings, clock: Clock, metrics: Metrics = UNMEASURED) -> Client:
    authentication = _AUTHENTICATIONS[settings.api, settings.auth](settings)
    api = _APIS[settings.api]
    return Client(settings.managers, authentication, settings.http, clock, api=api, metrics=metrics)


def _login(settings: Settings, login: Callable[[str, str], Login]) -> Login:
    if settings.password_file:
        return LoginFromFile(partial(login, settings.user), settings.password_file)
    return login(settings.user, settings.password)


def _basic(settings: Settings) -> Credential:
    if settings.password_file:
        return BasicFromFile(settings.user, settings.password_file)
    return Basic(settings.user, settings.password)


def _mh(settings: Settings, clients: Clients, clock: Clock) -> Sources:
    generation = Generation(clock, settings.generation_timeout)
    client, urgent = clients
    return MhSource(client, clock, generation), MhSource(urgent, clock, generation)


def _policy(settings: Settings, clients: Clients, clock: Clock) -> Sources:
    client, urgent = clients
    return PolicySource(client, clock, settings.policy), PolicySource(urgent, clock, settings.policy)


_APIS: Mapping[str, Api] = {"mh": MH, "policy": POLICY}
_AUTHENTICATIONS: Mapping[tuple[str, str], Callable[[Settings], Authentication]] = {
    ("mh", "session"): lambda settings: _login(settings, MhLogin),
    ("policy", "session"): lambda settings: _login(settings, PolicyLogin),
    ("policy", "basic"): _basic,
    ("policy", "certificate"): lambda settings: Certificate(settings.http.client_cert_file),
    ("policy", "token"): lambda settings: Token(settings.token_file),
}
_SOURCES: Mapping[str, Callable[[Settings, Clients, Clock], Sources]] = {"mh": _mh, "policy": _policy}


def _neutron(
    settings: Settings,
    conf: cfg.ConfigOpts,
    clock: Clock,
    opened: ExitStack,
    told: Sequence[Told],
    metrics: Metrics,
    *,
    writes: bool,
) -> tuple[Store, NovaNotifier | Silence, Census]:
    database = engine(settings.connection)
    opened.callback(database.dispose)
    for doubt in schema.check(database):
        _LOG.warning("%s", doubt)
    census = Census(database, settings.scope, clock)
    if not writes:
        nobody = Silence()
        return ReportStore(NeutronStore(database, settings.scope, nobody, clock, metrics)), nobody, census
    notifier = notifier_from(conf, clock, told)
    notifier.start()
    opened.callback(notifier.close, FAREWELL)
    if isinstance(notifier, NovaNotifier):
        # The process before us may have died between a commit and its event.
        notifier.notify(recent(database, settings.scope, PATIENCE, clock))
    return NeutronStore(database, settings.scope, notifier, clock, metrics), notifier, census
