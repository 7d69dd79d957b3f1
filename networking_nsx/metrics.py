"""Every metric: its name, its labels and what it means. They are an API, as the options are.

No label has more values than its declaration or the configuration names: anything else counts as `other`. So
nothing that NSX or Neutron says makes a series of its own; ids and words are in no label.
"""

from http import HTTPStatus

from prometheus_client.registry import CollectorRegistry

from networking_nsx.model import Answer, Kind, Status, Verdict
from networking_nsx.nsx.requests import NO_ANSWER, PURPOSES
from networking_nsx.series import OTHER, Family, Label, Series, Type


def _counter(name: str, told: str, *labels: Label) -> Family:
    return Family(name, Type.COUNTER, told, labels)


def _gauge(name: str, told: str, *labels: Label) -> Family:
    return Family(name, Type.GAUGE, told, labels)


def _histogram(name: str, told: str, buckets: tuple[float, ...], *labels: Label) -> Family:
    return Family(name, Type.HISTOGRAM, told, labels, buckets)


RUNNER = Label("runner", ("sweep", "settle"))
KIND = Label("kind", tuple(kind.value for kind in Kind))
MANAGER = Label("manager")
# Of Neutron; `other` is any word that no Neutron is known to write.
STATUS = Label("status", ("ACTIVE", "ALLOCATING", "BUILD", "DOWN", "ERROR", "N/A", OTHER))
FROM = Label("from", STATUS.values)
TO = Label("to", tuple(status.value for status in Status))
VERDICT = Label("verdict", tuple(verdict.value for verdict in Verdict))
RESULT = Label("result", ("completed", "failed", "given_up"))
SETTLED_RESULT = Label("result", ("settled", "again", "left"))
ANSWER = Label("result", tuple(answer.replace(" ", "_") for answer in Answer))
# Of errors.py; `other` is a defect of ours.
ERROR = Label(
    "class",
    (
        *("Unavailable", "Throttled", "Malformed", "IndexUnavailable", "CursorExpired", "NotFound"),
        *("PageTooLarge", "Unauthorized", "Rejected", "NsxError", "StoreError", "ConfigurationError", OTHER),
    ),
)
PURPOSE = Label("request", PURPOSES)
CODE = Label("code", (*(str(code.value) for code in HTTPStatus), NO_ANSWER, OTHER))
OPERATION = Label("operation", ("read", "write"))
PLACE = Label("place")  # where evidence is kept

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 75.0)
_SLOW = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

# Sweeps.
SWEEPS = _counter("nsx_sync_sweeps_total", "Sweeps, by how they ended.", RESULT)
SWEEP_DURATION = _histogram(
    "nsx_sync_sweep_duration_seconds", "Duration of complete sweeps, their pauses included.", _SLOW
)
LAST_SWEEP = _gauge("nsx_sync_last_sweep_timestamp_seconds", "When the last complete sweep ended.")
INTERVAL = _gauge("nsx_sync_interval_seconds", "Option state_sync_interval: how long a sweep should take.")
BOUND = _gauge(
    "nsx_sync_staleness_bound_seconds",
    "No status was verified longer ago, at the pace of the last sweep; before it: time since the start.",
)
OLDEST = _gauge(
    "nsx_sync_oldest_unverified_seconds",
    "Age of the look at NSX that the oldest status rests on; before the first sweep: time since the start.",
)
PAGES = _counter("nsx_sync_pages_total", "Pages fetched from NSX.", KIND)
RESTARTS = _counter("nsx_sync_listing_restarts_total", "Listings begun again after a cursor expired.", KIND)

# What the last complete sweep has met.
RESOURCES = _gauge(
    "nsx_sync_resources", "Neutron's rows by status, when they were last compared.", KIND, STATUS
)
OBJECTS = _gauge("nsx_sync_objects", "NSX objects that carry the id of a Neutron row.", KIND)
MISSING = _gauge(
    "nsx_sync_missing_resources",
    "Rows without the NSX object that they should have, and not ERROR yet.",
    KIND,
)
DUPLICATES = _gauge(
    "nsx_sync_duplicate_resources", "Rows with more than one NSX object, where one is expected.", KIND
)
UNSETTLED = _gauge("nsx_sync_unsettled_resources", "Suspicions that need another sweep.", KIND)
ORPHANS = _gauge("nsx_sync_orphan_objects", "NSX objects whose Neutron row does not exist.", KIND)
FOREIGN = _gauge("nsx_sync_foreign_objects", "NSX objects without a tag of ours.", KIND)
MALFORMED = _gauge("nsx_sync_malformed_objects", "NSX objects that could not be read.", KIND)
UNKNOWN = _gauge("nsx_sync_unknown_objects", "NSX objects whose status proves nothing.", KIND)
WORDS = _gauge("nsx_sync_unknown_words", "Different words of NSX that prove nothing; the log has them.", KIND)

