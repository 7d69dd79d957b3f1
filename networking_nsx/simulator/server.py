"""One simulated NSX: its nodes and its VIP on real ports, and the same operations from Python.

Promises: whatever starts is stopped at the end of the `with` block, answers that a fault holds back
included; nothing listens beyond loopback unless that was asked for.
"""

import ipaddress
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import trustme

from networking_nsx.simulator import control, mh, policy_calls
from networking_nsx.simulator.accounts import Accounts
from networking_nsx.simulator.control import Control
from networking_nsx.simulator.cursors import CURSORS
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.simulator.fault_kinds import Site, Vip, api_of
from networking_nsx.simulator.faults import Due, Faults, Rule
from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.inventory import Choice, Inventory
from networking_nsx.simulator.limits import Limits
from networking_nsx.simulator.mh import MhApi
from networking_nsx.simulator.policy import PolicyApi
from networking_nsx.simulator.policy_errors import Wrong
from networking_nsx.simulator.population import Item, Plan
from networking_nsx.simulator.readings import Readings
from networking_nsx.simulator.requestlog import RequestLog
from networking_nsx.simulator.sessions import Sessions
from networking_nsx.simulator.settings import SimulatorSettings
from networking_nsx.simulator.standing import Standing
from networking_nsx.simulator.wire import Listener

PRINCIPAL = "neutron"  # in the client's certificate: the account that it stands for

_APIS = {"mh": ("mh",), "policy": ("policy",), "both": ("mh", "policy")}


class _Api(Protocol):
    """One of the APIs."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer has."""

    def account(self, request: Request) -> str: ...

    def target(self, request: Request) -> Any: ...

    def answer(self, request: Request, target: Any, due: Due) -> Answer: ...


