"""The faults that are armed, and which of them a request meets.

Promises: a fault lets `after` matching requests pass, then affects `count` of them, whatever the
number of threads; `fired` counts only requests that were really affected.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from networking_nsx.simulator.exchange import Answer, Page, Request
from networking_nsx.simulator.fault_kinds import Fault, Site, api_of
from networking_nsx.simulator.fault_table import CHOICES, FAULTS
from networking_nsx.simulator.inventory import Refused

_COMMON: dict[str, tuple[type, ...]] = {
    "match": (str,),
    "query": (str,),
    "after": (int,),
    "count": (int, type(None)),
    "node": (int, type(None)),
}
_LOGINS = ("/login", "/session/create")  # how the path of a login ends


class Rule:
    """An armed fault and what became of it."""

    def __init__(self, fault: Fault, lock: threading.Lock) -> None:
        self.fault = fault
        self.seen = 0  # matching requests
        self.fired = 0  # affected requests
        self._lock = lock

    @property
    def on(self) -> bool:
        """Whether the next matching request is affected."""
        return self.seen >= self.fault.after and not self.spent

    @property
    def spent(self) -> bool:
        return self.fault.count is not None and self.fired >= self.fault.count

    def claim(self) -> bool:
        """Count one effect, unless others have used them up."""
        with self._lock:
            if self.spent:
                return False
            self.fired += 1
            return True

    def summary(self) -> dict[str, Any]:
        fault = self.fault
        asked = {name: getattr(fault, name) for name in ("fault", *_COMMON)}
        return {**asked, **fault.parameters, "seen": self.seen, "fired": self.fired}


class Due:
    """The rules that one request meets, applied phase by phase."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def act(self, request: Request, site: Site) -> None:
        for rule in self._rules:
            act = FAULTS[rule.fault.fault].act
            if act and rule.claim():
                act(rule.fault, request, site)

    def refusal(self, request: Request, site: Site) -> Answer | None:
        """The answer of the first fault that answers instead of NSX."""
        for rule in self._rules:
            refusal = FAULTS[rule.fault.fault].refusal
            refused = refusal(rule.fault, request, site) if refusal else None
            if refused and rule.claim():
                return refused
        return None

    def marked(self, name: str) -> bool:
        """Whether a mark is on this request; asking uses it up."""
        return self.mark(name) is not None

    def mark(self, name: str) -> Fault | None:
        """The mark of this name that is on this request; asking uses it up."""
        due = (rule.fault for rule in self._rules if rule.fault.fault == name and rule.claim())
        return next(due, None)

    def stand(self) -> None:
        """Count what has its effect by standing."""
        for rule in self._rules:
            if FAULTS[rule.fault.fault].standing:
                rule.claim()

    def page(self, page: Page) -> Page:
        for rule in self._rules:
            on_page = FAULTS[rule.fault.fault].on_page
            changed = on_page(rule.fault, page) if on_page else None
            if changed is not None and rule.claim():
                page = changed
        return page

    def answer(self, answer: Answer) -> Answer:
        for rule in self._rules:
            on_answer = FAULTS[rule.fault.fault].on_answer
            changed = on_answer(rule.fault, answer) if on_answer and not answer.silent else None
            if changed is not None and rule.claim():
                answer = changed
        return answer


class Faults:
    """The list of armed faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, fault: str, **parameters: Any) -> Rule:
        """Arm one fault; the rule that comes back tells whether it `fired`."""
        return self.extend([{"fault": fault, **parameters}])[0]

    def extend(self, asked: Sequence[Mapping[str, Any]]) -> list[Rule]:
        """Arm all of these, or, if one is not understood, none."""
        return self._arm([fault_from(one) for one in asked])

    def before(self, match: str, after: int, callback: Callable[[], object], **parameters: Any) -> Rule:
        """Call back just before request number `after` (from 0) of those that match is answered."""
        fault = fault_from({"fault": "act", "match": match, "after": after, **parameters})
        return self._arm([replace(fault, callback=callback)])[0]

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def summary(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.summary() for rule in self._rules]

    def due(self, request: Request) -> Due:
        """Count the request at every rule it matches; return those that are on."""
        if not self._rules:
            return Due(())
        with self._lock:
            return Due([rule for rule in self._rules if _matches(rule.fault, request) and _sees(rule)])

    def standing(self) -> list[Fault]:
        """The faults whose effect lasts, and that would affect the next request."""
        with self._lock:
            return [rule.fault for rule in self._rules if FAULTS[rule.fault.fault].standing and rule.on]

    def on(self, name: str) -> bool:
        """Whether a fault of this name would affect the next request."""
        with self._lock:
            return any(rule.fault.fault == name and rule.on for rule in self._rules)

    def _arm(self, faults: Sequence[Fault]) -> list[Rule]:
        rules = [Rule(fault, self._lock) for fault in faults]
        with self._lock:
            self._rules = [*self._rules, *rules]
        return rules


def fault_from(asked: Mapping[str, Any]) -> Fault:
    """Understand a fault as JSON or keywords give it; Refused says what is wrong with it."""
    name = asked.get("fault")
    behaviour = FAULTS.get(name) if isinstance(name, str) else None
    if behaviour is None:
        raise Refused(f"unknown fault {name!r}: it must be one of {', '.join(FAULTS)}")
    own = {key: asked.get(key, default) for key, default in behaviour.parameters.items()}
    common = {key: asked[key] for key in _COMMON if key in asked}
    unknown = set(asked) - {"fault", *own, *common}
    if unknown:
        raise Refused(f"fault {name} has no parameter {', '.join(sorted(unknown))}")
    _check_common(common)
    _check_own(str(name), own, behaviour.parameters)
    logins = behaviour.logins if "match" not in asked else any(end in asked["match"] for end in _LOGINS)
    return Fault(str(name), **{"count": behaviour.count, **common}, logins=logins, parameters=own)


def _check_common(common: Mapping[str, Any]) -> None:
    for key, value in common.items():
        if not isinstance(value, _COMMON[key]) or isinstance(value, bool):
            raise Refused(f"{key} cannot be {value!r}")
        if isinstance(value, int) and value < (key == "count"):
            raise Refused(f"{key} must not be {value}")
    if not common.get("match", "/").startswith("/"):
        raise Refused(f"match must begin with a slash, not {common['match']!r}")


def _check_own(name: str, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    for key, value in own.items():
        choices = CHOICES.get(f"{name} {key}", CHOICES.get(key))
        if choices and value not in choices:
            raise Refused(f"{key} must be one of {', '.join(map(str, choices))}, not {value!r}")
        if not isinstance(value, _types(defaults[key])) or isinstance(value, bool):
            raise Refused(f"{key} cannot be {value!r}")
    if not 0 <= own.get("fraction", 0) <= 1:
        raise Refused(f"fraction must be within 0 and 1, not {own['fraction']}")
    if not all(isinstance(one, str) for one in own.get("ids", ())):
        raise Refused(f"ids cannot be {own['ids']!r}")


def _types(default: Any) -> tuple[type, ...]:
    if default is None:
        return (int, float, type(None))
    if isinstance(default, tuple):
        return (list, tuple)
    return (int, float) if isinstance(default, int | float) else (type(default),)


def _matches(fault: Fault, request: Request) -> bool:
    if request.path.endswith(_LOGINS) and not fault.logins:
        return False
    if api_of(request.path) not in FAULTS[fault.fault].apis:
        return False
    here = fault.node is None or fault.node == request.node
    return here and request.path.startswith(fault.match) and fault.query in request.raw_query


def _sees(rule: Rule) -> bool:
    due = rule.on
    rule.seen += 1
    return due
