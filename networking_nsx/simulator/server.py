"""One simulated NSX: its nodes and its VIP on real ports, and the same operations from Python.

Promises: whatever starts is stopped at the end of the `with` block, answers that a fault holds back
included; nothing listens beyond loopback unless that was asked for.
"""

import ipaddress
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

from networking_nsx.simulator import control, mh
from networking_nsx.simulator.control import Control
from networking_nsx.simulator.cursors import CURSORS
from networking_nsx.simulator.exchange import Answer, Request
from networking_nsx.simulator.fault_table import Site
from networking_nsx.simulator.faults import Faults, Rule
from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.inventory import Choice, Inventory
from networking_nsx.simulator.mh import MhApi
from networking_nsx.simulator.population import Item, Plan
from networking_nsx.simulator.requestlog import RequestLog
from networking_nsx.simulator.sessions import Sessions
from networking_nsx.simulator.settings import SimulatorSettings
from networking_nsx.simulator.wire import Listener


class Simulator:
    """A simulated NSX in this process. Fields of the settings may be given as keywords.

    >>> with Simulator(nodes=3, seed=7) as nsx:
    ...     nsx.populate(networks=2, ports=6)
    ...     nsx.set_status("port", "down", fraction=0.5)
    """

    def __init__(self, settings: SimulatorSettings | None = None, **fields: Any) -> None:
        self.settings = replace(settings or SimulatorSettings(), **fields)
        self.faults = Faults()
        self.requests = RequestLog()
        self.objects = Inventory(Generations())
        self.sessions = [Sessions(self.settings.session_lifetime) for _ in range(self.settings.nodes)]
        self.urls: list[str] = []  # of the nodes; filled when they listen
        self.vip = ""
        self.ca_file: str | None = None
        self._control = Control(self.objects, self.faults, self.requests, self.settings.seed)
        self._site = Site(self.objects, self.sessions, self.urls, self._control.perform)
        self._mh = MhApi(self.settings, self._site)
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
    ) -> list[str]:
        """Set the status of objects by Neutron or NSX id, else of a fraction; return their ids."""
        return self.objects.set_status(self._choice(kind, ids, fraction, seed), status)[0]

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
        """Answer a request that arrived at a node; count it, and let faults at it."""
        self.requests.arrived(self._mh.account(request), request.node)
        target = self._mh.target(request)
        due = self.faults.due(request)
        due.act(request, self._site)
        answer = due.refusal(request, self._site) or self._mh.answer(request, target, due)
        answer = due.answer(answer)
        sent = "none" if answer.silent else str(answer.status)
        login = request.path == f"{mh.ROOT}/login" and sent == "200"
        size = len(answer.body[: answer.cut])
        self.requests.answered(f"{request.method} {target.pattern}", sent, size, login=login)
        return replace(answer, headers=(*answer.headers, ("Server", mh.VERSION)))

    def answer_first(self, request: Request) -> Answer:
        """Answer on the first port, where the control interface is as well."""
        here = request.path.startswith(f"{control.ROOT}/")
        return self._control.answer(request) if here else self.answer(request)

    def _choice(self, kind: str, ids: Sequence[str] | None, fraction: float, seed: int | None) -> Choice:
        return Choice(kind, ids, fraction, self.settings.seed if seed is None else seed)

    def _populate_first(self) -> None:
        settings = self.settings
        if settings.networks or settings.routers or settings.ports:
            self.populate(settings.networks, settings.ports, settings.routers)

    def _listen(self, opened: ExitStack, offset: int, node: int, certificate: str | None) -> str:
        settings = self.settings
        port = settings.port + offset if settings.port else 0
        respond = self.answer if offset else self.answer_first
        listener = Listener((settings.host, port), node, respond, settings.threads)
        opened.callback(listener.close)
        listener.open(certificate)
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
        return str(folder / "node.pem")


def _check(settings: SimulatorSettings) -> None:
    if settings.nodes < 1:
        raise ValueError(f"nodes must be 1 or more, not {settings.nodes}")
    if settings.cursor not in CURSORS:
        raise ValueError(f"cursor must be one of {', '.join(CURSORS)}, not {settings.cursor!r}")
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
