"""Client libraries that others wrote for NSX, unmodified, read from the simulator.

They run in processes of their own: one brings eventlet, the other 26 MB of generated classes.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from networking_nsx.simulator import Simulator

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture(scope="module")
def nsx():
    """An NSX of two nodes; one of its ports is down."""
    with Simulator(api="policy", nodes=2, tls=True, seed=7, threads=4) as simulator:
        simulator.populate(networks=5, ports=11, routers=3)
        simulator.set_status("port", "down", [port_of(simulator).neutron_id])
        yield simulator


@pytest.fixture(scope="module")
def nsxlib(nsx):
    """What vmware-nsxlib saw."""
    return seen("with_nsxlib", nsx)


@pytest.fixture(scope="module")
def vcf(nsx):
    """What vcf-nsx saw."""
    return seen("with_vcf", nsx)


def port_of(nsx):
    return nsx.inventory("port")[0]


def seen(client, nsx, *, password=None):
    port = port_of(nsx)
    wanted = {
        "urls": nsx.urls,
        "ca_file": nsx.ca_file,
        "password": password or nsx.settings.password,
        "segment": port.network_id,
        "port": port.neutron_id,
        "two ports": neutron_ids(nsx, "port")[:2],
        "router": nsx.inventory("router")[0].neutron_id,
    }
    command = [sys.executable, "-W", "ignore", CLIENTS / f"{client}.py", json.dumps(wanted)]
    # An empty environment: requests prefers the certificates that it names to those it is given.
    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def neutron_ids(nsx, kind, **attributes):
    """The ids of the objects, as Policy knows them."""
    items = nsx.inventory(kind)
    return sorted(
        item.neutron_id
        for item in items
        if all(getattr(item, name) == value for name, value in attributes.items())
    )


def statuses(nsx):
    return {item.nsx_id: item.status.upper() for item in nsx.inventory("port")}


# vmware-nsxlib


def test_nsxlib_reads_objects(nsx, nsxlib):
    """A segment and a port, by the Neutron ids that are their names in Policy."""
    port = port_of(nsx)
    assert nsxlib["segment"]["resource_type"] == "Segment"
    assert nsxlib["segment"]["path"] == f"/infra/segments/{port.network_id}"
    assert nsxlib["port"]["attachment"]["id"] == port.neutron_id
    assert nsxlib["missing"] == {"error": "ResourceNotFound", "code": 600}


def test_nsxlib_reads_statuses(nsx, nsxlib):
    """Of a port by its URL, of all ports by search, and whether a segment is realized."""
    port = port_of(nsx)
    assert (nsxlib["port's status"]["logical_port_id"], nsxlib["port's status"]["status"]) == (
        port.nsx_id,
        "DOWN",
    )
    assert nsxlib["statuses, by search"] == statuses(nsx)
    assert nsxlib["segment's realization"] == "REALIZED"


def test_nsxlib_pages_a_listing(nsx, nsxlib):
    """Its own paging, with pages of two, finds each segment once."""
    assert sorted(nsxlib["segments, by pages"]) == neutron_ids(nsx, "network")
    assert sorted(nsxlib["segments"]) == neutron_ids(nsx, "network")
    assert sorted(nsxlib["routers"]) == neutron_ids(nsx, "router")
    assert sorted(nsxlib["ports of the segment"]) == neutron_ids(
        nsx, "port", network_id=port_of(nsx).network_id
    )


def test_nsxlib_searches(nsx, nsxlib):
    """By attributes, an escaped tag, the policy path on the manager's objects; by GET and by POST."""
    port = port_of(nsx)
    assert nsxlib["two ports, by pipeline"] == neutron_ids(nsx, "port")[:2]
    assert nsxlib["port, by aggregate"] == [port.neutron_id]
    assert sorted(nsxlib["ports, by search"]) == neutron_ids(nsx, "port")
    assert nsxlib["port, by its tag"] == [port.neutron_id]
    assert nsxlib["segment's switch"] == port.parent


def test_nsxlib_opens_a_session_at_each_node(nsx, nsxlib):
    """It goes to all nodes in turn."""
    assert nsxlib["version"]
    answers = nsx.requests.summary()["by_path"]
    assert answers["POST /api/session/create"]["200"] >= len(nsx.urls)


def test_nsxlib_is_refused_with_a_wrong_password():
    """It understands each refusal, which it tries to answer with another login, and gives up."""
    with Simulator(api="policy", tls=True, threads=4) as nsx:
        nsx.populate(networks=1, ports=1, routers=1)
        assert seen("with_nsxlib", nsx, password="guess") == {"refused": "ServiceClusterUnavailable"}
        paths = nsx.requests.summary()["by_path"]
        assert paths.keys() == {"POST /api/session/create", "GET /api/v1/reverse-proxy/node/health"}


# vcf-nsx


def test_vcf_reads_objects(nsx, vcf):
    """What it reads becomes its own classes: all fields have the types of the API's description."""
    port = port_of(nsx)
    assert vcf["segment"]["path"] == f"/infra/segments/{port.network_id}"
    assert vcf["port"]["path"] == f"/infra/segments/{port.network_id}/ports/{port.neutron_id}"
    assert vcf["missing"] == {"status": 404, "code": 600}


def test_vcf_reads_statuses(nsx, vcf):
    """Of a port, a segment and a router by their URLs, and of all ports by search."""
    assert vcf["port's status"] == {"id": port_of(nsx).nsx_id, "status": "DOWN"}
    assert (vcf["segment's state"], vcf["router's state"]) == ("success", "success")
    assert vcf["statuses, by search"] == statuses(nsx)


def test_vcf_pages_a_listing(nsx, vcf):
    """Pages of two, the number of all on the first one only."""
    pages = vcf["segments, by pages"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(id_ for page in pages for id_ in page) == neutron_ids(nsx, "network")
    assert vcf["their number"] == [5, None, None]


def test_vcf_searches(nsx, vcf):
    """Hits are sorted by id, over the pages too, and can be taken for the objects that they are."""
    assert vcf["ports, by search"] == neutron_ids(nsx, "port")


def test_vcf_ends_its_session(vcf):
    """After its logout the cookie and the token open nothing."""
    assert vcf["after the session's end"]["status"] == 403
