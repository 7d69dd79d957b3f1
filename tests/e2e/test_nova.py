"""The daemon and a Nova that fails: every build that waits is unblocked in the end."""

import time

import pytest
from sites import process
from waiting import wait_for

PLUGGED = "network-vif-plugged"


@pytest.fixture
def daemon(site, nova):
    """The words that start the daemon, configured for this Nova."""
    site.configure(
        DEFAULT__notify_nova_on_port_status_changes="true",
        nova__auth_type="none",
        nova__endpoint=nova.url,
        first_delay="0",
    )
    return ("sync", "run", "--config-file", str(site.config))


def plugged(nova) -> set[str]:
    return {event["tag"] for event in nova.taken if event["name"] == PLUGGED}


def test_every_port_that_comes_up_is_told(site, nova, daemon):
    """200 ports, 200 events, each once."""
    with process(*daemon):
        wait_for(lambda: len(plugged(nova)) == 200)

    assert len(nova.taken) == 200
    assert plugged(nova) == set(site.ports())


def test_a_daemon_killed_between_commit_and_event_is_made_up_for(site, nova, daemon):
    """Nova is down, the statuses are committed, kill -9; the next start tells everything."""
    nova.failure = 503
    with process(*daemon) as first:
        wait_for(lambda: site.statuses() == {"ACTIVE": 200} and nova.requests)
        first.kill()
        first.wait()
    before = plugged(nova)
    nova.failure = None
    with process(*daemon):
        wait_for(lambda: len(plugged(nova)) == 200)

    assert before == set()


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.long)])
def test_a_nova_that_fails_for_a_while_hears_everything(site, nova, daemon, seconds):
    """503 for a minute: well within the 300 s for which a build waits."""
    nova.failure = 503
    with process(*daemon):
        wait_for(lambda: site.statuses() == {"ACTIVE": 200} and nova.requests)
        time.sleep(seconds)
        before = plugged(nova)
        nova.failure = None
        wait_for(lambda: len(plugged(nova)) == 200)

    assert before == set()
    assert len(nova.taken) == 200
