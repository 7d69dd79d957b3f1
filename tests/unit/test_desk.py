"""Where commands are taken, and the gate that they close."""

import logging
import threading
from random import Random
from typing import Self

import pytest
from waiting import wait_for
from worlds import START, Heart, World, no_window

from networking_nsx.errors import StoreError, Unavailable
from networking_nsx.model import Health, Key, Kind, Progress
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.passage import Barrier
from networking_nsx.serve.protocol import Command, Refused, Request
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.runner import Runner, Summary
from networking_nsx.sync.settle import Schedule

PAUSE, RESUME, STATUS = (Request(Command(name)) for name in ("pause", "resume", "status"))


MAINTENANCE = Request(Command.MAINTENANCE_START, until=START + 60, reason="new switches")


class Case:
    """A desk over a world; `run` lets a runner sweep in a thread of its own, in real waits."""

    def __init__(self, **objects: int) -> None:
        self.world = World(**objects)
        self.heart = Heart(self.world)
        self.board = Board(self.world, self.heart.canary)
        self.schedule = Schedule(self.world, threading.Lock())
        self.window = no_window(self.world)
        self.desk = Desk({"api": "mh"}, self.board, self.heart.brake, self.world, self.schedule, self.window)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.desk.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def ask(self, request):
        return self.desk.carry_out(request)

    def sweeps(self):
        return sum(kind is Kind.NETWORK for kind, *_ in self.world.requests)

    def _run(self):
        pacer = Pacer(PacingSettings(interval=3600), Random(0))
        sweeper = self.heart.sweeper
        Runner(sweeper, pacer, self.world, self.board, 0, self.desk).run(self._ended.is_set)


@pytest.fixture
def case():
    return Case(network=2, port=40)


def test_a_sleep_of_an_hour_ends_with_a_resume(case):
    """The runner rests until the next sweep; it need not be waited for."""
    with case:
        wait_for(lambda: case.board.now.last)
        case.ask(PAUSE)
        wait_for(lambda: case.desk.state == "paused")
        before = case.sweeps()
        case.ask(RESUME)
        wait_for(lambda: case.sweeps() > before)

    assert before == 1


def test_while_paused_nothing_is_asked_and_nothing_written(case):
    """Although NSX has changed."""
    with case:
        wait_for(lambda: case.board.now.last)
        case.ask(PAUSE)
        wait_for(lambda: case.desk.state == "paused")
        case.world.flip(Kind.PORT, Health.DOWN, 1)
        requests = len(case.world.requests)
        threading.Event().wait(0.2)
        still = (len(case.world.requests), len(case.world.writes))
        case.ask(RESUME)
        wait_for(lambda: case.world.writes)

    assert still == (requests, 0)


def test_the_state_is_pausing_until_the_step_at_hand_has_ended(case):
    """Nobody is at the gate: the runner is not running here."""
    case.desk.enter()
    assert case.ask(STATUS)["state"] == "running"
    case.ask(PAUSE)

    assert case.ask(STATUS)["state"] == "pausing"
    assert case.desk.wait(3600) is True


def test_a_pause_waits_for_both_runners(case):
    """Sweeps and single rows: each at a gate of its own."""
    settling = case.desk.settling()
    with case:
        wait_for(lambda: case.board.now.last)
        case.ask(PAUSE)
        wait_for(lambda: case.desk.state == "pausing")
        closed = settling.wait(3600)
        thread = threading.Thread(target=settling.enter)
        thread.start()
        wait_for(lambda: case.desk.state == "paused")
        case.ask(RESUME)
        thread.join(10)

    assert closed
    assert not thread.is_alive()


def test_while_one_of_two_runners_has_not_come_to_its_gate_the_other_rests_in_vain(case):
    """It may still ask and write."""
    barrier = Barrier(case.world)
    first, second = barrier.passage(), barrier.passage()
    barrier.pause()
    threads = [threading.Thread(target=passage.enter) for passage in (first, second)]
    threads[0].start()
    wait_for(lambda: first.resting)
    before = barrier.state
    threads[1].start()
    wait_for(lambda: second.resting)
    after = barrier.state
    barrier.resume()
    for thread in threads:
        thread.join(10)

    assert (before, after, barrier.state) == ("pausing", "paused", "running")


def test_a_hint_ends_the_wait_of_the_settle_runner_only(case):
    """Its gate stays open, and the sweep's pace is kept."""
    settling = case.desk.settling()
    settling.enter()
    case.desk.enter()
    case.desk.hint(Key(Kind.PORT, "port-00000"))

    assert settling.wait(3600) is False
    assert case.desk.wait(0.01) is False
    assert len(case.schedule) == 1


