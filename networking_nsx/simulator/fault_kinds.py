"""What a fault is: as it was asked for, what it can reach, and in which phase it works.

A fault works in one of six phases. *Acts* happen before the request is answered. *Refusals* answer
instead of NSX. *Marks* are asked for by the API itself, where it reads a cursor or the inventory.
*Page* faults change which objects a list or a read answers with. *Answer* faults change bytes and
timing on the way out. *Standing* faults change the objects or the accounts for as long as they would
affect the next request. A function that returns None had nothing to work on, and the fault stays armed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from networking_nsx.simulator.accounts import Accounts
from networking_nsx.simulator.exchange import Answer, Page, Request
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.readings import Readings
from networking_nsx.simulator.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as it was asked for."""

    fault: str
    match: str = "/"  # the beginning of the path
    logins: bool = False  # a login is affected too
    query: str = ""  # a part of the query
    after: int = 0  # matching requests that pass first
    count: int | None = 1  # requests that are affected; None: until cleared
    node: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    callback: Callable[[], object] | None = None


@dataclass(slots=True)
class Vip:
    """Where the VIP leads."""

    node: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """What a fault can reach beyond the request."""

    inventory: Inventory
    sessions: Sequence[Sessions]  # by node
    urls: list[str]  # by node; known once it listens
    perform: Callable[[str, Mapping[str, Any]], object]  # a control operation
    accounts: Accounts  # of the Policy API
    readings: Readings
    vip: "Vip"


Act = Callable[[Fault, Request, Site], object]
Refusal = Callable[[Fault, Request, Site], Answer | None]
OnPage = Callable[[Fault, Page], Page | None]
OnAnswer = Callable[[Fault, Answer], Answer | None]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a fault's name stands for. Without any function it is a mark."""

    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)  # names and defaults
    count: int | None = 1
    logins: bool = False  # without a `match`, logins are affected too
    apis: tuple[str, ...] = ("mh", "policy")
    standing: bool = False  # it has an effect for as long as it would affect the next request
    act: Act | None = None
    refusal: Refusal | None = None
    on_page: OnPage | None = None
    on_answer: OnAnswer | None = None


def api_of(path: str) -> str:
    """The API that a path belongs to."""
    return "policy" if path.startswith(("/policy/", "/api/")) else "mh"
