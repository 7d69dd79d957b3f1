"""What the listeners tell the metrics, step by step."""

from cloud import HandClock
from prometheus_client import CollectorRegistry

from networking_nsx.meters import Sweeping
from networking_nsx.metrics import Metrics
from networking_nsx.model import Kind, Progress


def test_resources_of_a_kind_are_those_of_its_last_pass():
    """0, once the last of them is deleted; a step in the middle of a pass changes nothing."""
    metrics = Metrics(CollectorRegistry())
    sweeping = Sweeping(metrics.series, HandClock())
    seen = []
    for statuses in ({"ACTIVE": 2}, None, {}):
        sweeping.began()
        sweeping.progressed(Progress(Kind.ROUTER, {}, statuses=statuses))
        labels = {"kind": "router", "status": "ACTIVE"}
        seen.append(metrics.registry.get_sample_value("nsx_sync_resources", labels))

    assert seen == [2, 2, 0]
