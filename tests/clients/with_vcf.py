"""What vcf-nsx, the vendor's own bindings, reads from an NSX: JSON in, JSON out."""

import json
import sys

import requests
from vcf.nsx.api.session_client import Destroy
from vcf.nsx.api.v1.search_client import Query as ManagerQuery
from vcf.nsx.model_client import ApiError, SegmentPort
from vcf.nsx.policy.api.v1.infra.segments.ports_client import Status
from vcf.nsx.policy.api.v1.infra.segments_client import Ports, State
from vcf.nsx.policy.api.v1.infra.tier_1s_client import State as RouterState
from vcf.nsx.policy.api.v1.infra_client import Segments
from vcf.nsx.policy.api.v1.search_client import Query
from vmware.vapi.bindings.stub import StubConfiguration
from vmware.vapi.lib.connect import get_requests_connector


def answered(wanted):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = wanted["ca_file"]
        config = logged_in(session, wanted["urls"][0], wanted["password"])
        seen = read(config, wanted["segment"], wanted["port"], wanted["router"])
        Destroy(config).destroy_authenticated_session()
        seen["after the session's end"] = refusal(
            lambda: Segments(config).policy_lm_read_infra_segment(wanted["segment"])
        )
        return seen


def logged_in(session, url, password):
    """As the vendor's samples do it: the bindings know no login."""
    form = {"j_username": "admin", "j_password": password}
    answer = session.post(f"{url}/api/session/create", data=form, timeout=10)
    answer.raise_for_status()
    session.headers["Cookie"] = answer.headers["Set-Cookie"]
    session.headers["X-XSRF-TOKEN"] = answer.headers["X-XSRF-TOKEN"]
    return StubConfiguration(get_requests_connector(session, msg_protocol="rest", url=url, timeout=10))


def read(config, segment, port, router):
    segments = Segments(config)
    listed = pages(lambda cursor: segments.policy_lm_list_all_infra_segments(cursor=cursor, page_size=2))
    status = Status(config).policy_lm_get_infra_segment_port_status(segment, port)
    found = pages(lambda cursor: searched(config, "resource_type:SegmentPort", cursor))
    return {
        "segments, by pages": [[one.id for one in page.results] for page in listed],
        "their number": [page.result_count for page in listed],
        "segment": plain(segments.policy_lm_read_infra_segment(segment)),
        "segment's state": State(config).policy_lm_get_infra_segment_state(segment).state,
        "port": plain(Ports(config).policy_lm_get_infra_segment_port(segment, port)),
        "port's status": {"id": status.logical_port_id, "status": status.status},
        "router's state": RouterState(config).policy_lm_get_tier1_state(router).tier1_state.state,
        "ports, by search": [one.convert_to(SegmentPort).id for page in found for one in page.results],
        "statuses, by search": statuses(config),
        "missing": refusal(lambda: segments.policy_lm_read_infra_segment("no-such-segment")),
    }


def searched(config, query, cursor):
    return Query(config).lm_policy_query_search(query=query, cursor=cursor, page_size=4, sort_by="id")


def pages(ask):
    """All pages of a list or a search: a search says by its last cursor that there are no more."""
    found = [ask(None)]
    while (cursor := found[-1].cursor) and cursor != str(found[0].result_count):
        found.append(ask(cursor))
    return found


def statuses(config):
    hits = ManagerQuery(config).policy_query_search(query="resource_type:LogicalPort").results
    objects = [hit.get_struct_value() for hit in hits]
    return {one.get_field("id").value: one.get_field("status").get_field("status").value for one in objects}


def plain(thing):
    return {"id": thing.id, "display_name": thing.display_name, "path": thing.path}


def refusal(ask):
    try:
        ask()
    except ApiError as error:
        return {
            "status": error.get_status_code(),
            "code": error.get_error_value().get_field("error_code").value,
        }
    return {}


json.dump(answered(json.loads(sys.argv[1])), sys.stdout)
