"""One line of JSON each way."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.model import Kind
from networking_nsx.serve.protocol import (
    VERSION,
    Answer,
    Command,
    Misunderstood,
    Request,
    answer_from,
    line_of,
    request_from,
)


def test_what_is_said_is_heard():
    """As one line, with a version."""
    request = Request(Command.RELEASE, (Kind.PORT,))
    answer = Answer({"did": "nothing\nat all"})

    assert json.loads(line_of(request)) == {
        "version": VERSION,
        "command": "release",
        "kinds": ["port"],
        "id": "",
        "until": 0.0,
        "reason": "",
    }
    assert request_from(line_of(request)) == request
    assert answer_from(line_of(answer)) == answer
    assert line_of(answer).count(b"\n") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\n", "not understood"),
        (b"status\n", "not understood"),
        (b"\xff\xfe\n", "not understood"),
        (b"[" * 60000, "not understood"),
        (b'{"command": "status"}\n', "version"),
        (b'{"version": 2, "command": "status"}\n', "version 2"),
        (b'{"version": 1}\n', "command"),
        (b'{"version": 1, "command": "explode"}\n', "explode"),
        (b'{"version": 1, "command": "release", "kinds": ["floatingip"]}\n', "floatingip"),
        (b'{"version": 1, "command": "release", "kinds": "port"}\n', "kinds"),
    ],
)
def test_what_is_no_request_is_misunderstood(line, said):
    """The message says why."""
    with pytest.raises(Misunderstood, match=said):
        request_from(line)


def test_a_field_that_a_later_version_adds_is_left_alone():
    """Only what changes the meaning changes the version."""
    line = b'{"version": 1, "command": "pause", "because": "upgrade"}\n'

    assert request_from(line) == Request(Command.PAUSE)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(line):
    """Understood or misunderstood."""
    with suppress(Misunderstood):
        assert isinstance(request_from(line), Request)
