"""The simulator's control interface, and the simulator as a process of its own."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest
import requests

from networking_nsx.simulator import Refused, Simulator

LOGIN = {"username": "admin", "password": "admin"}
UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def nsx():
    with Simulator(nodes=2, seed=7, threads=4) as simulator:
        yield simulator


@pytest.fixture
def control(nsx):
    """Ask the control interface: returns the answer's JSON, or the answer if it is an error."""

    def ask(method, path, body=None):
        answer = requests.request(method, f"{nsx.control}/_sim{path}", json=body, timeout=10)
        return answer.json() if answer.status_code == 200 else answer

    return ask


def lines(nsx, kind=""):
    answer = requests.get(f"{nsx.control}/_sim/inventory", params={"kind": kind} if kind else {}, timeout=10)
    return [json.loads(line) for line in answer.text.splitlines()]


def statuses(nsx, kind="port"):
    return {line["neutron_id"]: line["status"] for line in lines(nsx, kind)}


def test_populate_makes_what_is_asked_for(nsx, control):
    """The counts are as asked; ports are spread evenly over networks."""
    made = control("POST", "/populate", {"networks": 4, "ports": 12, "routers": 2, "seed": 1})
    assert made == {"networks": 4, "routers": 2, "ports": 12}
    of_ports = [line["network_id"] for line in lines(nsx, "port")]
    networks = {line["neutron_id"] for line in lines(nsx, "network")}
    assert {of_ports.count(network) for network in networks} == {3}
    assert {line["status"] for line in lines(nsx)} == {"up"}


def test_populate_replaces(nsx, control):
    """What was there before is gone; the same seed brings back the same."""
    plan = {"networks": 2, "ports_per_network": 3, "seed": 5}
    control("POST", "/populate", plan)
    before = lines(nsx)
    control("POST", "/populate", {"networks": 1})
    control("POST", "/populate", plan)
    assert lines(nsx) == before
    assert len(before) == 8


def test_populate_takes_ids(nsx, control):
    """Neutron ids may be given instead of counts."""
    control("POST", "/populate", {"network_ids": ["n1", "n2"], "port_ids": ["p1", "p2", "p3"]})
    assert {line["neutron_id"]: line["network_id"] for line in lines(nsx, "port")} == {
        "p1": "n1", "p2": "n2", "p3": "n1",
    }  # fmt: skip


def test_the_inventory_has_a_line_per_object(nsx, control):
    """Every line tells kind, ids and status; what is nobody's has no Neutron id."""
    control("POST", "/populate", {"networks": 1, "ports": 1, "routers": 1})
    control("POST", "/create", {"kind": "router", "untagged": True, "status": "down"})
    found = lines(nsx)
    assert {tuple(line) for line in found} == {("kind", "nsx_id", "neutron_id", "network_id", "status")}
    assert [line["kind"] for line in found] == ["network", "router", "router", "port"]
    assert [line["status"] for line in found if line["neutron_id"] is None] == ["down"]
    assert found[-1]["network_id"] == found[0]["neutron_id"]


def test_status_by_ids(nsx, control):
    """The named objects change, by Neutron or NSX id; unknown ids are told."""
    control("POST", "/populate", {"networks": 1, "ports": 4})
    first, second, third, fourth = lines(nsx, "port")
    ids = [first["neutron_id"], second["nsx_id"], UNKNOWN]
    changed = control("POST", "/status", {"kind": "port", "status": "down", "ids": ids})
    assert changed == {
        "changed": 2, "ids": [first["neutron_id"], second["neutron_id"]], "unknown": [UNKNOWN],
    }  # fmt: skip
    assert [line["status"] for line in lines(nsx, "port")] == ["down", "down", "up", "up"]
    assert third["status"] == fourth["status"] == "up"


