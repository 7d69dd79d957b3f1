"""Was each status that the synchronizer wrote true? Pure: what was recorded goes in, verdicts come out.

The rules of design sections 2, 4 and 5, written a second time; nothing here is the synchronizer's. A write at
`t` is true when all of this holds:

- The row was the synchronizer's to write; ACTIVE went to no port that was unbound, disabled or blocked.
- NSX had what the status says at some moment later than the row's last change by anybody (promise 2), and
  not longer ago than `staleness`: seconds in which nothing held the synchronizer up. What was hindered
  (stopped, cut off, delayed) does not count, nor what a back-off adds to it.
- ERROR for an object that is gone: it was gone at such a moment, and had been gone, or hidden by a fault,
  `proof` seconds before. If it was there in between, no complete sweep lay in that time: it would have seen
  it. And the row had rested for `grace`, as far as its revision tells.

Times are seconds since the epoch. Where the moment of a change is known as an interval only, the write gets
the benefit of the doubt.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

Key = tuple[str, str]  # kind, Neutron id
Words = tuple[str, ...]  # NSX's word for each object of a row; () when it has none


class Entry(NamedTuple):
    """One line of the journal that the database's triggers keep, in the order of the row's locks."""

    at: float
    who: str  # the database user
    kind: str
    id: str
    old: str = ""
    new: str = ""  # "" where no status was touched
    admin_up: bool = True
    bound: bool = True
    ours: bool = True
    blocked: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether it is the row's own line: that of a changed revision has no status."""
        return bool(self.old)

    @property
    def key(self) -> Key:
        return self.kind, self.id


class Change(NamedTuple):
    """What the objects of a row became on NSX, at some moment between `began` and `ended`."""

    kind: str
    id: str
    began: float
    ended: float
    words: Words


class Span(NamedTuple):
    """A time in which NSX may have had these objects."""

    since: float
    until: float
    words: Words


class Law(NamedTuple):
    """What a run promises, in seconds."""

    api: str
    staleness: float
    proof: float
    grace: float
    lag: float = 0.0  # of the search index
    writer: str = "nsx"  # the synchronizer's database user


class Listings(NamedTuple):
    """What could have told that an object is there: complete sweeps, but for times in which NSX hid some."""

    sweeps: Sequence[tuple[float, float]] = ()
    hidden: Sequence[tuple[float, float]] = ()


NOTHING_KNOWN = Listings()


class Judged(NamedTuple):
    write: Entry
    fault: str  # "" for a true write
    age: float  # seconds for which the status was no longer true when it was written
    strict: bool  # nothing held the synchronizer up: all of `staleness` was the clock's
    absence: bool  # ERROR because the object was gone


class _Moments(NamedTuple):
    """When a row was changed last: by anybody, and so that its revision tells."""

    touched: float
    revised: float


_FOREVER = float("inf")

# (kind, the worst word) -> status. The words without an entry prove nothing.
_MEANING = {
    "mh": {
        ("port", "up"): "ACTIVE",
        ("port", "down"): "DOWN",
        ("network", "up"): "ACTIVE",
        ("network", "down"): "DOWN",
        ("router", "up"): "ACTIVE",
        ("router", "down"): "ERROR",
    },
    "policy": {
        ("port", "up"): "ACTIVE",
        ("port", "down"): "DOWN",
        ("port", "error"): "DOWN",
        ("network", "up"): "ACTIVE",
        ("network", "down"): "ERROR",
        ("network", "error"): "ERROR",
        ("router", "up"): "ACTIVE",
        ("router", "down"): "ERROR",
        ("router", "error"): "ERROR",
    },
}
_WORST_FIRST = ("error", "down", "unknown", "in_progress", "up")


def judge(
    entries: Sequence[Entry],
    changes: Iterable[Change],
    hindered: Iterable[tuple[float, float]],
    law: Law,
    listings: Listings = NOTHING_KNOWN,
) -> list[Judged]:
    """Judge every write of the synchronizer. `entries` are in the journal's order."""
    past = spans(changes)
    calm = Calm(hindered)
    touched: dict[Key, float] = defaultdict(float)
    revised: dict[Key, float] = defaultdict(float)
    never = [Span(0.0, _FOREVER, ())]
    verdicts = []
    for entry in entries:
        if entry.who == law.writer and entry.new:
            moments = _Moments(touched[entry.key], revised[entry.key])
            verdicts.append(_judged(entry, past.get(entry.key, never), moments, calm, law, listings))
        touched[entry.key] = entry.at
        if entry.who == law.writer or not entry.is_quiet:
            revised[entry.key] = entry.at
    return verdicts


def meaning(api: str, kind: str, words: Words, *, admin_up: bool = True) -> str | None:
    """The status that a row ought to have; None where NSX says nothing that could be written."""
    if not words:
        return "ERROR"
    status = _MEANING[api].get((kind, worst(words)))
    if status is None or admin_up:
        return status
    return None if kind == "router" else "DOWN"


def worst(words: Words) -> str:
    return min(words, key=_WORST_FIRST.index)


