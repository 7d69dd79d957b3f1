"""How the Policy and Manager APIs say that something is wrong."""

from http import HTTPStatus
from typing import Any

from networking_nsx.simulator.exchange import Answer, json_answer

_COMMON = "common-services"


class Wrong(Exception):
    """A request that is answered with an error. Those of the proxy in front have no `httpStatus`."""

    def __init__(
        self, status: int, code: int | str, message: str, *, module: str = _COMMON, proxy: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.module = module
        self.proxy = proxy

    def answer(self, related: int | None = None) -> Answer:
        """The answer; the code that tells what happened may stand in a related error only."""
        body: dict[str, Any] = {} if self.proxy else {"httpStatus": HTTPStatus(self.status).name}
        said = {"module_name": self.module, "error_message": str(self)}
        body |= {**said, "error_code": self.code}
        if related is not None:
            body["related_errors"] = [{**said, "error_code": related}]
        return json_answer(self.status, body)


def absent(what: str) -> Wrong:
    return Wrong(
        404,
        600,
        f"The requested object : {what} could not be found. Object identifiers are case sensitive.",
    )


def invalid(field: str, value: Any) -> Wrong:
    """A parameter that cannot be."""
    return Wrong(400, 255, f"Field level validation errors: {{{field} has invalid value: {value}}}")


def refused() -> Wrong:
    message = "The credentials were incorrect or the account specified has been locked."
    return Wrong(403, 403, message, proxy=True)


def session_expired() -> Wrong:
    return Wrong(403, 98, "The session or its XSRF token is not valid, or has expired.", proxy=True)


def nothing_sent() -> Wrong:
    return Wrong(401, 401, "Authentication is required to access this resource.", proxy=True)


def no_licence() -> Wrong:
    return Wrong(403, 505, "There is no valid licence for this request.", proxy=True)


def search_failed(code: int) -> Wrong:
    """One of the ways in which the search index refuses."""
    return Wrong(400, code, _SEARCH[code], module="nsx-search")


def too_fast(account: str, limit: int) -> Wrong:
    message = f"Client '{account}' exceeded request rate of {limit} per second"
    return Wrong(429, "102", message, proxy=True)


def too_many(whose: str, limit: int) -> Wrong:
    message = f"{whose} exceeded concurrency limit of {limit} requests"
    return Wrong(503, "103", message, proxy=True)


def refusal(status: int, message: str, code: int | None, related: int | None, account: str) -> Answer:
    """What a fault answers with `status`: the body that NSX has for it, unless it is told other codes."""
    if status == HTTPStatus.TOO_MANY_REQUESTS and not message and code is None:
        return too_fast(account, _RATE).answer()
    wrong = Wrong(
        status,
        _CODES.get(status, status) if code is None else code,
        message or HTTPStatus(status).phrase,
        proxy=status in _PROXY,
    )
    return wrong.answer() if related is None else wrong.answer(related)


_RATE = 100
_CODES = {404: 600, 400: 255, 500: 99999}
_PROXY = (401, 403, 429, 502, 503, 504)
_SEARCH = {
    60508: "The search index is being built. Try again later.",
    60514: "The search request timed out.",
    60515: "The search index is out of sync.",
    60576: "The search pipeline failed.",
}