def test_status_of_a_fraction(nsx, control):
    """A fraction is drawn by its seed; the second time nothing is different."""
    control("POST", "/populate", {"networks": 2, "ports": 100})
    order = {"kind": "port", "status": "error", "fraction": 0.1, "seed": 7}
    changed = control("POST", "/status", order)
    assert (changed["changed"], len(changed["ids"])) == (10, 10)
    assert {key for key, status in statuses(nsx).items() if status == "error"} == set(changed["ids"])
    assert control("POST", "/status", order) == {**changed, "changed": 0}
    assert set(control("POST", "/status", {**order, "seed": 8})["ids"]) != set(changed["ids"])


def test_the_status_of_a_chained_network(nsx, control):
    """A Neutron id stands for all switches of the network, an NSX id for one."""
    control("POST", "/populate", {"network_ids": ["n"], "switches_per_network": 2})
    both = control("POST", "/status", {"kind": "network", "status": "down", "ids": ["n"]})
    assert (both["changed"], both["ids"]) == (2, ["n"])
    one = {"kind": "network", "status": "up", "ids": [lines(nsx, "network")[0]["nsx_id"]]}
    assert control("POST", "/status", one)["changed"] == 1


def test_delete(nsx, control):
    """Objects go by id or by fraction; a switch takes its ports along."""
    control("POST", "/populate", {"networks": 2, "ports": 20, "routers": 4})
    gone = control("POST", "/delete", {"kind": "router", "fraction": 0.5})["ids"]
    assert len(gone) == len(lines(nsx, "router")) == 2
    network = lines(nsx, "network")[0]["neutron_id"]
    assert control("POST", "/delete", {"kind": "network", "ids": [network]})["ids"] == [network]
    assert len(lines(nsx, "port")) == 10
    assert network not in {line["network_id"] for line in lines(nsx, "port")}


def test_create_by_count(nsx, control):
    """New objects get ids of their own; ports go to the networks there are, in turn."""
    control("POST", "/populate", {"networks": 2})
    created = control("POST", "/create", {"kind": "port", "count": 4, "status": "down"})["ids"]
    assert statuses(nsx) == dict.fromkeys(created, "down")
    networks = [line["network_id"] for line in lines(nsx, "port")]
    assert {networks.count(network) for network in networks} == {2}


def test_create_by_ids(nsx, control):
    """Objects of given ids are created, ports on the network that is named."""
    control("POST", "/populate", {"network_ids": ["n1", "n2"]})
    order = {"kind": "port", "ids": ["p1", "p2"], "network_id": "n2", "status": "unknown"}
    assert control("POST", "/create", order) == {"ids": ["p1", "p2"]}
    assert {line["network_id"] for line in lines(nsx, "port")} == {"n2"}


