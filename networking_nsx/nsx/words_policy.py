"""Every word that NSX Policy has for a status, and the health that it means.

Each word has a line; one that has none proves nothing either. Sources: the enumerations of the vendor's
bindings for NSX 4.2.
"""

from collections.abc import Mapping
from typing import Any

from networking_nsx.model import Health

_UP, _DOWN, _FAILED, _UNKNOWN = Health.UP, Health.DOWN, Health.FAILED, Health.UNKNOWN

PORT_WORDS: Mapping[str | None, Health] = {
    "UP": _UP,
    "DOWN": _DOWN,
    "UNKNOWN": _UNKNOWN,
}  # operational status
STATE_WORDS: Mapping[Any, Health] = {  # configuration state of segments and tier-1 gateways
    "success": _UP,
    "error": _FAILED,
    "failed": _FAILED,  # deprecated, still sent
    "pending": _UNKNOWN,
    "in_progress": _UNKNOWN,
    "in_sync": _UNKNOWN,  # hosts have the configuration, but it is not in effect
    "partial_success": _UNKNOWN,
    "orphaned": _UNKNOWN,
    "unknown": _UNKNOWN,
}
CONSOLIDATED_WORDS: Mapping[Any, Health] = {  # realization of an intent
    "SUCCESS": _UP,
    "ERROR": _FAILED,
    "IN_PROGRESS": _UNKNOWN,
    "UNKNOWN": _UNKNOWN,
    "UNINITIALIZED": _UNKNOWN,
    "SANDBOXED_REALIZATION_PENDING": _UNKNOWN,
}
NODE_WORDS: Mapping[Any, Health] = {  # of a service router on one edge
    "ACTIVE": _UP,
    "DOWN": _DOWN,
    "STANDBY": _UNKNOWN,
    "SYNC": _UNKNOWN,
    "ADMIN_DOWN": _UNKNOWN,
    "UNKNOWN": _UNKNOWN,
}
