"""What is told to the journal, and what becomes of it on the way to where it is kept."""

import logging

import evidences
from evidences import Slow, noted, outcome, port
from waiting import wait_for

from networking_nsx.evidence import writer as writer_module
from networking_nsx.evidence.entry import LOST
from networking_nsx.evidence.journal import Journal
from networking_nsx.evidence.writer import Trouble, Writer
from networking_nsx.model import Answer, Finding, Health, Kind, Observation, Progress, Verdict
from networking_nsx.sync.runner import Summary

AT = evidences.AT


def kept(tell, limit=1000):
    """The entries that come of what is told."""
    place = Slow()
    writer = Writer(place, limit)
    writer.start()
    tell(Journal([writer], lambda: AT))
    writer.close(60)
    assert place.closed
    return place.entries


class TestWhatIsTold:
    def test_a_write_of_a_sweep_says_all_that_led_to_it(self):
        """Old, new, where on NSX, its word, when it was seen and written, by which sweep, and why."""

        def tell(journal):
            sweeps = journal.sweeps("sweep")
            for _ in range(2):
                sweeps.began()
                sweeps.progressed(Progress(Kind.PORT, {}))
                sweeps.swept(Summary())
            sweeps.began()
            sweeps.progressed(Progress(Kind.PORT, {}, outcomes=(outcome(at=AT - 7),)))

        (entry,) = kept(tell)

        assert entry._asdict() == {
            "at": AT - 7, "what": "written", "kind": "port", "id": "port-1", "old": "ACTIVE", "new": "DOWN",
            "path": "/infra/segments/net/ports/port-1", "word": "DOWN", "seen_at": AT - 8, "by": "sweep",
            "sweep": 3, "sweep_began": AT, "why": "NSX says it is down",
        }  # fmt: skip

    def test_an_outcome_that_is_no_write_is_told_as_what_it_is(self):
        """Each verdict by its own word."""
        verdicts = list(Verdict)

        def tell(journal):
            outcomes = tuple(outcome(verdict=verdict) for verdict in verdicts)
            journal.sweeps("sweep").progressed(Progress(Kind.PORT, {}, outcomes=outcomes))

        assert [entry.what for entry in kept(tell)] == [verdict.value for verdict in verdicts]

    def test_a_look_that_settles_is_told_once(self):
        """With its outcome where it had one; else with what it came to."""
        done = outcome()
        seen = Observation(Kind.PORT, "port-2", Health.UNKNOWN, AT, "/p", "UNKNOWN")
        row = done.change.row
        findings = {
            port(): Finding(row, done.change.observation, done),
            port("port-2"): Finding(row, seen, waits="NSX does not say"),
            port("port-3"): Finding(None),
            port("port-4"): Finding(row, seen._replace(health=Health.UP), left="one look does not prove it"),
            port("port-5"): Finding(row, seen._replace(health=Health.UP)),
            port("port-6"): Finding(row),
        }

        entries = kept(
            lambda journal: journal.settling().progressed(
                Progress(Kind.PORT, {}, outcomes=(done,), findings=findings)
            )
        )

        assert [(entry.what, entry.id, entry.why) for entry in entries] == [
            ("written", "port-1", "NSX says it is down"),
            ("look", "port-2", "looked at again: NSX does not say"),
            ("look", "port-3", "Neutron has no such row"),
            ("look", "port-4", "left to the sweep: one look does not prove it"),
            ("look", "port-5", "nothing to write: NSX says up"),
            ("look", "port-6", "out of scope: left alone"),
        ]
        assert {entry.by for entry in entries} == {"settle"}

    def test_the_brake_is_told_when_it_holds_and_when_no_more(self):
        """Once for each change, not in each sweep."""

        def tell(journal):
            sweeps = journal.sweeps("sweep")
            for held in (0, 30, 30, 0, 0):
                sweeps.began()
                sweeps.progressed(Progress(Kind.PORT, {"held": held}))
                sweeps.swept(Summary())

        assert [(entry.what, entry.why) for entry in kept(tell)] == [
            ("brake", "it holds changes of 30 ports"),
            ("brake", "it holds no port any more"),
        ]

    def test_a_failure_that_comes_again_is_told_once(self):
        """Until a sweep is complete, which is told as well."""

        def tell(journal):
            sweeps = journal.sweeps("sweep")
            for error in ("no route", "no route", "refused"):
                sweeps.failed(OSError(error), 2.0)
            sweeps.swept(Summary())
            sweeps.failed(OSError("refused"), 2.0)

        assert [entry.why for entry in kept(tell)] == [
            "failed, again in 2 s: no route",
            "failed, again in 2 s: refused",
            "a sweep is complete again",
            "failed, again in 2 s: refused",
        ]

    def test_notices_commands_and_nova_are_told(self):
        """What concerns no row has none; what Nova answers is the port's."""

        def tell(journal):
            journal.sweeps("sweep").progressed(Progress(Kind.PORT, {}, notices=("not believed",)))
            journal.happened("command", "pause: done")
            journal.settling().failed(OSError("gone"), 1.0)
            journal.nova(Answer.REFUSED, "network-vif-plugged", "port-1", AT)

        assert [(entry.what, entry.id, entry.new, entry.why) for entry in kept(tell)] == [
            ("index", "", "", "not believed"),
            ("command", "", "", "pause: done"),
            ("settle", "", "", "single rows could not be settled, again in 1 s: gone"),
            ("nova", "port-1", "refused", "network-vif-plugged"),
        ]


