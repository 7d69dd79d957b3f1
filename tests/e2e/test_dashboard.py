"""Every query of the dashboard for Grafana has data in a real Prometheus that has scraped daemons."""

import math
from collections.abc import Iterator

import dashboard
from prometheus import Prometheus
from scenes import Scene, Trouble
from waiting import wait_for

VARIABLES = {"$instance": ".*", "$job": "networking-nsx", "$__rate_interval": "30s"}


def ups_and_downs(scene: Scene) -> None:
    scene.nova.failure = None
    scene.nsx.set_status("port", "down", fraction=0.05)


DAEMONS = {
    "of NSX-MH": Trouble(
        ups_and_downs,
        set(),
        options={
            "DEFAULT__notify_nova_on_port_status_changes": "true",
            "nova__auth_type": "none",
            "audit_log": "/dev/null",
        },
    ),
    "of NSX Policy": Trouble(ups_and_downs, set(), nsx={"api": "policy"}),
}


def without_data(prometheus: Prometheus, seconds: int) -> Iterator[tuple[str, str]]:
    """Panels and queries that have not come to a number within so many seconds."""
    for title, query in dashboard.queries():
        expression = query
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        if all(map(math.isnan, prometheus.numbers(expression, seconds))):
            yield title, expression


def test_every_query_of_the_dashboard_has_data(stage, prometheus):
    """With its variables filled in, once statuses have changed."""
    with stage.playing(DAEMONS) as scenes:
        for name, scene in scenes.items():
            DAEMONS[name].cause(scene)
        try:
            wait_for(lambda: not list(without_data(prometheus, 60)), 60, pause=2)
        except AssertionError:
            assert list(without_data(prometheus, 60)) == []
