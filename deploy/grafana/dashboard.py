"""Makes networking-nsx.json, the dashboard for Grafana, of the tables in panels.py.

Run: python deploy/grafana/dashboard.py. A test fails while the file is not up to date.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from panels import ROWS, Panel, Query

FILE = Path(__file__).with_name("networking-nsx.json")
SCHEMA = 41  # of dashboards, as Grafana 12 writes them; older ones read it as well
WIDTH = 24  # of a row, as Grafana counts it

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_OURS = 'instance=~"$instance"'  # stands where a query has a bare @


def dashboard() -> dict[str, Any]:
    return {
        "title": "networking-nsx",
        "description": "Operational status from VMware NSX in OpenStack Neutron: is it true, how old is it?",
        "uid": "networking-nsx",
        "tags": ["openstack", "neutron", "nsx"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": list(_variables())},
        "annotations": {"list": [_alerts()]},
        "panels": list(_placed()),
    }


def queries() -> Iterator[tuple[str, str]]:
    """The title of a panel and an expression of it, as they are in the file."""
    for panel in (panel for row in ROWS.values() for panel in row):
        for query in panel.queries:
            yield panel.title, _expression(query)


def _expression(query: Query) -> str:
    return query.expression.replace("@", _OURS)


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    yield _labels("job", "Job", "job", several=False)
    yield _labels("instance", "Synchronizer", "instance", several=True)


def _labels(name: str, label: str, of: str, *, several: bool) -> dict[str, Any]:
    """A variable whose values are those of a label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f"label_values(nsx_sync_build_info, {of})", "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **({"allValue": ".*"} if several else {}),
    }


def _alerts() -> dict[str, Any]:
    """Firing alerts, as marks in every plot."""
    return {
        "name": "Alerts",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'ALERTS{{alertname=~"NsxSync.*", alertstate="firing", {_OURS}}}',
        "titleFormat": "{{alertname}}",
    }


def _placed() -> Iterator[dict[str, Any]]:
    """Rows and panels, each in its place."""
    numbers, bottom = count(1), 0
    for title, panels in ROWS.items():
        place = {"x": 0, "y": bottom, "w": WIDTH, "h": 1}
        yield {"id": next(numbers), "type": "row", "title": title, "gridPos": place, "panels": []}
        bottom += 1
        x = height = 0
        for panel in panels:
            if x + panel.width > WIDTH:
                x, bottom, height = 0, bottom + height, 0
            tall = 4 if panel.kind == "stat" else 8
            yield _panel(panel, next(numbers), {"x": x, "y": bottom, "w": panel.width, "h": tall})
            x, height = x + panel.width, max(height, tall)
        bottom += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.told,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": _expression(query),
                "legendFormat": query.legend or "__auto",
                "range": True,
            }
            for at, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    drawn: dict[str, Any] = {"fillOpacity": 10, "showPoints": "never"}
    if panel.stacked:
        drawn["stacking"] = {"mode": "normal", "group": "A"}
    return {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [
            {"type": "value", "options": {number: {"text": word} for number, word in panel.words.items()}}
        ]
        if panel.words
        else [],
        "custom": drawn if panel.kind == "timeseries" else {},
    }


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "textMode": "auto",
    },
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def rendered() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered())