def test_pause_and_resume_may_be_repeated(case):
    """They say that nothing was to be done; the first pause counts."""
    first = case.ask(PAUSE)
    case.world.time += 5
    again = case.ask(PAUSE)
    case.ask(RESUME)
    resumed = case.ask(RESUME)

    assert again["paused_since"] == first["paused_since"] == case.world.time - 5
    assert "already" in again["did"]
    assert "not paused" in resumed["did"]
    assert resumed["paused_since"] is None


def test_a_resume_without_a_pause_interrupts_nothing(case):
    """A back-off is waited for."""
    case.ask(RESUME)

    assert case.desk.wait(0) is False


def test_a_stop_ends_a_pause(case):
    """SIGTERM is not kept waiting."""
    with case:
        case.ask(PAUSE)
        wait_for(lambda: case.desk.state == "paused")


def test_a_stop_is_not_lost_on_somebody_who_is_coming_to_the_gate(case):
    """What was found there still holds when it is noted: a bell that is cleared then is rung afterwards."""
    barrier = Barrier(case.world)
    barrier.pause()
    stopper = threading.Thread(target=barrier.stop)
    noted = []

    def note(opens, _pauses):
        stopper.start()
        stopper.join(0.3)
        noted.append((opens, barrier.stopped))

    barrier.opens(note)
    stopper.join(10)

    assert noted == [(False, False)]
    assert barrier.stopped


def test_what_is_held_is_released_at_the_gate(case):
    """The heart is touched by its runner's thread only, before the next sweep."""
    case.world.vanish(Kind.PORT, 30)
    follow(case)
    told = case.ask(Request(Command.RELEASE))
    before = case.heart.brake.is_released(Kind.PORT)
    case.desk.enter()

    assert told["released"] == ["port"]
    assert "port 30" in told["did"]
    assert not before
    assert case.heart.brake.is_released(Kind.PORT)


@pytest.mark.parametrize("kinds", [(), (Kind.NETWORK,), (Kind.NETWORK, Kind.PORT)])
def test_a_kind_without_held_changes_is_not_opened(case, kinds):
    """The next sweep may bring a lie."""
    follow(case)
    told = case.ask(Request(Command.RELEASE, kinds))
    case.desk.enter()

    assert told["released"] == []
    assert "nothing is held" in told["did"]
    assert not any(map(case.heart.brake.is_released, Kind))


def test_only_the_kinds_asked_for_are_released(case):
    """Others stay held."""
    case.world.vanish(Kind.PORT, 30)
    follow(case)

    assert case.ask(Request(Command.RELEASE, (Kind.NETWORK,)))["released"] == []
    assert case.ask(Request(Command.RELEASE, (Kind.PORT,)))["released"] == ["port"]


def test_during_a_maintenance_nothing_is_released(case):
    """What would be written is deferred anyway, and all that gets worse until its end would be released."""
    case.world.vanish(Kind.PORT, 30)
    follow(case)
    case.ask(Request(Command.RELEASE))
    case.desk.enter()
    case.ask(MAINTENANCE)
    case.desk.enter()

    assert not case.heart.brake.is_released(Kind.PORT)


def test_a_release_does_not_outlive_a_maintenance_however_short(case):
    """Both may begin and end within one sweep."""
    case.world.vanish(Kind.PORT, 30)
    follow(case)
    for command in (Request(Command.RELEASE), MAINTENANCE, Request(Command.MAINTENANCE_STOP)):
        case.ask(command)
    case.desk.enter()

    assert not case.heart.brake.is_released(Kind.PORT)


def test_a_release_is_refused_while_a_maintenance_holds(case):
    """It says how to end it."""
    case.ask(MAINTENANCE)
    with pytest.raises(Refused, match="end it first: neutron-nsx maintenance stop"):
        case.ask(Request(Command.RELEASE))


def test_a_maintenance_begins_and_ends_by_command(case):
    """And `status` tells of it."""
    begun = case.ask(MAINTENANCE)
    told = case.ask(STATUS)
    stopped = case.ask(Request(Command.MAINTENANCE_STOP))
    again = case.ask(Request(Command.MAINTENANCE_STOP))

    assert (begun["maintenance"], begun["maintenance_reason"]) == ("holding", "new switches")
    assert told["maintenance_until"] == START + 60
    assert "set state_path" in told["maintenance_lasts"]
    assert stopped["maintenance"] == again["maintenance"] == "verifying"
    assert "no maintenance" in again["did"]


def test_a_maintenance_that_cannot_be_is_refused(case):
    """Whoever sends it: the daemon looks for itself."""
    with pytest.raises(Refused, match="past"):
        case.ask(Request(Command.MAINTENANCE_START, until=START - 1, reason="x"))


def test_every_command_is_logged_with_what_it_did(case, caplog):
    """At INFO."""
    caplog.set_level(logging.INFO)
    for command in (Command.STATUS, Command.PAUSE, Command.RESUME, Command.RELEASE):
        case.ask(Request(command))

    assert [record.levelname for record in caplog.records] == ["INFO"] * 4
    assert caplog.messages == [
        "command status: running",
        "command pause: no step follows the one at hand until `resume`",
        "command resume: a new sweep begins",
        "command release: nothing is held there",
    ]


