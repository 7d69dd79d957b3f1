"""A real Prometheus with the alerts that are shipped: `prometheus` is one for the tests of a module.

Without its program a test is skipped, in CI (`CI=true`) it fails.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from servers import free_port, program
from waiting import wait_for

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus" / "networking-nsx.rules.yml"

RANGE = "30s"  # in the place of every range of a query
_FORS = (
    (60, "2s"),
    (120, "5s"),
    (300, "7s"),
    (float("inf"), "9s"),
)  # in the place of a `for` of so many seconds at most
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_FOR = re.compile(r"^( +for: )(\d+)([smh])$", re.MULTILINE)
_RANGE = re.compile(r"\[\d+[smh]\]")

_CONFIGURATION = """\
global:
  scrape_interval: 2s
  scrape_timeout: 2s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: networking-nsx
    file_sd_configs:
      - files: [targets.json]
        refresh_interval: 1s
"""


def quickened(rules: str) -> str:
    """The rules with seconds where they have minutes and hours, and nothing else changed.

    The order of the durations stays: what waits for longer than another still does, or for as long.
    """
    return _RANGE.sub(f"[{RANGE}]", _FOR.sub(lambda found: found[1] + _for(found), rules))


def _for(found: re.Match[str]) -> str:
    seconds = int(found[2]) * _SECONDS[found[3]]
    return next(quick for most, quick in _FORS if seconds <= most)


def alerts_of(rules: str) -> list[str]:
    """Their names."""
    return re.findall(r"- alert: (\w+)", rules)


def installed(name: str) -> str:
    """Where this program of Prometheus's packages is."""
    found = program(name)
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


class Prometheus:
    """A server and what it scrapes."""

    def __init__(self, url: str, targets: Path) -> None:
        self._url = url
        self._file = targets
        self._targets: dict[str, str] = {}  # address by name

    @contextmanager
    def scraping(self, name: str, address: str) -> Iterator[None]:
        """Until the end of the block, as the instance of this name."""
        self._targets[name] = address
        self._write()
        yield
        del self._targets[name]
        self._write()

    def scraped_twice(self) -> set[str]:
        """The instances whose numbers can be compared with those before."""
        found = self.query("count_over_time(up[1m]) > 1 and up == 1")
        return {each["metric"]["instance"] for each in found}

    def query(self, expression: str) -> list[dict]:
        return self._asked("query", query=expression)["result"]

    def numbers(self, expression: str, seconds: int) -> list[float]:
        """All that a query has come to in the last so many seconds."""
        now = time.time()
        found = self._asked("query_range", query=expression, start=now - seconds, end=now, step=1)["result"]
        return [float(number) for series in found for _, number in series["values"]]

    def alerts(self, state: str = "firing") -> dict[str, set[str]]:
        """The names of the alerts in this state, by instance."""
        found: dict[str, set[str]] = {}
        for alert in self._asked("alerts")["alerts"]:
            if alert["state"] == state:
                found.setdefault(alert["labels"].get("instance", ""), set()).add(alert["labels"]["alertname"])
        return found

    def _asked(self, what: str, **params: object) -> dict:
        answer = requests.get(f"{self._url}/api/v1/{what}", params=params, timeout=30)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def _write(self) -> None:
        lines = [
            {"targets": [address], "labels": {"instance": name}} for name, address in self._targets.items()
        ]
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(lines))
        part.replace(self._file)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Scrapes every two seconds and judges every second, by the rules that are shipped, quickened."""
    binary = installed("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(quickened(RULES.read_text()))
    (folder / "prometheus.yml").write_text(_CONFIGURATION)
    (folder / "targets.json").write_text("[]")
    taken, port = free_port()
    with taken, _served(binary, folder, port) as url:
        yield Prometheus(url, folder / "targets.json")


@contextmanager
def _served(binary: str, folder: Path, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    options = (
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    log = folder / "server.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", binary, *options], stdout=output, stderr=output, cwd=folder
        )
    try:
        wait_for(lambda: running.poll() is not None or _ready(url))
        assert running.poll() is None, log.read_text()[-2000:]
        yield url
    finally:
        running.terminate()
        running.wait(20)


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False
