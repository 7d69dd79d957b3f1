"""Why an object of NSX Policy is not up: errors of its realization, failures of its state, open alarms."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from networking_nsx.errors import NsxError
from networking_nsx.model import Observation
from networking_nsx.nsx.decoding import Reading
from networking_nsx.nsx.reader_policy import Reader

_INTENT = re.compile(r"/infra/(segments/[^/#]+(/ports/[^/#]+)?|tier-1s/[^/#]+)")
_WITH_STATE = re.compile(r"/infra/(segments|tier-1s)/[^/#]+")
_MOST = 20  # lines
_WORD = 500  # characters of one


class _Details(Struct):
    error_code: Any = None


class _Alarm(Struct):
    message: str = ""
    error_details: _Details | None = None


class _Entity(Struct):
    """A GenericPolicyRealizedResource: what realizes an intent."""

    entity_type: str = "object"
    state: str = ""
    runtime_error: str | None = None
    alarms: list[_Alarm] | None = None


class _Element(Struct):
    """A transport node that is out of sync."""

    sub_system_name: str | None = None
    state: str | None = None
    failure_message: str | None = None


class _Configuration(Struct):
    failure_code: Any = None
    failure_message: str | None = None
    details: list[_Element] | None = None


class _State(_Configuration):
    tier1_state: _Configuration | None = None


class _OpenAlarm(Struct):
    severity: str = ""
    event_type: str = ""
    description: str | None = None


_ENTITIES = Reading(_Entity, "cursor")
_STATES = Reading(_State, "cursor")
_ALARMS = Reading(_OpenAlarm, "cursor")


def reasons(reader: Reader, seen: Observation) -> list[str]:
    """Each of them costs a request; what cannot be asked keeps no other from being told."""
    path = seen.path.partition("#")[0]
    if not _INTENT.fullmatch(path):
        return []
    told: list[str] = []
    for ask in (_of_entities, _of_state, _of_alarms):
        told += _asked(ask, reader, path)
    return list(dict.fromkeys(line[:_WORD] for line in told))[:_MOST]


def _asked(ask: Callable[[Reader, str], Iterator[str]], reader: Reader, path: str) -> list[str]:
    try:
        return list(ask(reader, path))
    except NsxError as error:
        return [f"not told: {error}"]


def _of_entities(reader: Reader, path: str) -> Iterator[str]:
    answer = reader.read("/infra/realized-state/realized-entities", ("intent_path", path))
    for entity in _ENTITIES.page(answer.body).things:
        for alarm in entity.alarms or []:
            code = alarm.error_details.error_code if alarm.error_details else None
            yield f"{entity.entity_type} {entity.state}: {alarm.message}{_code(code)}"
        if entity.runtime_error:
            yield f"{entity.entity_type} {entity.state}: {entity.runtime_error}"


def _of_state(reader: Reader, path: str) -> Iterator[str]:
    if not _WITH_STATE.fullmatch(path):
        return
    state = _STATES.one(reader.read(f"{path}/state").body)
    for part in (state, state.tier1_state) if state else ():
        if part and part.failure_message:
            yield f"state: {part.failure_message}{_code(part.failure_code)}"
        for element in (part.details or []) if part else ():
            yield f"{element.sub_system_name} {element.state}: {element.failure_message or 'out of sync'}"


def _of_alarms(reader: Reader, path: str) -> Iterator[str]:
    asked = (("intent_path", path), ("status", "OPEN"))
    for alarm in _ALARMS.page(reader.read("/api/v1/alarms", *asked).body).things:
        yield f"alarm {alarm.event_type} ({alarm.severity}): {alarm.description or 'no description'}"


def _code(code: Any) -> str:
    return f" (error {code})" if isinstance(code, int) else ""
