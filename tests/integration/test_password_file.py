"""A password is rotated on a running NSX and in its file: no restart, and no account is locked."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from clocks import LaterClock

from networking_nsx.clock import SystemClock
from networking_nsx.errors import ConfigurationError, NsxError, Unauthorized
from networking_nsx.nsx.api import MH, POLICY
from networking_nsx.nsx.auth import BasicFromFile, LoginFromFile, PolicyLogin
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.mh import MhLogin
from networking_nsx.simulator import Simulator

CLOCK = SystemClock(threading.Event())
SEGMENTS = "/policy/api/v1/infra/segments"
SWITCHES = "/ws.v1/lswitch"


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "password"
    made.touch(mode=0o600)
    made.write_text("admin\n")
    return made


@pytest.fixture
def policy():
    with Simulator(api="policy", nodes=3, networks=3) as simulator:
        yield simulator


@pytest.fixture(params=["session", "basic"])
def asked(request, policy, file):
    """A client of NSX Policy, and its clock."""
    session = LoginFromFile(partial(PolicyLogin, "admin"), str(file))
    who = session if request.param == "session" else BasicFromFile("admin", str(file))
    clock = LaterClock()
    with Client(policy.urls, who, HttpSettings(), clock, api=POLICY) as client:
        yield client, clock


def tried(client):
    """The manager that answered, or the error."""
    try:
        return client.get(SEGMENTS).node
    except NsxError as error:
        return type(error)


def crowd(client, requests):
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda _: tried(client), range(requests)))


def test_a_rotation_in_the_file_and_on_nsx_is_not_noticed(policy, asked, file):
    """Sessions end, the next login has the new password; with every request it is shown after a refusal."""
    client, _ = asked
    crowd(client, 12)
    file.write_text("rotated\n")
    policy.accounts.become("rotated")
    assert Unauthorized not in crowd(client, 24)

    assert policy.accounts.summary()["locked"] == []
    assert policy.accounts.summary()["refused_logins"] <= 4


def test_a_file_that_follows_late_is_read_by_the_next_attempt(policy, asked, file):
    """Meanwhile the account is refused twice, and left alone for five minutes."""
    client, clock = asked
    crowd(client, 12)
    policy.accounts.become("rotated")
    crowd(client, 24)
    assert policy.accounts.summary()["refused_logins"] == 2
    file.write_text("rotated\n")
    clock.ahead = 301

    assert tried(client) in policy.urls
    assert Unauthorized not in crowd(client, 24)
    assert policy.accounts.summary()["refused_logins"] == 2


def test_passwords_that_go_stale_one_after_the_other_lock_no_account(policy, file):
    """Each that NSX has refused counts, whatever the file says by then."""
    basic = BasicFromFile("admin", str(file))
    with Client(policy.urls, basic, HttpSettings(), CLOCK, api=POLICY) as client:
        for number in range(8):
            tried(client)
            policy.accounts.become(f"rotated {number}")
            file.write_text(f"rotated {number}\n")
        tried(client)

    assert policy.accounts.summary()["locked"] == []
    assert policy.accounts.summary()["refused_logins"] == 4


@contextmanager
def client_of_mh(nsx, file):
    login = LoginFromFile(partial(MhLogin, "admin"), str(file))
    with Client(nsx.urls, login, HttpSettings(retries=0), CLOCK, api=MH) as client:
        yield client


def test_nsx_mh_is_told_what_the_file_says_at_the_login(file):
    """A refusal is the last one as soon as the file is right."""
    with Simulator(networks=3, password="rotated") as nsx, client_of_mh(nsx, file) as client:
        with pytest.raises(Unauthorized, match="password_file"):
            client.get(SWITCHES)
        file.write_text("rotated\n")
        client.get(SWITCHES)

    assert nsx.requests.summary()["by_path"]["POST /ws.v1/login"] == {"401": 1, "200": 1}


def test_a_file_that_is_gone_ends_no_session_and_is_no_refusal(file):
    """Who is logged in goes on; a login without it is an error of ours, and NSX is told nothing."""
    with Simulator(networks=3) as nsx, client_of_mh(nsx, file) as client:
        client.get(SWITCHES)
        file.unlink()
        client.get(SWITCHES)
        nsx.faults.add("session-dropped")
        with pytest.raises(ConfigurationError, match="password_file"):
            client.get(SWITCHES)
        file.touch(mode=0o600)
        file.write_text("admin\n")
        client.get(SWITCHES)

    assert nsx.requests.summary()["by_path"]["POST /ws.v1/login"] == {"200": 2}
