"""Where commands are taken: paused or not, what to release, which row to look at; what the daemon is doing.

Commands come from another thread than the runners'. They touch nothing of the heart but its schedule, which
threads may share: they are noted here, and the runner's own thread acts on them when it comes to the gate.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from networking_nsx.evidence.journal import NOWHERE, Journal
from networking_nsx.model import Key, Kind
from networking_nsx.ports import Clock
from networking_nsx.serve import maintenance
from networking_nsx.serve.board import Board
from networking_nsx.serve.passage import Barrier, Passage
from networking_nsx.serve.protocol import Command, Refused, Request
from networking_nsx.serve.tally import Inquiry, Tally
from networking_nsx.sync.brake import Brake
from networking_nsx.sync.maintenance import Phase, Window
from networking_nsx.sync.settle import FIRST, Schedule

_LOG = logging.getLogger(__name__)


class Desk:
    """A `runner.Gate` that commands close and open, and with it the one of the settle runner, `settling`."""

    def __init__(
        self,
        facts: Mapping[str, Any],
        board: Board,
        brake: Brake,
        clock: Clock,
        schedule: Schedule,
        window: Window,
        journal: Journal = NOWHERE,
    ) -> None:
        """`facts` are what does not change while the daemon runs."""
        self.tally = Tally(schedule)
        self._facts = facts
        self._board = board
        self._brake = brake
        self._clock = clock
        self._schedule = schedule
        self._window = window
        self._journal = journal
        self._barrier = Barrier(clock)
        self._sweeping = self._barrier.passage()
        self._settling: Passage | None = None
        self._lock = threading.Lock()
        self._for_the_brake: list[Callable[[], None]] = []  # in the order of the commands

    # The gates, for the runners' threads.
    def wait(self, seconds: float) -> bool:
        return self._sweeping.wait(seconds)

    def enter(self) -> None:
        self._sweeping.enter()
        with self._lock:
            commanded, self._for_the_brake = self._for_the_brake, []
        for act in commanded:
            act()

    def settling(self) -> Passage:
        """The gate of the settle runner; a hint ends a wait there."""
        self._settling = self._barrier.passage()
        return self._settling

    def busy(self) -> dict[str, float | None]:
        """Since when each runner is at one step, in monotonic seconds; None while it waits at its gate."""
        gates = {"sweep": self._sweeping, "settle": self._settling}
        return {name: gate.busy_since for name, gate in gates.items() if gate}

    def stop(self) -> None:
        """Keep nobody waiting any longer."""
        self._barrier.stop()

    # Hints and commands, for any thread.
    def hint(self, key: Key, after: float = FIRST, /) -> bool:
        """Have this row looked at in so many seconds. False when too many wait already."""
        taken = self._schedule.hint(key, after)
        if self._settling:
            self._settling.ring()
        return taken

    def planned(self, key: Key) -> float | None:
        """Seconds until this row is looked at by itself; None: the next sweep does."""
        return self._schedule.planned(key)

    @property
    def waiting(self) -> int:
        """Rows that wait to be looked at."""
        return len(self._schedule)

    @property
    def state(self) -> str:
        """`pausing` until the steps at hand have ended."""
        return self._barrier.state

    @contextmanager
    def asking(self, key: Key) -> Iterator[Inquiry | None]:
        """Have this row looked at now, and follow it until the end of the block; None when too many wait."""
        with self.tally.asking(key) as inquiry:
            taken = self.hint(key, 0.0)
            _LOG.info("command key: %s %s", *key)
            self._journal.happened("command", f"key: {key.kind} {key.id}")
            yield inquiry if taken else None

    @property
    def is_written(self) -> bool:
        """Whether a write to Neutron is at hand."""
        return self._window.is_written

    def carry_out(self, request: Request) -> dict[str, Any]:
        """What came of it, as JSON. Raises Refused, StateError."""
        result = _COMMANDS[request.command](self, request)
        did = result.get("did")
        _LOG.info("command %s: %s", request.command, did or self.state)
        if did:
            self._journal.happened("command", f"{request.command}: {did}")
        return result

    def told(self) -> dict[str, Any]:
        """What the daemon is doing, as JSON. Moments are seconds since the epoch."""
        told = {**self._facts, **self._standing(), **self._board.told(), **self.tally.told()}
        told |= maintenance.told(self._window) | self._journal.told()
        if self.state == "paused":  # the sweep at hand was given up
            told |= dict.fromkeys(name for name in told if name.startswith("sweep_"))
        return told

    def _status(self, _request: Request) -> dict[str, Any]:
        return self.told()

    def _pause(self, _request: Request) -> dict[str, Any]:
        new = self._barrier.pause()
        did = "no step follows the one at hand until `resume`" if new else "it was paused already"
        return {"did": did, **self._standing()}

    def _resume(self, _request: Request) -> dict[str, Any]:
        paused = self._barrier.resume()
        return {"did": "a new sweep begins" if paused else "it was not paused", **self._standing()}

    def _release(self, request: Request) -> dict[str, Any]:
        """Only what is held: a kind without would be open for whatever the next sweep brings."""
        if self._window.phase is Phase.HOLDING:
            raise Refused("a maintenance holds; end it first: neutron-nsx maintenance stop")
        held = self._board.now.held
        released = [kind for kind in request.kinds or Kind if held.get(kind)]
        at = self._clock.monotonic()
        with self._lock:
            self._for_the_brake += [partial(self._brake.release, kind, at) for kind in released]
        what = ", ".join(f"{kind} {held[kind]}" for kind in released)
        did = f"the next sweep writes what is held: {what}" if what else "nothing is held there"
        return {"did": did, "released": [kind.value for kind in released], **self._standing()}

    def _maintain(self, request: Request) -> dict[str, Any]:
        result = maintenance.carry_out(request, self._window, self._clock.now())
        if request.command is Command.MAINTENANCE_START:
            # Otherwise a release would be kept for all that gets worse until its end.
            with self._lock:
                self._for_the_brake.append(self._brake.withdraw)
        return result

    def _standing(self) -> dict[str, Any]:
        return {"state": self.state, "paused_since": self._barrier.paused_since}


_COMMANDS: Mapping[Command, Callable[[Desk, Request], dict[str, Any]]] = {
    Command.STATUS: Desk._status,  # noqa: SLF001
    Command.PAUSE: Desk._pause,  # noqa: SLF001
    Command.RESUME: Desk._resume,  # noqa: SLF001
    Command.RELEASE: Desk._release,  # noqa: SLF001
    Command.MAINTENANCE_START: Desk._maintain,  # noqa: SLF001
    Command.MAINTENANCE_STOP: Desk._maintain,  # noqa: SLF001
}
