"""Every option, with its meaning, its bounds and what raising it costs. A file a section."""

from oslo_config import cfg

from networking_nsx.options.nsx import NSX
from networking_nsx.options.sync import SYNC, SYNC_GROUPS

OPTIONS: dict[str, list[cfg.Opt]] = {"nsx": NSX, "nsx_sync": SYNC}

__all__ = ["NSX", "OPTIONS", "SYNC", "SYNC_GROUPS"]
