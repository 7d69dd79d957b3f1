"""The simulator's Policy API: who is let in, how much of it NSX takes, and what it tells of itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from clocks import Ticker
from policy_http import CREATE, LOGIN, POLICY, Client, code, logged_in
from waiting import held, wait_for

from networking_nsx.simulator import Simulator

ASKED = "/api/v1/node/version"
REFUSED = {
    "module_name": "common-services",
    "error_message": "The credentials were incorrect or the account specified has been locked.",
    "error_code": 403,
}


@pytest.fixture
def nsx():
    with Simulator(api="policy", nodes=2, threads=8) as simulator:
        simulator.populate(networks=2, ports=6, routers=2)
        yield simulator


@pytest.fixture
def client(nsx):
    with logged_in(nsx.urls[0]) as session:
        yield session


def summary(nsx):
    return requests.get(f"{nsx.control}/_sim/requests", timeout=10).json()


# Sessions


def test_a_login_opens_a_session(nsx):
    """It answers 200 with the cookie and the token that have to come back together."""
    with Client(nsx.urls[0]) as client:
        answer = client.login()
        assert (answer.status_code, "JSESSIONID" in answer.cookies) == (200, True)
        assert client.get(ASKED).json()["product_version"].startswith("4.2.1.0")
        del client.headers["X-XSRF-TOKEN"]
        assert code(client.get(ASKED)) == (403, 98)


@pytest.mark.parametrize(("header", "value"), [("X-XSRF-TOKEN", "guess"), ("Cookie", "JSESSIONID=guess")])
def test_a_forged_session_is_refused(client, header, value):
    """A wrong token as well as a wrong cookie."""
    assert code(client.get(ASKED, headers={header: value})) == (403, 98)


def test_without_credentials_nothing_is_answered(nsx):
    """It is 401 where nothing was sent, whatever the path."""
    for path in (ASKED, POLICY + "/segments", "/api/v1/nonsense"):
        assert Client(nsx.urls[0]).get(path).status_code == 401


def test_a_session_belongs_to_its_node(nsx, client):
    """Another node refuses it; the VIP before the node that gave it takes it."""
    statuses = []
    for base in (*nsx.urls, nsx.vip):
        client.base = base
        statuses.append(client.get(ASKED).status_code)
    assert statuses == [200, 403, 200]


def test_a_session_that_is_used_goes_on():
    """Its life is counted from its last use."""
    clock = Ticker()
    with Simulator(api="policy", clock=clock, threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        used = []
        for _ in range(3):
            clock.wait(1799)
            used.append(client.get(ASKED).status_code)
        clock.wait(1800)
        assert (used, code(client.get(ASKED))) == ([200] * 3, (403, 98))


def test_a_session_can_be_ended(client):
    """What was destroyed is no session any more."""
    assert client.post("/api/session/destroy").status_code == 200
    assert code(client.get(ASKED)) == (403, 98)


def test_a_wrong_password_is_refused_in_nsx_words(nsx):
    """The body is the one that clients know."""
    answer = Client(nsx.urls[0]).login(j_password="guess")
    assert (answer.status_code, answer.json()) == (403, REFUSED)


def test_an_account_is_locked(nsx):
    """Five refused attempts lock it, on all nodes and for the right password too; sessions go on."""
    with logged_in(nsx.urls[0]) as inside:
        for _ in range(4):
            Client(nsx.urls[0]).login(j_password="guess")
        assert Client(nsx.urls[0]).login().status_code == 200
        Client(nsx.urls[0]).login(j_password="guess")
        assert code(Client(nsx.urls[1]).login()) == (403, 403)
        assert inside.get(ASKED).status_code == 200
    told = summary(nsx)
    assert (told["refused_logins"], told["locked"], told["logins"]) == (6, ["admin"], 2)


# Other credentials


def test_a_password_with_every_request(nsx):
    """HTTP basic needs no session, counts for its account, and locks it if it is wrong."""
    client = Client(nsx.urls[0])
    assert client.get(ASKED, auth=("admin", "admin")).status_code == 200
    for _ in range(5):
        assert code(client.get(ASKED, auth=("admin", "guess"))) == (403, 403)
    told = summary(nsx)
    assert (told["max_per_second"], told["locked"]) == ({"admin@0": 6}, ["admin"])


def test_a_bearer_token():
    """The token of the settings is let in, another one is refused; nobody is locked."""
    with Simulator(api="policy", token="t0ken", threads=2) as nsx, Client(nsx.urls[0]) as client:
        right = client.get("/policy/api/v1/aaa/user-info", headers={"Authorization": "Bearer t0ken"})
        wrong = [client.get(ASKED, headers={"Authorization": "Bearer other"}) for _ in range(6)]
        assert (right.status_code, right.json()["user_name"]) == (200, "token")
        assert ({code(answer) for answer in wrong}, summary(nsx)["locked"]) == ({(403, 403)}, [])


def test_without_a_token_in_the_settings_none_is_right(nsx):
    """An empty one least of all."""
    answer = Client(nsx.urls[0]).get(ASKED, headers={"Authorization": "Bearer "})
    assert code(answer) == (403, 403)


def test_a_client_certificate(tmp_path):
    """A certificate of the simulator's authority is an identity; without it, 401."""
    file = str(tmp_path / "client.pem")
    with Simulator(api="policy", tls=True, client_cert_file=file, threads=2) as nsx:
        with Client(nsx.urls[0]) as client:
            client.verify = nsx.ca_file
            assert client.get(ASKED).status_code == 401
        with Client(nsx.urls[0]) as client:
            client.verify, client.cert = nsx.ca_file, file
            assert client.json("/policy/api/v1/aaa/user-info")["user_name"] == "neutron"
        assert requests.get(f"{nsx.control}/_sim/requests", verify=nsx.ca_file, timeout=10).json()[
            "max_per_second"
        ] == {"-@0": 1, "neutron@0": 1}


