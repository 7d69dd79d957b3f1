"""`neutron-nsx check`: whatever is wrong shows in its line, in the result and in the exit code."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from checking import DEAD, Checks, Stamped, results, simulated, wrong
from line import LeapingClock, vars_of

from networking_nsx import assemble, config
from networking_nsx.lease import lease
from networking_nsx.neutron.populate import populate
from networking_nsx.nsx import checks
from networking_nsx.nsx.http import Answer

MH_CHECKS = ["reachable", "certificate", "login", "clock", "version", "rights", "health"]
HERE = [
    "database",
    "rows",
    "writes",
    "lease",
    "state_path",
    "audit_log",
    "control_socket",
    "listen",
    "staleness",
]


@pytest.fixture
def check(command, sqlite, tmp_path):
    return Checks(command, sqlite, tmp_path)


@pytest.fixture
def nsx(sqlite):
    with simulated(sqlite) as simulator:
        yield simulator


def test_all_is_well(check, nsx):
    """Each check in its place; plain HTTP alone is worth a word."""
    lines = check(nsx)

    assert check.code == 0
    assert lines["configuration"]["detail"] == f"api mh at {nsx.urls[0]}, a sweep every 10 s"
    assert list(lines) == ["configuration", *(f"{name} 0" for name in MH_CHECKS), "listing", *HERE]
    assert {name for name, line in lines.items() if line["result"] not in ("ok", "skip")} == {"certificate 0"}
    assert lines["listing"]["detail"].startswith(
        "network: 3 of 3 read, 3 ours, 0 foreign, 0 malformed; router: 1"
    )
    assert lines["rows"]["detail"].endswith("port: 6 rows, 6 in scope")
    assert all(line["advice"] for line in lines.values() if line["result"] in ("warn", "fail"))


def test_nothing_is_written(check, nsx):
    """Neither in Neutron nor on NSX: every request but a login is a GET."""
    before = [row[:2] for row in check.engine.connect().exec_driver_sql("SELECT id, status FROM ports")]
    check(nsx)
    after = [row[:2] for row in check.engine.connect().exec_driver_sql("SELECT id, status FROM ports")]

    assert before == after
    assert {path.split()[0] for path in nsx.requests.summary()["by_path"]} == {"GET", "POST"}
    assert [path for path in nsx.requests.summary()["by_path"] if path.startswith("POST")] == [
        "POST /ws.v1/login"
    ]


@contextmanager
def alone(check, nsx, **options: str):
    """The first manager, as a check has it."""
    files = [str(check.configuration(nsx, **options))]
    with assemble.manager(config.settings(config.load(files)), nsx.urls[0]) as manager:
        yield manager


class Timeless:
    """A client whose manager tells no time."""

    def get(self, _path):
        return Answer(b"{}", {}, "", 0.0)


class TestConfiguration:
    def test_a_file_that_cannot_work_ends_it(self, check, nsx):
        """Everything else needs it; exit 12."""
        lines = check(nsx, nsx_sync__mode="guess")

        assert check.code == 12
        assert wrong(lines) == ["configuration"]
        assert "[nsx_sync] mode" in lines["configuration"]["detail"]
        assert {line["result"] for name, line in lines.items() if name != "configuration"} == {"skip"}

    def test_a_manager_whose_name_is_none_is_exit_12(self, check, nsx):
        """Nobody could look it up."""
        lines = check(nsx, managers="https://nsx..example.com")

        assert (check.code, wrong(lines)) == (12, ["configuration"])

    def test_no_manager_is_exit_1(self, check, nsx):
        """As of vmware-nsx's tool without a controller."""
        lines = check(nsx, managers="")

        assert (check.code, wrong(lines)) == (1, ["configuration"])

    @pytest.mark.parametrize(("option", "value"), [("state_sync_interval", "0"), ("mode", "report")])
    def test_what_keeps_it_from_writing_is_a_warning(self, check, nsx, option, value):
        """It may be meant."""
        lines = check(nsx, **{f"nsx_sync__{option}": value})

        assert (check.code, lines["configuration"]["result"]) == (0, "warn")
        assert f"{option} = {value}" in lines["configuration"]["detail"]