class Simulator:
    """A simulated NSX in this process. Fields of the settings may be given as keywords.

    >>> with Simulator(nodes=3, seed=7) as nsx:
    ...     nsx.populate(networks=2, ports=6)
    ...     nsx.set_status("port", "down", fraction=0.5)
    """

    def __init__(self, settings: SimulatorSettings | None = None, **fields: Any) -> None:
        self.settings = replace(settings or SimulatorSettings(), **fields)
        self.faults = Faults()
        self.requests = RequestLog(self.settings.clock)
        self.objects = Inventory(Generations(self.settings.clock))
        self.sessions = [
            Sessions(self.settings.session_lifetime, self.settings.clock) for _ in range(self.settings.nodes)
        ]
        self.urls: list[str] = []  # of the nodes; filled when they listen
        self.vip = ""
        self.ca_file: str | None = None
        self.accounts = Accounts(self.settings)
        self.readings = Readings(self.objects, self.settings.clock)
        self._standing = Standing(self.objects, self.accounts, self.faults)
        self._control = Control(
            self.objects,
            self.faults,
            self.requests,
            self.settings.seed,
            self.accounts,
            self.readings,
            self._standing,
        )
        self._site = Site(
            self.objects, self.sessions, self.urls, self._control.perform, self.accounts, self.readings, Vip()
        )
        self._limits = Limits(self.settings)
        made: dict[str, Callable[[SimulatorSettings, Site], _Api]] = {"mh": MhApi, "policy": PolicyApi}
        served = _APIS.get(self.settings.api, ())
        self._apis = {name: made[name](self.settings, self._site) for name in served}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def control(self) -> str:
        """The base URL that `/_sim` is below."""
        return self.urls[0]

    def start(self) -> None:
        """Listen on every node and on the VIP; populate, if the settings say so."""
        _check(self.settings)
        with ExitStack() as opened:
            certificate = self._certificate(opened) if self.settings.tls else None
            self._populate_first()
            self.urls[:] = [
                self._listen(opened, number, number, certificate) for number in range(self.settings.nodes)
            ]
            self.vip = self._listen(opened, self.settings.nodes, 0, certificate)
            self._opened = opened.pop_all()

    def stop(self) -> None:
        """Stop listening; whoever still waits for an answer gets none."""
        self.objects.generations.end()
        self._opened.close()

    def populate(
        self,
        networks: int = 0,
        ports: int = 0,
        routers: int = 0,
        seed: int | None = None,
        **rest: Any,
    ) -> None:
        """Replace everything NSX has; `rest` are the other fields of `Plan`."""
        seed = self.settings.seed if seed is None else seed
        self.objects.populate(Plan(networks, ports, routers, seed, **rest))

    def set_status(
        self,
        kind: str,
        status: str,
        ids: Sequence[str] | None = None,
        *,
        fraction: float = 1.0,
        seed: int | None = None,
        message: str = "",
    ) -> list[str]:
        """Set the status of objects by Neutron or NSX id, else of a fraction, and why; return their ids."""
        return self.objects.set_status(self._choice(kind, ids, fraction, seed), status, message)[0]

    def delete(
        self,
        kind: str,
        ids: Sequence[str] | None = None,
        *,
        fraction: float = 1.0,
        seed: int | None = None,
    ) -> list[str]:
        """Delete objects by Neutron or NSX id, else a fraction; return their ids."""
        return self.objects.delete(self._choice(kind, ids, fraction, seed))

    def create(self, kind: str, **how: Any) -> list[str]:
        """Create objects, as `Inventory.create` describes; return their ids."""
        return self.objects.create(kind, **how)

    def inventory(self, kind: str | None = None) -> list[Item]:
        """What NSX has at this moment: the truth, whatever it answers."""
        return self._control.truth(kind)

    def before(self, match: str, after: int, callback: Callable[[], object], **parameters: Any) -> Rule:
        """Call back just before request number `after` (from 0) of those that match is answered."""
        return self.faults.before(match, after, callback, **parameters)

    def answer(self, request: Request) -> Answer:
        """Answer a request that arrived at a node; count it, and let limits and faults at it."""
        name = api_of(request.path)
        api = self._apis.get(name) or next(iter(self._apis.values()))
        account = api.account(request)
        self.requests.arrived(account, request.node)
        target = api.target(request)
        limited = name == "policy" and name in self._apis
        answer = (
            self._limited(api, account, request, target) if limited else self._tried(api, request, target)
        )
        sent = "none" if answer.silent else str(answer.status)
        login = request.path in (mh.LOGIN, policy_calls.LOGIN) and sent == "200"
        size = len(answer.body[: answer.cut])
        self.requests.answered(f"{request.method} {target.pattern}", sent, size, login=login)
        return replace(answer, headers=(*answer.headers, *api.headers))

    def answer_vip(self, request: Request) -> Answer:
        """Answer a request to the VIP: the node behind it does."""
        return self.answer(replace(request, node=self._site.vip.node, vip=True))

    def answer_first(self, request: Request) -> Answer:
        """Answer on the first port, where the control interface is as well."""
        here = request.path.startswith(f"{control.ROOT}/")
        return self._control.answer(request) if here else self.answer(request)

    def _limited(self, api: _Api, account: str, request: Request, target: Any) -> Answer:
        """Answer, unless NSX's limits forbid it; the request is in flight until its answer has gone out."""
        try:
            leave = self._limits.admit(account, request.node)
        except Wrong as wrong:
            return wrong.answer()
        with ExitStack() as flight:
            flight.callback(leave)
            answer = self._tried(api, request, target)
            return replace(answer, done=flight.pop_all().close)

    def _tried(self, api: _Api, request: Request, target: Any) -> Answer:
        """Answer, unless a fault does, and let faults at the answer."""
        due = self.faults.due(request)
        self._standing.settle()
        due.stand()
        due.act(request, self._site)
        if request.vip:
            request = replace(request, node=self._site.vip.node)
        answer = due.refusal(request, self._site) or api.answer(request, target, due)
        return due.answer(answer)

    def _choice(self, kind: str, ids: Sequence[str] | None, fraction: float, seed: int | None) -> Choice:
        return Choice(kind, ids, fraction, self.settings.seed if seed is None else seed)

    def _populate_first(self) -> None:
        settings = self.settings
        if settings.networks or settings.routers or settings.ports:
            self.populate(settings.networks, settings.ports, settings.routers)

    def _listen(self, opened: ExitStack, offset: int, node: int, certificate: str | None) -> str:
        settings = self.settings
        port = settings.port + offset if settings.port else 0
        respond = {0: self.answer_first, settings.nodes: self.answer_vip}.get(offset, self.answer)
        listener = Listener((settings.host, port), node, respond, settings.threads)
        opened.callback(listener.close)
        listener.open(certificate, self.ca_file)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"{'https' if settings.tls else 'http'}://{host}:{listener.port}"

    def _certificate(self, opened: ExitStack) -> str:
        """Make a CA and a certificate of its; return the file of the latter, with its key."""
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="nsx-simulator-")))
        authority = trustme.CA()
        ca_file = Path(self.settings.ca_file or folder / "ca.pem")
        authority.cert_pem.write_to_path(str(ca_file))
        self.ca_file = str(ca_file)
        issued = authority.issue_cert(*dict.fromkeys((self.settings.host, "localhost", "127.0.0.1")))
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "node.pem"))
        if self.settings.client_cert_file:
            client = authority.issue_cert(PRINCIPAL, common_name=PRINCIPAL)
            client.private_key_and_cert_chain_pem.write_to_path(self.settings.client_cert_file)
        return str(folder / "node.pem")


_CHOICES: dict[str, Collection[str]] = {
    "api": _APIS,
    "cursor": CURSORS,
    "search_ceiling_mode": ("error", "silent"),
}


def _check(settings: SimulatorSettings) -> None:
    if settings.nodes < 1:
        raise ValueError(f"nodes must be 1 or more, not {settings.nodes}")
    for name, choices in _CHOICES.items():
        if getattr(settings, name) not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {getattr(settings, name)!r}")
    if settings.client_cert_file and not settings.tls:
        raise ValueError("client_cert_file needs tls: certificates are shown there")
    _refuse_beyond_loopback(settings)


def _refuse_beyond_loopback(settings: SimulatorSettings) -> None:
    if settings.allow_remote or settings.host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"The simulator does not listen on {settings.host}: everybody who reaches it controls it. "
            "Choose a loopback address, or allow remote access explicitly."
        )
