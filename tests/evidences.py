"""Entries, and what the runners tell, for tests of what is kept."""

import threading

from networking_nsx.evidence.entry import LOOK, NOVA, WRITTEN, By, Entry, Noted
from networking_nsx.model import Change, Facts, Health, Key, Kind, Observation, Outcome, Row, Status, Verdict

FACTS = Facts(in_scope=True, expects_twin=True, admin_up=True, may_activate=True)
AT = 1_800_000_000.0


def port(name="port-1"):
    return Key(Kind.PORT, name)


def outcome(name="port-1", verdict=Verdict.WRITTEN, *, at=AT, word="DOWN"):
    """A port that NSX says is down."""
    row = Row(Kind.PORT, name, "net", "ACTIVE", 1, AT - 3600, FACTS)
    seen = Observation(Kind.PORT, name, Health.DOWN, at - 1, f"/infra/segments/net/ports/{name}", word)
    stands = row._replace(status=Status.DOWN, revision=2, changed_at=at)
    return Outcome(Change(row, Status.DOWN, seen), verdict, stands)


def noted(*outcomes: Outcome, at=AT):
    return Noted(By("sweep", 1, AT - 5), at, outcomes)


def written(name, number):
    return Entry(AT + number, WRITTEN, "port", name, "ACTIVE", "DOWN", f"/{name}", "DOWN", why=str(number))


def look(name, word, number=0):
    return Entry(AT + number, LOOK, "port", name, "DOWN", "", f"/{name}", word, by="settle")


def answer(name, number):
    return Entry(AT + number, NOVA, "port", name, new="acknowledged", why=str(number))


class Slow:
    """A place that waits for `go`, fails as often as told, and remembers."""

    name = "slow place"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.errors = []
        self.batches = []
        self.called = self.closed = False

    def write(self, entries):
        self.called = True
        self.go.wait(60)
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(list(entries))

    def close(self):
        self.closed = True

    @property
    def entries(self):
        return [entry for batch in self.batches for entry in batch]