class TestManagers:
    def test_one_that_is_not_there(self, check, nsx):
        """Exit 10, and nothing more is asked of it; the other one serves for the rest."""
        lines = check(nsx, managers=f"{DEAD},{nsx.urls[0]}")

        assert check.code == 10
        assert wrong(lines) == ["reachable 0"]
        assert results(lines, "login 0", "login 1", "listing") == {
            "login 0": "skip",
            "login 1": "ok",
            "listing": "ok",
        }

    def test_what_is_configured_comes_before_a_manager(self, check, nsx, tmp_path):
        """Both have failed: exit 12."""
        lines = check(nsx, managers=f"{DEAD},{nsx.urls[0]}", nsx_sync__lock_path=str(tmp_path / "none"))

        assert (check.code, wrong(lines)) == (12, ["reachable 0", "lease"])

    def test_none_that_is_there(self, check, nsx):
        """Exit 1; the database is looked at all the same."""
        lines = check(nsx, managers=f"{DEAD},http://127.0.0.1:10")

        assert check.code == 1
        assert wrong(lines) == ["reachable 0", "reachable 1"]
        assert results(lines, "listing", "rows") == {"listing": "skip", "rows": "ok"}

    def test_one_that_takes_connections_and_answers_nothing(self, check, nsx):
        """The login shows it."""
        nsx.faults.add("node-down")
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (1, ["login 0"])
        assert "well and can be reached" in lines["login 0"]["advice"]

    def test_a_refused_login_is_not_repeated_at_the_others(self, check, sqlite):
        """They have the account in common, and NSX would lock it."""
        with simulated(sqlite, nodes=3) as nsx:
            lines = check(nsx, password="wrong")
            logins = nsx.requests.summary()["by_path"]["POST /ws.v1/login"]

        assert check.code == 12
        assert results(lines, "login 0", "login 1", "login 2") == {
            "login 0": "fail",
            "login 1": "skip",
            "login 2": "skip",
        }
        assert logins == {"401": 1}
        assert "[nsx] user" in lines["login 0"]["advice"]

    def test_another_api_than_that_of_the_configuration(self, check, nsx):
        """There is no such login."""
        nsx.faults.add("http-404", match="/ws.v1/login", count=None)
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (12, ["login 0"])
        assert "[nsx] api" in lines["login 0"]["detail"]

    def test_an_account_that_may_not_read_everything(self, check, nsx):
        """The kinds are named."""
        nsx.faults.add("http-403", match="/ws.v1/lrouter", count=None)
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (12, ["rights 0"])
        assert lines["rights 0"]["detail"].startswith("router: ")
        assert lines["listing"]["result"] == "skip"

    def test_an_account_that_may_list_but_not_read_one(self, check, nsx):
        """Direct looks need that."""
        first = min(item.nsx_id for item in nsx.inventory("network"))
        nsx.faults.add("http-403", match=f"/ws.v1/lswitch/{first}", count=None)
        lines = check(nsx)

        assert wrong(lines) == ["rights 0"]
        assert lines["rights 0"]["detail"].startswith("network: ")

    @pytest.mark.parametrize("server", ["NVP/9.1.0", "NVP/1.2", "nginx"])
    def test_a_version_that_nobody_knows(self, check, sqlite, server):
        """A warning: it may well work."""
        with simulated(sqlite, Stamped) as nsx:
            nsx.stamps = (("Server", server),)
            lines = check(nsx)

        assert (check.code, lines["version 0"]["result"]) == (0, "warn")
        assert server in lines["version 0"]["detail"]

    @pytest.mark.parametrize(("ahead", "result"), [(60, "warn"), (-60, "warn"), (0, "ok"), (2, "ok")])
    def test_a_clock_that_is_off(self, check, nsx, ahead, result):
        """By more than five seconds, either way."""
        clock = LeapingClock()
        clock.sleep(ahead)
        with alone(check, nsx) as manager:
            found = checks.clock("/ws.v1/lrouter")(replace(manager, clock=clock))

        assert found.result.value == result

    def test_a_clock_that_is_not_told(self, check, nsx):
        """Nothing is claimed of it; with all the others it is asked for."""
        with alone(check, nsx) as manager:
            found = checks.clock("/ws.v1/lrouter")(replace(manager, client=Timeless()))

        assert found.result.value == "skip"
        assert check(nsx)["clock 0"]["result"] == "ok"

    def test_a_controller_whose_name_is_none(self):
        """NSX may tell one that nobody can look up."""
        assert "no connection: " in checks.no_connection(("nsx..example.com", 443), 1.0)

    def test_a_controller_that_takes_no_connections(self, check, nsx):
        """NSX names it, and nobody is there."""
        managers = nsx.urls[0]
        nsx.urls.append(DEAD)
        lines = check(nsx, managers=managers)

        assert (check.code, lines["health 0"]["result"]) == (0, "warn")
        assert "1 of 2 controllers" in lines["health 0"]["detail"]
        assert "127.0.0.1:9" in lines["health 0"]["detail"]

    def test_a_cluster_that_does_not_answer_for_itself(self, check, nsx):
        """A failure of NSX, not of the configuration: exit 10."""
        nsx.faults.add("http-500", match="/ws.v1/control-cluster", count=None)
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (10, ["health 0"])