class TestTheWayThere:
    def test_what_overflows_is_counted_and_told_where_it_is_missing(self, caplog):
        """The place hangs: whoever tells goes on; afterwards the place says how much it misses."""
        place = Slow()
        writer = Writer(place, limit=10)
        writer.start()
        place.go.clear()
        writer.put(noted(outcome("the first")))
        wait_for(lambda: place.called)
        for number in range(29):
            writer.put(noted(outcome(f"port-{number}")))
        lost = writer.lost
        place.go.set()
        wait_for(lambda: not writer.waiting)
        writer.put(noted(outcome("the next")))
        writer.close(60)

        assert (lost, writer.lost) == (20, 20)
        assert len([entry for entry in place.entries if entry.what != LOST]) == 11
        assert [entry.why for entry in place.entries if entry.what == LOST] == [
            "20 entries are missing here: more came than could be written"
        ]
        assert caplog.text.count("misses entries") == 1

    def test_trouble_loses_nothing_and_is_logged_once(self, caplog, monkeypatch):
        """It is tried again until it goes; what stands is told meanwhile."""
        caplog.set_level(logging.INFO)
        monkeypatch.setattr(writer_module, "_FIRST_PAUSE", 0.01)
        place = Slow()
        place.errors = [Trouble("disk full"), Trouble("disk full"), Trouble("disk full")]
        writer = Writer(place)
        writer.start()
        writer.put(noted(outcome()))
        wait_for(lambda: writer.error)
        stands = writer.error
        wait_for(lambda: place.batches)
        wait_for(lambda: not writer.error)
        writer.close(60)

        assert (stands, [entry.id for entry in place.entries], writer.lost) == ("disk full", ["port-1"], 0)
        assert caplog.text.count("cannot be written") == caplog.text.count("is written again") == 1

    def test_what_nobody_has_thought_of_costs_only_its_batch(self, caplog):
        """The thread goes on."""
        place = Slow()
        place.errors = [TypeError("a surprise")]
        writer = Writer(place)
        writer.start()
        writer.put(noted(outcome("port-1")))
        wait_for(lambda: writer.lost)
        writer.put(noted(outcome("port-2")))
        writer.close(60)

        assert [entry.id for entry in place.entries if entry.id] == ["port-2"]
        assert "a surprise" in caplog.text

    def test_an_end_during_trouble_does_not_hang(self):
        """One more attempt, and that is that."""
        place = Slow()
        place.errors = [Trouble("disk full"), Trouble("disk full")]
        writer = Writer(place)
        writer.start()
        writer.put(noted(outcome()))
        wait_for(lambda: writer.error)
        writer.close(60)

        assert (place.closed, writer.lost) == (True, 1)
