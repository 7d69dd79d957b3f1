"""What a request is for: one of a few words, by which requests are counted."""

import re
from collections.abc import Sequence

NO_ANSWER = "none"  # in the place of an HTTP status

# The first that fits decides.
_FORMS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("login", re.compile(r"/ws\.v1/login$|/api/session/create$")),
    ("health", re.compile(r"/api/v1/reverse-proxy/node/health$")),
    ("search", re.compile(r"[^?]*/search/query\?")),
    ("list", re.compile(r"[^?]*\?(.*&)?_?page_(size|length)=|[^?]*/infra/segments/state$")),
    ("read", re.compile("")),
)
PURPOSES = tuple(purpose for purpose, _ in _FORMS)


def purpose_of(target: str) -> str:
    """By the path and the query."""
    return next(purpose for purpose, form in _FORMS if form.match(target))
