"""`[database] connection`: what stands in it, and what of it is told."""

import pytest

from networking_nsx.errors import StoreError
from networking_nsx.neutron.database import engine, name_of


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql+pymysql://me:hunter2@host/neutron", "mysql+pymysql://me:***@host/neutron"),
        ("mysql+pymysql://me@server:hunter2@host/neutron", "mysql+pymysql://me%40server:***@host/neutron"),
        ("mysql+pymysql://me:a%40hunter2@host/neutron", "mysql+pymysql://me:***@host/neutron"),
        (
            "mysql+pymysql://me:a/?#:hunter2@host:1/neutron?charset=utf8",
            "mysql+pymysql://me:***@host:1/neutron",
        ),
        ("mysql+pymysql://me@host/neutron?password=hunter2", "mysql+pymysql://me@host/neutron"),
        ("sqlite:////var/lib/a@b.sqlite", "sqlite:////var/lib/a%40b.sqlite"),
    ],
)
def test_a_database_is_named_without_its_password(url, told):
    """Wherever the password stands; an @ in a name or in the path of a file is none of one."""
    assert name_of(engine(url)) == told


@pytest.mark.parametrize("end", ["hunter2@host/neutron", "b/hunter2@host/neutron", "b:hunter2@host/neutron"])
def test_a_password_that_is_torn_by_an_at_is_refused_and_not_repeated(end):
    """Its end would be taken for the host, the database or the port, and told with every error."""
    with pytest.raises(StoreError, match=r"database. connection") as caught:
        engine(f"mysql+pymysql://me:a@{end}")

    assert "hunter2" not in str(caught.value)
