"""The simulator's NSX-MH API, as a plain HTTP client meets it."""

import threading
import time
from contextlib import contextmanager, suppress

import pytest
import requests
from clocks import Ticker
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import wait_for

from networking_nsx.simulator import Simulator

LOGIN = {"username": "admin", "password": "admin"}
PORTS = "/ws.v1/lswitch/*/lport"
FORM = {"fields": "uuid,tags,fabric_status_up", "relations": "LogicalPortStatus"}


@contextmanager
def logged_in(base, **attributes):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Connection"] = "keep-alive"
        for name, value in attributes.items():
            setattr(session, name, value)
        session.post(f"{base}/ws.v1/login", data=LOGIN, timeout=10).raise_for_status()
        session.base = base
        yield session


@pytest.fixture(scope="module")
def nsx():
    """An NSX that no test of this module changes."""
    with Simulator(nodes=2, seed=7, threads=4) as simulator:
        simulator.populate(networks=5, ports=47, routers=3)
        simulator.create("port", count=2, untagged=True)
        yield simulator


@pytest.fixture(scope="module")
def client(nsx):
    with logged_in(nsx.urls[0]) as session:
        yield session


@pytest.fixture(params=["keyed", "positional"])
def either(request):
    """A small NSX of each cursor variant, to be changed, and a client of it."""
    with Simulator(cursor=request.param, threads=4) as simulator:
        simulator.populate(networks=2, ports=10, routers=2)
        with logged_in(simulator.urls[0]) as session:
            yield simulator, session


def get(session, path, **params):
    return session.get(session.base + path, params=params, timeout=10)


