"""A maintenance in a file: as it was written, or refused."""

import json
import os
import stat
from datetime import UTC, datetime

import pytest

from networking_nsx.errors import StateError
from networking_nsx.maintenance_file import NAME, MaintenanceFile, memory
from networking_nsx.sync.maintenance import Maintenance

SINCE, UNTIL = 1_800_000_000.25, 1_800_003_600.5
MADE = Maintenance(SINCE, UNTIL, 'new "switches" in rack 7\n')


@pytest.fixture
def file(tmp_path):
    return MaintenanceFile(tmp_path)


def test_what_is_kept_is_read(file):
    """To the fraction of a second."""
    file.keep(MADE)

    assert file.read() == MADE
    assert memory(str(file.path.parent))[1] == MADE


def test_it_is_for_its_owner_and_readable_to_a_person(file):
    """Whatever the umask; nothing else is left in the folder."""
    before = os.umask(0)
    try:
        file.keep(MADE)
    finally:
        os.umask(before)
    kept = json.loads(file.path.read_text())

    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert datetime.fromisoformat(kept["until"]) == datetime.fromtimestamp(UNTIL, UTC)
    assert [each.name for each in file.path.parent.iterdir()] == [NAME]


def test_what_is_forgotten_is_gone(file):
    """Also when there is nothing to forget."""
    file.keep(MADE)
    file.forget()
    file.forget()

    assert file.read() is None


def test_without_a_folder_nothing_lasts():
    """`[nsx_sync] state_path` is not set."""
    kept, standing = memory("")
    kept.keep(MADE)

    assert (kept.lasts, standing) == (False, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"\xff",
        b'{"version": 1}',
        b'{"version": 2, "since": "2027-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "reason": ""}',
        b'{"version": 1, "since": "2027-01-01T00:00:00", "until": "2027-01-01T00:00:00Z", "reason": ""}',
        b'{"version": 1, "since": "2027-01-01T00:00:00Z", "until": "tomorrow", "reason": ""}',
        b'{"version": 1, "since": 1, "until": 2, "reason": "x", "more": 1}',
    ],
)
def test_what_cannot_be_understood_is_refused(file, content):
    """With the file's name and what to do; it is left as it is."""
    file.path.write_bytes(content)
    with pytest.raises(StateError, match=rf"{file.path} .*If there is none, remove the file"):
        memory(str(file.path.parent))

    assert file.path.read_bytes() == content


def test_a_file_that_is_none_is_refused(file):
    """A folder, say."""
    file.path.mkdir()
    with pytest.raises(StateError, match=str(file.path)):
        file.read()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    """It may be one that is not mounted: what it has would be missed."""
    with pytest.raises(StateError, match=r"state_path: .* is no folder: make it"):
        memory(str(tmp_path / "nowhere"))


def test_what_cannot_be_written_leaves_what_was_kept(file):
    """And nothing half-written: here the name is taken by a folder."""
    file.path.mkdir()
    with pytest.raises(StateError, match=r"cannot be written: .*state_path"):
        file.keep(MADE)

    assert [each.name for each in file.path.parent.iterdir()] == [NAME]