class TestCertificate:
    def test_nobody_vouches_for_it(self, check, sqlite):
        """No password is sent."""
        with simulated(sqlite, tls=True) as nsx:
            lines = check(nsx)
            asked = nsx.requests.summary()["total"]

        assert (check.code, wrong(lines), asked) == (12, ["certificate 0"], 0)
        assert "ca_file" in lines["certificate 0"]["advice"]

    def test_trusted(self, check, sqlite):
        """With its end."""
        with simulated(sqlite, tls=True) as nsx:
            lines = check(nsx, ca_file=nsx.ca_file)

        assert (check.code, lines["certificate 0"]["result"]) == (0, "ok")
        assert lines["certificate 0"]["detail"] == "trusted until 3000-01-01"

    def test_accepted_whatever_it_is(self, check, sqlite):
        """`insecure` is worth a word."""
        with simulated(sqlite, tls=True) as nsx:
            lines = check(nsx, insecure="true")

        assert (check.code, lines["certificate 0"]["result"]) == (0, "warn")
        assert "insecure" in lines["certificate 0"]["detail"]

    def test_https_where_there_is_none(self, check, nsx):
        """It does not answer as it should: the port or the scheme is wrong."""
        lines = check(nsx, managers=nsx.urls[0].replace("http:", "https:"))

        assert wrong(lines) == ["certificate 0"]
        assert "http or https" in lines["certificate 0"]["advice"]

    @pytest.mark.parametrize(("days", "result"), [(29, "warn"), (31, "ok")])
    def test_it_ends_soon(self, check, sqlite, days, result):
        """A month is time to renew it."""
        with simulated(sqlite, tls=True) as nsx, alone(check, nsx, ca_file=nsx.ca_file) as manager:
            end = datetime.fromisoformat(f"{checks.certificate(manager).detail[-10:]}T00:00:00Z")
            clock = LeapingClock()
            clock.sleep(end.timestamp() - days * 86400 - clock.now())
            found = checks.certificate(replace(manager, clock=clock))

        assert found.result.value == result


