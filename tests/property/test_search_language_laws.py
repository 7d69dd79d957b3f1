"""The laws of the simulator's search language, for any queries and documents."""

import string

from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.simulator.search_language import BadQuery, parse

ESCAPED = '()[]{}+-=&|><!^~*?:/"\\ '
TEXTS = st.text("aB0" + ESCAPED, max_size=4)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-1, 1), st.none())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2))
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": VALUES,
        "b": VALUES,
        "o": st.lists(st.fixed_dictionaries({}, optional={"c": VALUES}), max_size=2),
    },
)
SHAPES = {
    "{}": str.__eq__,
    "{}*": str.startswith,
    "*{}": str.endswith,
    "*{}*": str.__contains__,
}


def escaped(text):
    return "".join("\\" + letter if letter in ESCAPED else letter for letter in text)


def flat(value):
    return [part for item in value for part in flat(item)] if isinstance(value, list) else [value]


def spelled(document, field):
    """The values of a field as lower-case text."""
    objects = document.get("o", []) if field == "o.c" else [document]
    values = [value for thing in objects for value in flat(thing.get(field[-1]))]
    return [str(value).lower() for value in values if value is not None]


@st.composite
def conditions(draw):
    """A condition as text, and the same as a function."""
    field = draw(st.sampled_from(["a", "b", "o.c"]))
    shape = draw(st.sampled_from(sorted(SHAPES)))
    value = draw(TEXTS.filter(bool))
    text = f"{field}:{shape.format(escaped(value))}"
    return text, lambda document: any(SHAPES[shape](had, value.lower()) for had in spelled(document, field))


def combined(parts):
    pairs = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        pairs.map(
            lambda some: (
                " AND ".join(f"({text})" for text, _ in some),
                lambda document: all(matches(document) for _, matches in some),
            )
        ),
        pairs.map(
            lambda some: (
                " || ".join(f"({text})" for text, _ in some),
                lambda document: any(matches(document) for _, matches in some),
            )
        ),
        parts.map(lambda part: (f"NOT ({part[0]})", lambda document: not part[1](document))),
    )


QUERIES = st.recursive(conditions(), combined, max_leaves=6)


@given(QUERIES, DOCUMENTS)
def test_a_query_means_what_it_says(query, document):
    """However it is nested, and whatever characters are escaped."""
    text, matches = query

    assert parse(text).matches(document) == matches(document)


@given(QUERIES, DOCUMENTS)
def test_terms_and_choices_exclude_no_match(query, document):
    """Who looks only where they lead loses nothing, and has it all if the terms are exact."""
    parsed = parse(query[0])
    survives = all(term.matches(document) for term in parsed.terms)
    survives &= all(any(term.matches(document) for term in choice) for choice in parsed.choices)

    assert survives or not parsed.matches(document)
    assert not parsed.exact or survives == parsed.matches(document)


@given(st.lists(conditions(), min_size=1, max_size=4), DOCUMENTS)
def test_a_conjunction_matches_what_satisfies_each_term(parts, document):
    """With or without the word AND."""
    texts = [text for text, _ in parts]
    expected = all(matches(document) for _, matches in parts)

    assert parse(" AND ".join(texts)).matches(document) == expected
    assert parse(" ".join(texts)).matches(document) == expected


@given(st.text(ESCAPED + "aANDOR" + string.whitespace))
def test_any_text_is_a_query_or_refused(text):
    """Nothing that a client can send makes anything else of it."""
    try:
        parsed = parse(text)
    except BadQuery:
        return
    assert parsed.matches({"a": "a"}) in {True, False}
