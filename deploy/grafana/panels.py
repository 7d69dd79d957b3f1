"""The rows of the dashboard: panels and their queries. A bare @ stands for the chosen instances."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Query(NamedTuple):
    expression: str
    legend: str = ""


class Panel(NamedTuple):
    title: str
    queries: Sequence[Query]
    told: str  # what it shows, for whoever points at it
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    words: Mapping[str, str] = {}  # for numbers that are no amounts
    bad: float | None = None  # from here on it is red
    stacked: bool = False


def _stat(title: str, expression: str, told: str, **how: Any) -> Panel:
    return Panel(title, [Query(expression)], told, kind="stat", width=4, **how)


def _quantiles(metric: str, by: str) -> list[Query]:
    """The middle and the slowest of what a histogram has."""
    labels = f", {by}" if by else ""
    legend = f" {{{{{by}}}}}" if by else ""
    return [
        Query(
            f"histogram_quantile({quantile}, "
            f"sum by (le{labels}) (rate({metric}_bucket{{@}}[$__rate_interval])))",
            f"{name}{legend}",
        )
        for quantile, name in ((0.5, "half"), (0.99, "99 %"))
    ]


def _rate(metric: str, *by: str, only: str = "") -> Query:
    labels = ", ".join(by)
    inside = f"@, {only}" if only else "@"
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return Query(f"sum by ({labels}) (rate({metric}{{{inside}}}[$__rate_interval]))", legend)


_TRUE = (
    _stat(
        "Oldest status",
        "max(nsx_sync_oldest_unverified_seconds{@})",
        "Age of the look at NSX that the oldest status rests on.",
        unit="s",
    ),
    _stat(
        "Staleness bound",
        "max(nsx_sync_staleness_bound_seconds{@} / nsx_sync_interval_seconds{@})",
        "How old a status can be, in multiples of state_sync_interval. Up to two is normal.",
        bad=3,
    ),
    _stat(
        "Held by the brake",
        "sum(nsx_sync_held_changes{@})",
        "Changes that wait until a sample of direct reads agrees, or an operator.",
        bad=1,
    ),
    _stat(
        "Missing from NSX",
        "sum(nsx_sync_missing_resources{@})",
        "Rows without the NSX object that they should have, and not ERROR yet.",
        bad=1,
    ),
    _stat("Failures in a row", "max(nsx_sync_consecutive_failures{@})", "Of requests and sweeps.", bad=1),
    Panel(
        "Kept from writing",
        [
            Query("max(nsx_sync_report_mode{@})", "report mode"),
            Query("max(nsx_sync_paused{@})", "paused"),
            Query("max(nsx_sync_maintenance{@})", "maintenance"),
        ],
        "By an operator.",
        kind="stat",
        width=4,
        words={"0": "no", "1": "yes"},
        bad=1,
    ),
    Panel(
        "Staleness",
        [
            Query("nsx_sync_oldest_unverified_seconds{@}", "oldest status {{instance}}"),
            Query("nsx_sync_staleness_bound_seconds{@}", "bound {{instance}}"),
            Query("nsx_sync_interval_seconds{@}", "state_sync_interval {{instance}}"),
        ],
        "How old statuses are, how old they can get at the pace of the last sweep, and what was asked for.",
        unit="s",
    ),
    Panel(
        "Differences that stand",
        [
            Query("sum by (kind) (nsx_sync_held_changes{@})", "held {{kind}}"),
            Query("sum by (kind) (nsx_sync_missing_resources{@})", "missing {{kind}}"),
            Query("sum by (kind) (nsx_sync_unsettled_resources{@})", "unsettled {{kind}}"),
            Query("sum by (kind) (nsx_sync_duplicate_resources{@})", "duplicate {{kind}}"),
            Query("sum by (kind) (nsx_sync_orphan_objects{@})", "orphan {{kind}}"),
        ],
        "What Neutron and NSX do not agree on, as the last sweep has left it.",
    ),
    Panel(
        "What proves nothing",
        [
            Query("sum by (kind) (nsx_sync_unknown_objects{@})", "unknown {{kind}}"),
            Query("sum by (kind) (nsx_sync_malformed_objects{@})", "malformed {{kind}}"),
            Query("sum by (kind) (nsx_sync_unknown_words{@})", "words {{kind}}"),
            Query("sum by (kind) (nsx_sync_foreign_objects{@})", "foreign {{kind}}"),
        ],
        "NSX objects whose status is unknown, or that cannot be read; and those of others.",
    ),
    Panel(
        "Search index (NSX Policy)",
        [
            Query("nsx_sync_index_believed{@}", "believed {{instance}}"),
            Query(
                "sum(rate(nsx_sync_canary_disagreed_total{@}[$__rate_interval]))"
                " / (sum(rate(nsx_sync_canary_compared_total{@}[$__rate_interval])) > 0)",
                "share of samples that disagree",
            ),
            Query(
                "nsx_sync_search_part_objects{@} / nsx_sync_search_ceiling_objects{@}",
                "largest search, of what NSX shows {{instance}}",
            ),
        ],
        "Whether it is believed, how often direct reads contradict it, how near a search is to its ceiling.",
        unit="percentunit",
    ),
)
_CHANGES = (
    Panel(
        "Neutron's rows by status",
        [Query("sum by (kind, status) (nsx_sync_resources{@})", "{{kind}} {{status}}")],
        "When they were last compared with NSX.",
        stacked=True,
        width=12,
    ),
    Panel(
        "Statuses written",
        [
            Query(
                "sum by (kind, from, to) (rate(nsx_sync_changes_total{@}[$__rate_interval]))",
                "{{kind}} {{from}} to {{to}}",
            )
        ],
        "A second, by what they were and are.",
        unit="cps",
        width=12,
    ),
    Panel(
        "What became of changes",
        [_rate("nsx_sync_outcomes_total", "verdict")],
        "Written, or why not: refused, blocked, delayed (flapping), withheld (report mode), gone.",
        unit="cps",
    ),
    Panel(
        "From NSX's word to Neutron's row",
        _quantiles("nsx_sync_write_latency_seconds", "runner"),
        "How long what NSX says takes into Neutron. Most of it is the wait for the next sweep.",
        unit="s",
    ),
    Panel(
        "Single rows",
        [
            Query("nsx_sync_settle_waiting{@}", "wait for a look {{instance}}"),
            _rate("nsx_sync_settled_total", "result"),
            Query("sum by (kind) (rate(nsx_sync_absences_total{@}[$__rate_interval]))", "absent {{kind}}"),
        ],
        "Looked at between sweeps, and proven absent.",
    ),
)
_NSX = (
    Panel(
        "Requests",
        [_rate("nsx_sync_requests_total", "manager", "code")],
        "By manager and HTTP status; none: no answer.",
        unit="reqps",
    ),
    Panel(
        "Duration of requests",
        _quantiles("nsx_sync_request_duration_seconds", "request"),
        "From sending to the end of the answer.",
        unit="s",
    ),
    Panel(
        "Request budget",
        [
            Query("sum by (manager) (nsx_sync_request_budget_used{@})", "used {{manager}}"),
            Query("sum by (manager) (nsx_sync_request_budget_left{@})", "left {{manager}}"),
            Query("sum by (manager) (nsx_sync_request_budget_allowed{@})", "allowed {{manager}}"),
            Query("sum by (manager) (nsx_sync_request_budget{@})", "request_rate {{manager}}"),
        ],
        "Requests a second. What is allowed is less than request_rate after NSX has asked for fewer.",
        unit="reqps",
    ),
    Panel(
        "Waiting for the budget",
        [_rate("nsx_sync_budget_wait_seconds_total", "manager")],
        "Requests that wait at a time, on average. More than one: request_rate is in the way.",
    ),
    Panel(
        "Managers in trouble",
        [
            Query("max by (manager) (nsx_sync_circuit_open{@})", "not asked {{manager}}"),
            Query("max by (manager) (nsx_sync_circuit_failures{@})", "failures in a row {{manager}}"),
            Query("max by (manager) (nsx_sync_account_barred{@})", "refuses us {{manager}}"),
            Query("max by (runner) (nsx_sync_backoff_seconds{@})", "back-off {{runner}} (s)"),
        ],
        "All 0 while all goes well.",
    ),
    Panel(
        "Errors",
        [_rate("nsx_sync_errors_total", "runner", "class")],
        "By class; what each means: errors.py. StoreError is Neutron's database.",
        unit="cps",
    ),
    Panel(
        "Pages and direct reads",
        [
            Query("sum by (kind) (rate(nsx_sync_pages_total{@}[$__rate_interval]))", "pages {{kind}}"),
            Query(
                "sum by (runner, kind) (rate(nsx_sync_direct_reads_total{@}[$__rate_interval]))",
                "{{runner}} reads {{kind}}",
            ),
            Query("sum(rate(nsx_sync_listing_restarts_total{@}[$__rate_interval]))", "listings begun again"),
        ],
        "What is asked of NSX.",
        unit="reqps",
    ),
    Panel(
        "Requests under way",
        [Query("sum by (manager) (nsx_sync_requests_in_flight{@})", "{{manager}}")],
        "NSX refuses more than 40 of an account.",
    ),
)
_NEUTRON = (
    Panel(
        "Transactions",
        [
            _rate("nsx_sync_database_duration_seconds_count", "operation"),
            *_quantiles("nsx_sync_database_duration_seconds", "operation"),
        ],
        "On Neutron's database: a second, and how long they take (s).",
    ),
    Panel(
        "Events for Nova",
        [
            _rate("nsx_sync_nova_events_total", "result"),
            Query("nsx_sync_nova_waiting{@}", "waiting {{instance}}"),
        ],
        "What became of them, a second; and those that Nova has not taken yet.",
    ),
    Panel(
        "From Neutron's row to Nova's answer",
        _quantiles("nsx_sync_nova_latency_seconds", ""),
        "A server that is built waits for it.",
        unit="s",
    ),
)
_PROCESS = (
    Panel(
        "Sweeps",
        [_rate("nsx_sync_sweeps_total", "result")],
        "Given up: paused, or stopped.",
        unit="cps",
        width=6,
    ),
    Panel(
        "Duration of sweeps",
        _quantiles("nsx_sync_sweep_duration_seconds", ""),
        "Their pauses included.",
        unit="s",
        width=6,
    ),
    Panel(
        "Processor",
        [Query('rate(process_cpu_seconds_total{@, job="$job"}[$__rate_interval])', "{{instance}}")],
        "Of one core.",
        unit="percentunit",
        width=6,
    ),
    Panel(
        "Memory",
        [Query('process_resident_memory_bytes{@, job="$job"}', "{{instance}}")],
        "Grows with the number of rows, not with time.",
        unit="bytes",
        width=6,
    ),
    Panel(
        "What runs",
        [Query("nsx_sync_build_info{@}", "{{instance}}: {{version}}, API {{api}}")],
        "Versions and the API that is read.",
        kind="stat",
        width=12,
    ),
    Panel(
        "Evidence",
        [
            Query("nsx_sync_evidence_waiting{@}", "wait {{instance}} {{place}}"),
            Query("rate(nsx_sync_evidence_lost_total{@}[$__rate_interval])", "lost {{instance}} {{place}}"),
        ],
        "What was written and why, on its way to the disk.",
        width=12,
    ),
)
ROWS: Mapping[str, Sequence[Panel]] = {
    "Is it true?": _TRUE,
    "What changes": _CHANGES,
    "NSX": _NSX,
    "Neutron and Nova": _NEUTRON,
    "The process": _PROCESS,
}
