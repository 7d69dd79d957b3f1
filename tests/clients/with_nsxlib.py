"""What vmware-nsxlib, which OpenStack's own driver used, reads from an NSX: JSON in, JSON out."""

import json
import sys

from vmware_nsxlib.v3 import exceptions, utils
from vmware_nsxlib.v3.config import NsxLibConfig
from vmware_nsxlib.v3.policy import NsxPolicyLib


def answered(wanted):
    lib = NsxPolicyLib(
        NsxLibConfig(
            nsx_api_managers=wanted["urls"],
            username="admin",
            password=wanted["password"],
            insecure=False,
            ca_file=wanted["ca_file"],
            retries=0,
            max_attempts=2,
            allow_passthrough=True,
            realization_max_attempts=3,
            realization_wait_sec=0.1,
        )
    )
    segment, port = wanted["segment"], wanted["port"]
    lib.segment.wait_until_state_successful(segment)
    return {
        "version": lib.get_version(),
        "segments": ids(lib.segment.list()),
        "segments, by pages": ids(lib.client.url_list("infra/segments?page_size=2")["results"]),
        "segment": lib.segment.get(segment),
        "ports of the segment": ids(lib.segment_port.list(segment)),
        "port": lib.segment_port.get(segment, port),
        "port's status": lib.client.get(f"infra/segments/{segment}/ports/{port}/status"),
        "routers": ids(lib.tier1.list()),
        "segment's realization": lib.segment.get_realized_state(segment),
        "segment's switch": lib.segment.get_realized_logical_switch_id(segment),
        "ports, by search": ids(
            lib.search_all_resource_by_attributes("SegmentPort", marked_for_delete="false")
        ),
        "two ports, by pipeline": ids(
            lib.search_all_resource_by_attribute_values("SegmentPort", "id", wanted["two ports"])
        ),
        "port, by aggregate": [
            hit["primary"]["id"] for hit in lib.search_all_resource_by_filters("SegmentPort", filters(port))
        ],
        "port, by its tag": ids(lib.search_all_by_tags([tag_of(port)], "SegmentPort")),
        "statuses, by search": {
            hit["id"]: hit["status"]["status"]
            for hit in lib.nsx_api.search_all_resource_by_attributes("LogicalPort")
        },
        "missing": missing(lib),
    }


def ids(things):
    return [thing["id"] for thing in things]


def tag_of(port):
    return {"scope": utils.escape_tag_data("os-neutron-port-id"), "tag": utils.escape_tag_data(port)}


def filters(port):
    return [{"field_names": "attachment.id", "value": port}]


def missing(lib):
    try:
        lib.segment.get("no-such-segment")
    except exceptions.ResourceNotFound as error:
        return {"error": type(error).__name__, "code": error.error_code}
    return {}


def main():
    try:
        seen = answered(json.loads(sys.argv[1]))
    except exceptions.NsxLibException as error:
        seen = {"refused": type(error).__name__}
    json.dump(seen, sys.stdout)


main()
