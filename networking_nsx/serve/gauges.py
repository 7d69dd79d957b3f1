"""What of the metrics is read when somebody asks for them: how everything stands at that moment."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version

from prometheus_client import PlatformCollector, ProcessCollector

from networking_nsx import metrics
from networking_nsx.assemble import Parts
from networking_nsx.evidence.journal import Journal
from networking_nsx.metrics import Metrics
from networking_nsx.model import Kind
from networking_nsx.nsx.node import Node
from networking_nsx.series import Family, Series, Values
from networking_nsx.serve.board import Board
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.views import Health
from networking_nsx.sync.maintenance import Phase


def expose(told: Metrics, parts: Parts, board: Board, desk: Desk) -> None:
    """Let `told` read all that a daemon knows."""
    settings, series = parts.settings, told.series
    series.set(metrics.BUILD, 1, version("networking-nsx"), settings.api)
    series.set(metrics.REPORT, settings.report_only)
    series.set(metrics.INTERVAL, settings.pacing.interval)
    ProcessCollector(registry=told.registry)
    PlatformCollector(registry=told.registry)
    _single(series, metrics.BOUND, lambda: board.bound)
    _single(series, metrics.OLDEST, lambda: board.oldest)
    _single(series, metrics.PAUSED, lambda: desk.state != "running")
    _single(series, metrics.MAINTENANCE, lambda: parts.window.phase is not Phase.NONE)
    _single(series, metrics.SETTLE_WAITING, lambda: desk.waiting)
    _single(series, metrics.NOVA_WAITING, lambda: parts.nova.waiting)
    series.read(metrics.FAILURES, lambda: _failures(board, desk))
    series.read(metrics.HELD, lambda: {(kind.value,): board.now.held.get(kind, 0) for kind in Kind})
    series.read(metrics.RELEASED, lambda: {(kind.value,): parts.brake.is_released(kind) for kind in Kind})
    _of_the_index(series, parts, board)
    _of_managers(series, parts)


def expose_health(told: Metrics, desk: Desk, health: Health) -> None:
    """Let `told` read whether a loop hangs."""
    told.series.read(metrics.HANGING, lambda: _hanging(desk, health))


def expose_evidence(told: Metrics, journal: Journal) -> None:
    """Let `told` read how the keeping of evidence goes."""
    series = told.series
    series.read(metrics.EVIDENCE_WAITING, lambda: _by_place(journal.told()["evidence_waiting"]))
    series.read(metrics.EVIDENCE_LOST, lambda: _by_place(journal.told()["evidence_lost"]))
    _single(series, metrics.EVIDENCE_FAILING, lambda: bool(journal.told()["evidence_error"]))


def _hanging(desk: Desk, health: Health) -> Mapping[Values, float]:
    hanging = {hang.name for hang in health.hangs()}
    return {(runner,): runner in hanging for runner in desk.busy()}


def _by_place(numbers: Mapping[str, float]) -> Mapping[Values, float]:
    return {(place,): number for place, number in numbers.items()}


def _single(series: Series, family: Family, number: Callable[[], float]) -> None:
    """A family without labels."""
    series.read(family, lambda: {(): number()})


def _failures(board: Board, desk: Desk) -> Mapping[Values, float]:
    trouble = board.now.trouble
    return {("sweep",): trouble.requests + trouble.sweeps, ("settle",): desk.tally.failures}


def _of_the_index(series: Series, parts: Parts, board: Board) -> None:
    index = parts.source.index
    if index:
        _single(series, metrics.BELIEVED, lambda: not board.now.distrust)
        _single(series, metrics.PART, lambda: index.largest)
        _single(series, metrics.CEILING, lambda: index.reach)


def _of_managers(series: Series, parts: Parts) -> None:
    nodes, now = parts.client.nodes, parts.clock.monotonic
    readers: Mapping[Family, Callable[[Node], float]] = {  # what is told of each
        metrics.IN_FLIGHT: lambda node: node.in_flight,
        metrics.BUDGET: lambda node: node.limiter.standing(now()).rate,
        metrics.ALLOWED: lambda node: node.limiter.standing(now()).allowed,
        metrics.USED: lambda node: node.limiter.standing(now()).used,
        metrics.LEFT: lambda node: node.limiter.standing(now()).left,
        metrics.CIRCUIT: lambda node: node.circuit.open(now()),
        metrics.CIRCUIT_FAILURES: lambda node: node.circuit.failures,
        metrics.BARRED: lambda node: node.barred(),
    }
    for family, number in readers.items():
        series.read(family, partial(_of_each, nodes, number))


def _of_each(nodes: Sequence[Node], number: Callable[[Node], float]) -> Mapping[Values, float]:
    return {(node.base,): number(node) for node in nodes}
