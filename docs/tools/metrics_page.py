"""Keeps docs/reference/metrics.md equal to `networking_nsx.metrics`, with what to do about each metric.

Run: python docs/tools/metrics_page.py. A test fails while the page is not up to date.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from networking_nsx import metrics
from networking_nsx.metrics import FAMILIES
from networking_nsx.series import Family, Label, Type

PAGE = Path(__file__).parents[1] / "reference" / "metrics.md"

_PLACE = re.compile(r"(<!-- metrics -->\n).*?(<!-- end -->)", re.DOTALL)
_MANY = 20  # values of a label; more are not listed

ADVICE: Mapping[Family, str] = {
    metrics.SWEEPS: "Sweeps that fail again and again are an outage of NSX or of the database: the log and "
    "`sync status` name it. A sweep is given up for a pause only.",
    metrics.SWEEP_DURATION: "Compare it with nsx_sync_interval_seconds: where it is longer, statuses get "
    "older than you asked for. Raise request_rate, or the interval.",
    metrics.LAST_SWEEP: "`time() - nsx_sync_last_sweep_timestamp_seconds` is the age of the last look at "
    "everything.",
    metrics.INTERVAL: "A yardstick for the other times.",
    metrics.BOUND: "Alert when it is a multiple of nsx_sync_interval_seconds: statuses may be wrong for "
    "that long.",
    metrics.OLDEST: "It goes up and down with each sweep. Where it only goes up, no sweep comes to its end.",
    metrics.PAGES: "How fast the listing goes. None for longer than an interval: nothing is read.",
    metrics.RESTARTS: "Now and then is harmless. Often: NSX forgets cursors sooner than a listing takes; "
    "make it faster by a larger min_chunk_size.",
    metrics.RESOURCES: "The picture of the cloud. Rows that are not ours to write are counted, too.",
    metrics.OBJECTS: "A sudden fall means that NSX has lost objects, or tells less than it has.",
    metrics.MISSING: "Rows that have no object: `neutron-nsx diff` lists them. They become ERROR once "
    "absence is proven.",
    metrics.DUPLICATES: "`neutron-nsx diff` lists them; remove the object that is too many from NSX.",
    metrics.UNSETTLED: "More than 0 for many sweeps: NSX does not answer for some rows. `neutron-nsx show` "
    "tries one.",
    metrics.ORPHANS: "Objects that Neutron has forgotten: `neutron-nsx diff` lists them. Nothing here "
    "deletes them.",
    metrics.FOREIGN: "Objects of others. Where they ought to be ours, check the tag scopes and "
    "deployment_id.",
    metrics.MALFORMED: "A defect of NSX, or a version that is not known here: report it, with an answer.",
    metrics.UNKNOWN: "These rows keep their statuses. Many: NSX itself does not know (hosts that do not "
    "report).",
    metrics.WORDS: "A new one after an upgrade of NSX: look it up in the log and report it.",
    metrics.LOOKS: "What the requests are spent on besides listings.",
    metrics.ABSENT: "Each has become ERROR. Were they deleted behind Neutron's back?",
    metrics.CHANGES: "The rate at which the cloud changes. ACTIVE to DOWN in numbers: a rack, a host, or a "
    "lie.",
    metrics.OUTCOMES: "`refused` and `blocked` are tried again. `withheld` is report mode, `delayed` a "
    "port that flaps.",
    metrics.WRITE_LATENCY: "How late statuses are, from our side. It has the lag of NSX's search index in "
    "it.",
    metrics.HELD: "More than 0: look at once whether these changes are true, then `neutron-nsx sync "
    "release`. See [the brake](../explanation/brake.md).",
    metrics.RELEASED: "It falls back by itself. While it is 1 the brake holds nothing of that kind.",
    metrics.SETTLE_WAITING: "Some are normal. Thousands: NSX does not answer direct looks.",
    metrics.SETTLED: "`again` far above `settled`: rows that NSX does not answer for, or that others keep "
    "blocked.",
    metrics.ERRORS: "The class says what to do: `networking_nsx/errors.py`. `other` is a defect of ours: "
    "report it with the traceback of the log.",
    metrics.BACKOFF: "It doubles with each failure, up to 64. Nothing is lost meanwhile but time.",
    metrics.FAILURES: "3 and more: NSX or the database is out of order. `neutron-nsx sync status` has the "
    "last error.",
    metrics.REQUESTS: "429: others use the account, or request_rate is too high. 401 and 403: its rights. "
    "`none`: network or manager.",
    metrics.REQUEST_DURATION: "Slow answers of one manager point to it; of all, to NSX.",
    metrics.IN_FLIGHT: "At the option concurrency for long: NSX answers slowly.",
    metrics.BUDGET_WAIT: "Its rate is the number of requests that wait at a time. More than 1: the budget "
    "is what makes sweeps long.",
    metrics.BUDGET: "What the others are compared with.",
    metrics.ALLOWED: "Lower than nsx_sync_request_budget: NSX has complained of too many requests; it "
    "recovers by one each second in which somebody waits.",
    metrics.USED: "For a picture of bursts; `rate(nsx_sync_requests_total[1m])` is the load.",
    metrics.LEFT: "0 for long: see nsx_sync_budget_wait_seconds_total.",
    metrics.CIRCUIT: "A manager that is down. All of them: NSX is not asked, and statuses get old.",
    metrics.CIRCUIT_FAILURES: "The circuit opens at 3.",
    metrics.BARRED: "Check user, password and rights at once: it is tried again after 5 to 15 minutes "
    "only, lest NSX lock the account.",
    metrics.BELIEVED: "0: ports are read one by one, and statuses get older "
    "(nsx_sync_staleness_bound_seconds). The log says why; NSX's search index wants repair. NSX Policy "
    "only.",
    metrics.COMPARED: "None while sweeps complete: nobody watches the index. NSX Policy only.",
    metrics.DISAGREED: "Some are chance. A rate that stays: NSX's search index is broken.",
    metrics.PART: "It stays below nsx_sync_search_ceiling_objects, as listings are cut into parts. Near "
    "it: report it.",
    metrics.CEILING: "The yardstick for nsx_sync_search_part_objects. NSX Policy only.",
    metrics.DATABASE_DURATION: "Slow writes are locks of others; slow reads, a database that is busy.",
    metrics.NOVA_EVENTS: "`given_up` and `refused`: builds of instances fail or wait. The log names the "
    "ports.",
    metrics.NOVA_WAITING: "Growing: Nova does not answer. Builds give up after 300 s.",
    metrics.NOVA_LATENCY: "Time that builds of instances wait for Nova to take the news.",
    metrics.BUILD: "Joins a version to everything else: `* on(instance) group_left(version) "
    "nsx_sync_build_info`.",
    metrics.REPORT: "1 in production: nothing is written, and statuses stay wrong.",
    metrics.MAINTENANCE: "What gets worse is not written meanwhile. 1 for longer than planned: "
    "`neutron-nsx maintenance stop`.",
    metrics.HANGING: "A request or the database holds the loop: the log names what it did last. A "
    "supervisor that asks /healthz starts the daemon anew.",
    metrics.EVIDENCE_WAITING: "Some after many writes are normal. Growing: the disk is slow, or cannot be "
    "written.",
    metrics.EVIDENCE_LOST: "`show` and `timeline` miss these. Statuses are not affected.",
    metrics.EVIDENCE_FAILING: "`neutron-nsx sync status` says why: a full disk, a folder without rights.",
    metrics.PAUSED: "1 for long: somebody has forgotten `neutron-nsx sync resume`.",
}


def refreshed(page: str) -> str:
    """The page with every metric in its place."""
    return _PLACE.sub(lambda place: f"{place[1]}\n{_sections()}\n{place[2]}", page)


def _sections() -> str:
    return "\n".join(map(_section, FAMILIES))


def _section(family: Family) -> str:
    lines = [f"- Type: {family.type}", *map(_label, family.labels)]
    if family.type is Type.HISTOGRAM:
        lines.append(f"- Buckets: {', '.join(f'{bound:g}' for bound in family.buckets)}")
    told = [family.help, "", *lines, f"- What to do with it: {ADVICE[family]}"]
    return "\n".join([f"### {family.name}", "", *told, ""])


def _label(label: Label) -> str:
    listed = ", ".join(f"`{value}`" for value in label.values)
    values = listed if len(label.values) <= _MANY else "HTTP statuses, `none`, `other`"
    return f"- Label `{label.name}`: {values or 'as configured'}"


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text()))
