"""`neutron-nsx check` of an NSX with the Policy API: what is wrong shows in its line."""

from dataclasses import replace

import pytest
from checking import DEAD, Checks, Stamped, results, simulated, wrong
from clocks import Ticker
from line import LeapingClock

from networking_nsx import assemble, config
from networking_nsx.nsx import checks_policy

MANAGER = ["reachable", "certificate", "login", "clock", "version", "rights", "limits", "health"]
NSX = ["search", "parts", "fields", "freshness", "listing"]
VERSION = "/api/v1/node/version"
LIMITS = "/api/v1/cluster/api-service"
CLUSTER = "/api/v1/cluster/status"
SEARCH = "/api/v1/search/query"


class PolicyChecks(Checks):
    """The command, told of the API."""

    def configuration(self, nsx, **options: str):
        return super().configuration(nsx, api="policy", **options)


class SharedClock(LeapingClock):
    """Whoever sleeps moves NSX's time on as well; nothing else does."""

    def __init__(self) -> None:
        super().__init__()
        self.nsx = Ticker()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.nsx.wait(seconds)


@pytest.fixture
def check(command, sqlite, tmp_path):
    return PolicyChecks(command, sqlite, tmp_path)


@pytest.fixture
def nsx(sqlite):
    with simulated(sqlite, Stamped, api="policy") as simulator:
        yield simulator


def found(check, nsx, name, clock=None):
    """One check of the NSX as a whole, without the waits."""
    files = [str(check.configuration(nsx))]
    (asked,) = (each for each in checks_policy.NSX if each.name == name)
    with assemble.manager(config.settings(config.load(files)), nsx.urls[0]) as manager:
        return asked.ask(replace(manager, clock=clock or LeapingClock()))


def test_all_is_well(check, nsx):
    """Each check in its place."""
    lines = check(nsx)

    assert check.code == 0
    assert list(lines)[1:-9] == [*(f"{name} 0" for name in MANAGER), *NSX]
    assert {name for name, line in lines.items() if line["result"] not in ("ok", "skip")} == {"certificate 0"}
    assert lines["login 0"]["detail"] == "as admin (enterprise_admin)"
    assert {line["result"] for name, line in lines.items() if name in NSX} == {"ok"}


@pytest.mark.parametrize("option", [{}, {"auth": "basic"}])
def test_a_refused_account_is_not_tried_at_the_others(check, sqlite, option):
    """It is not locked after that."""
    with simulated(sqlite, api="policy", nodes=3) as nsx:
        lines = check(nsx, password="wrong", **option)
        refused = nsx.requests.summary()["by_path"]
        locked = check(nsx, **option)["login 0"]["result"] != "ok"

    assert results(lines, "login 0", "login 1", "login 2") == {
        "login 0": "fail",
        "login 1": "skip",
        "login 2": "skip",
    }
    assert sum(answers.get("403", 0) for answers in refused.values()) <= 2
    assert not locked


def test_no_licence_is_no_refusal(check, sqlite):
    """Each manager is asked, as the account is not to blame."""
    with simulated(sqlite, api="policy", nodes=2) as nsx:
        nsx.faults.add("licence-expired")
        lines = check(nsx)

    assert (check.code, wrong(lines)) == (12, ["login 0", "login 1"])
    assert "licence" in lines["login 1"]["detail"]


def test_a_server_of_another_kind_is_told_from_it(check, nsx):
    """It has no such login."""
    nsx.faults.add("http-404", match="/api/session/create", count=None)
    lines = check(nsx)

    assert (check.code, wrong(lines)) == (12, ["login 0"])
    assert "[nsx] api" in lines["login 0"]["detail"]


def test_one_manager_that_is_not_there(check, nsx):
    """Exit 10; what concerns the whole is asked of the other."""
    lines = check(nsx, managers=f"{DEAD},{nsx.urls[0]}")

    assert (check.code, wrong(lines)) == (10, ["reachable 0"])
    assert {line["result"] for name, line in lines.items() if name in NSX} == {"ok"}


@pytest.mark.parametrize(
    ("version", "result"), [("2.5.1.0", "warn"), ("", "warn"), ("3.2.2", "ok"), ("9.0", "ok")]
)
def test_versions(check, nsx, version, result):
    """NSX-T 3, NSX 4 and 9 are known."""
    nsx.told = {VERSION: {"product_version": version}}

    assert check(nsx)["version 0"]["result"] == result


def test_an_account_that_may_not_read_everything(check, nsx):
    """The kinds are named; nothing that needs them is asked."""
    nsx.faults.add(
        "http-403", match="/policy/api/v1/infra/segments", count=None, code=289, message="no rights"
    )
    lines = check(nsx)

    assert (check.code, wrong(lines)) == (12, ["rights 0"])
    assert lines["rights 0"]["detail"].startswith("network: ")
    assert results(lines, "freshness", "listing") == {"freshness": "skip", "listing": "skip"}


@pytest.mark.parametrize(
    ("limits", "options", "said"),
    [
        ({"client_rate_limit": 50}, {}, "request_rate = 100, but NSX allows 50"),
        ({"client_concurrency_limit": 10}, {}, "concurrency = 20, but NSX allows 10"),
        ({"client_concurrency_limit": 0, "client_rate_limit": 0}, {}, ""),
        ({"client_rate_limit": 50}, {"request_rate": "50"}, ""),
    ],
)
def test_limits_are_compared_with_what_is_configured(check, sqlite, limits, options, said):
    """0 is none."""
    with simulated(sqlite, api="policy", **limits) as nsx:
        line = check(nsx, **options)["limits 0"]

    assert line["result"] == ("warn" if said else "ok")
    assert said in line["detail"]


