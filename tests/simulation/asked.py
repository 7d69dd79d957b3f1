"""What each process has asked for: its sweeps, passes over a kind, listings, looks at a row.

Seen from outside, by its requests to NSX and its reads of Neutron's tables.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulation.history import History, Name

_PASSES = 64  # that are remembered of each kind
_ID = re.compile(r"[0-9a-z]+(?:-[0-9a-z]+)+")
_WHOLE = "page_size=1000"  # a list that a look asks for, too, when the kind has been listed already
# By API and kind: where a whole kind is listed, and what the query of such a request has and has not.
_LISTINGS: Mapping[tuple[str, str], Sequence[tuple[str, str, str]]] = {
    ("mh", "network"): [("/ws.v1/lswitch", "tag_scope=quantum", "tag=")],
    ("mh", "router"): [("/ws.v1/lrouter", "tag_scope=quantum", "tag=")],
    ("mh", "port"): [("/ws.v1/lswitch/*/lport", "tag_scope=quantum", "tag=")],
    ("policy", "network"): [
        ("/policy/api/v1/infra/segments", "", " "),
        ("/policy/api/v1/search/query", "resource_type:Segment ", "id:"),  # where their states are not listed
    ],
    ("policy", "router"): [("/policy/api/v1/infra/tier-1s", "", " ")],
    ("policy", "port"): [("/api/v1/search/query", "LogicalPort", "AND")],
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    who: str
    settling: bool  # by the settle runner
    node: int
    method: str
    path: str
    query: str
    at: float  # when it reached NSX, which answered as of then
    wall: float  # what the process's clock showed


@dataclass(frozen=True, slots=True)
class Look:
    """A request that names a row."""

    at: float
    sweep: int  # 0: of the settle runner
    status: bool  # it asks for the status itself


@dataclass(slots=True)
class Pass:
    """Of a sweep over one kind."""

    kind: str
    begin: float
    wall: float
    listed: float | None = (
        None  # when the last page of a listing was there; None: it failed, or there is none
    )
    whole: bool = False  # of a sweep that came to its end
    rows: int = 0  # in scope, when it began
    spent: frozenset[Name] = frozenset()  # of these, what the brake counts as spent
    errors: frozenset[Name] = frozenset()
    worse: set[Name] = field(default_factory=set)  # by its own writes
    absent: set[Name] = field(default_factory=set)
    found: dict[Name, float] = field(default_factory=dict)  # by looks at single rows: when each was last


@dataclass(slots=True)
class Runner:
    """What is known of one process."""

    began: float = float("-inf")  # its sweep at hand
    sweeps: int = 0
    ahead: float = 0.0  # by how much its clock was, at most, in its sweep at hand
    erred: float = float("-inf")  # when NSX refused it something last
    at_hand: Pass | None = None
    passes: dict[str, deque[Pass]] = field(default_factory=dict)  # by kind
    looks: dict[Name, deque[Look]] = field(default_factory=dict)
    # Complete sweeps: when they began and ended, and the bound that they told.
    complete: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=_PASSES))

    def listings(self, kind: str) -> Iterator[Pass]:
        """The passes over this kind that listed it, the last one first."""
        return (each for each in reversed(self.passes.get(kind, ())) if each.listed is not None)

    def looked(self, name: Name, since: float) -> list[Look]:
        return [look for look in self.looks.get(name, ()) if look.at >= since]


class Asked:
    """Of every process."""

    def __init__(self, history: History, api: str) -> None:
        self._history = history
        self._api = api
        self.runners: dict[str, Runner] = {}

    def of(self, who: str) -> Runner:
        return self.runners.setdefault(who, Runner())

    def sweep_began(self, who: str, now: float) -> None:
        runner = self.of(who)
        runner.began, runner.at_hand, runner.ahead = now, None, 0.0
        runner.sweeps += 1

    def sweep_ended(self, who: str, bound: float, now: float) -> None:
        """It was complete."""
        runner = self.of(who)
        runner.complete.append((runner.began, now, bound))
        runner.at_hand = None
        for passes in runner.passes.values():
            for each in passes:
                each.whole |= each.begin >= runner.began

    def pass_began(self, who: str, each: Pass) -> None:
        runner = self.of(who)
        runner.at_hand = each
        runner.ahead = max(runner.ahead, each.wall - each.begin)
        runner.passes.setdefault(each.kind, deque(maxlen=_PASSES)).append(each)

    def arrived(self, question: Question) -> list[Name]:
        """The rows that it names."""
        runner = self.of(question.who)
        number = 0 if question.settling else runner.sweeps
        runner.ahead = max(runner.ahead, question.wall - question.at)
        status = question.path.endswith(("/status", "/state")) or "Status" in question.query
        look = Look(question.at, number, status)
        names = self._names(question)
        for name in names:
            runner.looks.setdefault(name, deque(maxlen=64)).append(look)
        return names

    def answered(self, question: Question, answer: Any, now: float) -> None:
        runner = self.of(question.who)
        if answer.status not in (200, 404) or answer.silent:
            runner.erred = now
        at_hand = runner.at_hand
        if question.settling or at_hand is None:
            return
        self._note_found(question, answer, at_hand)
        if self._lists(question, at_hand.kind):
            sound = answer.status == 200 and answer.cut is None and answer.body.endswith(b"}")
            if sound:
                at_hand.listed = now
            elif _WHOLE not in question.query:
                at_hand.listed = None

    def _lists(self, question: Question, kind: str) -> bool:
        """Whether it is for the whole kind."""
        return any(
            question.path == path and has in question.query and has_not not in question.query
            for path, has, has_not in _LISTINGS[self._api, kind]
        )

    def _note_found(self, question: Question, answer: Any, at_hand: Pass) -> None:
        """An object was found on its path, or by a search that tells of it."""
        if answer.status != 200 or answer.silent:
            return
        for name in self._names(question):
            ids = (name[1], *self._history.objects.get(name, ()))
            if question.path.endswith(ids) or any(each.encode() in answer.body for each in ids):
                at_hand.found[name] = question.at

    def _names(self, question: Question) -> list[Name]:
        """What its last word names; in a query, whatever it names."""
        query = question.query.replace("\\", "")
        known = self._history.names
        asked = [known[word] for word in _ID.findall(query) if word in known]
        words = [known[word] for word in _ID.findall(question.path) if word in known]
        return list(dict.fromkeys(asked or words[-1:]))