def test_a_client_certificate_needs_tls(tmp_path):
    """It could never be shown."""
    with pytest.raises(ValueError, match="client_cert_file"):
        Simulator(api="policy", client_cert_file=str(tmp_path / "x.pem")).start()


# Limits


def test_the_rate_limit_answers_429():
    """What is too much within a second is refused in NSX's words; another node has its own count."""
    with (
        Simulator(api="policy", nodes=2, client_rate_limit=5) as nsx,
        logged_in(nsx.urls[0]) as client,
        Client(nsx.urls[1]) as other,
    ):
        refused = next(answer for _ in range(1000) if (answer := client.get(ASKED)).status_code == 429)
        assert refused.json() == {
            "module_name": "common-services",
            "error_message": "Client 'admin' exceeded request rate of 5 per second",
            "error_code": "102",
        }
        assert "Retry-After" not in refused.headers
        assert other.get(ASKED, auth=("admin", "admin")).status_code == 200


def test_a_hundred_a_second_are_allowed():
    """Unless the settings say something else."""
    assert Simulator(api="policy").settings.client_rate_limit == 100


def hammered():
    """What ten requests of a moment are answered, and what one is a second later."""
    clock = Ticker()
    with (
        Simulator(api="policy", clock=clock, client_rate_limit=5, threads=2) as nsx,
        logged_in(nsx.urls[0]) as client,
    ):
        statuses = [client.get(ASKED).status_code for _ in range(10)]
        clock.wait(1)
        return statuses, client.get(ASKED).status_code


def test_refused_requests_do_not_count_for_the_rate():
    """Whoever hammers gets exactly what the limit allows, and the login is part of it."""
    statuses, later = hammered()
    assert (statuses, later) == ([200] * 4 + [429] * 6, 200)


@pytest.mark.parametrize("limit", ["client_concurrency_limit", "node_concurrency_limit"])
def test_too_many_at_a_time_answer_503(limit):
    """A request is in flight until its answer has gone out; then the next one gets in."""
    with Simulator(api="policy", threads=8, **{limit: 2}) as nsx, logged_in(nsx.urls[0]) as client:
        with ThreadPoolExecutor(2) as many, held(nsx, ASKED, count=2) as two:
            served = [many.submit(client.get, ASKED) for _ in range(2)]
            wait_for(lambda: two.fired == 2)
            refused = [client.get(ASKED).status_code for _ in range(2)]
        assert (refused, [one.result().status_code for one in served]) == ([503, 503], [200, 200])
        wait_for(lambda: client.get(ASKED).status_code == 200)


