"""Alerts, runbooks and dashboard fit together, and name only metrics that there are."""

import json
import re
import subprocess
from typing import Any

import dashboard
import pytest
import yaml
from prometheus import DEPLOY, RULES, installed, quickened

from networking_nsx.metrics import FAMILIES
from networking_nsx.series import Type

ROOT = DEPLOY.parent
RUNBOOKS = ROOT / "docs" / "how-to" / "runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))
FOREIGN = {"process_cpu_seconds_total", "process_resident_memory_bytes"}  # of prometheus_client
PARTS = ("_bucket", "_count", "_sum")  # of a histogram

_METRIC = re.compile(r"\b(?:nsx_sync|process)_[a-z_]+\b")
_QUERY = re.compile(r"^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)
_DURATION = re.compile(r"\b\d+[smh]\b")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return group["rules"]


def known() -> set[str]:
    """The series that the daemon has, by name."""
    parts = {Type.HISTOGRAM: PARTS}
    return FOREIGN | {family.name + part for family in FAMILIES for part in parts.get(family.type, ("",))}


def strangers(text: str) -> set[str]:
    """The metrics that it names and the daemon does not have."""
    return set(_METRIC.findall(text)) - known()


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    """The page has the name of the alert, and the alert names the page."""
    alerts = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules()}

    assert {page.stem: str(page.relative_to(ROOT)) for page in PAGES} == alerts
    assert [page.read_text().splitlines()[0] for page in PAGES] == [f"# {page.stem}" for page in PAGES]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_what_it_means(rule):
    """A severity, a sentence, and what it is to the users of the cloud."""
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["annotations"]["summary"].endswith(".")


def test_a_consequence_is_silent_because_of_alerts_that_stand_before_it():
    """Rules are evaluated in their order; a name that is misspelt would silence nothing."""
    before: set[str] = set()
    for rule in rules():
        silencing = re.findall(r'ALERTS\{alertname=~?"NsxSync\(?([\w|]+)\)?"', rule["expr"])
        named = {f"NsxSync{name}" for names in silencing for name in names.split("|")}
        assert len(silencing) == rule["expr"].count("ALERTS")
        assert named <= before, rule["alert"]
        before.add(rule["alert"])

    assert "ALERTS" in RULES.read_text()


def test_rules_name_only_metrics_that_there_are():
    """In expressions; annotations have none."""
    assert strangers(RULES.read_text()) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbooks_name_only_metrics_that_there_are(page):
    """In queries and in prose."""
    assert strangers(page.read_text()) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbooks_say_the_cause_the_remedy_and_the_end(page):
    """Under the same headings, so that whoever is called at night knows where to look."""
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)

    assert headings == ["The cause", "What to do", "It is over"]


def test_the_dashboard_names_only_metrics_that_there_are():
    """In every query."""
    assert strangers(" ".join(expression for _, expression in dashboard.queries())) == set()


def test_the_dashboard_is_up_to_date():
    """As deploy/grafana/dashboard.py makes it."""
    assert dashboard.FILE.read_text() == dashboard.rendered()


def test_the_panels_of_the_dashboard_do_not_overlap():
    """Each cell of the grid has one panel."""
    cells: list[tuple[int, int]] = []
    for panel in json.loads(dashboard.rendered())["panels"]:
        place = panel["gridPos"]
        across = range(place["x"], place["x"] + place["w"])
        cells += [(x, place["y"] + y) for x in across for y in range(place["h"])]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < dashboard.WIDTH


def test_only_durations_are_quickened():
    """What tests provoke is what is shipped, but for the time that it takes."""
    shipped, quick = RULES.read_text(), quickened(RULES.read_text())
    changed = [
        pair for pair in zip(shipped.split("\n"), quick.split("\n"), strict=True) if len(set(pair)) > 1
    ]

    assert all(_DURATION.sub("", before) == _DURATION.sub("", after) for before, after in changed)
    assert all(re.match(r" +for: |.*\[\d+[smh]\]", before) for before, _ in changed)
    assert quick.count("\n        for: ") == len(rules())
    assert not re.search(r"for: .*[mh]$|\[\d+[mh]\]", quick, re.MULTILINE)


def told(program: str, *words: str) -> str:
    """What a program of Prometheus's says of a file that is in order."""
    done = subprocess.run([installed(program), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules():
    """By its own word."""
    assert f"{len(rules())} rules found" in told("promtool", "check", "rules", str(RULES))


def test_the_alerts_fire_when_they_should():
    """With their real durations: deploy/prometheus/tests."""
    tests = RULES.parent / "tests" / "networking-nsx.tests.yml"

    assert "SUCCESS" in told("promtool", "test", "rules", str(tests))
    assert {rule["alert"] for rule in rules()} == set(re.findall(r"NsxSync\w+", tests.read_text()))


def test_alertmanager_takes_its_example():
    """By its own word; and it names alerts that there are."""
    example = RULES.with_name("alertmanager.example.yml")
    named = set(re.findall(r"NsxSync\w+", example.read_text()))

    assert "SUCCESS" in told("amtool", "check-config", str(example))
    assert named <= {rule["alert"] for rule in rules()} | {"NsxSync"}


def test_queries_of_runbooks_are_queries(tmp_path):
    """Prometheus takes each as the expression of a rule."""
    found = [query.strip() for page in PAGES for query in _QUERY.findall(page.read_text())]
    file = tmp_path / "queries.yml"
    file.write_text(
        yaml.safe_dump(
            {
                "groups": [
                    {
                        "name": "runbooks",
                        "rules": [{"record": f"q{n}", "expr": q} for n, q in enumerate(found)],
                    }
                ]
            }
        )
    )

    assert f"{len(found)} rules found" in told("promtool", "check", "rules", str(file))