def follow(case, steps: int = 1000) -> None:
    """One sweep, or its beginning, with the board as its listener."""
    case.board.began()
    summary = Summary(seconds=2.0, oldest=2.0)
    for number, progress in enumerate(case.heart.sweeper.sweep(lambda: 10), 1):
        case.board.progressed(progress)
        summary.add(progress)
        if number == steps:
            return
    case.board.swept(summary)


def test_before_the_first_sweep_nothing_is_claimed(case):
    """None, not 0."""
    told = case.ask(STATUS)

    assert told["api"] == "mh"
    assert (told["last_sweep_at"], told["bound"], told["sweep_kind"]) == (None, None, None)
    assert told["held"] == {"network": 0, "router": 0, "port": 0}


def test_the_sweep_at_hand(case):
    """How far it is in which kind."""
    case.world.index = None
    for number, progress in enumerate(case.heart.sweeper.sweep(lambda: 10)):
        if not number:
            case.board.began()
        case.board.progressed(progress)
        if progress.kind is Kind.PORT and case.board.now.under.done == 20:
            break
    told = case.ask(STATUS)

    assert (told["sweep_kind"], told["sweep_done"], told["sweep_total"]) == ("port", 20, 40)
    assert told["sweep_since"] == case.world.time


def test_a_listing_that_begins_again_counts_from_its_beginning(case):
    """After its cursor has expired."""
    case.board.began()
    case.board.progressed(Progress(Kind.PORT, {"observed": 20}, total=40))
    case.board.progressed(Progress(Kind.PORT, {"restarts": 1}))

    assert case.ask(STATUS)["sweep_done"] == 0


def test_the_rows_of_a_kind_are_those_of_its_last_pass(case):
    """None, once the last of them is deleted."""
    follow(case)
    before = case.ask(STATUS)["rows"]
    for key in [key for key in case.world.neutron if key.kind is Kind.NETWORK]:
        del case.world.neutron[key]
    follow(case)

    assert before["network"] == {"ACTIVE": 2}
    assert case.ask(STATUS)["rows"]["network"] == {}


def test_the_last_sweep_and_a_bound_that_grows_with_its_age(case):
    """While no sweep completes, statuses get older."""
    follow(case)
    fresh = case.ask(STATUS)
    case.world.time += 500
    old = case.ask(STATUS)

    assert fresh["last_sweep_seconds"] == 2.0
    assert fresh["last_sweep_counts"]["observed"] == 42
    assert (fresh["bound"], old["bound"]) == (2.0, 502.0)


def test_failures_in_a_row_and_the_next_attempt(case):
    """Requests and sweeps back off apart; a complete sweep ends both."""
    case.board.began()
    case.board.failed(Unavailable("503"), 4)
    case.board.failed(StoreError("read-only"), 8)
    failing = case.ask(STATUS)
    case.board.progressed(Progress(Kind.PORT, {"pages": 1}))
    read = case.ask(STATUS)
    follow(case)
    well = case.ask(STATUS)

    assert (failing["failures"], failing["last_error"]) == (2, "read-only")
    assert failing["next_attempt_at"] == case.world.time + 8
    assert (read["failures"], read["next_attempt_at"]) == (1, None)
    assert (well["failures"], well["last_error"]) == (0, "")


def test_held_rows_are_told_although_no_sweep_completes(case):
    """And no longer when a pass over their kind holds none."""
    case.world.vanish(Kind.PORT, 30)
    case.board.began()
    case.board.progressed(Progress(Kind.PORT, {"held": 30}))
    case.board.began()
    held = case.ask(STATUS)["held"]
    case.board.swept(Summary())

    assert held == {"network": 0, "router": 0, "port": 30}
    assert case.ask(STATUS)["held"]["port"] == 0


def test_whether_the_index_is_believed(case):
    """And why not; where there is none, that."""
    believed = case.ask(STATUS)
    case.heart.canary.doubt("it is behind")
    case.board.progressed(Progress(Kind.PORT, {}))
    doubted = case.ask(STATUS)

    assert (believed["index"], believed["index_reason"]) == ("believed", "")
    assert (doubted["index"], doubted["index_reason"]) == ("not believed", "it is behind")
    assert Board(case.world, None).told()["index"] == "none"


def test_a_paused_sweep_is_no_sweep(case):
    """It was given up."""
    with case:
        wait_for(lambda: case.board.now.last)
        case.board.began()
        case.ask(PAUSE)
        wait_for(lambda: case.desk.state == "paused")
        told = case.ask(STATUS)

    assert told["sweep_since"] is None
    assert told["last_sweep_at"]
