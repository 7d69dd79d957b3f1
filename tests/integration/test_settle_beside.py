"""Two runners of a daemon: sweeps in one thread, single rows in another, commands over a real socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from waiting import wait_for
from worlds import OURS, Heart, World, no_window

from networking_nsx.clock import SystemClock
from networking_nsx.errors import NotAcknowledged, StoreError
from networking_nsx.model import Health, Key, Kind
from networking_nsx.serve.beside import beside
from networking_nsx.serve.board import Board
from networking_nsx.serve.client import ask
from networking_nsx.serve.control import control
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.protocol import Command, Request
from networking_nsx.sync.brake import Allowance, BrakeSettings
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.runner import Runner, SettleRunner
from networking_nsx.sync.settle import Schedule, Settler

PORT = Key(Kind.PORT, "port-00000")
PAUSE, RESUME, STATUS = (Request(Command(name)) for name in ("pause", "resume", "status"))


def key_of(key: Key) -> Request:
    return Request(Command.KEY, (key.kind,), key.id)


class Daemon:
    """Sweeps an hour apart, over a world, in real time."""

    def __init__(self, world: World, path) -> None:
        self.world = world
        self.path = str(path)
        self.stop = threading.Event()
        self.clock = SystemClock(self.stop)
        self.schedule = Schedule(self.clock, threading.Lock())
        self.heart = Heart(world)
        board = Board(world, self.heart.canary)
        window = no_window(self.clock)
        self.desk = Desk({"api": "mh"}, board, self.heart.brake, self.clock, self.schedule, window)
        self.board = board

    @contextmanager
    def running(self) -> Iterator[None]:
        pacer = Pacer(PacingSettings(interval=3600), Random(0))
        sweeping = Runner(self.heart.sweeper, pacer, self.clock, self.board, 0, self.desk)
        settler = Settler(self.world, self.world, self.schedule, Allowance(BrakeSettings()), self.world)
        settling = SettleRunner(settler, self.clock, self.desk.tally, self.desk.settling())
        with (
            control(self.path, self.desk),
            beside("sweep", lambda: sweeping.run(self.stop.is_set), self.end),
            beside("settle", lambda: settling.run(self.stop.is_set), self.end),
        ):
            wait_for(lambda: self.board.now.last)
            yield

    def end(self) -> None:
        self.stop.set()
        self.desk.stop()

    def ask(self, request: Request):
        return ask(self.path, request)


@pytest.fixture
def daemon(tmp_path):
    made = Daemon(World(network=1, port=3), tmp_path / "nsx.socket")
    with made.running():
        made.world.time += 60
        yield made


def test_a_row_that_is_asked_for_is_settled_long_before_the_next_sweep(daemon):
    """And the answer is what `show` would say."""
    daemon.world.flip(Kind.PORT, Health.DOWN)
    told = daemon.ask(key_of(PORT))

    assert (told["found"]["status"], told["found"]["nsx"], told["found"]["verdict"]) == (
        "DOWN",
        "down",
        "written",
    )
    assert told["waits"] == ""
    assert daemon.world.statuses(Kind.PORT) == {"ACTIVE": 2, "DOWN": 1}


def test_a_row_that_is_right_agrees(daemon):
    """Nothing is written."""
    assert daemon.ask(key_of(PORT))["found"]["verdict"] == "agrees"


def test_a_row_that_neutron_does_not_have(daemon):
    """There is nothing to show of it."""
    assert daemon.ask(key_of(Key(Kind.PORT, "nobody"))) == {"found": {}, "waits": ""}


def test_a_row_out_of_scope_is_said_to_be_so(daemon):
    """It is not even looked at."""
    key = daemon.world.add(Kind.PORT, "theirs", facts=OURS._replace(in_scope=False))
    looks = len(daemon.world.looks)

    assert daemon.ask(key_of(key))["found"]["verdict"].startswith("out of scope")
    assert len(daemon.world.looks) == looks


def test_a_row_that_takes_longer_is_told_as_it_stands(daemon):
    """With the reason; the daemon goes on with it."""
    daemon.world.flip(Kind.PORT, Health.UNKNOWN)
    told = daemon.ask(key_of(PORT))

    assert told["waits"] == "NSX does not say whether it is up"
    assert told["found"]["nsx"] == "unknown"
    assert len(daemon.schedule) == 1


@pytest.mark.parametrize(
    "request_", [Request(Command.KEY), Request(Command.KEY, (Kind.PORT, Kind.ROUTER), "a")]
)
def test_half_a_row_is_not_understood(daemon, request_):
    """One kind and one id."""
    with pytest.raises(NotAcknowledged, match="one kind and the id"):
        daemon.ask(request_)


def test_a_pause_holds_the_settling_too(daemon):
    """Nothing is asked and nothing written until the resume; then what was asked for is done."""
    assert daemon.ask(PAUSE)["state"] == "paused"
    daemon.world.flip(Kind.PORT, Health.DOWN)
    looks = len(daemon.world.looks)
    told = daemon.ask(key_of(PORT))
    still = (len(daemon.world.looks) - looks, daemon.world.statuses(Kind.PORT))
    before = daemon.ask(STATUS)
    daemon.ask(RESUME)
    wait_for(lambda: daemon.world.statuses(Kind.PORT).get("DOWN"))

    assert told == {"found": None, "waits": "the daemon is paused"}
    assert still == (0, {"ACTIVE": 3})
    assert (before["state"], before["settle_waiting"]) == ("paused", 1)


def test_the_status_tells_what_was_settled(daemon):
    """Counts since the start, what waits, and failures in a row."""
    daemon.world.flip(Kind.PORT, Health.DOWN)
    daemon.ask(key_of(PORT))
    daemon.desk.tally.failed(StoreError("away"), 1.0)
    told = daemon.ask(STATUS)

    assert (told["settle_counts"]["written"], told["settle_waiting"]) == (1, 0)
    assert (told["settle_failures"], told["settle_error"]) == (1, "away")


def test_the_end_of_a_block_waits_for_the_step_beside_it():
    """It is told to stop, and nothing is cut in half."""
    stop, ended = threading.Event(), []

    def run() -> None:
        stop.wait(40)
        threading.Event().wait(0.3)  # a step
        ended.append(True)

    with beside("settle", run, stop.set):
        pass

    assert ended


def test_an_end_does_not_wait_for_rows_that_are_not_due(tmp_path):
    """Their statuses are the next start's first sweep's."""
    made = Daemon(World(port=1), tmp_path / "nsx.socket")
    with made.running():
        made.world.flip(Kind.PORT, Health.DOWN)
        made.desk.hint(PORT, 3600.0)

    assert made.world.statuses(Kind.PORT) == {"ACTIVE": 1}
    assert not [thread for thread in threading.enumerate() if thread.name in ("sweep", "settle")]
