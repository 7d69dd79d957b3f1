"""What is named of Neutron without importing it is what the installed Neutron has."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from networking_nsx.neutron import nova_client, tables, words

COLUMNS = [column for table in tables.ALL.values() for column in table.c]


@pytest.fixture(scope="module")
def neutron():
    """Neutron's own code: seconds to import, for the test process that needs it."""
    from neutron.conf import common  # noqa: PLC0415
    from neutron.db.migration.models import head  # noqa: PLC0415
    from neutron_lib import constants  # noqa: PLC0415
    from neutron_lib.api.definitions import portbindings  # noqa: PLC0415

    options = {"DEFAULT": common.core_opts, "nova": common.nova_opts}
    words = vars(constants) | vars(portbindings)
    return SimpleNamespace(tables=head.get_metadata().tables, options=options, words=words)


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_column_is_that_of_neutrons_model(neutron, column):
    """Its table, its name, its kind and length, and whether it is a part of the key."""
    model = neutron.tables[column.table.name].c[column.name]

    assert _shape(column) == _shape(model)


def test_every_column_that_must_be_given_can_be(neutron):
    """Neutron's models give some a value, the database others; what remains is named here."""
    without = [
        str(column)
        for name, table in tables.ALL.items()
        for column in neutron.tables[name].c
        if not (column.nullable or column.server_default or column.name in table.c)
    ]

    assert without == []


@pytest.mark.parametrize(
    ("word", "constant"),
    [
        (words.ACTIVE, "ACTIVE"),
        (words.ACTIVE, "PORT_STATUS_ACTIVE"),
        (words.COMPUTE_PREFIX, "DEVICE_OWNER_COMPUTE_PREFIX"),
        (words.FLOATING_IP, "DEVICE_OWNER_FLOATINGIP"),
        (words.ROUTER_GATEWAY, "DEVICE_OWNER_ROUTER_GW"),
        (words.DHCP, "DEVICE_OWNER_DHCP"),
        (words.UNBOUND, "VIF_TYPE_UNBOUND"),
        (words.BINDING_FAILED, "VIF_TYPE_BINDING_FAILED"),
    ],
)
def test_a_word_is_neutrons(neutron, word, constant):
    """Rows are judged by these words."""
    assert word == neutron.words[constant]


def test_the_owners_of_router_interfaces_are_neutrons(neutron):
    """Whatever Neutron takes for an interface of a router is one here."""
    owners = {*neutron.words["ROUTER_INTERFACE_OWNERS_SNAT"], neutron.words["DEVICE_OWNER_ROUTER_HA_INTF"]}

    assert set(words.ROUTER_INTERFACES) == owners


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("DEFAULT", "notify_nova_on_port_status_changes"),
        ("nova", "region_name"),
        ("nova", "endpoint_type"),
    ],
)
def test_an_option_is_neutrons(neutron, section, name):
    """The same file means the same here and in Neutron."""
    ours, theirs = (
        next(option for option in options if option.name == name)
        for options in (nova_client.options()[section], neutron.options[section])
    )

    assert (type(ours), ours.default, ours.type) == (type(theirs), theirs.default, theirs.type)


def test_no_option_of_nova_is_left_out(neutron):
    """Neutron reads no other of its own there."""
    ours = {option.name for option in nova_client.options()["nova"]}

    assert {option.name for option in neutron.options["nova"]} <= ours


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("networking_nsx.cli.sync", {"neutron", "neutron_lib", "eventlet"}),
        ("networking_nsx.cli.command", {"neutron", "sqlalchemy", "requests"}),
        ("networking_nsx.cli.simulator", {"neutron", "sqlalchemy", "requests", "oslo_config"}),
        ("networking_nsx.cli.main", {"neutron", "sqlalchemy", "requests", "oslo_config"}),
    ],
)
def test_a_command_imports_no_more_than_it_needs(command, needless):
    """A command that only asks a daemon does not wait for libraries of databases."""
    ask = f"import sys, {command}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)

    assert not needless & set(done.stdout.split())


def _shape(column):
    kind = column.type.impl if hasattr(column.type, "impl") else column.type
    return column.name, kind.python_type, getattr(kind, "length", None), column.primary_key
