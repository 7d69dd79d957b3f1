"""What one pass over one kind has met so far, before it is known to be complete."""

from dataclasses import dataclass, field

from networking_nsx.model import Observation


@dataclass(slots=True)
class Seen:
    """Rows by their ids, objects by their paths."""

    seen: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)  # id -> path, where no complete pass has met it
    several: set[str] = field(default_factory=set)  # ids of rows met on more than one path
    folded: dict[str, dict[str, Observation]] = field(default_factory=dict)  # id -> path -> observation
    waiting: dict[str, Observation] = field(default_factory=dict)  # of ports met on a path that is new
    as_of: float = 0.0

    def fold(self, row_id: str, observation: Observation) -> None:
        """One more object of a row, beside the first one if that still waits."""
        objects = self.folded.setdefault(row_id, {})
        first = self.waiting.pop(row_id, None)
        if first:
            objects[first.path] = first
        objects[observation.path] = observation
