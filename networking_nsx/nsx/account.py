"""An account on NSX, and why it is never locked there.

NSX locks an account for 15 minutes after 5 refusals within 15 minutes. Hence, for what it locks:
- after two refusals in a row, by one manager or by all, there is one more attempt after 5 minutes, then after
  10, then every 15;
- while another manager accepts the account, a manager's second refusal in a row counts for that manager only;
- whatever was accepted meanwhile, no attempt is made that could be the fifth refusal; one whose answer was
  lost may have been refused, unless the account was right before.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from networking_nsx.errors import Unauthorized
from networking_nsx.limiter import Circuit
from networking_nsx.nsx.deadline import Deadline, Unanswered
from networking_nsx.nsx.queue import Queue
from networking_nsx.ports import Clock

LOG = logging.getLogger(__name__)

ATTEMPTS = 2
SOON = 5.0  # seconds within which an attempt ends; one that does not is waited for no longer
_PAUSE = 300.0  # seconds
_WINDOW = 900.0  # seconds within which NSX counts refusals
_MOST = 4  # refusals within it that do not lock


def patience(*, locks: bool) -> Circuit:
    """Opens after as many refusals as no account is locked for; what cannot be locked pauses for seconds."""
    return Circuit(ATTEMPTS, _PAUSE, _WINDOW) if locks else Circuit(ATTEMPTS)


@dataclass(slots=True, eq=False)
class Attempt:
    """Under way."""

    base: str
    began_at: float
    accepted: bool | None = None  # how it ended; None: it told nothing
    unanswered: bool = False  # NSX took it, and may have refused it
    outdated: bool = False  # refused, but there is something newer to show


class _Standing:
    """How an account stands, with one manager or with all together."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.accepts = False  # the last word
        self.refused_at = float("-inf")

    def note(self, attempt: Attempt, now: float) -> bool:
        """Whether nobody is let in for now, because of this attempt."""
        new = attempt.began_at > self.refused_at
        if attempt.accepted is False:
            # Of what was under way when the circuit opened nothing is learnt that is not known already.
            if not new and self.circuit.failures >= ATTEMPTS:
                return False
            self.refused_at = now
        elif not new:
            return False  # it says nothing about what was refused since
        self.circuit.report(now, worked=attempt.accepted)
        if attempt.accepted is not None:
            self.accepts = attempt.accepted
        return attempt.accepted is False and self.circuit.open(now)


class Account:
    """How often the one account that all managers of an NSX know was refused lately."""

    def __init__(self, name: str, clock: Clock, *, locks: bool) -> None:
        """`name`: the options that it comes from. `locks`: each attempt may bring a lock nearer."""
        self.name = name
        self._clock = clock
        self._locks = locks
        self._everywhere = _Standing(patience(locks=locks))
        self._at = defaultdict[str, _Standing](lambda: _Standing(patience(locks=locks)))
        self._refused: list[float] = []  # when, within the window
        self._under_way: list[Attempt] = []
        self._queue = Queue()

    def __repr__(self) -> str:
        return f"Account({len(self._under_way)} under way, {len(self._queue)} wait)"

    def barred(self, base: str) -> bool:
        """Whether that manager is not tried for now, or others are to be tried first."""
        with self._queue.changed:
            return self._barred(base, self._clock.monotonic()) or self._doubted(base)

    @contextmanager
    def attempt(self, base: str, deadline: Deadline) -> Iterator[Attempt]:
        """Raises Unauthorized, instead of trying, while the account is barred; Queued while others try."""
        attempt = self._begun(base, deadline)
        try:
            yield attempt
        except Unanswered:
            attempt.unanswered = True
            raise
        finally:
            self._end(attempt)

    def _begun(self, base: str, deadline: Deadline) -> Attempt:
        with self._queue.changed:
            deadline.queue(self._queue, base, lambda: self._has_room(base, self._clock.monotonic()))
            now = self._clock.monotonic()
            if self._barred(base, now):
                pause = "5 to 15 minutes, lest it be locked" if self._locks else "a minute at most"
                raise Unauthorized(f"{base}: refused, and not tried again for {pause}: check {self.name}")
            for standing in (self._everywhere, self._at[base]):
                standing.circuit.allows(now)  # an open one that does is probed by this attempt
            attempt = Attempt(base, now)
            self._under_way.append(attempt)
            return attempt

    def _barred(self, base: str, now: float) -> bool:
        here = self._at[base]
        if self._everywhere.circuit.open(now) or here.circuit.open(now):
            return True
        if not self._locks:
            return False
        self._refused = [at for at in self._refused if at > now - _WINDOW]
        # The last one is left for those that have not refused.
        most = _MOST - 1 if here.circuit.failures else _MOST
        return len(self._refused) >= most or self._awaits_others(base, now)

    def _awaits_others(self, base: str, now: float) -> bool:
        """Others must be asked first whether the account is still good; but they may never be."""
        return self._doubted(base) and self._vouched(base) and now < self._at[base].refused_at + _PAUSE

    def _doubted(self, base: str) -> bool:
        """It has refused, and nobody has accepted since."""
        return self._at[base].circuit.failures > 0 and self._everywhere.circuit.failures > 0

    def _vouched(self, base: str) -> bool:
        """Whether another manager has accepted the account, and it has not been refused twice since."""
        others = (standing for other, standing in self._at.items() if other != base)
        return self._everywhere.circuit.failures < ATTEMPTS and any(other.accepts for other in others)

    def _has_room(self, base: str, now: float) -> bool:
        """Whether the refusals would still be too few if all that is under way were refused."""
        if self._barred(base, now) or (self._everywhere.accepts and not self._locks):
            return True  # nothing to wait for
        if self._locks and len(self._refused) + len(self._under_way) >= _MOST:
            return False
        failures = self._everywhere.circuit.failures
        young = [attempt.base for attempt in self._under_way if now - attempt.began_at < SOON]
        if base in young and self._vouched(base):
            return False  # its word, then that of another one
        return failures >= ATTEMPTS or failures + len(young) < ATTEMPTS

    def _end(self, attempt: Attempt) -> None:
        now = self._clock.monotonic()
        with self._queue.changed:
            self._under_way.remove(attempt)
            barred = [standing.note(attempt, now) for standing in self._concerned(attempt)]
            if self._locks and self._counts(attempt):
                self._refused.append(now)
            self._queue.changed.notify_all()
        if any(barred):
            LOG.error("NSX refuses %s: not tried again for now (%s)", self.name, attempt.base)

    def _counts(self, attempt: Attempt) -> bool:
        """Whether NSX has counted it as a refusal, or may have."""
        if attempt.unanswered and not self._everywhere.accepts:
            return True
        return attempt.accepted is False or attempt.outdated

    def _concerned(self, attempt: Attempt) -> list[_Standing]:
        here = self._at[attempt.base]
        again = attempt.accepted is False and here.circuit.failures > 0
        return [here] if again and self._vouched(attempt.base) else [here, self._everywhere]