def test_an_id_can_exist_twice(nsx, control):
    """Creating what is there makes a second object: a duplicate, or a chained switch."""
    control("POST", "/populate", {"network_ids": ["n"], "port_ids": ["p"]})
    control("POST", "/create", {"kind": "port", "ids": ["p"]})
    control("POST", "/create", {"kind": "network", "ids": ["n"]})
    assert [line["neutron_id"] for line in lines(nsx)] == ["n", "n", "p", "p"]
    control("POST", "/delete", {"kind": "port", "ids": ["p"]})
    assert lines(nsx, "port") == []


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/populate", {"ports": 3}, "need a network"),
        ("/populate", {"networks": -1}, "negative"),
        ("/populate", {"networks": "3"}, "networks cannot be"),
        ("/populate", {"networks": True}, "networks cannot be"),
        ("/populate", {"networks": 1, "switches_per_network": 0}, "switches_per_network"),
        ("/populate", {"networks": 1, "status": "gone"}, "status must be one of"),
        ("/populate", {"switches": 3}, "unknown key"),
        ("/populate", [], "JSON object"),
        ("/status", {"kind": "port", "status": "up"}, "ids or a fraction"),
        ("/status", {"kind": "port", "status": "up", "ids": [], "fraction": 1}, "ids or a fraction"),
        ("/status", {"kind": "port", "status": "up", "fraction": 2}, "within 0 and 1"),
        ("/status", {"kind": "port", "status": "gone", "fraction": 1}, "status must be one of"),
        ("/status", {"kind": "gateway", "status": "up", "fraction": 1}, "kind must be one of"),
        ("/status", {"kind": "port", "status": "up", "ids": "p"}, "ids cannot be"),
        ("/status", {"kind": "port", "status": "up", "ids": [{}]}, "ids cannot be"),
        ("/status", {"kind": "port", "fraction": 1}, "status is missing"),
        ("/delete", {"fraction": 1}, "kind is missing"),
        ("/create", {"kind": "port"}, "NSX has no switch"),
        ("/create", {"kind": "port", "network_id": "n"}, "network n has no switch"),
        ("/create", {"kind": "network", "count": -1}, "count must not be negative"),
        ("/create", {"kind": "network", "untagged": 1}, "untagged cannot be"),
        ("/faults", {"fault": "reset"}, "list of faults"),
        ("/faults", ["reset"], "JSON object"),
        ("/faults", [{"fault": "http-418"}], "unknown fault"),
        ("/faults", [{"fault": "reset"}, {}], "unknown fault"),
        ("/faults", [{"fault": "reset", "seconds": 1}], "no parameter seconds"),
        ("/faults", [{"fault": "reset", "after": "1"}], "after cannot be"),
        ("/faults", [{"fault": "reset", "after": True}], "after cannot be"),
        ("/faults", [{"fault": "reset", "after": -1}], "after must not be"),
        ("/faults", [{"fault": "reset", "count": 0}], "count must not be"),
        ("/faults", [{"fault": "reset", "match": "lswitch"}], "begin with a slash"),
        ("/faults", [{"fault": "slow", "seconds": "long"}], "seconds cannot be"),
        ("/faults", [{"fault": "skip-object", "ids": [1]}], "ids cannot be"),
        ("/faults", [{"fault": "truncate", "declare": "long"}], "declare must be one of"),
        ("/faults", [{"fault": "malformed-object", "variant": "odd"}], "variant must be one of"),
    ],
)
def test_bad_input_is_told(nsx, control, path, body, complaint):
    """A body that makes no sense answers 400 with a JSON message, and changes nothing."""
    answer = control("POST", path, body)
    assert answer.status_code == 400
    assert complaint in answer.json()["message"]
    assert nsx.inventory() == []
    assert control("GET", "/faults") == []


def test_what_is_no_json_is_told(nsx):
    """A body that cannot be read answers 400, a path that is none 404."""
    answer = requests.post(f"{nsx.control}/_sim/populate", data=b"{", timeout=10)
    assert (answer.status_code, "no JSON" in answer.json()["message"]) == (400, True)
    assert requests.get(f"{nsx.control}/_sim/populate", timeout=10).status_code == 404
    assert requests.get(f"{nsx.control}/_sim/inventory?kind=x", timeout=10).status_code == 400


def test_control_is_on_the_first_port_only(nsx):
    """The other nodes and the VIP do not know `/_sim`."""
    for url in (nsx.urls[1], nsx.vip):
        assert requests.get(f"{url}/_sim/inventory", timeout=10).status_code == 401


def test_requests_are_counted(nsx, control):
    """Every arrival counts, by path and answer, with logins and refusals; control does not."""
    control("POST", "/populate", {"networks": 2})
    base = nsx.urls[0]
    with requests.Session() as session:
        session.get(f"{base}/ws.v1/lswitch", timeout=10)
        session.post(f"{base}/ws.v1/login", data=LOGIN, timeout=10)
        session.post(f"{base}/ws.v1/login", data={**LOGIN, "password": "guess"}, timeout=10)
        page = session.get(f"{base}/ws.v1/lswitch", timeout=10)
        session.get(f"{base}/ws.v1/lswitch/{UNKNOWN}", timeout=10)
        session.get(f"{base}/ws.v1/lswitch/{UNKNOWN}/lport/{UNKNOWN}", timeout=10)
        session.get(f"{base}/elsewhere", timeout=10)
    counted = control("GET", "/requests")
    assert counted["by_path"] == {
        "GET (no such path)": {"404": 1},
        "GET /ws.v1/lswitch": {"200": 1, "401": 1},
        "GET /ws.v1/lswitch/{nsx_id}": {"404": 1},
        "GET /ws.v1/lswitch/{parent}/lport/{nsx_id}": {"404": 1},
        "POST /ws.v1/login": {"200": 1, "401": 1},
    }
    assert (counted["total"], counted["logins"]) == (7, 1)
    assert counted["bytes"] > len(page.content)
    assert sum(counted["max_per_second"].values()) == 7
    assert counted["max_per_second"]["-@0"] == 1  # nobody had logged in yet


