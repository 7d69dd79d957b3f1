"""What NSX Policy's answers mean that are no success: by code, outer one first, else by status."""

import json

import pytest

from networking_nsx.errors import (
    IndexUnavailable,
    NotFound,
    PageTooLarge,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from networking_nsx.nsx.api import POLICY, Busy, gone, refusal
from networking_nsx.nsx.wire import Reply


def reply(status, code=None, related=(), **more):
    body = {"error_code": code, "related_errors": [{"error_code": each} for each in related], **more}
    return Reply(status, {}, [], json.dumps(body).encode(), 0.0)


def error(answer):
    return refusal(POLICY, "https://nsx/path?query", answer)


@pytest.mark.parametrize("spelled", [int, str])
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, 600, NotFound),
        (404, 202, NotFound),
        (404, 7, NotFound),
        (400, 500012, NotFound),
        (400, 500030, Rejected),
        (400, 255, PageTooLarge),
        (400, 60576, PageTooLarge),
        (503, 60576, PageTooLarge),
        (400, 60508, IndexUnavailable),
        (400, 60514, IndexUnavailable),
        (400, 60515, IndexUnavailable),
        (409, 7, Rejected),
        (412, 604, Rejected),
        (403, 505, Rejected),
        (403, 7, Unauthorized),
        (429, 102, Throttled),
        (400, 102, Throttled),
        (503, 103, Busy),
        (500, 98, Unavailable),
        (500, 607, Unavailable),
        (500, 610, Unavailable),
        (500, 7, Unavailable),
        (502, 7, Unavailable),
    ],
)
def test_a_code_means_an_error(spelled, status, code, expected):
    """A number or, as the managers' proxy has it, a numeric string."""
    assert type(error(reply(status, spelled(code)))) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(400, 7, [60508]), IndexUnavailable),
        (reply(400, None, [7, 8, "60576"]), PageTooLarge),
        (reply(400, 500012, [60508]), NotFound),
        (reply(500, 7, [607]), Unavailable),
        (reply(403, 403, [505]), Rejected),
    ],
)
def test_the_outer_code_comes_first_then_the_related_ones(answer, expected):
    """A generic outer code says nothing; "not accepted" says less than the reason for it."""
    assert type(error(answer)) is expected
    assert not gone(POLICY, answer)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Rejected), (404, NotFound), (429, Throttled), (503, Busy), (504, Unavailable), (301, Unavailable)],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[1]", b'{"error_code": [1], "related_errors": 5}', b'{"error_code": -1}', b"\xff"],
)
def test_without_a_code_the_status_decides(status, body, expected):
    """The managers' proxy, or whoever else stands in front, may answer with anything."""
    assert type(error(Reply(status, {}, [], body, 0.0))) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(401), True),
        (reply(401, 7), True),
        (reply(403, 98), True),
        (reply(403, "403"), True),
        (reply(403, 7, [98]), True),
        (reply(500, 99), True),
        (reply(403), False),
        (reply(403, 505), False),
        (reply(500, 98), False),
        (reply(404, 403), False),
    ],
)
def test_a_lost_session_is_told_from_a_lack_of_rights(answer, expected):
    """Only the former is worth a new login."""
    assert gone(POLICY, answer) is expected
    assert isinstance(error(answer), Unauthorized) or not expected


def test_the_message_carries_nsx_own_words_and_the_code():
    """Without the rest of the body, and without the query."""
    words = "The requested object : /infra/segments/x could not be found."
    told = str(error(reply(404, 600, httpStatus="NOT_FOUND", error_message=words)))

    assert told == f"https://nsx/path: 404 (600) {words}"


@pytest.mark.parametrize(("code", "hint"), [(505, "no valid licence"), (7, "check the rights")])
def test_a_refusal_says_what_to_do(code, hint):
    """A licence and a right are other people's business than a password."""
    assert hint in str(error(reply(403, code, error_message="no")))
