"""The exit codes of all commands, which scripts depend on."""

from collections.abc import Mapping
from enum import IntEnum

from networking_nsx.nsx import checks


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2  # argparse's own
    DIFFERS = 3
    HELD = 4
    NODES = checks.NODES
    CONFIGURATION = checks.CONFIGURATION


OF: Mapping[Exit, str] = {
    Exit.DONE: "all",
    Exit.FAILED: "all",
    Exit.USAGE: "all",
    Exit.DIFFERS: "`diff`",
    Exit.HELD: "`sync once`",
    Exit.NODES: "`check`",
    Exit.CONFIGURATION: "`check`",
}