def test_counts_can_be_reset(nsx, control):
    """After a reset counting begins anew."""
    requests.get(f"{nsx.vip}/ws.v1/lswitch", timeout=10)
    assert control("GET", "/requests")["total"] == 1
    control("POST", "/requests/reset")
    assert control("GET", "/requests") == {
        "total": 0, "by_path": {}, "bytes": 0, "logins": 0, "max_per_second": {},
        "refused_logins": 0, "locked": [],
    }  # fmt: skip


def test_faults_over_http(nsx, control):
    """Faults are appended, listed with what became of them, and cleared."""
    posted = [{"fault": "http-500", "match": "/ws.v1/lswitch", "count": 2}, {"fault": "reset", "node": 1}]
    control("POST", "/faults", posted[:1])
    control("POST", "/faults", posted[1:])
    requests.get(f"{nsx.urls[0]}/ws.v1/lswitch", timeout=10)
    listed = control("GET", "/faults")
    assert [(one["fault"], one["count"], one["fired"]) for one in listed] == [
        ("http-500", 2, 1), ("reset", 1, 0),
    ]  # fmt: skip
    assert control("DELETE", "/faults") == {}
    assert control("GET", "/faults") == []


def test_control_is_served_while_every_request_hangs(nsx, control):
    """Faults and their delays do not reach the control interface."""
    control("POST", "/faults", [{"fault": "timeout", "match": "/", "count": None}])

    def hang():
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{nsx.urls[0]}/ws.v1/lswitch", timeout=20)

    threads = [threading.Thread(target=hang) for _ in range(3)]  # a node of this test holds 4 at a time
    for thread in threads:
        thread.start()
    while control("GET", "/requests")["total"] < len(threads):
        time.sleep(0.01)
    assert lines(nsx) == []
    nsx.stop()
    for thread in threads:
        thread.join()


def test_python_speaks_of_the_same_things(nsx):
    """The class offers the operations of the control interface."""
    nsx.populate(networks=1, ports=4)
    down = nsx.set_status("port", "down", fraction=0.5)
    created = nsx.create("router")
    deleted = nsx.delete("port", down)
    assert statuses(nsx, "router") == dict.fromkeys(created, "up")
    assert sorted(deleted) == sorted(down)
    assert [item.status for item in nsx.inventory("port")] == ["up", "up"]
    with pytest.raises(Refused, match="kind must be one of"):
        nsx.inventory("gateway")


def run_process(**settings):
    program = (
        "import json, sys; from networking_nsx.simulator.process import run; "
        "from networking_nsx.simulator.settings import SimulatorSettings; "
        "run(SimulatorSettings(**json.loads(sys.argv[1])))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(settings)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("tls", [False, True])
def test_a_process_says_where_it_listens_and_ends_on_sigterm(tls):
    """One JSON line of URLs when it is ready; exit 0 on SIGTERM, also with an answer held back."""
    with run_process(nodes=2, tls=tls, networks=3, threads=4) as process:
        ready = json.loads(process.stdout.readline())
        with requests.Session() as session:
            session.trust_env = False
            session.verify = ready["ca_file"] or True
            inventory = session.get(f"{ready['control']}/_sim/inventory", timeout=10)
            assert len(inventory.text.splitlines()) == 3
            session.post(f"{ready['control']}/_sim/faults", json=[{"fault": "timeout"}], timeout=10)
            with pytest.raises(requests.ReadTimeout):
                session.get(f"{ready['vip']}/ws.v1/lswitch", timeout=(10, 0.2))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == ""
    assert set(ready) == {"managers", "vip", "control", "ca_file"}
    assert len(ready["managers"]) == 2
    assert (ready["ca_file"] is not None) == tls