class TestListing:
    def test_objects_that_cannot_be_read(self, check, nsx):
        """A warning with their number."""
        nsx.faults.add("malformed-object", variant="wrong-type", match="/ws.v1/lrouter", count=None)
        lines = check(nsx)

        assert (check.code, lines["listing"]["result"]) == (0, "warn")
        assert "router: 1 of 1 read, 0 ours, 0 foreign, 1 malformed" in lines["listing"]["detail"]

    def test_an_nsx_that_has_nothing_of_ours(self, check, nsx):
        """Perhaps it is the wrong one."""
        nsx.populate()
        lines = check(nsx)

        assert (check.code, lines["listing"]["result"]) == (0, "warn")
        assert "right NSX" in lines["listing"]["advice"]

    def test_a_page_that_cannot_be_read(self, check, nsx):
        """A failure of NSX; with the rights all was well."""
        nsx.faults.add("http-500", match="/ws.v1/lrouter", query="_page_length=5000", count=None)
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (10, ["listing"])


class TestDatabase:
    def test_one_that_does_not_answer(self, check, nsx):
        """Its password is not repeated."""
        lines = check(nsx, database__connection="mysql+pymysql://u:topsecret@127.0.0.1:9/neutron")

        assert (check.code, wrong(lines), lines["rows"]["result"]) == (12, ["database"], "skip")
        assert "topsecret" not in str(lines)

    def test_another_revision(self, check, nsx, mariadb):
        """The tables may differ: a warning."""
        with mariadb.begin() as connection:
            there = connection.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'older' LIMIT 1"))
        check.engine = mariadb
        try:
            lines = check(nsx)
        finally:
            with mariadb.begin() as connection:
                connection.execute(sa.text("DELETE FROM alembic_version"))
                connection.execute(
                    sa.text("INSERT INTO alembic_version VALUES (:head)"), [{"head": head} for head in there]
                )

        assert (check.code, lines["database"]["result"]) == (0, "warn")
        assert "older" in lines["database"]["detail"]

    def test_rows_that_cannot_be_read(self, check, nsx):
        """The table is there, a column is not."""
        with check.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE ports RENAME COLUMN status TO state"))
        lines = check(nsx)

        assert (check.code, wrong(lines)) == (12, ["rows"])

    def test_a_database_that_takes_no_writes(self, check, nsx, mariadb):
        """Reading works, each write would be refused; who only reports writes nothing."""
        with mariadb.begin() as connection:
            connection.execute(sa.text("CREATE USER reader IDENTIFIED BY 'r'"))
            connection.execute(sa.text(f"GRANT SELECT ON `{mariadb.url.database}`.* TO reader"))
        populate(mariadb, [vars_of(item) for item in nsx.inventory()])
        url = mariadb.url.set(username="reader", password="r").render_as_string(hide_password=False)
        try:
            lines = check(nsx, database__connection=url)
            code = check.code
            reporting = check(nsx, database__connection=url, nsx_sync__mode="report")
        finally:
            with mariadb.begin() as connection:
                connection.execute(sa.text("DROP USER reader"))

        assert (code, wrong(lines)) == (12, ["writes"])
        assert "UPDATE command denied" in lines["writes"]["detail"]
        assert (check.code, reporting["writes"]["result"]) == (0, "skip")

    def test_rows_that_are_none_of_ours(self, check, nsx):
        """A warning with what the scope is made of."""
        lines = check(nsx, nsx_sync__drivers="other", nsx_sync__kinds="port")

        assert (check.code, lines["rows"]["result"]) == (0, "warn")
        assert lines["rows"]["detail"] == "port: 6 rows, 0 in scope"
        assert "drivers" in lines["rows"]["advice"]


class TestLease:
    def test_a_folder_that_is_not_there(self, check, nsx, tmp_path):
        """No synchronizer would start."""
        lines = check(nsx, nsx_sync__lock_path=str(tmp_path / "none"))

        assert (check.code, wrong(lines)) == (12, ["lease"])
        assert "lock_path" in lines["lease"]["detail"]

    def test_a_synchronizer_that_holds_it(self, check, nsx, tmp_path):
        """That is well."""
        with lease(nsx.urls, str(tmp_path)):
            lines = check(nsx)

        assert (check.code, lines["lease"]["result"]) == (0, "ok")
        assert "synchronizes this NSX already" in lines["lease"]["detail"]
