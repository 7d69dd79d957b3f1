"""Every fault: what it does, in a sentence and as a function. docs/reference/simulator.md lists them.

A fault works in one of five phases. *Acts* happen before the request is answered. *Refusals* answer
instead of NSX. *Marks* are asked for by the API itself, where it reads a cursor or the inventory.
*Page* faults change which objects a list or a read answers with. *Answer* faults change bytes and
timing on the way out. A function that returns None had nothing to work on, and the fault stays armed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from networking_nsx.simulator.exchange import Answer, Request, error
from networking_nsx.simulator.inventory import Inventory
from networking_nsx.simulator.mh_malformed import VARIANTS, malformed
from networking_nsx.simulator.sessions import Sessions

CODES = (400, 401, 403, 404, 409, 410, 429, 500, 502, 503, 504)


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


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of an answer before they become one body."""

    objects: tuple[bytes, ...]
    total: int | None = None
    cursor: str | None = None
    again: str | None = None  # the cursor of this same page; None: not a list
    previous: bytes | None = None  # the last object of the page before


@dataclass(frozen=True, slots=True)
class Site:
    """What a fault can reach beyond the request."""

    inventory: Inventory
    sessions: Sequence[Sessions]  # by node
    urls: list[str]  # by node; known once it listens
    perform: Callable[[str, Mapping[str, Any]], object]  # a control operation


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
    act: Act | None = None
    refusal: Refusal | None = None
    on_page: OnPage | None = None
    on_answer: OnAnswer | None = None


def _drop_sessions(_fault: Fault, request: Request, site: Site) -> None:
    site.sessions[request.node].drop()


def _restore(_fault: Fault, _request: Request, site: Site) -> None:
    site.inventory.restore()


def _perform(fault: Fault, _request: Request, site: Site) -> None:
    if fault.callback:
        fault.callback()
    for name, body in fault.parameters["action"].items():
        site.perform(name, body)


def _http(fault: Fault, _request: Request, _site: Site) -> Answer:
    code = int(fault.fault.removeprefix("http-"))
    message = fault.parameters["message"] or HTTPStatus(code).phrase
    after = fault.parameters["retry_after"]
    answer = error(code, message)
    return (
        answer if after is None else replace(answer, headers=(*answer.headers, ("Retry-After", str(after))))
    )


def _redirect(fault: Fault, request: Request, site: Site) -> Answer:
    to_node = fault.parameters["to_node"]
    base = "" if to_node is None else site.urls[to_node]
    query = f"?{request.raw_query}" if request.raw_query else ""
    return Answer(fault.parameters["status"], headers=(("Location", f"{base}{request.path}{query}"),))


def _reset(_fault: Fault, _request: Request, _site: Site) -> Answer:
    return Answer(0, silent=True)


def _timeout(fault: Fault, _request: Request, _site: Site) -> Answer:
    return Answer(0, silent=True, delay=fault.parameters["seconds"])


def _skip(fault: Fault, page: Page) -> Page | None:
    left_out = _targets(fault, page)
    if page.again is None or not left_out:
        return None
    kept = (item for place, item in enumerate(page.objects) if place not in left_out)
    return replace(page, objects=tuple(kept))


def _repeat(_fault: Fault, page: Page) -> Page | None:
    return replace(page, objects=(page.previous, *page.objects)) if page.previous else None


def _wrong_total(fault: Fault, page: Page) -> Page | None:
    return None if page.total is None else replace(page, total=page.total + fault.parameters["by"])


def _empty_page(_fault: Fault, page: Page) -> Page | None:
    return None if page.again is None else replace(page, objects=(), cursor=page.again)


def _malformed(fault: Fault, page: Page) -> Page | None:
    objects = list(page.objects)
    for place in _targets(fault, page):
        objects[place] = malformed(objects[place], fault.parameters["variant"])
    return None if tuple(objects) == page.objects else replace(page, objects=tuple(objects))


def _targets(fault: Fault, page: Page) -> Sequence[int]:
    """The places in the page that a fault is about: those of `ids`, else the one of `index`."""
    wanted = [given.encode() for given in fault.parameters["ids"]]
    if wanted:
        return [place for place, item in enumerate(page.objects) if any(given in item for given in wanted)]
    return range(len(page.objects))[fault.parameters["index"] :][:1]


def _slow(fault: Fault, answer: Answer) -> Answer:
    rate = fault.parameters["bytes_per_second"]
    return replace(answer, delay=answer.delay + fault.parameters["seconds"], bytes_per_second=rate)


def _truncate(fault: Fault, answer: Answer) -> Answer | None:
    half = len(answer.body) // 2
    if not half:
        return None
    short = fault.parameters["declare"] == "short"
    return replace(answer, body=answer.body[:half]) if short else replace(answer, cut=half)


def _invalid_json(_fault: Fault, answer: Answer) -> Answer:
    return replace(answer, body=b'{"results": [{"uuid": }], "result_count":')


def _empty_body(_fault: Fault, answer: Answer) -> Answer:
    return replace(answer, body=b"")


_OBJECT = {"index": 0, "ids": ()}

FAULTS: dict[str, Behaviour] = {
    f"http-{code}": Behaviour(
        f"answers {code} {HTTPStatus(code).phrase}",
        {"message": "", "retry_after": None},
        refusal=_http,
    )
    for code in CODES
} | {
    "timeout": Behaviour("accepts the request and never answers it", {"seconds": 30.0}, refusal=_timeout),
    "slow": Behaviour(
        "waits before it answers, and may answer in a dribble",
        {"seconds": 1.0, "bytes_per_second": None},
        on_answer=_slow,
    ),
    "reset": Behaviour("resets the connection instead of an answer", refusal=_reset),
    "truncate": Behaviour("ends the body after its half", {"declare": "full"}, on_answer=_truncate),
    "invalid-json": Behaviour("answers with a body that is no JSON", on_answer=_invalid_json),
    "empty-body": Behaviour("answers with no body", on_answer=_empty_body),
    "redirect": Behaviour(
        "sends the client to the same path, here or on another node",
        {"status": 307, "to_node": None},
        refusal=_redirect,
    ),
    "cursor-expired": Behaviour("does not know the cursor it is sent"),
    "skip-object": Behaviour("leaves objects out of a page", _OBJECT, on_page=_skip),
    "repeat-object": Behaviour("begins a page with the last object of the page before", on_page=_repeat),
    "wrong-total": Behaviour("counts wrongly in result_count", {"by": 1}, on_page=_wrong_total),
    "empty-page-with-cursor": Behaviour(
        "answers an empty page whose cursor leads to the page that was asked for", on_page=_empty_page
    ),
    "malformed-object": Behaviour(
        "spoils objects of an answer", {"variant": "no-tags", **_OBJECT}, on_page=_malformed
    ),
    "node-down": Behaviour(
        "resets every connection that asks anything", count=None, logins=True, refusal=_reset
    ),
    "session-dropped": Behaviour("forgets all sessions of the node", act=_drop_sessions),
    "inventory-lost": Behaviour("answers as if NSX were empty", count=None),
    "inventory-restored": Behaviour("goes back to what the last populate made", act=_restore),
    "act": Behaviour("does control operations just before the answer", {"action": {}}, act=_perform),
}

CHOICES: dict[str, Sequence[Any]] = {
    "declare": ("full", "short"),
    "status": (301, 307),
    "variant": tuple(VARIANTS),
}
