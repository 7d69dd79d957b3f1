"""The tags of an object in the Policy and Manager APIs, and how somebody may have tampered with them."""

from collections.abc import Callable
from uuid import NAMESPACE_OID, uuid5

from networking_nsx.simulator.population import Item

Json = dict[str, str]

ID_SCOPES = {"network": "os-neutron-net-id", "port": "os-neutron-port-id", "router": "os-neutron-router-id"}
DEPLOYMENT = "os-deployment-id"

_REVISION = "4"


def tags(item: Item, deployment_id: str) -> list[Json]:
    """What Neutron's drivers wrote onto the object; nothing on what is not ours."""
    if item.neutron_id is None:
        return []
    made = [
        _tag(ID_SCOPES[item.kind], item.neutron_id),
        _tag("os-project-id", item.tenant),
        _tag("os-neutron-revision", _REVISION),
    ]
    if deployment_id:
        made.append(_tag(DEPLOYMENT, deployment_id))
    return GUISES[item.guise](made) if item.guise else made


def _tag(scope: str, tag: str) -> Json:
    return {"scope": scope, "tag": tag}


def _removed(_tags: list[Json]) -> list[Json]:
    return []


def _other_id(tags_: list[Json]) -> list[Json]:
    """The id becomes another one, that nobody has."""
    first, *rest = tags_
    return [_tag(first["scope"], str(uuid5(NAMESPACE_OID, first["tag"]))), *rest]


def _other_deployment(tags_: list[Json]) -> list[Json]:
    kept = [tag for tag in tags_ if tag["scope"] != DEPLOYMENT]
    return [*kept, _tag(DEPLOYMENT, "somebody-else")]


GUISES: dict[str, Callable[[list[Json]], list[Json]]] = {
    "removed": _removed,
    "other-id": _other_id,
    "other-deployment": _other_deployment,
}