def test_limits_can_be_off_and_are_told():
    """0 disables each; the API service's configuration says so."""
    off = {"client_rate_limit": 0, "client_concurrency_limit": 0, "node_concurrency_limit": 0}
    with Simulator(api="policy", threads=4, **off) as nsx, logged_in(nsx.urls[0]) as client:
        statuses = {client.get(ASKED).status_code for _ in range(130)}
        told = client.json("/api/v1/cluster/api-service")
    names = ("client_api_rate_limit", "client_api_concurrency_limit", "global_api_concurrency_limit")
    assert (statuses, [told[name] for name in names]) == ({200}, [0, 0, 0])


# Which API is served


def test_both_apis_share_their_ports():
    """A client of each sees the same objects; MH keeps its own logins, limits and header."""
    with Simulator(api="both", threads=4) as nsx, logged_in(nsx.urls[0]) as client:
        nsx.populate(networks=3)
        mh = requests.Session()
        mh.post(nsx.urls[0] + "/ws.v1/login", data={"username": "admin", "password": "admin"}, timeout=10)
        switches = mh.get(nsx.urls[0] + "/ws.v1/lswitch", params={"fields": "uuid"}, timeout=10)
        segments = client.get(POLICY + "/segments")
        assert "NVP" in switches.headers["Server"]
        assert "Server" not in segments.headers
        assert [one["uuid"] for one in switches.json()["results"]] == [
            one["unique_id"] for one in segments.json()["results"]
        ]


@pytest.mark.parametrize(
    ("api", "path"), [("mh", CREATE), ("policy", "/ws.v1/login")], ids=["policy on mh", "mh on policy"]
)
def test_an_api_that_is_not_served_lets_nobody_in(api, path):
    """Its login is no path of the other."""
    with Simulator(api=api, threads=2) as nsx:
        answer = requests.post(nsx.urls[0] + path, data=LOGIN, timeout=10)
    assert answer.status_code in (401, 404)


def test_an_unknown_api_is_refused():
    """The message names the choices."""
    with pytest.raises(ValueError, match="mh, policy, both"):
        Simulator(api="nvp").start()


# What NSX tells of itself


def test_the_cluster_tells_its_nodes(nsx, client):
    """Every node is online, healthy and stable."""
    status = client.json("/api/v1/cluster/status")
    assert status["mgmt_cluster_status"]["status"] == "STABLE"
    assert len(status["mgmt_cluster_status"]["online_nodes"]) == len(nsx.urls)
    assert len(client.json("/api/v1/cluster")["nodes"]) == len(nsx.urls)
    assert client.json("/api/v1/reverse-proxy/node/health") == {"healthy": True}
    assert client.json("/api/v1/node")["hostname"] == "manager-0"


def test_the_transport_zone(client):
    """Both APIs list the same one, which segments are in."""
    zones = POLICY + "/sites/default/enforcement-points/default/transport-zones"
    zone = client.json(zones)["results"][0]
    assert client.json(f"{zones}/{zone['id']}") == zone
    assert client.json("/api/v1/transport-zones")["results"][0]["id"] == zone["nsx_id"]
    assert client.json(POLICY + "/segments")["results"][0]["transport_zone_path"] == zone["path"]
    assert code(client.get(f"{zones}/other")) == (404, 600)


def test_roles_are_the_settings():
    """A test of rights needs an account that lacks them."""
    with Simulator(api="policy", roles=("auditor",), threads=2) as nsx, logged_in(nsx.urls[0]) as client:
        told = client.json("/policy/api/v1/aaa/user-info")
    assert (told["user_name"], [role["role"] for role in told["roles"]]) == ("admin", ["auditor"])