# What was done about it.
LOOKS = _counter("nsx_sync_direct_reads_total", "Rows looked at directly, and answered for.", RUNNER, KIND)
ABSENT = _counter("nsx_sync_absences_total", "Rows proven absent from NSX.", KIND)
CHANGES = _counter("nsx_sync_changes_total", "Statuses written to Neutron.", RUNNER, KIND, FROM, TO)
OUTCOMES = _counter(
    "nsx_sync_outcomes_total", "Attempts to write a status, by what became of them.", RUNNER, KIND, VERDICT
)
WRITE_LATENCY = _histogram(
    "nsx_sync_write_latency_seconds", "From what NSX said to the status in Neutron.", _SLOW, RUNNER
)
HELD = _gauge("nsx_sync_held_changes", "Changes held by the brake.", KIND)
RELEASED = _gauge("nsx_sync_brake_released", "1 while an operator's release of the brake stands.", KIND)
SETTLE_WAITING = _gauge("nsx_sync_settle_waiting", "Rows that wait for a direct look between sweeps.")
SETTLED = _counter(
    "nsx_sync_settled_total",
    "Looks between sweeps: settled, to be looked at again, or left to the sweep.",
    SETTLED_RESULT,
)

# Trouble.
ERRORS = _counter("nsx_sync_errors_total", "Errors, those of single rows included.", RUNNER, ERROR)
BACKOFF = _gauge(
    "nsx_sync_backoff_seconds", "Length of the wait after a failure; 0 while all goes well.", RUNNER
)
FAILURES = _gauge("nsx_sync_consecutive_failures", "Requests and sweeps that failed in a row.", RUNNER)

# NSX.
REQUESTS = _counter(
    "nsx_sync_requests_total",
    "Requests to NSX, by HTTP status; none: it has not answered whole.",
    *(MANAGER, PURPOSE, CODE),
)
REQUEST_DURATION = _histogram(
    "nsx_sync_request_duration_seconds",
    "Requests to NSX, from sending to the end of the answer.",
    _FAST,
    *(MANAGER, PURPOSE),
)
IN_FLIGHT = _gauge("nsx_sync_requests_in_flight", "Requests under way.", MANAGER)
BUDGET_WAIT = _counter(
    "nsx_sync_budget_wait_seconds_total", "Time that requests waited for the request budget.", MANAGER
)
BUDGET = _gauge("nsx_sync_request_budget", "Option request_rate: requests per second.", MANAGER)
ALLOWED = _gauge(
    "nsx_sync_request_budget_allowed", "Requests per second that we allow ourselves now.", MANAGER
)
USED = _gauge("nsx_sync_request_budget_used", "Requests of the last second.", MANAGER)
LEFT = _gauge("nsx_sync_request_budget_left", "Requests that might follow in this second.", MANAGER)
CIRCUIT = _gauge("nsx_sync_circuit_open", "1 while a manager is not asked because it failed.", MANAGER)
CIRCUIT_FAILURES = _gauge("nsx_sync_circuit_failures", "Failures of a manager in a row.", MANAGER)
BARRED = _gauge("nsx_sync_account_barred", "1 while a manager is not asked because it refused us.", MANAGER)
BELIEVED = _gauge("nsx_sync_index_believed", "1 while NSX's search index is believed, else 0.")
COMPARED = _counter("nsx_sync_canary_compared_total", "Rows looked up in the search index and directly.")
DISAGREED = _counter("nsx_sync_canary_disagreed_total", "Of those, the rows that count against the index.")
PART = _gauge("nsx_sync_search_part_objects", "Most hits of one query in the last listing of ports.")
CEILING = _gauge("nsx_sync_search_ceiling_objects", "Hits of one query that NSX lets anybody reach.")

# Neutron and Nova.
DATABASE_DURATION = _histogram(
    "nsx_sync_database_duration_seconds",
    "Transactions on Neutron's database, with their repetitions.",
    *(_FAST, OPERATION),
)
NOVA_EVENTS = _counter("nsx_sync_nova_events_total", "Events for Nova, by what became of them.", ANSWER)
NOVA_WAITING = _gauge("nsx_sync_nova_waiting", "Events that Nova has not been told yet.")
NOVA_LATENCY = _histogram(
    "nsx_sync_nova_latency_seconds", "From the status in Neutron to Nova's acknowledgement.", _SLOW
)

# This process.
BUILD = _gauge("nsx_sync_build_info", "1; the labels say what runs.", Label("version"), Label("api"))
REPORT = _gauge("nsx_sync_report_mode", "1 where mode = report: nothing is written.")
PAUSED = _gauge("nsx_sync_paused", "1 while an operator has paused it.")
MAINTENANCE = _gauge(
    "nsx_sync_maintenance", "1 from the start of a maintenance until a sweep has verified all after its end."
)
HANGING = _gauge("nsx_sync_loop_hanging", "1 while a loop hangs, as /healthz tells.", RUNNER)
EVIDENCE_WAITING = _gauge("nsx_sync_evidence_waiting", "Entries of evidence that are not kept yet.", PLACE)
EVIDENCE_LOST = _counter("nsx_sync_evidence_lost_total", "Entries of evidence that never will be.", PLACE)
EVIDENCE_FAILING = _gauge("nsx_sync_evidence_failing", "1 while evidence cannot be written.")

FAMILIES: tuple[Family, ...] = tuple(each for each in globals().values() if isinstance(each, Family))


class Metrics:
    """What is told in `registry`, and a `ports.Metrics` for the edges."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.series = Series(FAMILIES)
        registry.register(self.series)

    def asked(self, manager: str, purpose: str, code: str, seconds: float) -> None:
        self.series.count(REQUESTS, manager, purpose, code)
        self.series.observe(REQUEST_DURATION, seconds, manager, purpose)

    def waited(self, manager: str, seconds: float) -> None:
        self.series.count(BUDGET_WAIT, manager, by=seconds)

    def transacted(self, operation: str, seconds: float) -> None:
        self.series.observe(DATABASE_DURATION, seconds, operation)
