"""Every option changes something that can be seen from outside, at the place that its page names."""

import http.client
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from observables import SEEN
from observing import Scene, asked, deaf

from networking_nsx.options import OPTIONS

NAMES = {(group, option.dest) for group, options in OPTIONS.items() for option in options}


class Case(NamedTuple):
    """An option, the value it is changed to, and what is seen without and with that."""

    group: str
    option: str
    value: str
    seen: tuple[Any, Any]
    look: Callable[[Scene], Any]


def exit_code(scene: Scene, *, base: dict[str, str], **settings: Any) -> int:
    with scene.nsx(**settings) as nsx:
        return scene.once(nsx, **base).returncode


POLICY = {"nsx__api": "policy", "nsx__index_lag": "0"}


def paths(scene):
    with scene.nsx(api="both") as nsx:
        scene.once(nsx)
        by_path = nsx.requests.summary()["by_path"]
    return sorted({re.split("[ /]+", path)[1] for path in by_path})


def nodes(scene):
    with scene.nsx(nodes=2) as nsx:
        scene.once(nsx)
        return sorted({who.partition("@")[2] for who in nsx.requests.summary()["max_per_second"]})


def let_in(**settings):
    return lambda scene: exit_code(scene, base={}, **settings)


def let_in_by_file(scene):
    file = scene.folder.parent / "password"
    file.write_text("secret\n")
    file.chmod(0o600)
    return exit_code(scene, base={"nsx__password": ""}, password="secret")


def logins(scene):
    with scene.nsx(api="policy") as nsx:
        scene.once(nsx, **POLICY)
        return nsx.requests.summary()["logins"]


def accounts(scene, base, **settings):
    """Who has asked."""
    with scene.nsx(api="policy", **settings) as nsx:
        scene.once(nsx, **POLICY, nsx__managers="{node0}", **base)
        who = {each.partition("@")[0] for each in nsx.requests.summary()["max_per_second"]}
    return who - {"-"}


def account_of_a_certificate(scene):
    base = {"nsx__auth": "certificate", "nsx__ca_file": "{folder}/../ca.pem"}
    return accounts(scene, base, **tls(scene))


def tls(scene):
    """Settings of a simulator that shows a certificate and wants one."""
    folder = scene.folder.parent
    return {
        "tls": True,
        "ca_file": str(folder / "ca.pem"),
        "client_cert_file": str(folder / "client.pem"),
    }


def let_in_by_key(scene):
    base = {
        **POLICY,
        "nsx__auth": "certificate",
        "nsx__ca_file": "{folder}/../ca.pem",
        "nsx__client_cert_file": "{folder}/../certificate.pem",
    }
    with scene.nsx(api="policy", **tls(scene)) as nsx:
        both = (scene.folder.parent / "client.pem").read_text()
        key, certificate = re.findall("-----BEGIN.*?-----END[^-]*-----\n", both, re.DOTALL)[:2]
        (scene.folder.parent / "key.pem").write_text(key)
        (scene.folder.parent / "certificate.pem").write_text(certificate)
        return scene.once(nsx, **base).returncode


def account_of_a_token(scene):
    file = scene.folder.parent / "token"
    file.write_text("a-bearer-token\n")
    file.chmod(0o600)
    return accounts(scene, {"nsx__auth": "token"}, token="a-bearer-token")


def trusted(scene):
    return exit_code(scene, base={"nsx__retries": "0"}, tls=True, ca_file=str(scene.folder.parent / "ca.pem"))


def most_in_a_second(scene):
    with scene.nsx(api="policy", ports=10) as nsx:
        scene.once(nsx, **POLICY)
        return max(nsx.requests.summary()["max_per_second"].values()) > 12


def most_at_a_time(scene):
    with scene.nsx(api="policy", ports=60) as nsx:
        scene.once(nsx, **POLICY)
        return nsx.most > 3


def waits(scene, nsx, **base):
    """Whether `show` takes three seconds; by its usual timeouts it takes five, or more."""
    began = time.monotonic()
    assert scene.show(nsx, nsx__retries="0", **base).returncode == 1
    return time.monotonic() - began >= 3


