"""One active synchronizer per NSX on a machine."""

import os
import subprocess
import sys

import pytest

from networking_nsx.errors import ConfigurationError, LeaseTaken
from networking_nsx.lease import lease


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path):
    """Whatever the order in which the managers are named."""
    with lease(["https://a:443", "https://b:443"], str(tmp_path)):
        code = (
            "from networking_nsx.lease import lease\n"
            f"with lease(['https://b:443', 'https://a:443'], {str(tmp_path)!r}): pass"
        )
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert other.returncode == 1
    assert "LeaseTaken" in other.stderr
    assert f"process {os.getpid()} " in other.stderr


def test_it_is_free_again_afterwards(tmp_path):
    """Also after an error inside."""
    with pytest.raises(KeyError), lease(["https://a"], str(tmp_path)):
        raise KeyError
    with lease(["https://a"], str(tmp_path)):
        pass


def test_another_nsx_has_a_lease_of_its_own(tmp_path):
    """Two synchronizers for two NSX may share a machine."""
    with lease(["https://a"], str(tmp_path)), lease(["https://b"], str(tmp_path)):
        pass


@pytest.mark.parametrize("others", [["https://a"], ["https://b"], ["https://c", "https://b"]])
def test_one_manager_in_common_is_one_nsx(tmp_path, others):
    """Whoever names only some of the managers synchronizes the same NSX."""
    with (
        lease(["https://a", "https://b"], str(tmp_path)),
        pytest.raises(LeaseTaken),
        lease(others, str(tmp_path)),
    ):
        pass


def test_who_is_refused_holds_nothing(tmp_path):
    """The managers that were free stay free."""
    with lease(["https://b"], str(tmp_path)):
        with pytest.raises(LeaseTaken), lease(["https://a", "https://b"], str(tmp_path)):
            pass
        with lease(["https://a"], str(tmp_path)):
            pass


def test_the_same_process_cannot_hold_it_twice(tmp_path):
    """The lock belongs to the open file, not to the process."""
    with lease(["https://a"], str(tmp_path)), pytest.raises(LeaseTaken), lease(["https://a"], str(tmp_path)):
        pass


def test_a_folder_that_does_not_serve_is_named(tmp_path):
    """With the option that says where it is."""
    with pytest.raises(ConfigurationError, match="lock_path"), lease(["https://a"], str(tmp_path / "none")):
        pass


def test_a_link_that_somebody_has_laid_is_not_followed(tmp_path):
    """What it leads to would be emptied."""
    with lease(["https://a"], str(tmp_path)):
        (lock,) = tmp_path.iterdir()
    lock.unlink()
    target = tmp_path / "target"
    target.write_text("mine")
    lock.symlink_to(target)
    with pytest.raises(ConfigurationError, match="lock_path"), lease(["https://a"], str(tmp_path)):
        pass

    assert target.read_text() == "mine"
