"""The simulator's search language: what a query matches, what it promises, what it refuses."""

import pytest

from networking_nsx.simulator.search_language import BadQuery, Term, parse

PORT = {
    "resource_type": "SegmentPort",
    "id": "9F3-a",
    "display_name": "Web server 1",
    "path": "/infra/segments/blue/ports/9F3-a",
    "parent_path": "/infra/segments/blue",
    "marked_for_delete": False,
    "_revision": 7,
    "description": None,
    "attachment": {"id": "d1b2", "type": "PARENT", "empty": {}},
    "tags": [{"scope": "os-neutron-port-id", "tag": "d1b2"}, {"scope": "os-project-id", "tag": "p/1"}],
    "address_bindings": [{"ip_address": "10.0.0.5", "mac_address": "fa:16:3e:00:00:01"}],
    "transport_node_ids": ["tn-1", "tn-2"],
}


@pytest.mark.parametrize(
    "query",
    [
        "resource_type:SegmentPort",
        "resource_type:segmentport AND id:9f3-A",
        "resource_type:Segment OR id:9F3-a",
        "id:no OR resource_type:Segment* AND id:9F3-a",
        "id:9F3-a AND resource_type:SegmentPort OR id:no",
        "id:9F3-a && (id:no || resource_type:SegmentPort)",
        "resource_type : SegmentPort",
        "(((id:9F3-a)))",
        "id:9F3-a resource_type:SegmentPort",
        "+id:9F3-a -id:no",
        "!id:no",
        "NOT NOT id:9F3-a",
        "!(id:no OR id:neither)",
        "resource_type:(Segment OR SegmentPort)",
        "resource_type:(Segment* AND NOT Segment)",
        "resource_type:(Segment* AND id:9F3-a)",
        'display_name:"web server 1"',
        r"display_name:web\ server\ 1",
        "display_name:Web*",
        "display_name:*server*",
        "display_name:*1",
        "display_name:Web?server?1",
        r"path:*\/ports\/9F3-a",
        "marked_for_delete:false",
        "_revision:7",
        "transport_node_ids:tn-2",
        "tags.scope:os-project-id AND tags.tag:d1b2",
        "attachment.id:d1b2",
        r"address_bindings.mac_address:fa\:16\:3e\:00\:00\:01",
        'address_bindings.mac_address:"fa:16:3e:00:00:01"',
        "d1b2",
        '"WEB SERVER 1"',
        "parent*",
        "*",
        "*:*",
        "*:d1b2",
        "id:*",
        "_exists_:attachment",
        "_exists_:attachment.id",
        "_exists_:tags.tag",
        "_exists_:marked_for_delete",
        "!_exists_:nsx_id",
        "NOT nsx_id:x",
    ],
)
def test_a_query_matches(query):
    """Fields, wildcards, negations and groups reach what the document has."""
    assert parse(query).matches(PORT)


@pytest.mark.parametrize(
    "query",
    [
        "resource_type:Segment",
        "id:no AND resource_type:SegmentPort OR id:no",
        "id:no resource_type:SegmentPort",
        "-id:9F3-a",
        "!!!id:9F3-a",
        "resource_type:(Segment OR Tier1)",
        "Resource_Type:SegmentPort",
        "display_name:web",
        "display_name:?",
        "display_name:server*",
        'display_name:"web*"',
        r"display_name:Web\*",
        "marked_for_delete:true",
        "_revision:07",
        "attachment:d1b2",
        "attachment.id.more:d1b2",
        "tags.scope:d1b2",
        "server",
        "attachment.id",
        "nsx_id:*",
        "_exists_:nsx_id",
        "_exists_:description",
        "_exists_:attachment.empty",
        "description:null",
        "_exists_:tags.other",
    ],
)
def test_a_query_does_not_match(query):
    """What the document lacks, or has only in part, is no match."""
    assert not parse(query).matches(PORT)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        # The vendor's synchronizer-like readers of ports (reference 4.3)
        ("resource_type:LogicalPort AND NOT status.status:UP", True),
        ("resource_type:LogicalPort AND status.status:UP", False),
        ("resource_type:LogicalPort AND attachment.attachment_type:VIF", True),
        ("logical_switch_id:(ls-1 OR ls-2)", True),
        ("id:0*", True),
        ("id:1*", False),
        # vmware-nsxlib: search_by_tags, with / - and : escaped
        (r"resource_type:LogicalPort AND tags.scope:policyPath AND tags.tag:\/infra\/segments\/s\-1", True),
        (r"resource_type:LogicalPort AND tags.scope:policyPath AND tags.tag:\/infra\/segments\/s\-2", False),
        (r"tags.scope:os\-neutron\-port\-id AND tags.tag:p\:1", True),
        # terraform-provider-nsxt: data sources
        (r"resource_type:LogicalPort AND display_name:port\-\(a\)* AND marked_for_delete:false", True),
        (r"id:0f\-1 AND marked_for_delete:false AND path:\/infra*", True),
        (r"id:0f\-1 AND marked_for_delete:false AND path:\/global-infra*", False),
        # sapcc/networking-nsx-t
        ("resource_type:LogicalPort AND marked_for_delete:false AND attachment.id:d1b2", True),
        ("resource_type:LogicalPort AND NOT display_name:*default* AND marked_for_delete:false", True),
        ("resource_type:QoSProfile OR resource_type:SpoofGuardProfile OR resource_type:LogicalPort", True),
        # nsx-operator
        (r"id:0f-1 AND ((path:\/infra\/p AND NOT attachment.id:x) OR (path:\/q AND attachment.id:x))", True),
        # The web UI, and scripts that replay it
        ("_exists_:resource_type AND !_exists_:nsx_id AND !_create_user:nsx_policy", True),
        ("( resource_type:( LogicalPort ))", True),
        ("(resource_type:LogicalPort AND !id:0f-1)", False),
        ('resource_type:logicalport AND path:"/infra/p"', True),
    ],
)
def test_the_queries_of_real_clients(query, matches):
    """What clients in use send, word for word but for the names."""
    document = {
        "resource_type": "LogicalPort",
        "id": "0f-1",
        "display_name": "Port-(a) 1",
        "path": "/infra/p",
        "logical_switch_id": "ls-2",
        "marked_for_delete": False,
        "attachment": {"attachment_type": "VIF", "id": "d1b2"},
        "tags": [
            {"scope": "policyPath", "tag": "/infra/segments/s-1"},
            {"scope": "os-neutron-port-id", "tag": "p:1"},
        ],
        "status": {"status": "DOWN"},
    }

    assert parse(query).matches(document) == matches


