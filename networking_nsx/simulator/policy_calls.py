"""What the handlers of the Policy and Manager APIs share: routes, calls, and lists in pages."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from networking_nsx.simulator.exchange import Answer, Page, Request, list_answer, object_answer
from networking_nsx.simulator.faults import Due
from networking_nsx.simulator.policy_errors import invalid

LOGIN = "/api/session/create"
CURSOR = "cursor"
PAGE_MAXIMUM = 1000

ENCODER = msgspec.json.Encoder()


class Call(NamedTuple):
    """A request that was let in."""

    request: Request
    due: Due
    account: str
    ids: Mapping[str, str]  # in its path


class Route(NamedTuple):
    """What a path leads to."""

    pattern: str
    handle: Callable[[Call], Answer]
    method: str = "GET"


def number(request: Request, name: str, default: int, most: int | None = None) -> int:
    """A parameter that is a whole number. Raises Wrong."""
    asked = request.value(name)
    if not asked:
        return default
    if not asked.isdecimal() or (most is not None and int(asked) > most):
        raise invalid(name, asked)
    return int(asked)


def whole(call: Call, shape: Mapping[str, Any]) -> Answer:
    """Answer with one object, unless a fault spoils it."""
    return object_answer(call.due.page(Page((ENCODER.encode(shape),))))


def every(call: Call, shapes: list[dict[str, Any]]) -> Answer:
    """Answer with a list that has no pages."""
    return listed(call, Page(tuple(ENCODER.encode(shape) for shape in shapes), total=len(shapes)))


def listed(call: Call, page: Page) -> Answer:
    """Answer with a page of a list, unless a fault spoils it."""
    return list_answer(call.due.page(page), CURSOR)