def listed(session, path, **params):
    answer = get(session, path, **{"fields": "uuid", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def uuids(content):
    return [thing["uuid"] for thing in content["results"]]


def pages(session, path, after_first=lambda: None, **params):
    """The pages of a listing; `after_first` is called after the first one."""
    content = listed(session, path, **params)
    yield content
    after_first()
    while cursor := content.get("page_cursor"):
        content = listed(session, path, _page_cursor=cursor, **params)
        yield content


def truth(simulator, kind):
    return [item.nsx_id for item in simulator.inventory(kind)]


# Sessions and nodes


def test_a_login_opens_a_session(nsx):
    """The cookie of a login is what the other requests need; without one they are refused."""
    anonymous = requests.get(nsx.urls[0] + "/ws.v1/lswitch", timeout=10)
    answer = requests.post(nsx.urls[0] + "/ws.v1/login", data=LOGIN, timeout=10)
    # Clients send the header back whole, attributes included.
    cookie = {"Cookie": answer.headers["Set-Cookie"]}
    known = requests.get(nsx.urls[0] + "/ws.v1/lswitch", headers=cookie, timeout=10)
    assert (anonymous.status_code, answer.status_code, known.status_code) == (401, 200, 200)


@pytest.mark.parametrize("cookie", ["a/b=1", "nvp_sessionid", "nvp_sessionid=forged", ";;"])
def test_a_strange_cookie_opens_none(nsx, cookie):
    """A cookie that no login gave out is no session."""
    answer = requests.get(nsx.urls[0] + "/ws.v1/lswitch", headers={"Cookie": cookie}, timeout=10)
    assert answer.status_code == 401


@pytest.mark.parametrize("form", [{}, {"username": "admin", "password": "guess"}, {"username": "admin"}])
def test_a_wrong_password_opens_none(nsx, form):
    """A refused login answers 401 and sets no cookie."""
    answer = requests.post(nsx.urls[0] + "/ws.v1/login", data=form, timeout=10)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_other_credentials_can_be_asked_for():
    """User and password are the settings'."""
    with Simulator(user="sync", password="secret", threads=2) as simulator:
        url = simulator.urls[0] + "/ws.v1/login"
        assert requests.post(url, data=LOGIN, timeout=10).status_code == 401
        mine = {"username": "sync", "password": "secret"}
        assert requests.post(url, data=mine, timeout=10).status_code == 200


def test_a_session_belongs_to_its_node(nsx):
    """The cookie of one node is refused by another, and accepted by the VIP before the first."""
    with logged_in(nsx.urls[0]) as session:
        statuses = [
            session.get(url + "/ws.v1/lrouter", timeout=10).status_code for url in (*nsx.urls, nsx.vip)
        ]
    assert statuses == [200, 401, 200]


def test_a_session_ends_with_its_lifetime():
    """An expired cookie answers 401, and a new login helps."""
    clock = Ticker()
    with Simulator(clock=clock, threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        clock.wait(1800)
        assert get(session, "/ws.v1/lrouter").status_code == 401
        session.post(f"{session.base}/ws.v1/login", data=LOGIN, timeout=10)
        assert get(session, "/ws.v1/lrouter").status_code == 200


def test_nodes_share_the_inventory(nsx):
    """Every node lists the same objects."""
    with logged_in(nsx.urls[0]) as first, logged_in(nsx.urls[1]) as second:
        assert uuids(listed(first, PORTS)) == uuids(listed(second, PORTS)) == truth(nsx, "port")


def test_nodes_can_be_discovered(nsx, client):
    """The control cluster lists each node's API address."""
    nodes = listed(client, "/ws.v1/control-cluster/node", fields="roles")["results"]
    addresses = [role["listen_addr"] for node in nodes for role in node["roles"] if "listen_addr" in role]
    assert addresses == [url.replace("http://", "ptcp:") for url in nsx.urls]


def test_nodes_listen_on_ports_in_a_row():
    """With a port given, the nodes follow it and the VIP comes last."""
    for port in range(22000, 32000, 7):
        with suppress(OSError), Simulator(nodes=2, port=port, threads=2) as simulator:
            urls = [*simulator.urls, simulator.vip]
            break
    assert urls == [f"http://127.0.0.1:{port + number}" for number in range(3)]


def test_a_taken_port_is_told():
    """If one of the ports is taken, nothing listens and the error says so."""
    with Simulator(threads=2) as simulator:
        port = int(simulator.urls[0].rsplit(":", 1)[1])
        second = Simulator(port=port, threads=2)
        with pytest.raises(OSError, match="No socket could be created"):
            second.start()


def test_tls_is_certified_by_a_ca_of_its_own(tmp_path):
    """With TLS, a client that trusts the CA file is served; another refuses the certificate."""
    ca_file = str(tmp_path / "ca.pem")
    with Simulator(tls=True, ca_file=ca_file, networks=1, threads=2) as simulator:
        assert simulator.ca_file == ca_file
        with logged_in(simulator.urls[0], verify=ca_file) as session:
            assert listed(session, "/ws.v1/lswitch")["result_count"] == 1
        with requests.Session() as session, pytest.raises(requests.exceptions.SSLError):
            session.get(simulator.urls[0], timeout=10)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "nsx.example.org"])  # noqa: S104
def test_it_does_not_listen_beyond_loopback(host):
    """An address that others can reach is refused unless it is explicitly allowed."""
    with pytest.raises(ValueError, match="does not listen"):
        Simulator(host=host).start()


@pytest.mark.parametrize("wrong", [{"nodes": 0}, {"cursor": "careless"}])
def test_wrong_settings_are_told_at_the_start(wrong):
    """A setting that cannot work is named."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Simulator(**wrong).start()


def test_remote_access_can_be_allowed():
    """With leave, it listens everywhere."""
    with Simulator(host="0.0.0.0", allow_remote=True, threads=2) as simulator:  # noqa: S104
        assert simulator.urls[0].startswith("http://0.0.0.0:")


# Headers


def test_answers_name_the_version(client):
    """Clients read NSX's version from the Server header."""
    assert get(client, "/ws.v1/lrouter").headers["Server"] == "NVP/4.2.0"


def test_the_generation_grows_with_every_modification(either):
    """Each operation that changes something makes a higher generation."""
    simulator, session = either
    seen = []
    for change in (
        lambda: None,
        lambda: simulator.create("router"),
        lambda: simulator.set_status("port", "down"),
        lambda: simulator.delete("port", fraction=0.5),
        simulator.objects.restore,
    ):
        change()
        seen.append(int(get(session, "/ws.v1/lrouter").headers["X-Nvp-Config-Generation"]))
    assert seen == sorted(set(seen))


def test_an_unchanged_inventory_keeps_its_generation(either):
    """An operation that changes nothing makes no generation."""
    simulator, session = either
    before = get(session, "/ws.v1/lrouter").headers["X-Nvp-Config-Generation"]
    simulator.set_status("port", "up")
    assert get(session, "/ws.v1/lrouter").headers["X-Nvp-Config-Generation"] == before


def test_a_lagging_node_holds_its_answer_for_the_generation():
    """A node that is late reports an old generation, or waits for the one it is told to."""
    with Simulator(nodes=2, node_lag=(0.0, 1.0), networks=1, threads=2) as simulator:
        time.sleep(1.05)
        with logged_in(simulator.urls[0]) as ahead, logged_in(simulator.urls[1]) as behind:
            created = time.monotonic()
            simulator.create("network")
            new = get(ahead, "/ws.v1/lswitch").headers["X-Nvp-Config-Generation"]
            late = get(behind, "/ws.v1/lswitch").headers["X-Nvp-Config-Generation"]
            behind.headers["X-Nvp-Wait-For-Config-Generation"] = new
            waited = get(behind, "/ws.v1/lswitch").headers["X-Nvp-Config-Generation"]
            assert (int(late), waited) == (int(new) - 1, new)
            assert 1.0 <= time.monotonic() - created < 10


def test_waiting_for_a_generation_is_bounded():
    """A generation that never comes holds an answer for `generation_wait` seconds only."""
    with Simulator(generation_wait=0.1, threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        session.headers["X-Nvp-Wait-For-Config-Generation"] = "999"
        began = time.monotonic()
        assert get(session, "/ws.v1/lswitch").status_code == 200
        assert 0.1 <= time.monotonic() - began < 5  # where 30 are the default


def test_a_stop_ends_the_wait_for_a_generation():
    """A server that stops does not wait for an answer it holds back."""
    with Simulator(generation_wait=60, threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        session.headers["X-Nvp-Wait-For-Config-Generation"] = "999"
        before = simulator.requests.summary()["total"]
        held = threading.Thread(target=get, args=(session, "/ws.v1/lswitch"))
        held.start()
        wait_for(lambda: simulator.requests.summary()["total"] > before)
        began = time.monotonic()
        simulator.stop()
        held.join()
        assert time.monotonic() - began < 20


# Lists and their parameters


@pytest.mark.parametrize(
    ("path", "kind"), [("/ws.v1/lswitch", "network"), ("/ws.v1/lrouter", "router"), (PORTS, "port")]
)
def test_a_list_is_complete_and_in_order(nsx, client, path, kind):
    """Each list has every object of its kind, by uuid."""
    content = listed(client, path)
    assert uuids(content) == sorted(truth(nsx, kind))
    assert content["result_count"] == len(truth(nsx, kind))


def test_without_fields_a_list_has_references_only(client):
    """A list shows attributes only if they are asked for."""
    results = get(client, PORTS).json()["results"]
    assert {tuple(thing) for thing in results} == {("_href",)}


def test_unknown_fields_are_tolerated(client):
    """`fabric_status_up` is no attribute of a port: the original asks for it all the same."""
    thing = listed(client, PORTS, **FORM)["results"][0]
    assert set(thing) == {"uuid", "tags", "_href", "_schema", "_relations"}


def test_all_fields_can_be_asked_for(client):
    """`fields=*` shows every attribute, and no relation."""
    thing = listed(client, PORTS, fields="*")["results"][0]
    assert {"uuid", "display_name", "tags", "admin_status_enabled", "type"} < set(thing)
    assert "_relations" not in thing


def test_relations_come_as_asked(client):
    """Several relations can be asked for; unknown ones are left out."""
    names = "LogicalPortStatus,LogicalPortAttachment,LogicalSwitchConfig,LogicalQueueConfig"
    thing = listed(client, PORTS, relations=names)["results"][0]
    assert set(thing["_relations"]) == {"LogicalPortStatus", "LogicalPortAttachment", "LogicalSwitchConfig"}
    assert thing["_href"].startswith(thing["_relations"]["LogicalSwitchConfig"]["_href"])


def test_a_listed_port_is_of_realistic_size(client):
    """A port as the synchronizer lists it takes about 750 bytes."""
    content = get(client, PORTS, tag_scope="quantum", **FORM).content
    assert 700 < len(content) / 47 < 800


def test_objects_carry_the_tags_of_the_original_plugin(client):
    """Version, tenant and the Neutron id, and a port's instance; nothing on what is not ours."""
    scopes = {
        path: {
            tag["scope"] for thing in listed(client, path, fields="tags")["results"] for tag in thing["tags"]
        }
        for path in ("/ws.v1/lswitch", "/ws.v1/lrouter", PORTS)
    }
    assert scopes == {
        "/ws.v1/lswitch": {"quantum", "os_tid", "quantum_net_id"},
        "/ws.v1/lrouter": {"quantum", "os_tid", "q_router_id"},
        PORTS: {"quantum", "os_tid", "q_port_id", "vm_id"},
    }


def test_a_tag_scope_alone_finds_what_is_tagged(nsx, client):
    """`tag_scope=quantum` finds ours, and not the two ports that are nobody's."""
    ours = [item.nsx_id for item in nsx.inventory("port") if item.neutron_id]
    content = listed(client, PORTS, tag_scope="quantum")
    assert uuids(content) == ours
    assert content["result_count"] == 47


def test_a_tag_finds_its_object(nsx, client):
    """A Neutron id finds the object that carries it."""
    item = next(item for item in nsx.inventory("port") if item.neutron_id)
    found = listed(client, PORTS, tag=item.neutron_id, tag_scope=["q_port_id", "quantum"])
    assert (uuids(found), found["result_count"]) == ([item.nsx_id], 1)


def test_several_tags_must_all_fit(nsx, client):
    """Pairs of tag and tag_scope are a conjunction."""
    item = next(item for item in nsx.inventory("port") if item.neutron_id)
    tenant = listed(client, PORTS, tag=item.tenant, tag_scope="os_tid")
    both = {"tag": [item.tenant, "25.1.0"], "tag_scope": ["os_tid", "quantum", "q_port_id"]}
    assert uuids(listed(client, PORTS, **both)) == uuids(tenant)
    assert 1 < tenant["result_count"] < 47
    neither = {"tag": [item.tenant, "25.1.1"], "tag_scope": ["os_tid", "quantum"]}
    assert listed(client, PORTS, **neither)["result_count"] == 0


def test_two_narrow_filters_are_combined(nsx, client):
    """Filters that each fit a few objects find those that both fit."""
    switch = nsx.inventory("network")[0]
    tagged = {"tag": switch.tenant, "tag_scope": "os_tid"}
    inside = uuids(listed(client, f"/ws.v1/lswitch/{switch.nsx_id}/lport"))
    found = uuids(listed(client, f"/ws.v1/lswitch/{switch.nsx_id}/lport", **tagged))
    assert set(found) == set(inside) & set(uuids(listed(client, PORTS, **tagged)))


def test_other_filters(nsx, client):
    """`uuid`, `display_name` and `attachment_vif_uuid` find one object each, or none."""
    item = next(item for item in nsx.inventory("port") if item.neutron_id)
    name = get(client, f"/ws.v1/lswitch/{item.parent}/lport/{item.nsx_id}").json()["display_name"]
    for query in (
        {"uuid": item.nsx_id},
        {"display_name": name},
        {"attachment_vif_uuid": item.neutron_id},
    ):
        assert uuids(listed(client, PORTS, **query)) == [item.nsx_id]
        assert uuids(listed(client, PORTS, **dict.fromkeys(query, "nothing"))) == []
    assert uuids(listed(client, "/ws.v1/lswitch", uuid=item.nsx_id)) == []


def test_the_ports_of_one_switch(nsx, client):
    """A switch lists its own ports; one that does not exist is not found."""
    switch = nsx.inventory("network")[0].nsx_id
    inside = [item.nsx_id for item in nsx.inventory("port") if item.parent == switch]
    assert uuids(listed(client, f"/ws.v1/lswitch/{switch}/lport")) == inside
    assert get(client, f"/ws.v1/lswitch/{inside[0]}/lport").status_code == 404


@pytest.mark.parametrize("length", ["5001", "-1", "all", ""])
def test_a_page_length_out_of_range_is_refused(client, length):
    """A page holds 5,000 objects at most."""
    assert get(client, PORTS, _page_length=length).status_code == 400


def test_a_tag_without_scope_is_refused(client):
    """A tag is a value within a scope."""
    assert get(client, PORTS, tag="25.1.0").status_code == 400


# Single objects


def test_a_single_read_is_complete(nsx, client):
    """Reading one object shows all attributes and the relations asked for, whatever `fields` says."""
    item = nsx.inventory("port")[0]
    path = f"/ws.v1/lswitch/{item.parent}/lport/{item.nsx_id}"
    plain = get(client, path, fields="uuid").json()
    related = get(client, path, relations="LogicalPortStatus").json()
    assert {"display_name", "tags", "allowed_address_pairs"} < set(plain)
    assert related.pop("_relations")["LogicalPortStatus"]["fabric_status_up"] is True
    assert related == plain


def test_a_ports_status_comes_with_its_switch(nsx, client):
    """`/status` of a port embeds the switch."""
    item = nsx.inventory("port")[0]
    status = get(client, f"/ws.v1/lswitch/{item.parent}/lport/{item.nsx_id}/status").json()
    assert (status["type"], status["fabric_status_up"]) == ("LogicalSwitchPortStatus", True)
    assert status["lswitch"]["uuid"] == item.parent


@pytest.mark.parametrize(("collection", "kind"), [("lswitch", "network"), ("lrouter", "router")])
def test_switches_and_routers_are_read_alike(nsx, client, collection, kind):
    """Both have a full form, a status relation and a `/status`."""
    path = f"/ws.v1/{collection}/{nsx.inventory(kind)[0].nsx_id}"
    relation = "LogicalSwitchStatus" if kind == "network" else "LogicalRouterStatus"
    full = get(client, path, relations=relation).json()
    assert full["_relations"][relation] == get(client, f"{path}/status").json()
    assert full["_href"] == path


def test_a_switch_counts_its_ports():
    """The status of a switch says how many ports it has and how many are up."""
    with Simulator(networks=1, ports=3, threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        path = f"/ws.v1/lswitch/{truth(simulator, 'network')[0]}/status"
        assert get(session, path).json()["lport_fabric_up_count"] == 3
        simulator.set_status("port", "down", truth(simulator, "port")[:1])
        simulator.create("port", status="down")
        status = get(session, path).json()
        assert (status["lport_count"], status["lport_fabric_up_count"]) == (4, 2)


@pytest.mark.parametrize(
    ("status", "flag"),
    [
        ("up", True),
        ("down", False),
        ("unknown", "missing"),
        ("in_progress", "in_progress"),
        ("error", "error"),
    ],
)
def test_how_statuses_are_spelled(either, status, flag):
    """Up is true and down is false; an unknown flag is missing; the others are words."""
    simulator, session = either
    for kind, path, relation, key in (
        ("network", "/ws.v1/lswitch", "LogicalSwitchStatus", "fabric_status"),
        ("router", "/ws.v1/lrouter", "LogicalRouterStatus", "fabric_status"),
        ("port", PORTS, "LogicalPortStatus", "fabric_status_up"),
    ):
        simulator.set_status(kind, status)
        results = listed(session, path, relations=relation)["results"]
        assert {thing["_relations"][relation].get(key, "missing") for thing in results} == {flag}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ws.v1/lswitch/none", 404),
        ("GET", "/ws.v1/lrouter/none/status", 404),
        ("GET", "/ws.v1/lswitch/*/lport/none", 404),
        ("GET", "/ws.v1/lservices-node", 404),
        ("GET", "/ws.v1//lswitch", 404),
        ("GET", "/elsewhere", 404),
        ("POST", "/ws.v1/lswitch", 405),
        ("DELETE", "/ws.v1/lrouter/none", 405),
    ],
)
def test_what_leads_nowhere(client, method, path, status):
    """Unknown objects and paths are not found; nothing can be written."""
    assert client.request(method, client.base + path, timeout=10).status_code == status


def test_a_port_is_found_below_its_own_switch_only(nsx, client):
    """The switch in a port's path must be the port's, and a port no switch."""
    port = nsx.inventory("port")[0]
    other = next(item for item in nsx.inventory("network") if item.nsx_id != port.parent)
    assert get(client, f"/ws.v1/lswitch/{other.nsx_id}/lport/{port.nsx_id}").status_code == 404
    assert get(client, f"/ws.v1/lswitch/{port.nsx_id}").status_code == 404


def test_chained_switches_carry_their_tag():
    """A network of several switches shows them all, tagged `multi_lswitch`."""
    with Simulator(threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        simulator.populate(networks=2, ports=8, switches_per_network=2)
        assert listed(session, "/ws.v1/lswitch", tag_scope="multi_lswitch")["result_count"] == 4
        network = simulator.inventory("network")[0].neutron_id
        of_one = {"tag": network, "tag_scope": "quantum_net_id"}
        assert listed(session, "/ws.v1/lswitch", **of_one)["result_count"] == 2
        spread = {item.parent for item in simulator.inventory("port")}
        assert len(spread) == 4


# Paging


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(1, 60), min_size=1))
def test_any_page_lengths_give_the_same_listing(nsx, client, lengths):
    """However the pages are cut, also differently from page to page, the listing is the same."""
    seen, cursor = [], {}
    for length in [*lengths, 5000]:
        content = listed(client, PORTS, _page_length=length, **cursor)
        assert ("result_count" in content) == (not cursor)
        seen += uuids(content)
        if "page_cursor" not in content:
            break
        assert len(content["results"]) == length
        cursor = {"_page_cursor": content["page_cursor"]}
    assert seen == truth(nsx, "port")


def test_a_page_has_1000_objects_unless_told_otherwise():
    """The default page is 1,000 objects, the longest 5,000."""
    with Simulator(networks=1, ports=1001, threads=2) as simulator, logged_in(simulator.urls[0]) as session:
        assert len(listed(session, PORTS)["results"]) == 1000
        assert len(listed(session, PORTS, _page_length=5000)["results"]) == 1001


def test_the_last_page_has_no_cursor(client):
    """Also when the last page is exactly full."""
    lengths = [len(page["results"]) for page in pages(client, PORTS, _page_length=7)]
    assert lengths == [7] * 7


def test_the_total_comes_with_the_first_page_only(client):
    """A page that was asked for with a cursor has no result_count."""
    counts = ["result_count" in page for page in pages(client, PORTS, _page_length=20)]
    assert counts == [True, False, False]


def test_length_zero_counts_only(client):
    """A page of no objects tells the total, and has no cursor."""
    assert listed(client, PORTS, _page_length=0) == {"results": [], "result_count": 49}


def test_paging_without_change(either):
    """Either variant lists everything once when nothing changes."""
    simulator, session = either
    seen = [uuid for page in pages(session, PORTS, _page_length=3) for uuid in uuids(page)]
    assert seen == truth(simulator, "port")


@pytest.mark.parametrize("place", [0, 4])
def test_an_object_behind_the_cursor_is_deleted(either, place):
    """Be it the one at the cursor: a keyed listing keeps its place; a positional one misses an object."""
    simulator, session = either
    before = truth(simulator, "port")
    listing = pages(session, PORTS, lambda: simulator.delete("port", [before[place]]), _page_length=5)
    seen = [uuid for page in listing for uuid in uuids(page)]
    missed = [] if simulator.settings.cursor == "keyed" else [before[5]]
    assert sorted({*before} - {*seen}) == missed


def test_objects_are_created_while_they_are_listed(either):
    """A keyed listing repeats nothing; a positional one repeats what is pushed behind its place."""
    simulator, session = either
    before = truth(simulator, "port")
    listing = pages(session, PORTS, lambda: simulator.create("port", count=20), _page_length=5)
    seen = [uuid for page in listing for uuid in uuids(page)]
    assert truth(simulator, "port")[:5] != before[:5]  # something came before the cursor
    assert (len(seen) > len(set(seen))) == (simulator.settings.cursor == "positional")
    assert {*before} <= {*seen}


def test_everything_is_deleted_while_it_is_listed(either):
    """A listing of what is no more ends."""
    simulator, session = either
    listing = list(pages(session, PORTS, lambda: simulator.delete("port"), _page_length=4))
    assert [len(page["results"]) for page in listing] == [4, 0]


def test_a_statuses_change_shows_on_later_pages(either):
    """Pages show the truth of the moment they are made."""
    simulator, session = either
    listing = list(
        pages(
            session, PORTS, lambda: simulator.set_status("port", "down"), relations="LogicalPortStatus",
            _page_length=5,
        )
    )  # fmt: skip
    flags = [
        {thing["_relations"]["LogicalPortStatus"]["fabric_status_up"] for thing in page["results"]}
        for page in listing
    ]
    assert flags == [{True}, {False}]


@pytest.mark.parametrize("status", [404, 400, 410])
@pytest.mark.parametrize("cursor", ["keyed", "positional"])
def test_an_unknown_cursor(status, cursor):
    """A cursor that nobody gave out, or for another list, is answered as the settings say."""
    chosen = {"unknown_cursor": status, "cursor": cursor, "threads": 2}
    with Simulator(networks=3, ports=3, **chosen) as simulator, logged_in(simulator.urls[0]) as session:
        of_switches = listed(session, "/ws.v1/lswitch", _page_length=1)["page_cursor"]
        for wrong in (of_switches, "c-0f2e", "ä", "", of_switches[:-4]):
            assert get(session, PORTS, _page_cursor=wrong).status_code == status
        assert get(session, "/ws.v1/lswitch", _page_cursor=of_switches).status_code == 200


def test_tags_are_filtered_across_pages(nsx, client):
    """A filtered listing is paged like any other."""
    ours = [item.nsx_id for item in nsx.inventory("port") if item.neutron_id]
    listing = pages(client, PORTS, tag_scope="quantum", _page_length=10)
    assert [uuid for page in listing for uuid in uuids(page)] == ours
