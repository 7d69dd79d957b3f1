"""Nova is told of every status that was committed, until it has understood or no longer waits.

Promises:
- `notify` neither waits nor raises; one thread of this module's talks to Nova (Neutron's own notifier
  starts a thread per event).
- An event is acknowledged alone: Nova's answer names a code for each.
- Of two events for the same port of the same instance, the later one is sent.
- What Nova did not take within `PATIENCE` is given up with a warning: the instance's build has failed by
  then.
- Whoever wants to know hears what became of each event (`ports.Told`).
- A process that was killed between a commit and the sending is made up for by `recent`, at the next start.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from networking_nsx.model import Answer
from networking_nsx.neutron.events import Event
from networking_nsx.ports import Clock, Told

PATIENCE = 300.0  # seconds from the commit: Nova's own vif_plugging_timeout
BATCH = 200  # events per request
LIMIT = 100_000  # events that wait; some 50 MB

_FIRST_DELAY = 1.0  # seconds; doubled at each failure
_LONGEST_DELAY = 16.0

_LOG = logging.getLogger(__name__)

# What Nova's code for one event means (nova/api/openstack/compute/server_external_events.py).
_SETTLED: Mapping[int, Answer] = {
    200: Answer.ACKNOWLEDGED,
    400: Answer.REFUSED,  # asking again will not help
    404: Answer.GONE,
}
# Anything else is sent again, above all 422: the instance has no host yet.


class Unanswered(Exception):
    """Nova said nothing of these events: it was not reached, or it failed as a whole."""


class Compute(Protocol):
    """Nova, as far as it is needed."""

    def tell(self, events: Sequence[Event]) -> list[int]:
        """Send events; answer one HTTP code for each. Raises Unanswered."""
        ...


class Waiting(NamedTuple):
    """An event that is still to be told."""

    event: Event
    deadline: float  # these are monotonic
    due: float
    delay: float  # before the attempt after the next one


class Pending:
    """The events that wait, by instance and port, longest waiting first. Knows no thread and no clock."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Waiting] = {}
        self._resume = 0.0  # no request before
        self._delay = _FIRST_DELAY

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: Event, age: float, now: float) -> list[Event]:
        """Let an event wait; answer what had to make room for it."""
        self._put(Waiting(event, now + PATIENCE - age, now, _FIRST_DELAY))
        if len(self._waiting) <= LIMIT:
            return []
        oldest = next(iter(self._waiting.values()))
        self._drop(oldest)
        return [oldest.event]

    def take(self, now: float) -> tuple[list[Waiting], list[Event]]:
        """Answer a batch that is due, which waits on until it is settled, and what is given up."""
        batch: list[Waiting] = []
        late: list[Waiting] = []
        for waiting in self._waiting.values() if now >= self._resume else ():
            if len(batch) == BATCH:
                break
            if waiting.deadline <= now:
                late.append(waiting)
            elif waiting.due <= now:
                batch.append(waiting)
        for waiting in late:
            self._drop(waiting)
        return batch, [waiting.event for waiting in late]

    def settle(self, batch: Sequence[Waiting], codes: Sequence[int], now: float) -> None:
        """Record Nova's answer to a batch; what it did not settle is due again later."""
        self._resume, self._delay = now, _FIRST_DELAY
        for waiting, code in zip(batch, codes, strict=True):
            if self._waiting.get(_key(waiting.event)) is not waiting:
                continue  # a later event took its place while Nova answered
            self._drop(waiting)
            if code not in _SETTLED:
                again = waiting._replace(due=now + waiting.delay, delay=_doubled(waiting.delay))
                self._put(again)

    def fail(self, now: float) -> float:
        """Record that Nova did not answer; answer the seconds until the next request."""
        delay, self._delay = self._delay, _doubled(self._delay)
        self._resume = now + delay
        return delay

    def rest(self, now: float) -> float | None:
        """Seconds until something is to be done; None while nothing waits."""
        if not self._waiting:
            return None
        due = min(waiting.due for waiting in self._waiting.values())
        return max(0.0, due - now, self._resume - now)

    def _put(self, waiting: Waiting) -> None:
        self._drop(waiting)
        self._waiting[_key(waiting.event)] = waiting

    def _drop(self, waiting: Waiting) -> None:
        self._waiting.pop(_key(waiting.event), None)


