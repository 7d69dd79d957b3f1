"""No secret is told: each place that holds one holds a word of its own, and no output has it."""

import base64
import json
import re
import signal
import tarfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from line import vars_of
from sites import call, process
from waiting import wait_for

from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

PASSWORD, WRONG, TOKEN = "NsxPa55word", "Wr0ngPa55word", "T0kenOfBearer"
DATABASE, NOVA = "Database5ecret", "N0va5ecret"
ALL = ("-v", "-v", "--debug")  # as much as the command can say
COOKIES = ("JSESSIONID", "nvp_sessionid")


class Overheard(Simulator):
    """A simulator that remembers the sessions that it gave out."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.given: set[str] = set()

    def answer(self, request):
        answer = super().answer(request)
        for name, value in answer.headers:
            if name.lower() == "x-xsrf-token":
                self.given.add(value)
            elif name.lower() == "set-cookie":
                self.given.add(re.match("(?:" + "|".join(COOKIES) + ")=([^;]+)", value)[1])
        return answer


class Cloud:
    """A configuration with a secret wherever there can be one, the command, and all that it has said."""

    def __init__(self, folder: Path, nsx: Overheard, connection: str, command) -> None:
        self.file, self.log = folder / "neutron.conf", folder / "neutron.log"
        self._folder, self._nsx, self._connection, self._command = folder, nsx, connection, command
        self._secret("token", TOKEN)
        self._secret("password", PASSWORD)
        self._secret("tokens", f"{TOKEN} {TOKEN}")
        self._secret("passwords", f"{PASSWORD}\n{PASSWORD}\n")

    def configure(self, text: str = "", **nsx: str) -> None:
        """Write the file; `nsx` are options of [nsx], `text` is added to its end."""
        options = {
            "managers": self._nsx.urls[0],
            "password": PASSWORD,
            "index_lag": "0",
            "retries": "0",
            **nsx,
        }
        written = "".join(f"{name} = {value}\n" for name, value in options.items() if value)
        self.file.write_text(
            f"[DEFAULT]\ndebug = true\n"
            "notify_nova_on_port_status_changes = false\n"
            f"[database]\nconnection = {self._connection}\n"
            f"[nsx_sync]\nlock_path = {self._folder}\nmissing_grace = 0\n[nsx]\n{written}{text}\n".replace(
                "{folder}", str(self._folder)
            )
        )

    def run(self, *words: str):
        return self._command(*ALL, *words, "--config-file", str(self.file), "-f", "json")

    def told(self, *outputs: str) -> list[str]:
        """What of all secrets is in these outputs or in the log."""
        log = self.log.read_text() if self.log.exists() else ""
        return leaks("\n".join((*outputs, log)), PASSWORD, WRONG, TOKEN, DATABASE, NOVA, *self._nsx.given)

    def _secret(self, name: str, content: str) -> None:
        (self._folder / name).touch(mode=0o600)
        (self._folder / name).write_text(content)


def leaks(text: str, *secrets: str) -> list[str]:
    """The secrets that a text has, as they are or as they go over the wire."""
    return [secret for secret in secrets if any(form in text for form in _forms(secret))]


def _forms(secret: str) -> set[str]:
    basic = base64.b64encode(f"admin:{secret}".encode()).decode()
    return {secret, quote(secret), quote_plus(secret), basic, secret[::-1]}


class Echo(Overheard):
    """One whose errors repeat what was sent, as pages of proxies do."""

    def answer(self, request):
        answer = super().answer(request)
        if answer.status != 200 or not request.path.endswith(("/lswitch", "/segments/state", "/query")):
            return answer
        sent = [request.headers.get(name, "") for name in ("authorization", "cookie", "x-xsrf-token")]
        return replace(answer, status=400, body=f"you sent {sent}".encode())


@pytest.fixture
def nsx(request):
    made = getattr(request, "param", Overheard)
    with made(
        api="both", networks=1, ports=3, routers=1, password=PASSWORD, token=TOKEN, client_rate_limit=0
    ) as simulator:
        yield simulator


@pytest.fixture
def cloud(tmp_path, nsx, sqlite, command):
    populate(sqlite, [vars_of(item) for item in nsx.inventory()])
    return Cloud(tmp_path, nsx, sqlite.url.render_as_string(hide_password=False), command)


@pytest.mark.parametrize(
    ("options", "sessions"),
    [
        ({}, 1),
        ({"password": "", "password_file": "{folder}/password"}, 1),
        ({"api": "policy"}, 2),
        ({"api": "policy", "auth": "basic"}, 0),
        ({"api": "policy", "auth": "token", "token_file": "{folder}/token", "password": ""}, 0),
    ],
    ids=["mh", "mh-file", "policy", "basic", "token"],
)
def test_commands_that_work_tell_no_secret(cloud, nsx, options, sessions):
    """With all that can be said switched on."""
    cloud.configure(**options)
    port = nsx.inventory("port")[0].neutron_id
    words = [("sync", "once", "--dry-run"), ("show", "port", port), ("diff",), ("sync", "once"), ("check",)]
    done = [cloud.run(*each) for each in words]

    assert [each.returncode for each in done] == [0, 0, 3, 0, 0], done[-1].stdout
    assert all(json.loads(each.stdout) for each in done)
    assert "sweep done" in done[3].stderr
    assert "DEBUG" in done[3].stderr
    assert len(nsx.given) >= sessions
    assert cloud.told(*(each.stdout + each.stderr for each in done)) == []


MARIADB = f"mysql+pymysql://neutron:{DATABASE}"
FAILING = {
    "wrong-password": ("", {"password": WRONG}, r"\[nsx\] user"),
    "wrong-password-policy": ("", {"password": WRONG, "api": "policy"}, r"\[nsx\] user"),
    "wrong-password-basic": ("", {"password": WRONG, "api": "policy", "auth": "basic"}, r"\[nsx\] user"),
    "wrong-token": (
        "",
        {"token_file": "{folder}/password", "api": "policy", "auth": "token", "password": ""},
        "token_file",
    ),
    "two-tokens": (
        "",
        {"token_file": "{folder}/tokens", "api": "policy", "auth": "token", "password": ""},
        "token_file .*one token",
    ),
    "two-passwords": (
        "",
        {"password_file": "{folder}/passwords", "password": ""},
        "password_file .*one line",
    ),
    "url": ("", {"managers": f"https://admin:{PASSWORD}@127.0.0.1"}, "no user or password in a URL"),
    "url-with-comma": (
        "",
        {"managers": f"https://admin:a,{PASSWORD}@127.0.0.1"},
        "no user or password in a URL",
    ),
    "line": (f"password {PASSWORD}", {"password": ""}, r"neutron\.conf, line"),
    "dollar": ("", {"password": f"a${PASSWORD}"}, "password .*\\$\\$"),
    "misspelt": ("", {"pasword": PASSWORD}, "did you mean password"),
    "down": (f"[database]\nconnection = {MARIADB}@127.0.0.1:9/neutron", {}, "127.0.0.1:9"),
    "driver": (
        f"[database]\nconnection = mysql+none://a:{DATABASE}@127.0.0.1:9/n",
        {},
        "connection cannot be used",
    ),
    "no-url": (f"[database]\nconnection = {DATABASE}", {}, "connection cannot be used"),
    "no-number": (
        f"[database]\nconnection = mysql+pymysql://u:a@b:{DATABASE}@h/n",
        {},
        "connection cannot be used",
    ),
    "not-escaped": (f"[database]\nconnection = {MARIADB}/?#:%@127.0.0.1:9/n", {}, "127.0.0.1:9"),
    "at": (
        f"[database]\nconnection = mysql+pymysql://u:a@{DATABASE}@127.0.0.1:9/n",
        {},
        "write an @ .* as %40",
    ),
    "at-slash": (
        f"[database]\nconnection = mysql+pymysql://u:a@b/{DATABASE}@h/n",
        {},
        "write an @ .* as %40",
    ),
    "argument": (
        f"[database]\nconnection = mysql+pymysql://a@127.0.0.1:9/n?passwort={DATABASE}",
        {},
        "passwort",
    ),
    "parameter": (
        f"[database]\nconnection = mysql+pymysql://a@127.0.0.1:9/n?password={DATABASE}",
        {},
        "127.0.0.1:9",
    ),
}


@pytest.mark.parametrize(("text", "options", "said"), FAILING.values(), ids=FAILING)
def test_commands_that_fail_tell_no_secret(cloud, nsx, text, options, said):
    """Neither in the one line, nor in the traceback that `--debug` asks for."""
    cloud.configure(text, **options)
    done = [cloud.run("show", "port", nsx.inventory("port")[0].neutron_id), cloud.run("check")]

    assert done[0].returncode == 1
    assert done[1].returncode in (1, 12)
    assert re.search(said, done[0].stderr), done[0].stderr
    assert "Traceback" in done[0].stderr
    assert cloud.told(*(each.stdout + each.stderr for each in done)) == []


def test_a_wrong_password_of_the_database_is_not_told(cloud, nsx, mariadb):
    """Nor is the right one: the server says only whose it was."""
    url = mariadb.url.set(username="nobody", password=DATABASE).render_as_string(hide_password=False)
    cloud.configure(f"[database]\nconnection = {url}")
    done = cloud.run("show", "port", nsx.inventory("port")[0].neutron_id)

    assert done.returncode == 1
    assert "Access denied for user 'nobody'" in done.stderr
    assert cloud.told(done.stdout, done.stderr) == []


@pytest.mark.parametrize("nsx", [Echo], indirect=True)
@pytest.mark.parametrize("how", [{}, {"api": "policy"}, {"api": "policy", "auth": "basic"}], ids=str)
def test_an_nsx_that_repeats_what_it_was_sent_is_not_quoted(cloud, how):
    """Its error is told, without the session or the credentials."""
    cloud.configure(**how)
    done = cloud.run("sync", "once", "--kind", "network")

    assert done.returncode == 1
    assert re.search(r"400 you sent .*\*\*\*", done.stderr)
    assert cloud.told(done.stdout, done.stderr) == []


@pytest.mark.parametrize("api", ["mh", "policy"])
def test_a_daemon_tells_no_secret(cloud, nsx, tmp_path, api):
    """Through some sweeps, lost sessions, a Nova that is not there and a password that is no longer right."""
    nova = (
        f"[nova]\nauth_type = password\nauth_url = http://127.0.0.1:9/v3\npassword = {NOVA}\n"
        "username = neutron\nuser_domain_id = default\nproject_name = service\nproject_domain_id = default\n"
        f"[DEFAULT]\nnotify_nova_on_port_status_changes = true\nlog_file = {cloud.log}\nuse_stderr = true\n"
        f"[nsx_sync]\nstate_sync_interval = 1\nfirst_delay = 0\ncontrol_socket = {tmp_path}/nsx.socket\n"
    )
    cloud.configure(nova, api=api, password="", password_file="{folder}/password")
    with process(*ALL, "sync", "run", "--config-file", str(cloud.file)) as daemon:
        wait_for(lambda: cloud.log.exists() and cloud.log.read_text().count("sweep done") >= 2)
        (tmp_path / "password").write_text(WRONG)
        nsx.faults.add("session-dropped", count=None)
        wait_for(lambda: "NSX refuses" in cloud.log.read_text())
        status = call(*ALL, "sync", "status", "--config-file", str(cloud.file), "-f", "json")
        daemon.send_signal(signal.SIGTERM)
        out, err = daemon.communicate(timeout=60)

    assert daemon.returncode == 0
    assert json.loads(status.stdout)["failures"] > 0
    assert "http://127.0.0.1:9/v3" in cloud.log.read_text()
    assert len(nsx.given) >= 1
    assert cloud.told(out, err, status.stdout, status.stderr) == []


def bundled(cloud, *more: str) -> list[str]:
    """A bundle's files, and what the command said."""
    output = cloud.file.with_name("bundle.tar.gz")
    done = cloud.run("bundle", "--output", str(output), *more)
    assert done.returncode == 0, done.stderr
    with tarfile.open(output) as bundle:
        found = [bundle.extractfile(each).read().decode() for each in bundle]
    output.unlink()
    return [*found, done.stdout, done.stderr]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"password": "", "password_file": "{folder}/password"},
        {"api": "policy", "auth": "basic"},
        {"api": "policy", "auth": "token", "token_file": "{folder}/token", "password": ""},
    ],
    ids=["mh", "mh-file", "basic", "token"],
)
def test_a_bundle_has_no_secret(cloud, options):
    """Whoever has written what into the logs; the other sections of the file have secrets, too."""
    cloud.configure(
        f"[nova]\npassword = {NOVA}\n[DEFAULT]\nlog_file = {cloud.log}\n"
        f"transport_url = rabbit://openstack:{DATABASE}@rabbit:5672/\n",
        **options,
    )
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    spelt = (
        f"connecting with mysql+pymysql://neutron:{DATABASE}@db/neutron\n"
        f"{{'password': '{NOVA}', 'Authorization': 'Basic {basic}'}}\n"
        f"Cookie: JSESSIONID=5e551on; X-XSRF-TOKEN: x5rf70ken\n"
        f"password = {PASSWORD} bearer {TOKEN} {quote_plus(WRONG)}\n"
        f"auth {{'token': '{TOKEN}'}} mysql://nobody:0therDatabase5ecret@elsewhere/x\n"
    )
    cloud.log.write_text(spelt)
    pieces = bundled(cloud)
    cloud.log.unlink()

    assert any("connecting with mysql" in piece for piece in pieces)
    written = "\n".join(pieces).replace(quote_plus(WRONG), "")  # a password that no file has is only a word
    assert (
        leaks(written, PASSWORD, TOKEN, DATABASE, NOVA, "5e551on", "x5rf70ken", "0therDatabase5ecret") == []
    )


@pytest.mark.parametrize(("text", "options", "said"), FAILING.values(), ids=FAILING)
def test_a_bundle_of_what_fails_has_no_secret(cloud, text, options, said):
    """Whatever is wrong with the configuration, a bundle is made."""
    cloud.configure(text, **options)

    assert cloud.told(*bundled(cloud)) == []


@pytest.mark.parametrize("form", ["{}", "Basic YWRtaW46TnN4UGE1NXdvcmQ="])
def test_a_leak_would_be_seen(cloud, form):
    """In the outputs and in the log, as it is and as basic authentication sends it."""
    line = form.format(PASSWORD)
    cloud.log.write_text("nothing\n")
    assert cloud.told("nothing", "") == []
    assert cloud.told("", f"a line with {line} in it") == [PASSWORD]

    cloud.log.write_text(f"a line with {line} in it\n")
    assert cloud.told("") == [PASSWORD]
