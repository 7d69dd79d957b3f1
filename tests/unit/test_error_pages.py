"""NSX's own words are told without what our request showed, in whatever spelling."""

import html
import json
import threading

import pytest

from networking_nsx.clock import SystemClock
from networking_nsx.nsx.api import POLICY, refusal
from networking_nsx.nsx.auth import Basic, PolicyLogin
from networking_nsx.nsx.deadline import Deadline
from networking_nsx.nsx.entry import account_of, entry_to
from networking_nsx.nsx.wire import Reply

CLOCK = SystemClock(threading.Event())
PASSWORD, USER_AND_PASSWORD = "VMware1!VMware??>>1", "YWRtaW46Vk13YXJlMSFWTXdhcmU/Pz4+MQ=="
TOKEN, SESSION, XSRF = "eyJhbGciOi.secret.token/of=ours", "A1B2/C3+SECRET==", "5d3c/xsrf=="
SECRETS = (PASSWORD, USER_AND_PASSWORD, USER_AND_PASSWORD.rstrip("="), TOKEN, SESSION, SESSION[:9], XSRF)


class Bearer:
    """A token that is in no file."""

    name, locks = "a token", False

    def headers(self):
        return {"Authorization": f"Bearer {TOKEN}"}

    def renewed(self, _headers):
        return False


WAYS = [Basic("admin", PASSWORD), Bearer(), PolicyLogin("admin", PASSWORD)]


def opened(_path, _form, _deadline):
    cookies = [f"JSESSIONID={SESSION}; Path=/; Secure", "route=1"]
    return Reply(200, {"X-XSRF-TOKEN": XSRF}, cookies, b"", 0.0)


def told(way, page) -> str:
    """The error that a page becomes which is made of what was sent."""
    entry = entry_to("https://nsx", way, account_of(way, CLOCK), POLICY, CLOCK, opened)

    def request(headers):
        return Reply(400, {}, (), page(headers).encode(), 0.0)

    return str(refusal(POLICY, "https://nsx/x", entry.ask("/x", request, Deadline(CLOCK, 60.0))))


def leaks(message: str) -> list[str]:
    return [secret for secret in SECRETS if secret in message or secret in html.unescape(message)]


def whole(headers):
    """As they were sent."""
    return f"you sent {headers}"


def single(headers):
    """Without the words around them, each alone."""
    parts = [part for value in headers.values() for part in value.replace(";", " ").split()]
    alone = [part.partition("=")[2] for part in parts if part.startswith("JSESSIONID")]
    return " ".join(["no rights with", *parts[1:], *alone, PASSWORD if "Basic" in parts else "", "sorry"])


def error(text):
    return json.dumps({"error_code": 9, "error_message": text})


def strange(text):
    return json.dumps({"httpStatus": "BAD_REQUEST", "details": text})


def escaped(page):
    """As Gson and others write JSON."""
    return page.replace("/", "\\/").replace("=", "\\u003d").replace("&", "\\u0026").replace(">", "\\u003E")


def entities(page):
    return html.escape(page).replace("=", "&#61;").replace("/", "&#x2f;")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
@pytest.mark.parametrize("shown", [whole, single])
@pytest.mark.parametrize("page", [str, error, strange, entities])
@pytest.mark.parametrize("spelled", [str, escaped])
def test_what_was_shown_is_blotted_out_of_what_is_told(way, shown, page, spelled):
    """Whole or in parts, in JSON, HTML or neither."""
    message = told(way, lambda headers: spelled(page(shown(headers))))

    assert leaks(message) == []
    assert "***" in message
    assert "you sent" in message or "no rights with" in message


def test_half_a_secret_is_none():
    """A page is cut after that, not before."""
    message = told(WAYS[1], lambda headers: " " * 790 + headers["Authorization"])

    assert "eyJ" not in message


def test_words_that_are_no_secrets_stay():
    """A short value of a cookie is none."""
    message = told(WAYS[2], lambda _headers: error("route 1 of 11 is not there: Basic or Bearer?"))

    assert message.endswith("(9) route 1 of 11 is not there: Basic or Bearer?")
