"""What outlives the processes of a machine."""

from networking_nsx.sync.maintenance import Maintenance


class Note:
    """What `maintenance.json` has: of the machine, not of a process."""

    lasts = True

    def __init__(self) -> None:
        self.kept: Maintenance | None = None

    def keep(self, maintenance: Maintenance) -> None:
        self.kept = maintenance

    def forget(self) -> None:
        self.kept = None
