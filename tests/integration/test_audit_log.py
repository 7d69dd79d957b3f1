"""The audit log: its fields, which are an API, and what logrotate does to its file."""

import json
import os
import re
import stat

import evidences
import pytest
from evidences import noted, outcome, written

from networking_nsx.errors import ConfigurationError
from networking_nsx.evidence.audit import AuditLog
from networking_nsx.evidence.entry import LOST, Entry, entries_of
from networking_nsx.evidence.journal import journal
from networking_nsx.evidence.writer import Trouble
from networking_nsx.model import Verdict

MOMENT = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
# The API: names are never taken away, nor do they change their meaning.
FIELDS = {
    "version": 1, "at": MOMENT, "what": "written|lost", "kind": "network|router|port", "id": ".+",
    "old": "[A-Z]+", "new": "ACTIVE|DOWN|ERROR", "path": "/.+", "word": ".+", "seen_at": MOMENT,
    "by": "sweep|settle|sync once|sync key", "sweep": int, "sweep_began": MOMENT, "why": ".+", "process": int,
}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.log"


@pytest.fixture
def log(path):
    made = AuditLog(str(path))
    yield made
    made.close()


def ids(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def fits(value, wanted):
    if isinstance(wanted, str):
        return re.fullmatch(wanted, value) is not None
    return isinstance(value, wanted) if isinstance(wanted, type) else value == wanted


def test_a_line_has_the_fields_that_are_promised(log, path):
    """All of them, each as documented."""
    log.write(list(entries_of(noted(outcome()))))
    (line,) = path.read_text().splitlines()
    told = json.loads(line)

    assert list(told) == list(FIELDS)
    assert [name for name, wanted in FIELDS.items() if not fits(told[name], wanted)] == []


def test_the_fields_are_documented(request):
    """In the reference, in this order."""
    page = (request.config.rootpath / "docs/reference/audit-log.md").read_text()

    assert re.findall(r"^\| `(\w+)` ", page, re.MULTILINE) == list(FIELDS)


def test_only_writes_are_lines(log, path):
    """And what is missing."""
    verdicts = [outcome(verdict.value, verdict) for verdict in Verdict]
    log.write([*entries_of(noted(*verdicts)), evidences.look("port-1", "UP"), Entry(1.0, LOST, why="3 are")])

    assert ids(path) == ["written", ""]
    assert json.loads(path.read_text().splitlines()[-1])["why"] == "3 are"


def test_a_file_that_was_moved_away_is_begun_anew(log, path):
    """As logrotate does, without a signal; the old one is left as it was."""
    log.write([written("port-1", 1)])
    path.rename(path.with_suffix(".1"))
    log.write([written("port-2", 2)])
    path.unlink()
    log.write([written("port-3", 3)])

    assert (ids(path.with_suffix(".1")), ids(path)) == (["port-1"], ["port-3"])


def test_a_pipe_that_nobody_reads_is_told(log, path):
    """At once: a thread that waited for a reader could not be ended."""
    os.mkfifo(path)
    with pytest.raises(Trouble, match="audit_log"):
        log.write(list(entries_of(noted(outcome()))))


def test_its_group_may_read_it(log, path):
    """Nobody else."""
    log.write([written("port-1", 1)])

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_two_processes_append(log, path):
    """Neither cuts off what the other has written."""
    other = AuditLog(str(path))
    for number in range(10):
        log.write([written(f"port-{number}", number)])
        other.write([written(f"other-{number}", number)])
    other.close()

    assert len(ids(path)) == 20


def test_text_of_nsx_stays_on_its_line(log, path):
    """Nobody forges another one."""
    log.write([written("port-1", 1)._replace(word='UP\n{"id": "forged"}\u2028')])

    assert ids(path) == ["port-1"]


@pytest.mark.parametrize(
    ("state", "audit", "option"), [("/no", "", "state_path"), ("", "/no/a", "audit_log")]
)
def test_a_folder_that_does_not_exist_is_an_error_of_the_configuration(state, audit, option):
    """It names the option, and what to do."""
    wanted = rf"\[nsx_sync\] {option} = /no.*: there is no .*folder.*; create it"
    with pytest.raises(ConfigurationError, match=wanted), journal(state, audit):
        pass
