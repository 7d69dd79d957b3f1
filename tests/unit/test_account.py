"""An account is never locked: refusals, and attempts that may become some, are few."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from clocks import LaterClock
from waiting import wait_for

from networking_nsx.errors import Unauthorized, Unavailable
from networking_nsx.nsx.account import Account
from networking_nsx.nsx.deadline import Deadline


class Door:
    """Lets an account in or not, and counts who stands before it."""

    def __init__(self, *, locks: bool = True) -> None:
        self.clock = LaterClock()
        self.account = Account("[nsx] user (me)", self.clock, locks=locks)
        self.opens = True
        self.refused = self.standing = self.most = 0
        self._lock = threading.Lock()

    def knock(self, seconds: float = 0.0) -> bool:
        """Whether the attempt was made."""
        try:
            with self.account.attempt("https://nsx", Deadline(self.clock, 5.0)) as attempt:
                with self._lock:
                    self.standing += 1
                    self.most = max(self.most, self.standing)
                    opens = self.opens
                self.clock.sleep(seconds)
                with self._lock:
                    self.standing -= 1
                    self.refused += not opens
                attempt.accepted = opens
        except Unauthorized:
            return False
        return True


@pytest.mark.parametrize("locks", [True, False])
def test_many_at_once_are_refused_twice(locks):
    """Whoever else wants in waits for the outcome, and is then spared it."""
    door = Door(locks=locks)
    door.opens = False
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: door.knock(0.05), range(8)))

    assert (sum(made), door.refused) == (2, 2)


def test_what_locks_is_never_tried_by_more_than_two_at_once():
    """They might all be refused, as the password has just changed."""
    door = Door()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: door.knock(0.02), range(16)))

    assert all(made)
    assert door.most == 2


def test_urgent_attempts_and_the_others_take_turns():
    """Neither waits for all of the other kind, and nobody who has just been in passes who waits."""
    doors = Doors()
    let_in: list[str] = []

    def knock(name: str) -> None:
        with doors.account.attempt("https://nsx", Deadline(doors.clock, 60.0, urgent=name == "urgent")):
            let_in.append(name)

    with ThreadPoolExecutor(6) as threads, doors.hanging() as hang:
        for count in (1, 2):
            threads.submit(hang, "https://nsx")
            wait_for(lambda count=count: doors.standing == count)
        for count, name in enumerate(("1", "2", "3", "urgent"), 1):
            threads.submit(knock, name)
            wait_for(lambda count=count: repr(doors.account) == f"Account(2 under way, {count} wait)")

    assert sorted(let_in) == ["1", "2", "3", "urgent"]
    assert "urgent" in let_in[:2]  # two are let in at a time


def test_what_does_not_lock_is_free_once_it_was_accepted():
    """A certificate or a token costs no time then."""
    door = Door(locks=False)
    door.knock()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: door.knock(0.5), range(8)))

    assert door.most > 2


def test_after_two_refusals_the_attempts_are_rare_and_said(caplog):
    """After 5 minutes one, after 10 more another, and so on; each time there is a line."""
    door = Door()
    door.opens = False
    made = []
    for ahead in (0, 0, 0, 299, 301, 302, 900, 902):
        door.clock.ahead = ahead
        made.append(door.knock())

    assert made == [True, True, False, False, True, False, False, True]
    assert caplog.text.count("NSX refuses [nsx] user (me)") == 3


def test_a_success_forgets_the_refusals():
    """The password is right again: the next refusal is a first one."""
    door = Door()
    door.opens = False
    door.knock()
    door.opens = True
    door.knock()
    door.opens = False

    assert [door.knock(), door.knock(), door.knock()] == [True, True, False]


def test_a_success_that_began_before_a_refusal_does_not_forget_it():
    """It was let in with what has been refused since."""
    door = Door()
    with ThreadPoolExecutor(1) as threads:
        early = threads.submit(door.knock, 1.0)
        while not door.standing:
            pass
        door.opens = False
        door.knock()
        early.result()

    assert [door.knock(), door.knock()] == [True, False]


def test_an_attempt_that_tells_nothing_is_none():
    """A manager that did not answer has neither refused nor accepted."""
    door = Door()
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), door.account.attempt("", Deadline(door.clock, 5.0)):
            1 / 0  # noqa: B018

    assert door.knock()


class Doors:
    """The same account at several managers, each of which lets it in or not."""

    def __init__(self) -> None:
        self.clock = LaterClock()
        self.account = Account("[nsx] user (me)", self.clock, locks=True)
        self.standing = 0

    @contextmanager
    def hanging(self) -> Iterator[Callable[[str], None]]:
        """How to make an attempt that ends with the block, and tells nothing."""
        released = threading.Event()

        def hang(base: str) -> None:
            with self.account.attempt(base, Deadline(self.clock, 60.0)):
                self.standing += 1
                released.wait(60)

        try:
            yield hang
        finally:
            released.set()

    def knock(self, **opens: bool) -> str:
        """Who was tried."""
        return "".join(base for base, lets_in in opens.items() if self._tried(base, lets_in))

    def _tried(self, base: str, lets_in: bool) -> bool:
        try:
            with self.account.attempt(base, Deadline(self.clock, 1.0)) as attempt:
                attempt.accepted = lets_in
        except Unauthorized:
            return False
        return True


def test_a_manager_that_refuses_is_tried_rarely_however_often_others_accept():
    """Twice, and then after 5, 10 and 15 minutes."""
    doors = Doors()
    tried = {}
    for minute in range(31):
        doors.clock.ahead = 60 * minute
        for _ in range(5):
            for base in doors.knock(a=True, b=False, c=True):
                tried.setdefault(base, []).append(minute)

    assert tried["b"] == [0, 0, 5, 15, 30]
    assert len(tried["a"]) == len(tried["c"]) == 5 * 31


def test_a_manager_that_refuses_does_not_bar_those_that_have_accepted():
    """Not even when it alone was asked since; nor is it asked twice before another one was."""
    doors = Doors()
    doors.knock(a=True, b=True)

    assert [doors.knock(b=False), doors.knock(b=False), doors.knock(a=True)] == ["b", "", "a"]
    assert [doors.knock(b=False), doors.knock(b=False), doors.knock(a=True)] == ["b", "", "a"]


def test_a_password_that_has_changed_is_refused_twice_by_all_together():
    """Whoever accepted the old one."""
    doors = Doors()
    doors.knock(a=True, b=True, c=True)

    assert doors.knock(b=False) + doors.knock(a=False, b=False, c=False) == "ba"


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_managers_say_there_are_four_refusals_in_fifteen_minutes_at_most(seed):
    """NSX locks an account at the fifth, and need not forget those before a success."""
    chance = random.Random(seed)
    doors = Doors()
    lets_in = dict.fromkeys("abc", True)
    refused = []
    for second in range(0, 7200, 20):
        doors.clock.ahead = second
        if chance.random() < 0.05:
            lets_in[chance.choice("abc")] = chance.random() < 0.5
        tried = doors.knock(**{base: lets_in[base] for base in chance.sample("abc", 3)})
        refused += [second for base in tried if not lets_in[base]]

    assert any(refused)
    assert not any(last - first < 900 for first, last in zip(refused, refused[4:], strict=False))


def test_whoever_hangs_keeps_others_waiting_for_seconds_only():
    """Up to four may be refused; a fifth attempt waits until one of them has ended."""
    doors = Doors()
    with ThreadPoolExecutor(4) as threads, doors.hanging() as hang:
        for number in range(4):
            threads.submit(hang, f"https://{number}")
            wait_for(lambda number=number: doors.standing == min(number + 1, 2))
        doors.clock.ahead = 6
        wait_for(lambda: doors.standing == 4)
        doors.clock.ahead = 12
        with pytest.raises(Unavailable, match="not done within"):
            doors.knock(a=True)

    assert doors.knock(a=True) == "a"


def test_what_cannot_be_locked_is_tried_again_within_seconds():
    """After 1 s, after 2 more, and so on; however many are refused at once."""
    door = Door(locks=False)
    door.knock()
    door.opens = False
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: door.knock(0.5), range(8)))
    made = []
    for ahead in (0, 10, 11, 12.5, 16, 1000, 1000):
        door.clock.ahead = ahead
        made.append(door.knock())

    assert made == [False, True, False, True, False, True, False]