def waits_for_a_connection(scene):
    with scene.nsx() as nsx, deaf() as manager:
        return waits(scene, nsx, nsx__managers=manager)


def waits_for_an_answer(scene):
    with scene.nsx() as nsx:
        nsx.faults.add("timeout", count=None, match="/ws.v1/", seconds=5)
        return waits(scene, nsx)


def no_end(scene):
    with scene.nsx() as nsx:
        nsx.faults.add("slow", seconds=0, bytes_per_second=5, count=None)
        done = scene.show(nsx, nsx__request_timeout="1.5")
    return re.search(r"within ([\d.]+) s", done.stderr)[1]


def attempts(scene):
    with scene.nsx() as nsx:
        nsx.faults.add("http-500", count=None, match="/ws.v1/lswitch")
        scene.show(nsx)
        return asked(nsx, "/lport")


def generations_asked_for(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
        return "x-nvp-wait-for-config-generation" in nsx.heard


def foreign(scene):
    with scene.nsx(api="policy") as nsx:
        return scene.counts(nsx, **POLICY)["foreign"]


def malformed(scene):
    with scene.nsx(api="policy") as nsx:
        nsx.faults.add("tag-tampered", variant="other-id", fraction=0.2, count=None)
        return scene.counts(nsx, "--dry-run", "--kind", "port", **POLICY)["malformed"] > 0


def lost_to_an_index(scene):
    """The rows have rested for an hour."""
    with scene.nsx(api="policy") as nsx:
        nsx.delete("port", fraction=0.1)
        scene.once(nsx, **POLICY, missing_grace="3590")
    return scene.statuses()["ERROR"]


def gateways_read(scene):
    with scene.nsx(api="policy", routers=6, edge_routers=1.0) as nsx:
        scene.once(nsx, "--kind", "router", **POLICY)
        return asked(nsx, "/tier-1s/{router}/state")


def interval(scene):
    with scene.nsx() as nsx:
        return round(scene.sweeps(nsx, 2).gaps()[0])


def pages(scene):
    """Of a sweep that knows how much there is."""
    with scene.nsx(networks=1, routers=0, ports=100) as nsx:
        base = {"state_sync_interval": "10", "min_chunk_size": "5"}
        return scene.sweeps(nsx, 3, **base).summaries[-1].counts["pages"]


def intervals_differ(scene):
    with scene.nsx() as nsx:
        gaps = scene.sweeps(nsx, 8).gaps()
    return max(gaps) - min(gaps) > 1


def warned(scene):
    with scene.nsx() as nsx:
        return "always_read_status has no effect" in scene.once(nsx).stderr


def rows_after(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
    return scene.statuses()


def first_sweep(scene):
    with scene.nsx() as nsx:
        return round(scene.sweeps(nsx, 1).begun[0])


def kinds_asked_for(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
        return asked(nsx, "/lport"), asked(nsx, "/lrouter")


def outside(scene):
    with scene.nsx() as nsx:
        return scene.counts(nsx)["outside"]


def lost(scene):
    with scene.nsx() as nsx:
        nsx.delete("port", fraction=0.1)
        scene.once(nsx)
    return scene.statuses()["ERROR"]


def sweeps_until_lost(scene):
    with scene.nsx() as nsx:
        nsx.delete("port", fraction=0.1)
        done = scene.sweeps(nsx, 4)
    return [summary.counts["absent"] for summary in done.summaries].index(2) + 1


def status_of_the_unknown(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
        nsx.set_status("port", "unknown", fraction=0.1)
        scene.sweeps(nsx, 3)
    return scene.statuses()


def sweeps_until_all_are_looked_at(scene):
    with scene.nsx(ports=200) as nsx:
        nsx.delete("port", fraction=0.1)
        return scene.counts(nsx)["sweeps"] > 5


def held(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
        nsx.delete("port", fraction=0.75)
        return scene.once(nsx, missing_grace="0").returncode


def sampled(scene):
    """Direct reads, when eleven ports go down in a cloud whose other ports went down an hour ago."""
    with scene.nsx(ports=60) as nsx:
        scene.sql("UPDATE ports SET status = 'ACTIVE' WHERE id IN (SELECT id FROM ports LIMIT 10)")
        nsx.set_status("port", "down")
        scene.once(nsx)
        return asked(nsx, "/lport/{nsx_id}") > 0


def sample(scene):
    with scene.nsx(ports=100) as nsx:
        scene.once(nsx)
        nsx.set_status("port", "down")
        nsx.requests.reset()
        scene.once(nsx)
        return asked(nsx, "/lport/{nsx_id}")


def held_though_most_agree(scene):
    """A fifth of the ports that a listing has DOWN are up again when they are read directly."""
    with scene.nsx(ports=100) as nsx:
        scene.once(nsx)
        nsx.set_status("port", "down")
        nsx.before("/ws.v1/lswitch/", 1, lambda: nsx.set_status("port", "up", fraction=0.2))
        scene.once(nsx, brake_sample="100")
    return scene.statuses()


def locks(scene):
    folder = scene.folder / "locks"
    with scene.nsx() as nsx:
        folder.mkdir()
        scene.once(nsx)
    return len(list(folder.iterdir()))


def socket_there(scene):
    with scene.nsx() as nsx, scene.daemon(nsx):
        return (scene.folder / "socket").is_socket()


def evidence(scene):
    with scene.nsx() as nsx:
        (scene.folder / "state").mkdir()
        scene.once(nsx)
        return (scene.folder / "state" / "evidence.sqlite").exists()


def audited(scene):
    with scene.nsx() as nsx:
        scene.once(nsx)
    file = scene.folder / "audit.log"
    return len([json.loads(line) for line in file.read_text().splitlines()]) if file.exists() else 0


def answers_http(scene):
    with scene.nsx() as nsx, scene.daemon(nsx):
        connection = http.client.HTTPConnection("127.0.0.1", scene.listen, timeout=30)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except ConnectionRefusedError:
            return "refused"
        finally:
            connection.close()


def compared(scene):
    with scene.nsx(api="policy", ports=160) as nsx:
        return scene.counts(nsx, **POLICY)["compared"]


def read_directly(scene, *, mended=False):
    """In how many sweeps ports are read directly, as the index leaves out a third of them."""
    with scene.nsx(api="policy", ports=40) as nsx:
        scene.once(nsx, **POLICY)
        nsx.faults.add("index-drop", fraction=0.3, count=None)

        def after(summary):
            if mended and summary.counts["direct"]:
                nsx.faults.clear()

        done = scene.sweeps(nsx, 6 if mended else 3, after, **POLICY)
    return sum(summary.counts["direct"] > 0 for summary in done.summaries)


def read_directly_until_believed(scene):
    return read_directly(scene, mended=True)


CASES = [
    Case("nsx", "api", "policy", (["ws.v1"], ["api", "policy"]), paths),
    Case("nsx", "managers", "{node1}", (["0"], ["1"]), nodes),
    Case("nsx", "user", "reader", (1, 0), let_in(user="reader")),
    Case("nsx", "password", "secret", (1, 0), let_in(password="secret")),
    Case("nsx", "password_file", "{folder}/../password", (1, 0), let_in_by_file),
    Case("nsx", "auth", "basic", (1, 0), logins),
    Case("nsx", "client_cert_file", "{folder}/../client.pem", (set(), {"neutron"}), account_of_a_certificate),
    Case("nsx", "client_key_file", "{folder}/../key.pem", (1, 0), let_in_by_key),
    Case("nsx", "token_file", "{folder}/../token", (set(), {"token"}), account_of_a_token),
    Case("nsx", "ca_file", "{folder}/../ca.pem", (1, 0), trusted),
    Case("nsx", "insecure", "true", (1, 0), trusted),
    Case("nsx", "request_rate", "5", (True, False), most_in_a_second),
    Case("nsx", "concurrency", "3", (True, False), most_at_a_time),
    Case("nsx", "connect_timeout", "0.3", (True, False), waits_for_a_connection),
    Case("nsx", "http_timeout", "0.3", (True, False), waits_for_an_answer),
    Case("nsx", "request_timeout", "0.8", ("1.5", "0.8"), no_end),
    Case("nsx", "retries", "0", (3, 1), attempts),
    Case("nsx", "generation_timeout", "0", (True, False), generations_asked_for),
    Case("nsx", "deployment_id", "other", (0, 23), foreign),
    Case("nsx", "network_tag_scope", "other", (0, 2), foreign),
    Case("nsx", "router_tag_scope", "other", (0, 1), foreign),
    Case("nsx", "port_tag_scope", "other", (True, False), malformed),
    Case("nsx", "index_lag", "60", (2, 0), lost_to_an_index),
    Case("nsx", "gateway_reads", "2", (6, 2), gateways_read),
    Case("nsx", "readers", "3", (True, False), most_at_a_time),
    Case("nsx_sync", "state_sync_interval", "30", (10, 30), interval),
    Case("nsx_sync", "min_sync_req_delay", "5", (12, 4), pages),
    Case("nsx_sync", "min_chunk_size", "50", (12, 5), pages),
    Case("nsx_sync", "max_random_sync_delay", "300", (False, True), intervals_differ),
    Case("nsx_sync", "always_read_status", "true", (False, True), warned),
    Case("nsx_sync", "mode", "report", ({"ACTIVE": 20}, {"DOWN": 20}), rows_after),
    Case("nsx_sync", "first_delay", "2", (5, 2), first_sweep),
    Case("nsx_sync", "kinds", "network,router", ((1, 1), (0, 1)), kinds_asked_for),
    Case("nsx_sync", "network_types", "vlan", (0, 22), outside),
    Case("nsx_sync", "physical_networks", "rack1", (0, 22), outside),
    Case("nsx_sync", "drivers", "openvswitch", (0, 20), outside),
    Case("nsx_sync", "missing_grace", "7200", (2, 0), lost),
    Case("nsx_sync", "missing_sweeps", "3", (2, 3), sweeps_until_lost),
    Case(
        "nsx_sync",
        "unknown_after",
        "0.001",
        ({"ACTIVE": 20}, {"ACTIVE": 18, "DOWN": 2}),
        status_of_the_unknown,
    ),
    Case("nsx_sync", "looks_per_sweep", "4", (False, True), sweeps_until_all_are_looked_at),
    Case("nsx_sync", "brake_percent", "100", (4, 0), held),
    Case("nsx_sync", "brake_minimum", "20", (4, 0), held),
    Case("nsx_sync", "brake_window", "7200", (False, True), sampled),
    Case("nsx_sync", "brake_sample", "20", (50, 20), sample),
    Case(
        "nsx_sync",
        "brake_agreement",
        "50",
        ({"ACTIVE": 100}, {"ACTIVE": 20, "DOWN": 80}),
        held_though_most_agree,
    ),
    Case("nsx_sync", "lock_path", "{folder}/locks", (0, 1), locks),
    Case("nsx_sync", "control_socket", "{folder}/socket", (False, True), socket_there),
    Case("nsx_sync", "state_path", "{folder}/state", (False, True), evidence),
    Case("nsx_sync", "audit_log", "{folder}/audit.log", (0, 20), audited),
    Case("nsx_sync", "listen", "127.0.0.1:{listen}", ("refused", 200), answers_http),
    Case("nsx_sync", "canary_sample", "100", (150, 100), compared),
    Case("nsx_sync", "canary_percent", "100", (2, 0), read_directly),
    Case("nsx_sync", "canary_clean", "1", (4, 2), read_directly_until_believed),
    Case("nsx_sync", "canary_apart", "1000", (2, 0), read_directly),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}-{case.option}")
def test_changing_an_option_changes_what_is_seen(case, command, sqlite, tmp_path):
    """Both times as the table says: without the option, and with it."""
    template = Path(sqlite.url.database)

    def played(name: str, **options: str) -> Any:
        return case.look(Scene(command, template, tmp_path / name, options))

    without = played("without")
    changed = played("with", **{f"{case.group}__{case.option}": case.value})

    assert (without, changed) == case.seen


def test_no_option_is_left_out():
    """Neither of the table here nor of the page, and what is seen differs in each."""
    assert Counter((case.group, case.option) for case in CASES) == Counter(NAMES)
    assert {(group, option) for group, seen in SEEN.items() for option in seen} == NAMES
    assert [case.option for case in CASES if case.seen[0] == case.seen[1]] == []
