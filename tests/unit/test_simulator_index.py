"""The search index: whatever happens to the objects, it finds what the documents themselves say."""

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from networking_nsx.simulator.documents import document_types
from networking_nsx.simulator.generations import Generations
from networking_nsx.simulator.index import Index
from networking_nsx.simulator.inventory import Choice, Inventory
from networking_nsx.simulator.manager_shapes import ManagerShapes
from networking_nsx.simulator.naming import Paths
from networking_nsx.simulator.policy_shapes import PolicyShapes
from networking_nsx.simulator.population import KINDS, STATUSES, Plan
from networking_nsx.simulator.search_language import parse

ALL = tuple(range(7))
TYPES = ("Segment", "SegmentPort", "Tier1", "LocaleServices", "LogicalSwitch", "LogicalPort", "LogicalRouter")


def world():
    """An inventory, and an index that hears of its changes at once."""
    inventory = Inventory(Generations())
    shared = (Paths(inventory), "Sim", 0.5)
    index = Index(document_types(PolicyShapes(*shared), ManagerShapes(*shared), lambda _item: 7))
    inventory.populate(Plan(networks=3, ports=12, routers=4, seed=1))
    inventory.create("port", count=2, untagged=True)
    inventory.create("router", ids=[next(item.neutron_id for item in inventory.items("router"))])
    index.reset(inventory.items())
    inventory.watch(index.put)
    return inventory, index


def values(inventory):
    """Values that a query may name: of every sort that an object has."""
    paths = Paths(inventory)
    items = inventory.items()
    return sorted(
        {item.nsx_id for item in items}
        | {item.neutron_id for item in items if item.neutron_id}
        | {paths.of(item) for item in items}
        | {items[0].tenant, "Sim", "4", "default", "UP", "DOWN", "false", "true", "/infra", "VIF"}
        | {"os-neutron-port-id", "policyPath", "os-deployment-id", *TYPES}
    )


FIELDS = (
    "id", "unique_id", "realization_id", "path", "parent_path", "logical_switch_id", "attachment.id",
    "attachment.attachment_type", "tags.tag", "tags.scope", "marked_for_delete", "resource_type",
    "status.status", "display_name",
)  # fmt: skip
VALUES = values(world()[0])


@st.composite
def terms(draw):
    field, value = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(VALUES))
    if draw(st.booleans()):
        return f'{field}:"{value}"'
    begun = value[: draw(st.integers(1, 4))]
    return field + ":" + "".join(f"\\{letter}" for letter in begun) + "*"


QUERIES = st.lists(terms(), min_size=1, max_size=3).map(" AND ".join) | terms().map(
    lambda term: f"NOT {term}"
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("status", "delete", "create", "guise")), st.sampled_from(KINDS), st.integers(0, 9)
    ),
    max_size=4,
)


def by_document(index, inventory, query):
    """The keys of what fits, found by looking at every document."""
    parsed = parse(query)
    return sorted(
        (kind.id_of(item).lower(), number, item.nsx_id)
        for number, kind in enumerate(index.types)
        for item in inventory.items(kind.kind)
        if kind.fits(item) and parsed.matches(kind.shape(item))
    )


def change(inventory, operation, kind, which):
    items = inventory.items(kind)
    if operation == "create" and inventory.items("network"):
        inventory.create(kind, count=1)
    elif items and operation == "guise":
        inventory.alter([replace(items[which % len(items)], guise="removed")])
    elif items and operation == "delete":
        inventory.delete(Choice(kind, [items[which % len(items)].nsx_id]))
    elif items and operation == "status":
        inventory.set_status(Choice(kind, [items[which % len(items)].nsx_id]), STATUSES[which % 5])


def _of_the_second(kind):
    """The path of an object whose Neutron id another one has, too."""
    inventory, _ = world()
    return next(Paths(inventory).of(item) for item in inventory.items(kind) if item.twin)


@settings(max_examples=150)
@example(queries=[f'path:"{_of_the_second("router")}"'], changes=[])
@given(queries=st.lists(QUERIES, min_size=1, max_size=3), changes=CHANGES)
def test_the_index_finds_what_the_documents_say(queries, changes):
    """For any query, before and after any changes, and again for one that it was asked before."""
    inventory, index = world()
    for step in (None, *changes):
        if step:
            change(inventory, *step)
        for query in queries:
            assert index.find(query, ALL) == by_document(index, inventory, query), query


@settings(max_examples=30)
@given(changes=CHANGES)
def test_documents_are_rendered_as_they_are_now(changes):
    """No change leaves old bytes behind."""
    inventory, index = world()
    for step in (None, *changes):
        if step:
            change(inventory, *step)
        keys = index.find("_exists_:id", ALL)
        fresh = Index(index.types)
        fresh.reset(inventory.items())
        assert index.rendered(keys, ()) == fresh.rendered(keys, ())


def test_many_changes_are_as_good_as_few():
    """More than the index keeps the news of."""
    inventory, index = world()
    query = "resource_type:LogicalPort AND NOT status.status:UP"
    assert index.find(query, ALL) == []
    for round_ in range(200):
        inventory.set_status(Choice("port"), STATUSES[round_ % 2])
    assert index.find(query, ALL) == by_document(index, inventory, query) != []


def test_the_columns_of_a_type_say_what_its_documents_say():
    """In lower case, all of them."""
    inventory, index = world()
    for kind in index.types:
        for item in filter(kind.fits, inventory.items(kind.kind)):
            for field, column in kind.columns.items():
                fields = (f'{field}:"{value}"' for value in column(item))
                assert all(parse(query).matches(kind.shape(item)) for query in fields), (kind.name, field)


def test_locale_services_are_found_by_an_id_that_they_share():
    """It is that of no object."""
    inventory, index = world()
    assert index.find('id:"default"', ALL) == by_document(index, inventory, 'id:"default"') != []
