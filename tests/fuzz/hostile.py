"""What a hostile or broken manager might send: real answers with values exchanged, and then bytes."""

import json
from collections.abc import Iterator
from functools import cache

import requests
from hypothesis import strategies as st
from policy_http import POLICY, SEARCH, logged_in

from networking_nsx.simulator import Simulator

# JSON that json.dumps does not write.
_TOKENS = [
    "9" * 5000,
    "-" + "9" * 400,
    "1e400",
    "-0",
    "1E-400",
    "NaN",
    "Infinity",
    "[" * 3000 + "]" * 3000,
    '{"a":' * 3000 + "1" + "}" * 3000,
    '"\\ud800"',
    '"\\u0000\\u001b[2J\\n"',
    '"' + "x" * 20_000 + '"',
    '"' + "9" * 5000 + '"',
    "[" + "1," * 2000 + "1]",
    "",
]
_MARK = "@token "
# Fields that are decoded.
_READ = [
    *(
        "results",
        "result_count",
        "cursor",
        "page_cursor",
        "tags",
        "scope",
        "tag",
        "id",
        "uuid",
        "_href",
        "path",
    ),
    *(
        "unique_id",
        "attachment",
        "_relations",
        "fabric_status",
        "fabric_status_up",
        "vif_uuid",
        "status",
        "state",
    ),
    *("consolidated_status", "segment_path", "tier1_state", "tier1_status", "per_node_status"),
    *("high_availability_status", "logical_port_id", "error_code", "error_message", "related_errors"),
]
_SPECIAL = st.sampled_from(
    ["", "0", "-1", "1", 0, 1, -1, 10**18, True, None, "UP", "success", "ACTIVE", "²", "٣", "../..", "#"]
    + [f"{_MARK}{number}" for number in range(len(_TOKENS))]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | _SPECIAL
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@cache
def answers() -> dict[str, list[object]]:
    """What the simulated managers of each API answer."""
    with Simulator(api="both", networks=1, ports=2, routers=1, edge_routers=1.0) as nsx:
        return {"mh": _of_mh(nsx.urls[0]), "policy": _of_policy(nsx)}


def _of_mh(base: str) -> list[object]:
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{base}/ws.v1/login", data={"username": "admin", "password": "admin"}, timeout=10)
        lists = [
            session.get(f"{base}/ws.v1/{path}&tag_scope=quantum", timeout=10).json()
            for path in (
                "lswitch?relations=LogicalSwitchStatus",
                "lrouter?relations=LogicalRouterStatus",
                "lswitch/*/lport?relations=LogicalPortStatus,LogicalPortAttachment",
            )
        ]
    return [*lists, *(listed["results"][0] for listed in lists)]


def _of_policy(nsx: Simulator) -> list[object]:
    with logged_in(nsx.urls[0]) as session:
        ports = session.json(SEARCH, query="resource_type:LogicalPort")
        segments = session.json(f"{POLICY}/segments")
        gateways = session.json(f"{POLICY}/tier-1s")
        states = [session.json(f"/policy/api/v1{one['path']}/state") for one in gateways["results"]]
        segment = session.json(f"/policy/api/v1{segments['results'][0]['path']}/state")
        listed = session.json(f"{POLICY}/segments/state")
        session.headers["X-XSRF-TOKEN"] = "wrong"
        refused = session.get(f"{POLICY}/segments").json() | {"related_errors": [{"error_code": 98}]}
    return [
        refused,
        ports,
        segments,
        gateways,
        *states,
        segment,
        listed,
        ports["results"][0],
        segments["results"][0],
    ]


@st.composite
def bodies(draw, api: str) -> bytes:
    """An answer of that API with some of its values exchanged, or any JSON; now and then damaged."""
    document = draw(st.sampled_from(answers()[api]) | VALUES)
    for _ in range(draw(st.integers(0, 8))):
        document = _exchanged(document, draw)
    body = _encoded(document)
    return draw(damaged(body)) if draw(st.integers(0, 3)) == 0 else body


@st.composite
def damaged(draw, body: bytes) -> bytes:
    """Cut, doubled, overwritten or filled up at some place."""
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    middle = draw(
        st.sampled_from([b"", 2 * body[start:end], b"\x00", b"\xff\xfe", b"\\ud83d", b'"', b"}"])
        | st.binary()
    )
    return body[:start] + middle + body[end:]


def _exchanged(document, draw):
    """The same with one value exchanged for another one: any value, or one that means something to us."""
    wanted = draw(st.sampled_from([None, *_READ]))
    places = [path for path in _places(document) if wanted in (None, path[-1])]
    return _with(document, draw(st.sampled_from(places)) if places else (), draw(_SPECIAL | VALUES))


def _places(document, path=()) -> Iterator[tuple]:
    inner = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        inner = enumerate(document)
    for key, value in inner:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _with(document, path, value):
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = _with(document[path[0]], path[1:], value)
    return copy


def _encoded(document) -> bytes:
    text = json.dumps(document)
    if _MARK in text:
        for number, token in enumerate(_TOKENS):
            text = text.replace(f'"{_MARK}{number}"', token)
    return text.encode()
