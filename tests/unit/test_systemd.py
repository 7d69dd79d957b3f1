"""What systemd is told, by a socket as it makes one."""

import os
import resource

import pytest
from notified import systemd
from waiting import wait_for

from networking_nsx.serve.systemd import supervised

SOON = {"WATCHDOG_USEC": "100000"}  # a beat every 10 ms


@pytest.fixture
def there(tmp_path):
    with systemd(str(tmp_path / "notify")) as made:
        yield made


def never() -> str:
    return ""


def test_it_is_told_of_the_beginning_and_of_the_end(there):
    """And nothing between, without a watchdog."""
    with supervised({"NOTIFY_SOCKET": there.address}, never):
        began = [there.heard(), there.heard(0.1)]

    assert [*began, there.heard()] == ["READY=1", "", "STOPPING=1"]


def test_an_abstract_address_begins_with_an_at(tmp_path):
    """As systemd itself has it where it manages the whole machine."""
    with systemd(f"@{tmp_path}") as there, supervised({"NOTIFY_SOCKET": there.address}, never):
        assert there.heard() == "READY=1"


def test_a_watchdog_hears_from_us_while_nothing_hangs(there):
    """Ten times within its time; not while something hangs; and again when that has ended."""
    hanging = [""]
    with supervised({"NOTIFY_SOCKET": there.address, **SOON}, lambda: hanging[0]):
        alive = [there.heard() for _ in range(4)]
        hanging[0] = "sweep"
        wait_for(lambda: not there.heard(0.3), 10)  # what was under way has been heard
        silence = there.heard(0.3)
        hanging[0] = ""
        again = there.heard()

    assert alive == ["READY=1", *["WATCHDOG=1"] * 3]
    assert (silence, again) == ("", "WATCHDOG=1")


def test_a_beat_for_which_there_is_no_file_descriptor_is_not_the_last(there):
    """A daemon that works again is not ended."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with supervised({"NOTIFY_SOCKET": there.address, **SOON}, never):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, most))
        try:
            wait_for(lambda: not there.heard(0.3), 10)  # what was under way has been heard
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))

        assert there.heard() == "WATCHDOG=1"


def test_the_watchdog_of_this_process_hears_from_it(there):
    """As systemd names it."""
    with supervised({"NOTIFY_SOCKET": there.address, **SOON, "WATCHDOG_PID": str(os.getpid())}, never):
        assert (there.heard(), there.heard()) == ("READY=1", "WATCHDOG=1")


def test_a_watchdog_of_another_process_hears_nothing(there):
    """Its environment was inherited."""
    with supervised({"NOTIFY_SOCKET": there.address, **SOON, "WATCHDOG_PID": "1"}, never):
        assert (there.heard(), there.heard(0.3)) == ("READY=1", "")


def test_nobody_who_listens_is_no_error(tmp_path, caplog):
    """The daemon works without; where systemd should be and is not, that is told."""
    with supervised({}, never):
        pass
    assert caplog.messages == []
    with supervised({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, never):
        pass
    assert caplog.messages[0].startswith("systemd was not told READY=1: ")
