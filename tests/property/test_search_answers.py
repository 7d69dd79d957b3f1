"""The simulator's search answers what a query means, whatever its index does to look at less."""

import re

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.simulator import Simulator
from networking_nsx.simulator.search_language import parse

SHAPES = ["{}:{}", "{}:{}", "{}:{}*", "{}:*{}", "NOT {}:{}"]


@pytest.fixture(scope="module", params=["/api/v1/search/query", "/policy/api/v1/search/query"])
def search(request):
    """The hits of a query, on either API."""
    with Simulator(api="policy", client_rate_limit=0, threads=4) as nsx, requests.Session() as session:
        nsx.populate(networks=4, ports=12, routers=4)
        session.trust_env = False
        session.auth = (nsx.settings.user, nsx.settings.password)

        def hits(query):
            answer = session.get(nsx.urls[0] + request.param, params={"query": query}, timeout=10)
            assert answer.status_code == 200, answer.text
            return answer.json()["results"]

        yield hits


@pytest.fixture(scope="module")
def documents(search):
    return search("*")


@pytest.fixture(scope="module")
def held(documents):
    """What stands in the documents: (field, text)."""
    return sorted({pair for document in documents for pair in pairs(document)})


@pytest.fixture(scope="module")
def queries(held):
    """Queries about what stands in the documents, and about what does not."""
    asked = st.sampled_from([*held, ("id", "nothing")])
    terms = st.builds(spelled, st.sampled_from(SHAPES), asked, st.integers(1, 40))
    return st.recursive(terms, groups, max_leaves=5)


def pairs(value, field=""):
    """(field, text) for each value in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from pairs(inner, f"{field}.{name}".strip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner, field)
    else:
        yield field, str(value).lower()


def spelled(shape, pair, length):
    field, text = pair
    text = text[:length] if shape.endswith("*") else text
    return shape.format(field, re.sub(r"(\W)", r"\\\1", text))


def groups(parts):
    some = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(*(some.map(f" {word} ".join).map("({})".format) for word in ("AND", "OR")))


def expected(documents, query):
    return sorted(document["id"] for document in documents if parse(query).matches(document))


def test_search_finds_all_by_each_value(search, documents, held):
    """By every field, whether the index leads to its values or not."""
    for pair in held:
        query = spelled("{}:{}", pair, 0)
        assert (query, sorted(hit["id"] for hit in search(query))) == (query, expected(documents, query))


@given(data=st.data())
def test_search_answers_what_a_query_means(search, documents, queries, data):
    """The hits are those of all documents that match, each once."""
    query = data.draw(queries)

    assert sorted(hit["id"] for hit in search(query)) == expected(documents, query)
