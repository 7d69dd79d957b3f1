"""The files under deploy/ are what they say: each is read by the program that it is for, or by ours."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import deployed
import pytest
import trustme
import yaml
from deployed import CONTAINERFILE, DEPLOY, EXAMPLE, KUBERNETES, ROOT, UNIT
from servers import needed

from networking_nsx import config


@pytest.fixture
def secrets(tmp_path):
    """The files that the examples name, in a folder of their own, and a configuration with the database's."""
    (tmp_path / "nsx-password").touch(mode=0o600)
    (tmp_path / "nsx-password").write_text("secret\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "nsx-ca.pem")
    (tmp_path / "neutron.conf").write_text("[database]\nconnection = sqlite://\n")
    return tmp_path


def loaded(text, folder, etc):
    """What a configuration means where the files are that it names below `etc`."""
    file = folder / "networking-nsx.conf"
    file.write_text(text.replace(f"{etc}/", f"{folder}/"))
    return config.settings(config.load([str(folder / "neutron.conf"), str(file)]))


def test_the_example_is_a_configuration_that_works(secrets):
    """As it is: it reports, and writes nothing."""
    made = loaded(EXAMPLE.read_text(), secrets, "/etc/neutron")

    assert (made.report_only, made.api, len(made.managers)) == (True, "policy", 3)
    assert deployed.unknown_in(EXAMPLE.read_text()) == set()


def test_every_value_that_is_commented_out_works_as_well(secrets):
    """What stands in the place of something else, is put there."""
    client = trustme.CA().issue_cert("neutron-status")
    client.private_key_pem.write_to_path(secrets / "nsx-client.key")
    client.cert_chain_pems[0].write_to_path(secrets / "nsx-client.pem")
    text = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    made = loaded(re.sub(r"^password_file.*\n", "", text, flags=re.MULTILINE), secrets, "/etc/neutron")

    assert (made.auth, made.http.client_cert_file) == ("certificate", str(secrets / "nsx-client.pem"))
    assert made.scope.physical_networks == ("nsx-tz-1",)


def test_the_example_writes_only_where_the_unit_may(secrets):
    """Each folder is one that systemd makes for it."""
    made = loaded(EXAMPLE.read_text(), secrets, "/etc/neutron")
    settings = deployed.unit()
    folders = {
        f"/var/lib/{settings['StateDirectory'][0]}",
        f"/run/{settings['RuntimeDirectory'][0]}",
        f"/var/log/{settings['LogsDirectory'][0]}",
    }
    written = {made.lock_path, made.state_path}
    written |= {path.rpartition("/")[0] for path in (made.control_socket, made.audit_log)}
    log = re.search(r"log_file = (.*)/", EXAMPLE.read_text())[1]

    assert written | {log} == folders


def test_the_unit_and_its_user_and_its_folders_fit_each_other():
    """The three files name the same."""
    settings = deployed.unit()
    user = settings["User"][0]
    sysusers = (DEPLOY / "systemd" / "neutron-nsx.sysusers").read_text()
    tmpfiles = (DEPLOY / "systemd" / "neutron-nsx.tmpfiles").read_text()

    assert re.search(rf'^u {user} - ".*" /var/lib/{settings["StateDirectory"][0]}$', sysusers, re.MULTILINE)
    assert re.findall(r"^d (\S+) +(\d+) (\S+) (\S+)", tmpfiles, re.MULTILINE) == [
        (f"/run/{settings['RuntimeDirectory'][0]}", settings["RuntimeDirectoryMode"][0], user, user),
        (f"/var/lib/{settings['StateDirectory'][0]}", settings["StateDirectoryMode"][0], user, user),
        (f"/var/log/{settings['LogsDirectory'][0]}", settings["LogsDirectoryMode"][0], user, user),
    ]


def test_systemd_takes_the_unit(tmp_path):
    """Without a word: an unknown setting would be a warning."""
    analyze = needed("systemd-analyze")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/networking-nsx/bin/neutron-nsx", "/bin/true"))
    done = subprocess.run([analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_as_closed_as_the_documentation_says():
    """By the figure of systemd itself: the lower the better, 10 is the worst."""
    done = subprocess.run(
        [needed("systemd-analyze"), "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    figure = re.search(r"Overall exposure level for neutron-nsx.service: ([\d.]+)", done.stdout)[1]

    assert f"{figure} of 10" in (ROOT / "docs" / "how-to" / "deploy.md").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to others")
def test_systemd_makes_the_user_and_its_folders(tmp_path):
    """In the group whose files it reads; the folders are its own."""
    (tmp_path / "etc").mkdir()
    for program, words, file in (
        ("systemd-sysusers", [], "neutron-nsx.sysusers"),
        ("systemd-tmpfiles", ["--create"], "neutron-nsx.tmpfiles"),
    ):
        command = [needed(program), f"--root={tmp_path}", *words, DEPLOY / "systemd" / file]
        subprocess.run(command, check=True, capture_output=True)
    number = re.search(r"^neutron-nsx:x:(\d+):", (tmp_path / "etc" / "passwd").read_text(), re.MULTILINE)[1]
    made = [(tmp_path / name / "neutron-nsx").stat() for name in ("run", "var/lib", "var/log")]

    assert re.search(r"^neutron:x:\d+:neutron-nsx$", (tmp_path / "etc" / "group").read_text(), re.MULTILINE)
    assert {(found.st_uid, found.st_mode & 0o777) for found in made} == {(int(number), 0o750)}


@contextmanager
def answering(status):
    """A server that says this to everybody; its port, and the paths that it was asked for."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_request(self, code="-", size="-"):
            pass

    asked = []
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def healthcheck(port):
    """The exit code of the container's own check, which asks this port."""
    (words,) = [rest for word, rest in deployed.instructions()[-1] if word == "HEALTHCHECK"]
    _, program, script = json.loads(words.partition("CMD ")[2])
    here = script.replace("127.0.0.1:9698", f"127.0.0.1:{port}")
    return subprocess.run([sys.executable, program, here], capture_output=True, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_container_is_healthy_when_the_daemon_says_so(status, code):
    """By its own address and path."""
    with answering(status) as (port, asked):
        assert healthcheck(port) == code
    assert asked == ["/healthz"]


def test_the_container_is_not_healthy_when_nobody_answers():
    """The port is closed."""
    with answering(200) as (port, _):
        pass
    assert healthcheck(port) == 1


def test_the_container_is_built_of_what_is_there():
    """Each file that is copied is in the repository; the second stage copies what the first has made."""
    build, image = deployed.instructions()
    copied = [name for word, rest in build if word == "COPY" for name in rest.split()[:-1]]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for source in copied:
        assert re.search(rf"^{re.escape(source)}(/|$)", tracked, re.MULTILINE), source
    assert ("COPY", "--from=build /opt/networking-nsx /opt/networking-nsx") in image
    assert [rest.split()[0] for word, rest in build + image if word == "FROM"] == ["debian:trixie-slim"] * 2


def test_the_container_is_nobody_and_has_no_secret():
    """A number, as whoever starts it can then see that it is not root; no value from outside is built in."""
    build, image = deployed.instructions()
    words = dict(image)

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", words["USER"])
    assert f"--owner={words['USER'].partition(':')[0]}" in CONTAINERFILE.read_text()
    assert not [rest for word, rest in build + image if word == "ARG"]
    assert [rest for word, rest in build + image if word == "ENV"] == [
        "PATH=/opt/networking-nsx/bin:/usr/bin:/bin"
    ]


def test_the_container_starts_the_daemon(command):
    """The command line is one that the command takes; the files are what it lacks."""
    words = dict(deployed.instructions()[-1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    done = command(*json.loads(words["CMD"]))

    assert json.loads(words["ENTRYPOINT"]) == [*project["scripts"]]
    assert (done.returncode, done.stderr.partition(": ")[2][:29]) == (1, "no such configuration file: /")


@pytest.fixture
def cluster():
    """The objects for Kubernetes, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES.read_text())}


def test_kubernetes_has_a_configuration_that_works(cluster, secrets):
    """Its secrets are files of a Secret; it is reached at the port that the probes ask."""
    text = cluster["ConfigMap"]["data"]["networking-nsx.conf"]
    made = loaded(text, secrets, "/etc/neutron/secrets")
    (container,) = cluster["Deployment"]["spec"]["template"]["spec"]["containers"]

    assert deployed.unknown_in(text) == set()
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"http": made.listen.port}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_kubernetes_runs_one_that_may_write_its_folders_only(cluster, secrets):
    """Never two at a time; the root is read-only; whatever the configuration writes to is mounted."""
    made = loaded(cluster["ConfigMap"]["data"]["networking-nsx.conf"], secrets, "/etc/neutron/secrets")
    deployment = cluster["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    written = {made.lock_path, made.state_path, made.control_socket.rpartition("/")[0]}

    assert (deployment["replicas"], deployment["strategy"]["type"]) == (1, "Recreate")
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert (
        f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
        == dict(deployed.instructions()[-1])["USER"]
    )
    assert written == {path for path, mount in mounted.items() if not mount.get("readOnly")}
    assert {mount["name"] for mount in mounted.values()} == {volume["name"] for volume in pod["volumes"]}


def test_kubernetes_renews_secrets_and_shows_them_to_nobody_else(cluster, command):
    """A file that is mounted by itself would stay as it was; others may not read it."""
    pod = cluster["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "secrets"]
    done = command(*container["args"])

    assert secret["defaultMode"] & 0o007 == 0
    assert "subPath" not in mount
    assert done.stderr.startswith("neutron-nsx: no such configuration file: ")


@pytest.mark.long
def test_the_container_installs_what_the_lock_has(tmp_path):
    """Every RUN of the first stage but apt's, in a folder of its own; then the command works."""
    source, packages = tmp_path / "source", tmp_path / "opt"
    source.mkdir()
    for word, rest in deployed.instructions()[0]:
        if word == "COPY":
            _copy(rest.split(), source)
        if word == "RUN" and "apt-get" not in rest:
            here = rest.replace("/opt/networking-nsx", str(packages))
            subprocess.run(["/bin/sh", "-c", here], cwd=source, check=True, timeout=900)
    version = subprocess.run([packages / "bin/neutron-nsx", "--version"], capture_output=True, check=True)
    installed = {found.name.partition("-")[0] for found in packages.glob("lib/*/site-packages/*.dist-info")}

    assert version.stdout.startswith(b"neutron-nsx ")
    assert {"neutron", "networking_nsx"} <= installed
    assert not {"pytest", "mypy", "pip"} & installed


def _copy(names, folder):
    *sources, target = names
    for name in sources:
        place = folder / (name if target == "./" else target)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
