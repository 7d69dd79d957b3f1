"""How the Policy and Manager APIs say what the inventory calls up, down, unknown, in_progress and error."""

PORT = {"up": "UP", "down": "DOWN", "unknown": "UNKNOWN", "in_progress": "UNKNOWN", "error": "DOWN"}

# What shows of an object before any host has reported its status.
FIRST = {"network": "in_progress", "router": "in_progress", "port": "unknown"}

# Of a segment, a logical switch and a tier-1 without an edge cluster: `state`.
STATE = {
    "up": "success",
    "down": "failed",
    "unknown": "unknown",
    "in_progress": "in_progress",
    "error": "error",
}
# Of the same objects: `consolidated_status`.
CONSOLIDATED = {
    "up": "SUCCESS",
    "down": "ERROR",
    "unknown": "UNKNOWN",
    "in_progress": "IN_PROGRESS",
    "error": "ERROR",
}
# What NSX was told about a port has reached its host, whether the link is up or not.
PORT_CONSOLIDATED = CONSOLIDATED | {"down": "SUCCESS", "unknown": "SUCCESS"}

# Of a tier-1 with an edge cluster: the `high_availability_status` of its two nodes, and its `state`.
NODES = {
    "up": ("ACTIVE", "STANDBY"),
    "down": ("DOWN", "DOWN"),
    "unknown": ("UNKNOWN", "UNKNOWN"),
    "in_progress": ("SYNC", "SYNC"),
    "error": ("UNKNOWN", "UNKNOWN"),
}
EDGE_STATE = dict.fromkeys(NODES, "success") | {"error": "error"}
EDGE_CONSOLIDATED = dict.fromkeys(NODES, "SUCCESS") | {"error": "ERROR"}

# What is told where an object has an error and nobody has given another reason.
REASON = "The configuration could not be realized"

# `state` of a realized entity, by `consolidated_status`; the others are not realized yet.
REALIZED = {"SUCCESS": "REALIZED", "ERROR": "ERROR", "UNKNOWN": "UNAVAILABLE"}