@pytest.mark.parametrize(
    "query",
    [
        "",
        " \n",
        "()",
        "(id:a",
        "id:a)",
        "id:(a OR b",
        '"never closed',
        'id:"never closed',
        "id:",
        ":a",
        "id::a",
        "id:a:b",
        '"id":a',
        "AND",
        "AND id:a",
        "id:a AND",
        "id:a OR",
        "id:a AND OR id:b",
        "NOT",
        "id:a AND NOT",
        "id:-5",
        "id:\\",
        "path:/infra/segments",
        "_revision:[1 TO 5]",
        "_revision:{1 TO 5}",
        "_revision:>5",
        "id:roam~2",
        "id:a^2",
        "(" * 200 + "id:a" + ")" * 200,
    ],
)
def test_what_is_no_query_is_refused(query):
    """A query that NSX's clients would have to spell otherwise is refused, not answered with no hits."""
    with pytest.raises(BadQuery):
        parse(query)


@pytest.mark.parametrize(
    ("query", "terms", "exact"),
    [
        ("resource_type:Tier1", [Term("resource_type", "tier1")], True),
        (
            r"resource_type:Tier1 AND (id:A* AND name:\*)",
            [Term("resource_type", "tier1"), Term("id", "a", prefix=True), Term("name", "*")],
            True,
        ),
        ("id:(a AND b*)", [Term("id", "a"), Term("id", "b", prefix=True)], True),
        ('id:"A b"', [Term("id", "a b")], True),
        ("id:a AND NOT id:b", [Term("id", "a")], False),
        ("id:a AND (id:b OR id:c)", [Term("id", "a")], False),
        ("id:a AND _exists_:b", [Term("id", "a")], False),
        ("id:a AND anything", [Term("id", "a")], False),
        ("id:a AND name:a*b AND name:?", [Term("id", "a")], False),
        ("id:a OR id:b", [], False),
        ("NOT id:a", [], False),
        ("*", [], False),
    ],
)
def test_the_terms_of_a_query(query, terms, exact):
    """They are the plain conditions at its top; `exact` says that they are all of it."""
    parsed = parse(query)

    assert (list(parsed.terms), parsed.exact) == (terms, exact)


@pytest.mark.parametrize(
    ("query", "choices"),
    [
        ("id:(a OR b*)", [(Term("id", "a"), Term("id", "b", prefix=True))]),
        (
            "id:a AND (b:1 OR c:2) AND d:(3 OR 4)",
            [(("b", "1", 0), ("c", "2", 0)), (("d", "3", 0), ("d", "4", 0))],
        ),
        ("id:a AND (b:1 OR NOT c:2)", []),
        ("b:1 OR anything", []),
        ("NOT (b:1 OR c:2)", []),
        ("id:a AND b:1", []),
    ],
)
def test_the_choices_of_a_query(query, choices):
    """They are the alternatives at its top between plain conditions."""
    assert list(parse(query).choices) == choices
