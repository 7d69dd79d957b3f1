"""What the search index has of each object: a document of the Policy API, one of the Manager API.

Promises: the columns of a type say of a document what its JSON says, in lower case, at a small part of
the cost.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from networking_nsx.simulator import words
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.naming import LOCALE_SERVICES, policy_id, vif
from networking_nsx.simulator.policy_shapes import PolicyShapes, port_status
from networking_nsx.simulator.population import Item

Json = dict[str, Any]
Column = Callable[[Item], tuple[str, ...]]

_POLICY, _MANAGER = "policy", "manager"


class DocumentType(NamedTuple):
    """One resource type: of which objects there is a document, and what it says."""

    name: str
    kind: str
    api: str
    id_of: Callable[[Item], str]
    shape: Callable[[Item], Json]
    columns: Mapping[str, Column]  # by field
    fits: Callable[[Item], bool]  # of the objects of its kind


def document_types(
    policy: PolicyShapes, manager: ManagerShapes, stamp: Callable[[Item], int]
) -> tuple[DocumentType, ...]:
    """All types. `stamp` says when an object got the status it has in the index."""

    def realized(item: Item) -> Json:
        return {**policy.shape(item), "status": policy.realization(item, item.status)}

    def service(item: Item) -> Json:
        status = policy.realization(item, item.status)
        status["intent_path"] = policy.paths.locale_services(item)
        return {**policy.locale_services(item), "status": status}

    def port(item: Item) -> Json:
        return {**manager.shape(item), "status": port_status(item, item.status, stamp(item))}

    def switch(item: Item) -> Json:
        return {**manager.shape(item), "status": {"state": words.STATE[item.status]}}

    def edges(item: Item) -> bool:
        return policy.has_edges(item) and not item.deleted

    columns = _policy_columns(policy)
    plain = _manager_columns(manager)
    port_columns = columns | {"attachment.id": _low(vif)}
    link: dict[str, Column] = {
        "attachment.id": _low(vif),
        "attachment.attachment_type": lambda _item: ("vif",),
        "logical_switch_id": lambda item: (item.parent or "",),
        "status.status": lambda item: (words.PORT[item.status].lower(),),
    }
    service_columns = _service_columns(policy)
    return (
        DocumentType("Segment", "network", _POLICY, policy_id, realized, columns, _always),
        DocumentType("SegmentPort", "port", _POLICY, policy_id, realized, port_columns, _always),
        DocumentType("Tier1", "router", _POLICY, policy_id, realized, columns, _always),
        DocumentType("LocaleServices", "router", _POLICY, _service_id, service, service_columns, edges),
        DocumentType("LogicalSwitch", "network", _MANAGER, _nsx_id, switch, plain, _stands),
        DocumentType("LogicalPort", "port", _MANAGER, _nsx_id, port, plain | link, _stands),
        DocumentType("LogicalRouter", "router", _MANAGER, _nsx_id, manager.shape, plain, _stands),
    )


def _policy_columns(shapes: PolicyShapes) -> dict[str, Column]:
    return {
        "id": _low(policy_id),
        "unique_id": _low(_nsx_id),
        "realization_id": _low(_nsx_id),
        "path": _low(shapes.paths.of),
        "parent_path": _low(shapes.paths.parent),
        "marked_for_delete": lambda item: ("true" if item.deleted else "false",),
        "tags.tag": lambda item: tuple(tag["tag"].lower() for tag in shapes.tags(item)),
        "tags.scope": _scopes(shapes.tags),
    }


def _service_columns(shapes: PolicyShapes) -> dict[str, Column]:
    return {
        "id": _low(_service_id),
        "path": _low(shapes.paths.locale_services),
        "parent_path": _low(shapes.paths.of),
        "marked_for_delete": lambda _item: ("false",),
    }


def _manager_columns(shapes: ManagerShapes) -> dict[str, Column]:
    return {
        "id": _low(_nsx_id),
        "tags.tag": lambda item: tuple(tag["tag"].lower() for tag in shapes.tags(item)),
        "tags.scope": _scopes(shapes.tags),
    }


def _low(text_of: Callable[[Item], str]) -> Column:
    return lambda item: (text_of(item).lower(),)


def _scopes(tags_of: Callable[[Item], list[dict[str, str]]]) -> Column:
    """The scopes of an object's tags: the same for all objects of a kind that nobody tampered with."""
    known: dict[tuple[str, bool, str], tuple[str, ...]] = {}

    def scopes(item: Item) -> tuple[str, ...]:
        sort = (item.kind, item.neutron_id is None, item.guise)
        if sort not in known:
            known[sort] = tuple(tag["scope"].lower() for tag in tags_of(item))
        return known[sort]

    return scopes


def _nsx_id(item: Item) -> str:
    return item.nsx_id


def _service_id(_item: Item) -> str:
    return LOCALE_SERVICES


def _always(_item: Item) -> bool:
    return True


def _stands(item: Item) -> bool:
    return not item.deleted
