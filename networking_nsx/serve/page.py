"""The status page: what the daemon does, for whoever looks. It asks NSX nothing and changes nothing.

Whatever fails or is frozen comes first. No script, nothing from elsewhere. Everything that NSX or Neutron has
named is escaped.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from networking_nsx.errors import StoreError
from networking_nsx.model import Kind
from networking_nsx.neutron.census import BAD, By, Group
from networking_nsx.ports import Clock
from networking_nsx.serve import page_text
from networking_nsx.serve.health import Hang
from networking_nsx.serve.page_census import Counter
from networking_nsx.serve.page_history import Changes, Minutes
from networking_nsx.serve.page_plot import HEIGHT, SERIES, WIDTH, figures, plot
from networking_nsx.serve.page_trouble import Sight, state, troubles
from networking_nsx.serve.plain import plain
from networking_nsx.serve.web import View

_GROUPS = 10  # hosts and segments that are listed
_MANY = 0.5  # of the ports that are DOWN: a group that has more is named in a sentence
_FEW = 3  # of which nobody need be told where most are
_LONGEST = 255  # characters of an id
_FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}


class Watched(NamedTuple):
    """What the page is made of."""

    told: Callable[[], Mapping[str, Any]]  # as `sync status` has it
    hangs: Callable[[], Sequence[Hang]]
    minutes: Minutes
    changes: Changes
    counter: Counter
    interval: float
    clock: Clock


class Most(NamedTuple):
    """The group that has most of the ports that are DOWN."""

    group: str
    down: int
    all: int
    preposition: str


class Page:
    """`/`, and with `?id=` one resource; and the files that they need."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._templates = Environment(
            loader=PackageLoader("networking_nsx.serve"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_plain,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            name: getattr(page_text, name)
            for name in ("moment", "clock", "machine", "span", "number", "count")
        }
        self._templates.filters["statuses"] = _statuses

    def views(self) -> Mapping[str, View]:
        return {"/": self._page, **{f"/{name}": _file(name) for name in _FILES}}

    def _page(self, request: Request) -> Response:
        row_id = request.args.get("id", "").strip()[:_LONGEST]
        return self._resource(row_id) if row_id else self._overview()

    def _overview(self) -> Response:
        watched = self._watched
        minutes, counted = watched.minutes.last(), watched.counter.counted()
        return self._rendered(
            "overview.html",
            plots=[plot(series, minutes) for series in SERIES],
            plot_size=(WIDTH, HEIGHT),
            minutes=minutes,
            figures=figures(minutes),
            counted=counted,
            groups=[(by.value, counted.down.get(by, ())) for by in (By.HOST, By.SEGMENT)],
            most=[most for by in (By.HOST, By.SEGMENT) if (most := _most(by, counted.down.get(by, ())))],
            groups_shown=_GROUPS,
            changes=watched.changes.last(),
            kinds=list(Kind),
        )

    def _resource(self, row_id: str) -> Response:
        try:
            rows, error = self._watched.counter.rows(row_id), ""
        except StoreError as failed:
            rows, error = [], str(failed)
        code = 503 if error else 200 if rows else 404
        changes = self._watched.changes.last(row_id)
        return self._rendered("resource.html", code, row_id=row_id, rows=rows, error=error, changes=changes)

    def _rendered(self, template: str, code: int = 200, **values: Any) -> Response:
        watched = self._watched
        sight = Sight(watched.told(), watched.hangs(), watched.interval, watched.clock.now())
        found = troubles(sight)
        word, look = state(sight, found)
        page = self._templates.get_template(template).render(
            told=sight.told, now=sight.now, troubles=found, state=word, look=look, **{"row_id": "", **values}
        )
        return Response(page, code, mimetype="text/html")


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> View:
    content = files("networking_nsx.serve").joinpath("templates", name).read_bytes()

    def show(_request: Request) -> Response:
        return Response(content, mimetype=_FILES[name])

    return show


def _statuses(rows: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The statuses that there are: good ones, bad ones, others; none while nothing has been counted."""
    there = {status for counts in rows.values() for status in counts}
    usual = [status for status in ("ACTIVE", *reversed(BAD)) if there]
    return [*usual, *sorted(there - set(usual))]


def _most(by: By, groups: Sequence[Group]) -> Most | None:
    total = sum(group.bad for group in groups)
    if total < _FEW or groups[0].bad <= _MANY * total:
        return None
    first = groups[0]
    return Most(first.name or first.id or "none", first.bad, total, "on" if by is By.HOST else "of segment")
