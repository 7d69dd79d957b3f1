"""What is kept over restarts, in real SQLite: bounds, several processes, damage, a full disk."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from contextlib import closing

import evidences
import pytest
from evidences import answer, look, port, written

from networking_nsx.evidence.book import EVENTS, FILE, LOOKS, Book
from networking_nsx.evidence.entry import Entry
from networking_nsx.evidence.journal import journal
from networking_nsx.evidence.reading import Unreadable, evidence
from networking_nsx.evidence.writer import Trouble
from networking_nsx.model import Kind, Progress

AT = evidences.AT


@pytest.fixture
def book(tmp_path):
    made = Book(str(tmp_path))
    yield made
    made.close()


def writes(folder, name="port-1"):
    with evidence(str(folder)) as kept:
        return [entry.why for entry in kept.writes(port(name))]


def everything(folder, *names: str):
    with evidence(str(folder)) as kept:
        return kept.of([port(name) for name in names], 0.0)


class TestWhatIsKept:
    def test_the_last_writes_of_a_row_come_newest_first(self, book, tmp_path):
        """Ten of them, whatever other rows are written."""
        for number in range(15):
            book.write([written("port-1", number), written("port-2", number)])

        assert writes(tmp_path) == [str(number) for number in range(14, 4, -1)]

    def test_an_entry_is_read_as_it_was_written(self, book, tmp_path):
        """Every field, also those that are empty."""
        entry = Entry(
            AT, "written", "port", "port-1", "DOWN", "ACTIVE", "/p", "UP", AT - 1, "sweep", 3, AT - 2, "up"
        )
        book.write([entry, written("port-2", 1)])

        assert everything(tmp_path, "port-1", "port-2") == [entry, written("port-2", 1)]

    def test_writes_do_not_push_looks_out_nor_looks_writes(self, book, tmp_path):
        """Each sort has its own bound."""
        book.write([written("port-1", 0), answer("port-1", 0)])
        book.write([look("port-1", f"word {number}", number) for number in range(100)])
        found = everything(tmp_path, "port-1")

        assert [entry.what for entry in found if entry.what != "look"] == ["written", "nova"]
        assert next(entry.word for entry in found if entry.what == "look") == f"word {100 - LOOKS}"

    def test_a_look_that_finds_the_same_is_kept_once(self, book, tmp_path):
        """Until it finds something else, or the row is written."""
        for number, entry in enumerate(
            [look("port-1", "UP"), look("port-1", "UP"), look("port-1", "?"), look("port-1", "UP")]
        ):
            book.write([entry._replace(at=AT + number)])
        book.write([written("port-1", 5)])
        book.write([look("port-1", "UP", 6)])

        assert [entry.at - AT for entry in everything(tmp_path, "port-1")] == [0, 2, 3, 5, 6]

    def test_rows_of_different_kinds_are_not_confused(self, book, tmp_path):
        """Whatever their ids."""
        book.write([written("same", 1), written("same", 2)._replace(kind="router")])

        assert writes(tmp_path, "same") == ["1"]

    def test_what_concerns_no_row_is_bounded_too(self, book, tmp_path):
        """And belongs to every timeline."""
        for start in range(0, EVENTS + 2000, 1000):
            book.write([Entry(AT + n, "brake", why=str(n)) for n in range(start, start + 1000)])
        found = everything(tmp_path)

        assert (len(found), found[0].why) == (EVENTS, "2000")

    def test_the_whole_file_is_bounded_and_the_oldest_go(self, tmp_path):
        """Also when another process has written most of it."""
        with (
            closing(Book(str(tmp_path), rows=100)) as first,
            closing(Book(str(tmp_path), rows=100)) as second,
        ):
            second.write([written("early", 0)])
            for number in range(99):
                first.write([written(f"port-{number}", number)])
            second.write([written("late", 1)])
            first.write([written("later", 2)])

        with closing(sqlite3.connect(tmp_path / FILE)) as database:
            (count,) = database.execute("SELECT count(*) FROM entries").fetchone()
        assert count <= 100
        assert (writes(tmp_path, "early"), writes(tmp_path, "port-98"), writes(tmp_path, "later")) == (
            [],
            ["98"],
            ["2"],
        )

    def test_only_its_owner_may_read_it(self, book, tmp_path):
        """What stands in it names what a cloud has."""
        book.write([written("port-1", 1)])

        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


class TestSeveralProcesses:
    def test_two_processes_write_at_once(self, tmp_path):
        """Nothing of either is lost, nothing is logged."""
        script = textwrap.dedent("""
            import sys
            from evidences import written
            from networking_nsx.evidence.book import Book
            book = Book(sys.argv[1])
            for number in range(100):
                book.write([written(f"{sys.argv[2]}-{number}", number)])
            book.close()
        """)
        path = os.pathsep.join(sys.path)
        both = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(tmp_path), name],
                env={**os.environ, "PYTHONPATH": path},
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in ("one", "two")
        ]
        errors = [process.communicate(timeout=200)[1] for process in both]

        assert errors == ["", ""]
        names = [f"{name}-{number}" for name in ("one", "two") for number in range(100)]
        assert len(everything(tmp_path, *names)) == 200

    def test_it_is_read_while_it_is_written(self, book, tmp_path):
        """A reader sees what was committed, and keeps no writer waiting."""
        book.write([written("port-1", 1)])
        with evidence(str(tmp_path)) as kept:
            first = kept.writes(port())
            book.write([written("port-1", 2)])

        assert ([entry.why for entry in first], writes(tmp_path)) == (["1"], ["2", "1"])

    def test_what_was_committed_is_there_after_a_kill(self, tmp_path):
        """The process is gone without a word, its log of changes not merged."""
        script = textwrap.dedent("""
            import os, signal, sys
            from evidences import written
            from networking_nsx.evidence.book import Book
            Book(sys.argv[1]).write([written("port-1", 7)])
            os.kill(os.getpid(), signal.SIGKILL)
        """)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=env, check=False, timeout=200)

        assert writes(tmp_path) == ["7"]


def fill(book):
    book.write([written(f"port-{number}", number) for number in range(5000)])
    book.close()


class TestDamage:
    @pytest.mark.parametrize("spoil", ["garbage", "truncated"])
    def test_a_damaged_file_is_set_aside(self, book, tmp_path, caplog, spoil):
        """A new one is begun, and the log says where the old one is."""
        fill(book)
        file = tmp_path / FILE
        data = file.read_bytes()
        file.write_bytes(b"no database" * 1000 if spoil == "garbage" else data[: len(data) // 2])
        for _ in range(2):  # the first attempt may be the one that notices
            try:
                book.write([written("port-1", 8)])
            except Trouble:
                continue

        assert writes(tmp_path)[0] == "8"
        assert (tmp_path / f"{FILE}.aside").exists()
        assert "is set aside as evidence.sqlite.aside" in caplog.text

    def test_a_file_of_another_version_is_set_aside(self, book, tmp_path):
        """Whoever wrote it may have it back."""
        fill(book)
        with closing(sqlite3.connect(tmp_path / FILE)) as database:
            database.execute("PRAGMA user_version = 99")
        with pytest.raises(Unreadable, match="of version 99, not 1"):
            writes(tmp_path)
        book.write([written("port-1", 9)])

        assert writes(tmp_path) == ["9"]
        with closing(sqlite3.connect(tmp_path / f"{FILE}.aside")) as database:
            assert database.execute("SELECT count(*) FROM entries").fetchone() == (5000,)

    def test_a_database_of_somebody_else_is_set_aside(self, book, tmp_path):
        """Nothing of it is changed."""
        with closing(sqlite3.connect(tmp_path / FILE)) as database:
            database.execute("CREATE TABLE theirs (a)")
        book.write([written("port-1", 9)])

        assert writes(tmp_path) == ["9"]
        with closing(sqlite3.connect(tmp_path / f"{FILE}.aside")) as database:
            assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]

    @pytest.mark.parametrize("how", ["removed", "set-aside"])
    def test_a_file_that_is_no_longer_there_is_begun_anew(self, book, tmp_path, how):
        """By hand, or by another process: nothing goes on being written where nobody reads."""
        book.write([written("port-1", 1), look("port-1", "UP", 2)])
        for part in list(tmp_path.iterdir()):
            part.unlink() if how == "removed" else part.rename(tmp_path / f"{part.name}.aside")
        with closing(Book(str(tmp_path))) as other:
            other.write([written("port-2", 3)])
        book.write([written("port-1", 4), look("port-1", "UP", 5)])

        found = everything(tmp_path, "port-1", "port-2")
        assert [(entry.id, entry.at - AT) for entry in found] == [("port-2", 3), ("port-1", 4), ("port-1", 5)]

    def test_a_damaged_file_that_cannot_be_set_aside_is_trouble(self, book, tmp_path):
        """What was to be written is tried again, not dropped."""
        (tmp_path / FILE).write_bytes(b"no database" * 1000)
        (tmp_path / f"{FILE}.aside" / "in the way").mkdir(parents=True)
        with pytest.raises(Trouble, match=r"\[nsx_sync\] state_path: .*director"):
            book.write([written("port-1", 1)])

    def test_a_folder_that_is_gone_is_trouble_until_it_is_back(self, tmp_path):
        """What was told meanwhile is kept then."""
        folder = tmp_path / "state"
        book = Book(str(folder))
        with pytest.raises(Trouble, match=r"\[nsx_sync\] state_path: .*No such file"):
            book.write([written("port-1", 1)])
        folder.mkdir()
        book.write([written("port-1", 1)])
        book.close()

        assert writes(folder) == ["1"]

    @pytest.mark.parametrize("place", ["state", "audit"])
    def test_a_full_disk_is_told_and_ends_nothing(self, tmp_path, place):
        """A process that may write no more than 200 kB: it goes on, says so, and keeps what came before."""
        script = textwrap.dedent("""
            import json, logging, resource, sys
            import evidences
            from networking_nsx.evidence.journal import journal
            from networking_nsx.model import Kind, Progress
            from waiting import wait_for
            folder, place = sys.argv[1:]
            logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
            with journal(folder * (place == "state"), f"{folder}/audit.log" * (place == "audit")) as kept:
                sweeps = kept.sweeps("sweep")
                sweeps.began()
                sweeps.progressed(Progress(Kind.PORT, {}, outcomes=(evidences.outcome("before"),)))
                wait_for(lambda: not any(kept.told()["evidence_waiting"].values()))
                hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
                many = tuple(evidences.outcome(f"port-{n}") for n in range(2000))
                sweeps.progressed(Progress(Kind.PORT, {}, outcomes=many))
                wait_for(lambda: kept.told()["evidence_error"])
                print(json.dumps(kept.told()))
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
                wait_for(lambda: not kept.told()["evidence_error"])
        """)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), place],
            env=env, check=False, timeout=200, capture_output=True, text=True,
        )  # fmt: skip
        told = json.loads(done.stdout)

        assert done.returncode == 0, done.stderr
        assert done.stderr.count("cannot be written") == done.stderr.count("is written again") == 1
        assert list(told["evidence_waiting"].values()) == [2000]
        assert ("state_path" if place == "state" else "audit_log") in told["evidence_error"]
        if place == "state":
            names = ["before", *(f"port-{number}" for number in range(2000))]
            assert len(everything(tmp_path, *names)) == 2001
        else:
            lines = (tmp_path / "audit.log").read_text().splitlines()
            whole = [json.loads(line)["id"] for line in lines if line.endswith("}")]
            assert whole == ["before", *(f"port-{number}" for number in range(2000))]
            assert len(lines) - len(whole) <= 1  # the line that the full disk tore


class TestReading:
    def test_who_set_no_folder_is_told_which_option(self):
        """And what to do."""
        with (
            pytest.raises(Unreadable, match=r"\[nsx_sync\] state_path is not set: set it to a folder"),
            evidence(""),
        ):
            pass

    def test_a_folder_where_nothing_was_written_is_told(self, tmp_path):
        """It is no empty answer."""
        with pytest.raises(Unreadable, match="nothing was written there yet"):
            writes(tmp_path)

    def test_a_damaged_file_is_no_traceback(self, tmp_path):
        """It is named."""
        (tmp_path / FILE).write_bytes(b"no database" * 1000)
        with pytest.raises(Unreadable, match=r"evidence\.sqlite: file is not a database"):
            writes(tmp_path)


class TestTheJournalAsAWhole:
    def test_what_a_sweep_tells_is_there_when_the_journal_has_ended(self, tmp_path):
        """In the file and in the audit log."""
        with journal(str(tmp_path), str(tmp_path / "audit.log"), lambda: AT) as kept:
            sweeps = kept.sweeps("sweep")
            sweeps.began()
            outcomes = tuple(evidences.outcome(f"port-{number}") for number in range(3000))
            sweeps.progressed(Progress(Kind.PORT, {}, outcomes=outcomes))

        assert writes(tmp_path, "port-2999") == ["NSX says it is down"]
        assert len((tmp_path / "audit.log").read_text().splitlines()) == 3000
