"""An operator who works on NSX: a maintenance now and then, in storms only, told to every daemon."""

from collections.abc import Mapping

from networking_nsx.sync.maintenance import Maintenance
from simulation.actors import Act, Actor


class Operator(Actor):
    """Where no daemon runs, the command makes the note itself."""

    seconds = 45.0

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        return {"begins a maintenance": (2, self._begin), "ends a maintenance": (1, self.spare)}

    def _begin(self) -> object:
        if not self.world.stormy:
            return False
        now = self.world.machine.now()
        until = now + self.random.choice((15.0, 40.0, 120.0))
        for process in self.world.processes.values():
            process.window.start(until, "work")
        self.world.machine.note.keep(Maintenance(now, until, "work"))
        self.world.oracle.maintenance.began(until)
        return True

    def spare(self) -> object:
        """End it now."""
        now, kept = self.world.machine.now(), self.world.machine.note.kept
        if kept is None:
            return False
        for process in self.world.processes.values():
            process.window.stop()
        if self.world.machine.note.kept and now < kept.until:
            self.world.machine.note.keep(kept._replace(until=now))
        self.world.oracle.maintenance.stopped(now)
        return True