def spans(changes: Iterable[Change]) -> dict[Key, list[Span]]:
    """By row, what its objects may have been, and when. Changes of a row are in their order."""
    by_key: dict[Key, list[Change]] = defaultdict(list)
    for change in changes:
        by_key[change.kind, change.id].append(change)
    return {key: [*_before(same[0]), *map(_span, pairwise([*same, None]))] for key, same in by_key.items()}


class Calm:
    """The time in which nothing held the synchronizer up: all but these intervals."""

    def __init__(self, hindered: Iterable[tuple[float, float]]) -> None:
        self._hindered = _united(hindered)
        self._ends = [end for _, end in self._hindered]

    def before(self, moment: float, seconds: float) -> float:
        """So many calm seconds before this moment."""
        number = bisect_left(self._ends, moment)
        for begin, end in reversed(self._hindered[: number + 1]):
            if begin >= moment:
                continue
            calm = max(0.0, moment - end)
            if calm >= seconds:
                break
            seconds -= calm
            moment = begin
        return moment - seconds


def _before(first: Change) -> list[Span]:
    """Nothing, until the first change. What was there from the beginning began at 0."""
    return [Span(0.0, first.ended, ())] if first.began else []


def _span(pair: tuple[Change | None, Change | None]) -> Span:
    first, following = pair
    assert first
    return Span(first.began, following.ended if following else _FOREVER, first.words)


def _united(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((begin, end))
    return united


def _judged(
    write: Entry, past: Sequence[Span], last: _Moments, calm: Calm, law: Law, listings: Listings
) -> Judged:
    horizon = calm.before(write.at, law.staleness)
    strict = horizon >= write.at - law.staleness - 0.001
    forbidden = _forbidden(write)
    if forbidden:
        return Judged(write, forbidden, 0.0, strict, absence=False)
    said = [span for span in past if span.words and _says(span, write, law)]
    age = _age(said, write.at, max(horizon, last.touched))
    if age is not None:
        return Judged(write, "", age, strict, absence=False)
    if write.new != "ERROR":
        return Judged(write, _unsaid(said, write, last.touched), 0.0, strict, absence=False)
    gone = [span for span in past if not span.words]
    age = _age(gone, write.at, horizon)
    proven = age is not None and _unseen_for(gone, write.at - age, law, listings) >= law.proof
    fault = _too_early(write, last.revised, law) if proven else _not_gone(write, gone, law)
    return Judged(write, fault, age or 0.0, strict, absence=True)


def _unseen_for(gone: Sequence[Span], moment: float, law: Law, listings: Listings) -> float:
    """For how many seconds before this moment, at most, no complete sweep can have seen the object."""
    hidden = [(begin, end + law.lag) for begin, end in listings.hidden]
    unseen = _united([*((span.since, span.until) for span in gone), *hidden])
    since = moment
    for begin, end in reversed([times for times in unseen if times[0] <= moment]):
        if any(began >= end + law.lag and ended <= since for began, ended in listings.sweeps):
            break
        since = begin
    return moment - since


def _forbidden(write: Entry) -> str:
    """Why nothing that NSX says allows this write."""
    if not write.ours:
        return "the row was not ours to write"
    if write.new not in ("ACTIVE", "DOWN", "ERROR"):
        return f"{write.new} is no status of ours"
    if write.kind == "router" and write.new == "DOWN":
        return "a router is never DOWN"
    if write.new == "ACTIVE" and not write.admin_up and write.kind != "router":
        return "the row was disabled"
    if write.new == "ACTIVE" and write.kind == "port" and not write.bound:
        return "the port was not bound"
    if write.new == "ACTIVE" and write.blocked:
        return "a provisioning block stood"
    return ""


def _says(span: Span, write: Entry, law: Law) -> bool:
    return meaning(law.api, write.kind, span.words, admin_up=write.admin_up) == write.new


def _age(spans: Iterable[Span], at: float, since: float) -> float | None:
    """How long before `at` the last of these times ended; None when none reaches into [since, at]."""
    ends = [min(span.until, at) for span in spans if span.since <= at and span.until >= since]
    return at - max(ends) if ends else None


def _unsaid(said: Sequence[Span], write: Entry, touched: float) -> str:
    ends = [span.until for span in said if span.since <= write.at]
    if not ends:
        return f"NSX had never said {write.new}"
    if max(ends) < touched:
        return f"NSX said {write.new} only before the row's last change"
    return f"NSX had not said {write.new} for {write.at - max(ends):.1f} s"


def _not_gone(write: Entry, gone: Sequence[Span], law: Law) -> str:
    if not any(span.since <= write.at for span in gone):
        return "the object had never been gone"
    return f"for less than {law.proof:.1f} s, up to shortly before, no sweep could see the object"


def _too_early(write: Entry, revised: float, law: Law) -> str:
    if write.kind == "port" and not write.bound:
        return "a port that is not bound cannot be missing"
    if write.at - revised < law.grace:
        return f"the row had rested for {write.at - revised:.1f} s only"
    return ""