def test_limits_that_are_not_told(check, nsx):
    """An old version: nothing is claimed."""
    nsx.faults.add("http-404", match=LIMITS)

    assert check(nsx)["limits 0"]["result"] == "skip"


def test_limits_that_cannot_be_read(check, nsx):
    """What NSX says is not what was expected: a failure."""
    nsx.told = {LIMITS: {"client_api_rate_limit": "many"}}

    assert wrong(check(nsx)) == ["limits 0"]


@pytest.mark.parametrize(
    ("cluster", "result", "code"),
    [
        ({"status": "STABLE", "offline_nodes": []}, "ok", 0),
        ({"status": "STABLE", "offline_nodes": [{"uuid": "a"}]}, "warn", 0),
        ({"status": "DEGRADED", "offline_nodes": []}, "warn", 0),
        ({"status": "UNSTABLE"}, "fail", 10),
        ("rubbish", "fail", 10),
    ],
)
def test_the_clusters_own_word(check, nsx, cluster, result, code):
    """What does not work is exit 10."""
    nsx.told = {CLUSTER: {"mgmt_cluster_status": cluster}}
    lines = check(nsx)

    assert (lines["health 0"]["result"], check.code) == (result, code)


class TestSearch:
    @pytest.mark.parametrize("fault", ["index-rebuilding", "search-timeout", "index-out-of-sync"])
    def test_an_index_that_cannot_answer(self, check, nsx, fault):
        """Exit 10, and what builds it; the others need it."""
        nsx.faults.add(fault, match="/api/v1/search", count=None)
        lines = check(nsx)

        assert check.code == 10
        assert "search" in wrong(lines)
        assert "index" in lines["search"]["advice"]
        assert results(lines, "parts", "fields") == {"parts": "skip", "fields": "skip"}

    @pytest.mark.parametrize(("status", "result"), [({"status": "UP"}, "ok"), ({}, "fail"), (None, "fail")])
    def test_hits_without_a_status(self, check, nsx, status, result):
        """The statuses of ports would stay as they are, for ever."""
        nsx.told = {SEARCH: {"results": [{"id": "a", "status": status}], "result_count": 1}}

        assert found(check, nsx, "search").result.value == result

    def test_some_hits_without_a_status(self, check, nsx):
        """A warning with their number."""
        hits = [{"id": "a", "status": {"status": "UP"}}, {"id": "b"}]
        nsx.told = {SEARCH: {"results": hits, "result_count": 2}}
        finding = found(check, nsx, "search")

        assert finding.result.value == "warn"
        assert "1 of 2 hits" in finding.detail

    def test_an_index_without_ports(self, check, nsx):
        """Either NSX has none, or it tells none; nothing is claimed of the rest."""
        nsx.populate(networks=2)
        lines = check(nsx)

        assert results(lines, "search", "fields", "freshness") == {
            "search": "warn",
            "fields": "skip",
            "freshness": "skip",
        }

    @pytest.mark.parametrize(("total", "result"), [(6, "warn"), (50_000, "fail")])
    def test_parts_that_do_not_add_up(self, check, nsx, total, result):
        """Here each part has as many as the whole. Only a large NSX needs them."""
        nsx.told = {SEARCH: {"results": [{"id": "a"}], "result_count": total}}

        assert found(check, nsx, "parts").result.value == result

    def test_included_fields_that_lose_the_status(self, check, nsx):
        """A warning: hits are read whole."""
        nsx.told = {SEARCH: {"results": [{"id": "a"}], "result_count": 1}}

        assert found(check, nsx, "fields").result.value == "warn"

    def test_a_page_that_cannot_be_read(self, check, nsx):
        """Exit 10, as of every listing."""
        nsx.faults.add("http-500", match="/policy/api/v1/infra/segments", query="page_size=1000", count=None)
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (10, ["listing"])


class TestFreshness:
    def test_an_index_that_is_late_for_long(self, check, sqlite):
        """A warning with some of the ports."""
        with simulated(sqlite, api="policy", index_delay=3600.0) as nsx:
            late = nsx.set_status("port", "down", fraction=0.5, seed=1)
            finding = found(check, nsx, "freshness")

        assert finding.result.value == "warn"
        assert f"{6 - len(late)} of 6 ports agree" in finding.detail
        assert any(port in finding.detail for port in late)
        assert "index_lag" in finding.advice

    def test_an_index_that_catches_up(self, check, sqlite):
        """How late it was is told."""
        clock = SharedClock()
        with simulated(sqlite, api="policy", index_delay=1.5, clock=clock.nsx) as nsx:
            nsx.set_status("port", "down")
            finding = found(check, nsx, "freshness", clock)

        assert finding.result.value == "ok"
        assert finding.detail == "0 of 6 ports agree with direct reads, the others after 2 s"

    def test_ports_that_cannot_be_read(self, check, nsx):
        """The error is told."""
        port = min(nsx.inventory("port"), key=lambda item: item.nsx_id)
        path = f"/policy/api/v1/infra/segments/{port.network_id}/ports/{port.neutron_id}/status"
        nsx.faults.add("http-500", match=path, count=None)
        lines = check(nsx)

        assert "freshness" in wrong(lines)
