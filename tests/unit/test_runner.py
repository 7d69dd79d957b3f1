"""The loop that waits, on a clock that only its own sleeping moves."""

from random import Random

import pytest
from worlds import Heart, World

from networking_nsx.errors import Rejected, StoreError, Throttled, Unavailable
from networking_nsx.model import Health, Kind
from networking_nsx.sync.ledger import LedgerSettings
from networking_nsx.sync.misses import MissingSettings
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.runner import SETTLING, Runner, Summary, once


class Follower:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.summaries: list[Summary] = []
        self.failures: list[tuple[Exception, float]] = []
        self.steps = 0
        self.begun = 0

    def began(self):
        self.begun += 1

    def progressed(self, progress):
        self.steps += bool(progress.counts)

    def swept(self, summary):
        self.summaries.append(summary)

    def failed(self, error, wait):
        self.failures.append((error, wait))


def run(world: World, sweeps: int = 0, *, seconds: float = 1e9, heart: Heart | None = None, **pacing: int):
    """Run until that many sweeps are done, or that much time has passed."""
    follower = Follower()
    pacer = Pacer(PacingSettings(**pacing), Random(0))
    runner = Runner((heart or Heart(world)).sweeper, pacer, world, follower)
    ends = world.time + seconds
    runner.run(lambda: world.time > ends or (sweeps and len(follower.summaries) >= sweeps))
    return follower


def test_sweeps_follow_each_other_at_the_interval():
    """The first one after the first delay."""
    world = World(port=100)
    follower = run(world, 4)

    assert world.waits[0] == 5.0
    assert world.waits[1:4] == [pytest.approx(10.0)] * 3
    assert [summary.period for summary in follower.summaries] == [0, 10, 10, 10]


def test_the_true_bound_is_reported():
    """What one sweep met first the next may meet last: from the one's beginning to the other's end."""
    world = World(port=2000)
    follower = run(world, 3)

    assert [summary.bound for summary in follower.summaries] == [7.5, 17.5, 17.5]


def test_what_is_read_in_turn_is_as_old_as_its_turns():
    """Only a part of a kind is read in each sweep; also of the first, which has no pace yet."""
    world = World(port=2000)
    page = world.page
    world.page = lambda *asked: page(*asked)._replace(turns=6)
    follower = run(world, 3)

    assert [summary.bound for summary in follower.summaries] == [57.5, 67.5, 67.5]


def test_turns_of_slow_sweeps_are_as_long_as_these():
    """Of the first sweep, too: a minute, where the interval is 10 s."""
    world = World(port=1000)
    page = world.page

    world.page = lambda *asked: (world.sleep(30.0), page(*asked)._replace(turns=6))[1]
    follower = run(world, 2)

    assert all(summary.bound >= 6 * 60 for summary in follower.summaries)


def test_chunks_are_spread_over_the_interval():
    """2,000 ports in chunks of 500: four requests, 2.5 s apart, and no pause after the last."""
    world = World(port=2000)
    follower = run(world, 2)

    assert [length for kind, _, length in world.requests if kind is Kind.PORT][:4] == [500] * 4
    assert world.waits[1:5] == [pytest.approx(2.5)] * 4
    assert follower.summaries[0].seconds == pytest.approx(7.5)


def test_failures_back_off_and_a_success_resets():
    """Doubling from 1 to 64 s, never cut short by the interval; then 1 s again."""
    world = World(port=10)
    world.page_errors = {n: Unavailable("500") for n in range(9)}
    follower = run(world, 1, heart=Heart(world, kinds=(Kind.PORT,)))
    waits = [wait for _, wait in follower.failures]
    world.page_errors = {len(world.requests): Unavailable("500")}
    again = run(world, 1)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert [wait for _, wait in again.failures] == [1]


def test_a_success_resets_the_backoff_of_a_running_loop():
    """Failures weeks apart do not add up."""
    world = World(port=10)
    world.page_errors = dict.fromkeys((0, 1, 5, 6, 12), Unavailable("500"))
    follower = run(world, 4)

    assert [wait for _, wait in follower.failures] == [1, 2, 1, 2, 1]


@pytest.mark.parametrize(
    "error", [Rejected("400"), StoreError("gone"), ValueError("a bug"), KeyError("data")]
)
def test_the_loop_survives_every_exception(error):
    """Counted, waited for, and the next sweep completes."""
    world = World(port=10)
    world.page_errors = {2: error}
    follower = run(world, 1)

    assert follower.failures == [(error, 1)]
    assert follower.summaries[0].counts["observed"] == 10


def test_a_store_that_fails_for_long_backs_off_although_pages_succeed():
    """Each sweep reads a page and cannot write: the waits still double."""
    world = World(network=1, port=10)
    world.flip(Kind.PORT, Health.DOWN, 5)

    def broken():
        world.before_write.append(broken)
        raise StoreError("read-only")

    world.before_write = [broken]
    follower = run(world, seconds=19)

    assert [wait for _, wait in follower.failures] == [1, 2, 4, 8]


def test_a_stop_between_two_pages_leaves_the_rest_for_later():
    """What was settled is written; nothing is half-written."""
    world = World(port=2000)
    world.flip(Kind.PORT, Health.DOWN, 40)
    follower = run(world, seconds=6)

    assert follower.summaries == []
    assert world.statuses(Kind.PORT) == {"ACTIVE": 1960, "DOWN": 40}
    assert len(world.requests) == 3


def test_a_stop_during_the_first_delay_sweeps_nothing():
    """The service ends at once."""
    world = World(port=10)
    run(world, seconds=1)

    assert world.requests == []