class NovaNotifier:
    """Sends events from a thread of its own, which `start` starts and `close` ends."""

    def __init__(self, compute: Compute, clock: Clock, told: Sequence[Told] = ()) -> None:
        """`told` hear what became of each event."""
        self._compute = compute
        self._clock = clock
        self._told = told
        self._pending = Pending()
        self._lock = threading.Lock()  # of `_pending`; never held while Nova is asked
        self._wake = threading.Event()
        self._closing = False
        self._given_up = False  # `close` waits no longer
        self._thread = threading.Thread(target=self._run, name="nova-notifier", daemon=True)

    @property
    def waiting(self) -> int:
        """Events that are still to be told."""
        return len(self._pending)

    def start(self) -> None:
        self._thread.start()

    def notify(self, events: Sequence[Event]) -> None:
        """Queue events. Never waits and never raises."""
        if not events:
            return
        now, monotonic = self._clock.now(), self._clock.monotonic()
        with self._lock:
            dropped = [
                old
                for event in events
                for old in self._pending.add(event, max(0.0, now - event.committed_at), monotonic)
            ]
        self._give_up(dropped, f"more than {LIMIT} events wait")
        self._wake.set()

    def step(self) -> float | None:
        """Send one batch, if one is due; answer the seconds until the next step, None while nothing waits."""
        with self._lock:
            batch, late = self._pending.take(self._clock.monotonic())
        self._give_up(late, f"it did not take the event within {PATIENCE:.0f} s")
        if batch:
            self._tell(batch)
        with self._lock:
            return self._pending.rest(self._clock.monotonic())

    def close(self, timeout: float) -> None:
        """Send what still waits, for so many seconds at the most, and end the thread."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._given_up = True
        self._wake.set()
        with self._lock:
            left = len(self._pending)
        if left:
            _LOG.warning("Nova was not told of %d ports: the process ends; the next start tells it", left)

    def _run(self) -> None:
        while not self._given_up:
            self._wake.clear()
            rest = self.step()
            if rest is None and self._closing:
                return
            self._wake.wait(rest)

    def _tell(self, batch: Sequence[Waiting]) -> None:
        try:
            codes = self._compute.tell([waiting.event for waiting in batch])
        except Unanswered as error:
            with self._lock:
                delay = self._pending.fail(self._clock.monotonic())
            _LOG.warning("Nova was not told of %d ports, again in %.0f s: %s", len(batch), delay, error)
            return
        with self._lock:
            self._pending.settle(batch, codes, self._clock.monotonic())
        for waiting, code in zip(batch, codes, strict=True):
            self._answered(waiting.event, code)

    def _answered(self, event: Event, code: int) -> None:
        answer = _SETTLED.get(code)
        level = logging.WARNING if answer is Answer.REFUSED else logging.DEBUG
        _LOG.log(level, "Nova answers %d to %s of port %s", code, event.name, event.port_id)
        if answer:
            self._tell_of(event, answer)

    def _tell_of(self, event: Event, answer: Answer) -> None:
        for told in self._told:
            told(answer, event.name, event.port_id, event.committed_at)

    def _give_up(self, events: Sequence[Event], reason: str) -> None:
        for event in events:
            _LOG.warning(
                "Nova was never told of %s of port %s, instance %s: %s",
                event.name,
                event.port_id,
                event.server_id,
                reason,
            )
            self._tell_of(event, Answer.GIVEN_UP)


class Silence:
    """Tells nobody: `notify_nova_on_port_status_changes = false`."""

    waiting = 0

    def start(self) -> None: ...

    def notify(self, events: Sequence[Event]) -> None: ...

    def close(self, timeout: float) -> None: ...


def _key(event: Event) -> tuple[str, str]:
    return event.server_id, event.port_id


def _doubled(delay: float) -> float:
    return min(2 * delay, _LONGEST_DELAY)
