"""Every fault: what it does, in a sentence and as a function. docs/reference/simulator.md lists them."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from networking_nsx.simulator.exchange import Answer, Page, Request, error
from networking_nsx.simulator.fault_kinds import Behaviour, Fault, Site, api_of
from networking_nsx.simulator.guises import GUISES
from networking_nsx.simulator.malformed import VARIANTS, malformed
from networking_nsx.simulator.policy_errors import no_licence, refusal, search_failed

CODES = (400, 401, 403, 404, 409, 410, 429, 500, 502, 503, 504)


def _drop_sessions(_fault: Fault, request: Request, site: Site) -> None:
    site.sessions[request.node].drop()
    site.accounts.drop(request.node)


def _restore(_fault: Fault, _request: Request, site: Site) -> None:
    site.inventory.restore()


def _perform(fault: Fault, _request: Request, site: Site) -> None:
    if fault.callback:
        fault.callback()
    for name, body in fault.parameters["action"].items():
        site.perform(name, body)


def _move_vip(fault: Fault, _request: Request, site: Site) -> None:
    asked = fault.parameters["to_node"]
    site.vip.node = (site.vip.node + 1 if asked is None else int(asked)) % len(site.urls)


def _http(fault: Fault, request: Request, site: Site) -> Answer:
    code = int(fault.fault.removeprefix("http-"))
    message = fault.parameters["message"]
    after = fault.parameters["retry_after"]
    if api_of(request.path) == "policy":
        codes = (fault.parameters["code"], fault.parameters["related"])
        answer = refusal(code, message, *codes, site.accounts.named(request))
    else:
        answer = error(code, message or HTTPStatus(code).phrase)
    return (
        answer if after is None else replace(answer, headers=(*answer.headers, ("Retry-After", str(after))))
    )


def _redirect(fault: Fault, request: Request, site: Site) -> Answer:
    to_node = fault.parameters["to_node"]
    base = "" if to_node is None else site.urls[to_node]
    query = f"?{request.raw_query}" if request.raw_query else ""
    return Answer(fault.parameters["status"], headers=(("Location", f"{base}{request.path}{query}"),))


def _without_licence(_fault: Fault, _request: Request, _site: Site) -> Answer:
    return no_licence().answer()


def _search_fails(fault: Fault, request: Request, _site: Site) -> Answer | None:
    here = request.path.startswith(_SEARCHES)
    return search_failed(_SEARCH_CODES[fault.fault]).answer() if here else None


def _reset(_fault: Fault, _request: Request, _site: Site) -> Answer:
    return Answer(0, silent=True)


def _timeout(fault: Fault, _request: Request, _site: Site) -> Answer:
    return Answer(0, silent=True, delay=fault.parameters["seconds"])


def _skip(fault: Fault, page: Page) -> Page | None:
    left_out = _targets(fault, page)
    if (page.again is None and page.total is None) or not left_out:
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
_SOME = {"ids": (), "fraction": 0.1, "seed": 0}
_POLICY = ("policy",)
_SEARCHES = ("/policy/api/v1/search", "/api/v1/search")
_SEARCH_CODES = {"index-rebuilding": 60508, "search-timeout": 60514, "index-out-of-sync": 60515}

FAULTS: dict[str, Behaviour] = {
    f"http-{code}": Behaviour(
        f"answers {code} {HTTPStatus(code).phrase}",
        {"message": "", "retry_after": None, "code": None, "related": None},
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
    "index-lag": Behaviour(
        "search shows objects as they were some time ago",
        {"seconds": 60.0, "fraction": 1.0, "seed": 0},
        count=None,
        apis=_POLICY,
    ),
    "index-drop": Behaviour(
        "search lacks objects, and says nothing of it", {"fraction": 0.1, "seed": 0}, count=None, apis=_POLICY
    ),
    "index-rebuilding": Behaviour(
        "search answers that its index is being built", count=None, apis=_POLICY, refusal=_search_fails
    ),
    "search-timeout": Behaviour("search answers that it timed out", apis=_POLICY, refusal=_search_fails),
    "index-out-of-sync": Behaviour(
        "search answers that its index is out of sync", count=None, apis=_POLICY, refusal=_search_fails
    ),
    "vip-moved": Behaviour(
        "lets the VIP lead to another node", {"to_node": None}, apis=_POLICY, act=_move_vip
    ),
    "password-changed": Behaviour(
        "ends all sessions and lets another password be right",
        {"password": "changed"},
        count=None,
        logins=True,
        apis=_POLICY,
        standing=True,
    ),
    "licence-expired": Behaviour(
        "answers that there is no licence", count=None, apis=_POLICY, refusal=_without_licence
    ),
    "tag-tampered": Behaviour(
        "changes the tags of objects",
        {"variant": "removed", **_SOME},
        count=None,
        apis=_POLICY,
        standing=True,
    ),
    "duplicate-port": Behaviour(
        "gives ports a second object, which is down", _SOME, count=None, apis=_POLICY, standing=True
    ),
}

CHOICES: dict[str, Sequence[Any]] = {
    "declare": ("full", "short"),
    "status": (301, 307),
    "variant": tuple(VARIANTS),
    "tag-tampered variant": tuple(GUISES),
}
