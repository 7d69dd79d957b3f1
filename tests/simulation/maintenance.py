"""What a maintenance promises: nothing gets worse before a complete sweep that began after its end.

Written after docs/how-to/maintenance.md. Its end is by the machine's clock, as an operator has named it.
"""

from typing import TYPE_CHECKING

from simulation.history import Name, Violation
from simulation.meaning import worsens

if TYPE_CHECKING:
    from collections import Counter


class MaintenanceJudge:
    """One maintenance of the whole cloud at a time: who starts later has the note of it, or was told."""

    def __init__(self, judged: "Counter[str]") -> None:
        self._judged = judged
        self._until: float | None = None  # None: there is none, or it was verified
        self._number = 0
        self._verifying: dict[str, int] = {}  # by process: the one that the sweep at hand verifies

    def began(self, until: float) -> None:
        """Or has another end now."""
        self._until = until
        self._number += 1

    def stopped(self, wall: float) -> None:
        if self._until is not None and wall < self._until:
            self.began(wall)

    def sweep_began(self, who: str, wall: float) -> None:
        self._verifying.pop(who, None)
        if self._until is not None and wall >= self._until:
            self._verifying[who] = self._number

    def sweep_ended(self, who: str) -> None:
        """It was complete."""
        if self._verifying.pop(who, None) == self._number and self._until is not None:
            self._until = None
            self._judged["maintenance, verified"] += 1

    def wrote(self, who: str, name: Name, before: str, status: str) -> None:
        if self._until is None:
            return
        self._judged["maintenance"] += 1
        if worsens(before, status):
            raise Violation(
                f"maintenance: {who} made {name} {status}, which was {before}, before that was verified"
            )