def test_the_chunk_adapts_while_the_runner_lives():
    """20,000 ports: ten chunks of 2,000; then 300: one chunk of 500."""
    world = World(port=20000)
    heart = Heart(world)
    run(world, 1, heart=heart)
    lengths = [length for kind, _, length in world.requests if kind is Kind.PORT]
    world.vanish(Kind.PORT, 19700)
    world.neutron = {row.key: row for row in list(world.neutron.values())[19700:]}
    world.requests.clear()
    run(world, 1, heart=heart)
    shrunk = [length for kind, _, length in world.requests if kind is Kind.PORT]

    assert lengths == [500, 1500] + [2000] * 9  # the total was not known before the first page
    assert shrunk == [500]


def test_once_sweeps_until_nothing_is_left_to_settle():
    """A vanished port needs two sweeps, a broken router two looks."""
    world = World(router=1, port=10)
    heart = Heart(world)
    world.vanish(Kind.PORT, 1)
    world.flip(Kind.ROUTER, Health.DOWN)
    summaries = list(once(heart.sweeper, world, Follower()))

    assert len(summaries) == 2
    assert world.statuses(Kind.PORT) == {"ACTIVE": 9, "ERROR": 1}
    assert world.statuses(Kind.ROUTER) == {"ERROR": 1}


@pytest.mark.parametrize(("kind", "wait"), [(Kind.PORT, 60.0), (Kind.ROUTER, SETTLING)])
def test_once_waits_until_another_sweep_can_tell_more(kind, wait):
    """A port that vanished needs sweeps that are `missing_apart`, a broken router only a second look."""
    world = World(router=1, port=10)
    heart = Heart(world, ledger_settings=LedgerSettings(MissingSettings(apart=60.0)))
    if kind is Kind.PORT:
        world.vanish(kind, 1)
    else:
        world.flip(kind, Health.DOWN)
    summaries = list(once(heart.sweeper, world, Follower()))

    assert (len(summaries), world.waits) == (2, [wait])
    assert world.statuses(kind)["ERROR"] == 1


def test_once_of_a_settled_world_is_one_sweep():
    """Nothing to wait for."""
    world = World(port=10)

    assert len(list(once(Heart(world).sweeper, world, Follower()))) == 1


def test_once_does_not_sweep_for_ever():
    """When another sweep settles nothing more, it is over."""
    world = World(port=100)
    heart = Heart(world, looks=0)
    world.vanish(Kind.PORT, 3)

    assert len(list(once(heart.sweeper, world, Follower()))) == 2


def test_once_waits_and_asks_again_for_a_failed_page_and_fails_in_the_end():
    """Five attempts, with the back-off between them."""
    world = World(port=10)
    world.page_errors = {n: Unavailable("500") for n in range(5)}
    follower = Follower()
    with pytest.raises(Unavailable):
        list(once(Heart(world).sweeper, world, follower))

    assert [wait for _, wait in follower.failures] == [1, 2, 4, 8]


def test_nsx_may_ask_for_a_longer_wait():
    """`Retry-After` is waited for when it is longer than the back-off."""
    world = World(port=10)
    world.page_errors = {0: Throttled("slow down", retry_after=900)}

    assert [wait for _, wait in run(world, 1).failures] == [900]


class Barrier:
    """A gate that ends the sweep at hand after so many requests, and lets a day pass before the next."""

    def __init__(self, world: World, requests: int) -> None:
        self._world = world
        self._requests = requests
        self._closed = False
        self.entered: list[float] = []

    def wait(self, seconds):
        if len(self._world.requests) == self._requests:
            self._closed, self._requests = True, 0
        if not self._closed and seconds:
            self._world.sleep(seconds)
        return self._closed

    def enter(self):
        self._world.time += 86400 * self._closed
        self._closed = False
        self.entered.append(self._world.time)


def run_through(gate: Barrier, world: World, sweeps: int) -> Follower:
    follower = Follower()
    pacer = Pacer(PacingSettings(), Random(0))
    runner = Runner(Heart(world).sweeper, pacer, world, follower, gate=gate)
    runner.run(lambda: len(follower.summaries) >= sweeps)
    return follower


def test_a_sweep_that_the_gate_ends_is_begun_anew():
    """What was read before a pause is no evidence after it; the true bound includes the pause."""
    world = World(network=10, router=10)
    world.flip(Kind.NETWORK, Health.DOWN, 1)
    gate = Barrier(world, 4)  # in the second sweep
    follower = run_through(gate, world, 2)

    assert follower.begun == 3
    assert [kind for kind, *_ in world.requests].count(Kind.NETWORK) == 3
    assert follower.summaries[1].bound > 86400


def test_the_gate_is_asked_after_every_step_and_before_every_sweep():
    """Steps that need no wait, too: nothing is asked of NSX behind a closed gate."""
    world = World(port=10)
    gate = Barrier(world, 1)
    run_through(gate, world, 1)

    assert world.requests[0][0] is Kind.NETWORK
    assert gate.entered[1] - gate.entered[0] == 86400
    assert [kind for kind, *_ in world.requests] == [Kind.NETWORK, *Kind]


def test_a_sweep_that_is_given_up_is_closed_before_the_gate_is_entered():
    """A source that reads ahead stops doing so."""
    world = World(port=10)
    seen: list[str] = []

    class Noting(Barrier):
        def enter(self):
            seen.append("entered")
            super().enter()

    heart = Heart(world)

    class Open:
        def sweep(self, room):
            try:
                yield from heart.sweeper.sweep(room)
            finally:
                seen.append("closed")

    follower = Follower()
    runner = Runner(Open(), Pacer(PacingSettings(), Random(0)), world, follower, gate=Noting(world, 1))
    runner.run(lambda: bool(follower.summaries))

    assert seen[:3] == ["entered", "closed", "entered"]
