"""What a run is worth: a line, a row of a table, and what is wrong with it. Pure."""

from collections import Counter
from collections.abc import Iterator

from chaos.run import Outcome

# A run in which one of these did not happen proves nothing.
_NEEDED = (
    *("nsx flip", "nsx vanish", "nsx appear"),
    *(f"user {what}" for what in ("create", "bind", "unbind", "rename", "admin", "wreck", "delete", "serve")),
    *(f"daemon {what}" for what in ("kill", "stop")),
    *(f"database {what}" for what in ("restart", "kill", "read-only")),
    *("connections cut", "connections slowed"),
    *("fault", "requests that met a fault"),
    "complete sweeps",  # those that the judge knows of, from the daemon's log
)
_WRITES = ("network", "router", "port ACTIVE", "port DOWN", "ERROR by absence", "judged in calm")

COLUMNS = (
    "seed",
    "api",
    "minutes",
    "commit",
    "writes",
    "in calm",
    "false",
    "differences",
    "true after",
    "oldest",
)
_ACTS = ("kills", "stops", "database", "network", "faults met")
HEAD = (*COLUMNS, *_ACTS, "memory")


def writes(outcome: Outcome) -> Counter[str]:
    """The synchronizer's writes, by sort."""
    counted: Counter[str] = Counter()
    for one in outcome.writes:
        kind, status = one.write.kind, one.write.new
        counted[kind if kind != "port" else f"port {status}"] += 1
        counted["ERROR by absence"] += one.absence
        counted["judged in calm"] += one.strict
    return counted


def faults(outcome: Outcome) -> Iterator[str]:
    """What is wrong with a run; nothing if it holds all that is promised."""
    for one in outcome.writes:
        if one.fault:
            write = one.write
            what = f"{write.kind} {write.id} {write.old} -> {write.new}"
            yield f"FALSE WRITE {what} at {write.at:.3f}: {one.fault}"
    for (kind, row_id), (status, wanted) in outcome.differing.items():
        yield f"DIFFERENCE {kind} {row_id}: Neutron says {status}, NSX {wanted}"
    if outcome.late_writes:
        yield f"RESTLESS: {outcome.late_writes} writes after all was true"
    yield from (f"ENDED {reason}" for reason in outcome.ended)
    yield from (f"GROWN after {one.seconds:.0f} s: {one.fault}" for one in outcome.growths if one.fault)
    happened = outcome.counts + writes(outcome) + _connections(outcome.counts)
    idle = [name for name in (*_NEEDED, *_WRITES) if not happened[name]]
    if idle:
        yield f"THIS RUN PROVES NOTHING: 0 {', 0 '.join(idle)}"
    if not outcome.growths:
        yield "THIS RUN PROVES NOTHING of growth: no life of the daemon was long enough"


def row(outcome: Outcome, commit: str) -> tuple[str, ...]:
    """The figures of a run, as HEAD names them."""
    plan, counts = outcome.plan, outcome.counts
    oldest = max((one.age for one in outcome.writes if one.strict), default=0.0)
    longest = max(outcome.growths, key=lambda one: one.seconds, default=None)
    memory = f"{longest.memory[0] / 1024:.0f} -> {longest.memory[1] / 1024:.0f} MiB" if longest else "-"
    return (
        *(str(plan.seed), plan.api, f"{plan.minutes:g}", commit),
        *(str(len(outcome.writes)), str(writes(outcome)["judged in calm"])),
        *(str(sum(bool(one.fault) for one in outcome.writes)), str(len(outcome.differing))),
        *(f"{outcome.settled:.1f} s", f"{oldest:.1f} s"),
        *(str(counts["daemon kill"]), str(counts["daemon stop"])),
        *(str(_total(counts, lane)) for lane in ("database ", "network ")),
        *(str(counts["requests that met a fault"]), memory),
    )


def line(outcome: Outcome, commit: str) -> str:
    """All counts of a run, in a line."""
    named = zip(HEAD, row(outcome, commit), strict=True)
    counted = [f"{count} {name}" for name, count in sorted((outcome.counts + writes(outcome)).items())]
    return f"{', '.join(f'{name} {value}' for name, value in named)}; {', '.join(counted)}"


def _connections(counts: Counter[str]) -> Counter[str]:
    return Counter(
        {
            "connections cut": counts["network cut"] + counts["network sever"],
            "connections slowed": counts["network slow"] + counts["network hold"],
        }
    )


def _total(counts: Counter[str], lane: str) -> int:
    return sum(count for name, count in counts.items() if name.startswith(lane))
