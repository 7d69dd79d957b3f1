"""What can be asked of an NSX with the Policy API (NSX-T 3, NSX 4 and 9)."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from networking_nsx.errors import Malformed, NotFound, NsxError
from networking_nsx.model import Health, Kind, Observation, Sought
from networking_nsx.nsx.checks import (
    NODES,
    Check,
    Finding,
    Manager,
    certificate,
    clock,
    fail,
    listing,
    ok,
    reachable,
    rights,
    skip,
    warn,
)
from networking_nsx.nsx.decoding import Listing, Reading
from networking_nsx.nsx.listing_policy import PART
from networking_nsx.nsx.listing_ports import DIGITS, PORTS
from networking_nsx.nsx.reader_policy import Reader

_VERSION = "/api/v1/node/version"
_USER = "/policy/api/v1/aaa/user-info"
_LIMITS = "/api/v1/cluster/api-service"
_CLUSTER = "/api/v1/cluster/status"

_KNOWN = ("3", "4", "9")  # major versions; NSX-T 2 has no search API
_SAMPLE = 20  # ports whose status is read directly
_HITS = 100  # looked at for what they carry
_PATIENCE = 15.0  # seconds for the index to catch up with what direct reads say
_PAUSE = 1.0  # seconds between two questions
_RESYNC = "wait until the index is built; if it stays so: `start search resync all` on a manager"


class _Version(Struct):
    product_version: str = ""


class _Role(Struct):
    role: str = ""


class _User(Struct):
    user_name: str = ""
    roles: list[_Role] = []


class _Limits(Struct):
    client_api_rate_limit: int = 0  # 0: none
    client_api_concurrency_limit: int = 0


class _Cluster(Struct):
    status: str = ""
    offline_nodes: list[Any] = []


class _ClusterStatus(Struct):
    mgmt_cluster_status: _Cluster


class _Status(Struct):
    status: str | None = None


class _Hit(Struct):
    id: str = ""
    status: _Status | None = None


_VERSIONS = Reading(_Version, "cursor")
_USERS = Reading(_User, "cursor")
_LIMITED = Reading(_Limits, "cursor")
_CLUSTERS = Reading(_ClusterStatus, "cursor")
_FOUND = Reading(_Hit, "cursor")


def _login(manager: Manager) -> Finding:
    try:
        found = _USERS.one(manager.client.get(_USER).body)
    except NotFound:  # this version does not tell
        found = None
        manager.client.get(_VERSION)
    if found is None:
        return ok("logged in")
    return ok(f"as {found.user_name} ({', '.join(role.role for role in found.roles)})")


def _version(manager: Manager) -> Finding:
    found = _VERSIONS.one(manager.client.get(_VERSION).body)
    version = found.product_version if found else ""
    if version.partition(".")[0] in _KNOWN:
        return ok(f"NSX {version}")
    told = f"NSX {version}" if version else "no version told"
    return warn(f"{told}: {', '.join(_KNOWN)} are known", "see that [nsx] api = policy is what it speaks")


def _limits(manager: Manager) -> Finding:
    """Whether this process keeps within what NSX allows the account on each manager."""
    try:
        found = _LIMITED.one(manager.client.get(_LIMITS).body)
    except NotFound:
        return skip("this version does not tell them")
    if found is None:
        raise Malformed(f"{_LIMITS} cannot be read")
    told = {
        "request_rate": (manager.http.request_rate, found.client_api_rate_limit, "requests a second"),
        "concurrency": (manager.http.concurrency, found.client_api_concurrency_limit, "requests in flight"),
    }
    beyond = {
        f"{option} = {asked}, but NSX allows {allowed} {what}"
        for option, (asked, allowed, what) in told.items()
        if 0 < allowed < asked
    }
    if beyond:
        return warn("; ".join(sorted(beyond)), "lower it below that: other users of the account count, too")
    return ok(", ".join(f"{allowed or 'any number of'} {what}" for _, allowed, what in told.values()))


_GOOD: Mapping[str, bool] = {"STABLE": True, "DEGRADED": False}  # the others do not work


def _health(manager: Manager) -> Finding:
    found = _CLUSTERS.one(manager.client.get(_CLUSTER).body)
    cluster = found.mgmt_cluster_status if found else _Cluster("unreadable")
    offline = len(cluster.offline_nodes)
    detail = f"cluster {cluster.status}" + (f", {offline} nodes offline" if offline else "")
    if cluster.status not in _GOOD:
        return fail(detail, "see `get cluster status` on a manager", NODES)
    if offline or not _GOOD[cluster.status]:
        return warn(detail, "see `get cluster status` on a manager")
    return ok(detail)


def _search(manager: Manager) -> Finding:
    """Whether search finds ports, and says how they are."""
    page = _hits(manager, PORTS, _HITS)
    told = sum(hit.status is not None and hit.status.status is not None for hit in page.things)
    detail = f"{page.total} ports; {told} of {len(page.things)} hits tell their status"
    if not page.things:
        return warn(detail, f"if NSX has ports: {_RESYNC}")
    if not told:
        return fail(detail, "this NSX does not keep statuses in its index: those of ports stay as they are")
    if told < len(page.things):
        return warn(detail, "the status of the others stays as it is")
    return ok(detail)


def _parts(manager: Manager) -> Finding:
    """Whether ports can be found in parts, by how their ids begin: one query reaches 50,000 at most."""
    before = _total(manager, PORTS)
    parts = [_total(manager, f"{PORTS} AND id:{digit}*") for digit in DIGITS]
    after = _total(manager, PORTS)
    detail = f"{before} ports, {sum(parts)} by the beginnings of their ids"
    if min(before, after) <= sum(parts) <= max(before, after):
        return ok(detail)
    if before <= PART:
        return warn(detail, f"no harm is done up to {PART} ports; {_RESYNC}")
    return fail(detail, f"sweeps cannot see all ports; {_RESYNC}", NODES)


def _fields(manager: Manager) -> Finding:
    """Whether a hit can be asked for in part, its status included."""
    page = _hits(manager, PORTS, 1, ("included_fields", "id,status.status,attachment.id"))
    whole = [hit for hit in page.things if hit.id and hit.status and hit.status.status]
    if not page.things:
        return skip("there is no port to try it with")
    if not whole:
        return warn("included_fields loses the status", "none is needed: hits are read whole")
    return ok("included_fields keeps the status")


def _freshness(manager: Manager) -> Finding:
    """Whether the index says of some ports what direct reads say, at once or soon."""
    listed = manager.source.page(Kind.PORT, None, manager.source.page_maximum).observations
    sample = listed[:: max(1, len(listed) // _SAMPLE)][:_SAMPLE]
    if not sample:
        return skip("there is no port of ours to try it with")
    since = manager.clock.monotonic()
    late = differing = _differing(manager, sample)
    while late and manager.clock.monotonic() - since < _PATIENCE:
        manager.clock.sleep(_PAUSE)
        late = _differing(manager, late)
    waited = manager.clock.monotonic() - since
    agree = f"{len(sample) - len(differing)} of {len(sample)} ports agree with direct reads"
    if late:
        ids = ", ".join(one.id for one in late[:3])
        return warn(f"{agree}; {len(late)} do not after {waited:.0f} s: {ids}", f"raise index_lag; {_RESYNC}")
    return ok(f"{agree}, the others after {waited:.0f} s" if differing else agree)


def _differing(manager: Manager, sample: Sequence[Observation]) -> list[Observation]:
    """Those of which the index says now something else than a direct read just before."""
    answers = manager.source.look([Sought(one.key, path=one.path, met=True) for one in sample])
    direct = [(one, _health_of(answer)) for one, answer in zip(sample, answers, strict=True)]
    index = manager.source.index
    indexed = {one.id: one.health for one in (index.find([one.id for one in sample]) if index else ())}
    return [one for one, health in direct if health is not None and indexed.get(one.id) is not health]


def _health_of(answer: Sequence[Observation] | NsxError) -> Health | None:
    """What one object is said to be; None where there is none or several, which is not the index's fault."""
    if isinstance(answer, NsxError):
        raise answer
    return answer[0].health if len(answer) == 1 and answer[0].health is not Health.ABSENT else None


def _hits(manager: Manager, query: str, length: int, *params: tuple[str, str]) -> Listing[_Hit]:
    return _FOUND.page(Reader(manager.client).search(query, 0, length, *params, manager=True).body)


def _total(manager: Manager, query: str) -> int:
    return _hits(manager, query, 1).total or 0


MANAGER = (
    Check("reachable", reachable),
    Check("certificate", certificate, ("reachable",)),
    Check("login", _login, ("certificate",)),
    Check("clock", clock(_VERSION), ("login",)),
    Check("version", _version, ("login",)),
    Check("rights", rights, ("login",)),
    Check("limits", _limits, ("login",)),
    Check("health", _health, ("login",)),
)
NSX = (
    Check("search", _search, ("login",)),
    Check("parts", _parts, ("search",)),
    Check("fields", _fields, ("search",)),
    Check("freshness", _freshness, ("search", "rights")),
    Check("listing", listing, ("login", "rights")),
)
