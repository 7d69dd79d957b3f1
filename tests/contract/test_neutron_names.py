"""What is named of Neutron without importing it is what the installed Neutron has."""

import subprocess
import sys

import pytest
from neutron.conf import common
from neutron.db.migration.models import head
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from oslo_config import cfg

from networking_nsx.neutron import nova_client, tables, words

COLUMNS = [column for table in tables.ALL.values() for column in table.c]
MODELS = head.get_metadata().tables


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_column_is_that_of_neutrons_model(column):
    """Its table, its name, its kind and length, and whether it is a part of the key."""
    model = MODELS[column.table.name].c[column.name]

    assert _shape(column) == _shape(model)


def test_every_column_that_must_be_given_can_be():
    """Neutron's models give some a value, the database others; what remains is named here."""
    without = [
        str(column)
        for name, table in tables.ALL.items()
        for column in MODELS[name].c
        if not (column.nullable or column.server_default or column.name in table.c)
    ]

    assert without == []


@pytest.mark.parametrize(
    ("word", "neutrons"),
    [
        (words.ACTIVE, constants.ACTIVE),
        (words.ACTIVE, constants.PORT_STATUS_ACTIVE),
        (words.COMPUTE_PREFIX, constants.DEVICE_OWNER_COMPUTE_PREFIX),
        (words.FLOATING_IP, constants.DEVICE_OWNER_FLOATINGIP),
        (words.ROUTER_GATEWAY, constants.DEVICE_OWNER_ROUTER_GW),
        (words.DHCP, constants.DEVICE_OWNER_DHCP),
        (words.UNBOUND, portbindings.VIF_TYPE_UNBOUND),
        (words.BINDING_FAILED, portbindings.VIF_TYPE_BINDING_FAILED),
    ],
)
def test_a_word_is_neutrons(word, neutrons):
    """Rows are judged by these words."""
    assert word == neutrons


def test_the_owners_of_router_interfaces_are_neutrons():
    """Whatever Neutron takes for an interface of a router is one here."""
    assert set(words.ROUTER_INTERFACES) >= {
        *constants.ROUTER_INTERFACE_OWNERS,
        constants.DEVICE_OWNER_ROUTER_SNAT,
    }


@pytest.mark.parametrize("option", common.nova_opts, ids=lambda option: option.name)
def test_an_option_of_nova_is_neutrons(option):
    """The same files mean the same here and in Neutron."""
    assert _means(_ours("nova", option.name)) == _means(option)


def test_the_switch_of_notifications_is_neutrons():
    """Nova is told of ports unless Neutron's own option says otherwise."""
    name = "notify_nova_on_port_status_changes"

    assert _means(_ours("DEFAULT", name)) == _means(
        next(each for each in common.core_opts if each.name == name)
    )


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


def _ours(section: str, name: str) -> cfg.Opt:
    return next(each for each in nova_client.options()[section] if each.name == name)


def _means(option: cfg.Opt):
    return type(option), option.default, option.type
