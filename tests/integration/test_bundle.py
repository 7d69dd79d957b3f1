"""`neutron-nsx bundle`: what a support case needs, and for each thing that cannot be had the reason."""

import json
import stat
import tarfile
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from checking import Checks, simulated
from desks import answering

from networking_nsx.cli.pieces import PIECES, TAIL
from networking_nsx.serve.beside import beside


class Page(BaseHTTPRequestHandler):
    """What a daemon serves."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()
        self.wfile.write(f"this is {self.path}".encode())

    def log_message(self, *_: object) -> None: ...


class Case:
    """The command, with all that it could find."""

    def __init__(self, command, checks: Checks, nsx, folder: Path) -> None:
        self.command, self._checks, self._nsx, self.folder = command, checks, nsx, folder
        self.file = folder / "neutron.conf"

    def bundle(self, **options: str) -> tuple[dict, dict[str, str]]:
        """The manifest's pieces by their names, and the pieces."""
        self.configure(**options)
        return self.read(self.run())

    def configure(self, **options: str) -> None:
        self._checks.configuration(self._nsx, **options)

    def run(self, name: str = "bundle.tar.gz"):
        words = ("--output", str(self.folder / name), "--config-file", str(self.file), "-f", "json")
        return self.command("bundle", *words)

    def read(self, done) -> tuple[dict, dict[str, str]]:
        assert done.returncode == 0, done.stderr
        with tarfile.open(json.loads(done.stdout)["file"]) as bundle:
            pieces = {Path(each.name).name: bundle.extractfile(each).read().decode() for each in bundle}
        manifest = json.loads(pieces.pop("manifest.json"))
        assert {each["name"] for each in manifest["pieces"]} == PIECES.keys()
        return {each["name"]: each for each in manifest["pieces"]}, pieces


@pytest.fixture
def case(command, sqlite, tmp_path):
    with simulated(sqlite) as nsx:
        yield Case(command, Checks(command, sqlite, tmp_path), nsx, tmp_path)


def test_all_that_there_is(case):
    """Of a daemon that answers, with its files."""
    (case.folder / "nsx.log").write_text("a line\n")
    (case.folder / "audit.jsonl").write_text('{"id": "a"}\n')
    state = case.folder / "state"
    state.mkdir(mode=0o700)
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (state / "maintenance.json").write_text(
        f'{{"version": 1, "since": "2026-01-01T00:00:00Z", "until": "{until}", "reason": "x"}}'
    )
    case.configure(
        nsx_sync__state_path=str(state),
        DEFAULT__notify_nova_on_port_status_changes="false",
    )
    assert case.command("sync", "once", "--config-file", str(case.file)).returncode == 0
    web = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    with beside("web", web.serve_forever, web.shutdown), web, answering(case.folder / "nsx.socket"):
        listed, pieces = case.bundle(
            nsx_sync__state_path=str(state),
            nsx_sync__audit_log=str(case.folder / "audit.jsonl"),
            nsx_sync__control_socket=str(case.folder / "nsx.socket"),
            nsx_sync__listen=f"127.0.0.1:{web.server_port}",
            DEFAULT__log_file=str(case.folder / "nsx.log"),
        )

    assert {name for name, each in listed.items() if each["missing"]} == set()
    assert json.loads(pieces["status.json"])["process"] == 7
    assert "503 Service Unavailable\nthis is /readyz" in pieces["readyz.txt"]
    assert "this is /metrics" in pieces["metrics.txt"]
    assert json.loads(pieces["maintenance.json"])["reason"] == "x"
    assert pieces["audit.jsonl"] == '{"id": "a"}\n'
    assert pieces["daemon.log"].startswith("a line\n")
    assert json.loads(pieces["settings.json"])["nsx_sync"]["state_path"] == str(state)
    assert json.loads(pieces["settings.json"])["nsx"]["password"] == "***"
    assert "networking-nsx" in json.loads(pieces["versions.json"])["packages"]
    assert {line["name"] for line in json.loads(pieces["check.json"])["lines"]} >= {"database", "listing"}
    assert all(json.loads(line)["table"] for line in pieces["evidence.jsonl"].splitlines())


def test_what_cannot_be_had_says_why(case):
    """Nothing is configured but the least."""
    listed, pieces = case.bundle()

    assert set(pieces) == {"settings.json", "versions.json", "check.json"}
    assert "control_socket is not set" in listed["status.json"]["missing"]
    assert "listen is not set" in listed["metrics.txt"]["missing"]
    assert "state_path is not set" in listed["evidence.jsonl"]["missing"]
    assert "log_file is not set" in listed["daemon.log"]["missing"]


def test_what_is_broken_costs_only_itself(case):
    """Neither a damaged file nor a daemon that is not there keeps the others from being had."""
    (case.folder / "evidence.sqlite").write_bytes(b"no database" * 1000)
    listed, pieces = case.bundle(
        nsx_sync__state_path=str(case.folder),
        nsx_sync__audit_log=str(case.folder),
        nsx_sync__control_socket=str(case.folder / "nsx.socket"),
        nsx_sync__listen="127.0.0.1:9",
    )

    assert "not a database" in listed["evidence.jsonl"]["missing"]
    assert "IsADirectoryError" in listed["audit.jsonl"]["missing"]
    assert "no daemon listens" in listed["status.json"]["missing"]
    assert "Connection" in listed["healthz.txt"]["missing"]
    assert {"settings.json", "check.json"} <= pieces.keys()


def test_a_configuration_that_cannot_work(case):
    """The case may be about that: the options are there as far as they can be read."""
    listed, pieces = case.bundle(nsx_sync__min_sync_req_delay="100")
    case.file.write_text("no configuration")
    torn, rest = case.read(case.run("another.tar.gz"))

    assert json.loads(pieces["settings.json"])["nsx_sync"]["min_sync_req_delay"] == 100
    assert "min_sync_req_delay" in listed["status.json"]["missing"]
    assert "cannot be read" in torn["settings.json"]["missing"]
    assert "configuration" in json.loads(rest["check.json"])["lines"][0]["name"]


def test_only_the_end_of_a_log(case):
    """From the beginning of a line on."""
    log = case.folder / "nsx.log"
    log.write_text("".join(f"line {number:09}\n" for number in range(TAIL // 10)))
    _, pieces = case.bundle(DEFAULT__log_file=str(log))
    lines = pieces["daemon.log"].splitlines()

    assert len(pieces["daemon.log"]) <= TAIL
    assert all(line.startswith("line ") or "networking_nsx" in line for line in lines)
    assert len(lines) > TAIL // 20


def test_it_is_for_its_owner_alone_and_replaces_nothing(case):
    """What it has is not for everybody, whatever the umask; a file that is there may be another case's."""
    case.bundle()
    output = case.folder / "bundle.tar.gz"
    before = output.read_bytes()
    again = case.run()

    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert again.returncode == 1
    assert "--output" in again.stderr
    assert output.read_bytes() == before
