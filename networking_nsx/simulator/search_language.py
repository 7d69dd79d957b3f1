"""The query language of NSX's search, as clients use it: a text in, a test of documents out.

Promises: what is not understood is refused (`BadQuery`), never answered with no hits; `terms` are
conditions that every match satisfies, so an index may look only where they lead.

What the API reference leaves open is decided as in Lucene, whose `query_string` this is:
AND binds tighter than OR; the operators are in capitals; a value with one of `_RESERVED` needs a
backslash before it, or double quotes around the value. Ranges, regular expressions, fuzzy terms and
boosts are refused. Two things are simpler. Terms that stand side by side without an operator must all
match (NSX's clients always write one). And a value is compared as a whole, with or without quotes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Document = Mapping[str, Any]

_DEPTH = 100  # of parentheses and negations in each other
_RESERVED = r"\s()\":\\\[\]{}^~<>/"
_TOKEN = re.compile(
    rf"""
      (?P<space> \s+ )
    | (?P<operator> && | \|\| | [!+-] | [():] )
    | (?P<phrase> "(?:\\.|[^"\\])*" )
    | (?P<word> (?:\\.|[^{_RESERVED}])+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"(?:\\.|[^\\*?])+|[*?]", re.DOTALL)  # of a word: literal text, or a wildcard
_WILDCARDS = {"*": ".*", "?": "."}
_SPELLINGS = {"&&": "AND", "||": "OR", "!": "NOT", "-": "NOT"}
_CAPITALS = ("AND", "OR", "NOT")
_VALUES = ("word", "phrase")


class BadQuery(ValueError):
    """The text is no query: NSX would refuse it."""


class Term(NamedTuple):
    """A condition: one of a field's values is this (in lower case), or begins with it."""

    field: str
    value: str
    prefix: bool = False

    def matches(self, document: Document) -> bool:
        texts = _texts(self.field, document)
        if self.prefix:
            return any(text.startswith(self.value) for text in texts)
        return self.value in texts


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query.

    `terms` are conjuncts: no document matches that fails one of them. `exact` says that there is
    nothing else to it, so whoever has looked them up need not call `matches`. `choices` are conjuncts
    too: no document matches that fails all the terms of one of them.
    """

    terms: tuple[Term, ...]
    exact: bool
    choices: tuple[tuple[Term, ...], ...]
    _root: "_Node"

    def matches(self, document: Document) -> bool:
        return self._root.matches(document)


def parse(text: str) -> Query:
    """Read a query, or raise `BadQuery`."""
    root = _Parser(text).query()
    conjuncts = root.nodes if isinstance(root, _All) else (root,)
    terms = _plain(conjuncts)
    choices = [(node.nodes, _plain(node.nodes)) for node in conjuncts if isinstance(node, _Any)]
    plain = tuple(terms for nodes, terms in choices if len(terms) == len(nodes))
    return Query(terms, len(terms) == len(conjuncts), plain, root)


class _Node(Protocol):
    """A part of a query."""

    def matches(self, document: Document) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A value with wildcards, other than a plain beginning."""

    field: str
    pattern: re.Pattern[str]

    def matches(self, document: Document) -> bool:
        return any(self.pattern.fullmatch(text) for text in _texts(self.field, document))


@dataclass(frozen=True, slots=True)
class _Exists:
    """A field has a value, or holds something that has one; without a name, every document has."""

    field: str

    def matches(self, document: Document) -> bool:
        return not self.field or any(True for _ in _leaves(_found(self.field, document)))


@dataclass(frozen=True, slots=True)
class _Not:
    node: _Node

    def matches(self, document: Document) -> bool:
        return not self.node.matches(document)


@dataclass(frozen=True, slots=True)
class _All:
    nodes: tuple[_Node, ...]

    def matches(self, document: Document) -> bool:
        return all(node.matches(document) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class _Any:
    nodes: tuple[_Node, ...]

    def matches(self, document: Document) -> bool:
        return any(node.matches(document) for node in self.nodes)


class _Token(NamedTuple):
    sort: str  # operator, phrase, word, or end
    text: str


_END = _Token("end", "")


class _Parser:
    """Reads a query from left to right, with one method for each level of binding."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._field = ""  # what a value without a field belongs to: set by `field:(...)`
        self._depth = 0

    def query(self) -> _Node:
        node = self._alternatives()
        if self._peek() != _END:
            raise BadQuery(f"{self._peek().text!r} closes nothing")
        return node

    def _alternatives(self) -> _Node:
        nodes = [self._conjunction()]
        while self._accept("OR"):
            nodes.append(self._conjunction())
        return nodes[0] if len(nodes) == 1 else _Any(tuple(nodes))

    def _conjunction(self) -> _Node:
        nodes = [self._negation()]
        while self._accept("AND") or self._peek() not in _AFTER_A_CONJUNCTION:
            nodes.append(self._negation())
        flat = [part for node in nodes for part in (node.nodes if isinstance(node, _All) else (node,))]
        return flat[0] if len(flat) == 1 else _All(tuple(flat))

    def _negation(self) -> _Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise BadQuery(f"More than {_DEPTH} parentheses or negations in each other")
        node = _Not(self._negation()) if self._accept("NOT") else self._operand()
        self._depth -= 1
        return node

    def _operand(self) -> _Node:
        self._accept("+")
        if self._accept("("):
            return self._group(self._field)
        value = self._value()
        if not self._accept(":"):
            return _condition(self._field, value)
        if value.sort != "word":
            raise BadQuery(f"{value.text} is no field")
        field = _unescaped(value.text)
        return self._group(field) if self._accept("(") else _condition(field, self._value())

    def _group(self, field: str) -> _Node:
        """The rest of a group in parentheses, whose values belong to the field."""
        outer, self._field = self._field, field
        node = self._alternatives()
        self._field = outer
        if not self._accept(")"):
            raise BadQuery("A parenthesis is not closed")
        return node

    def _value(self) -> _Token:
        token = self._peek()
        if token.sort not in _VALUES:
            raise BadQuery(f"A term is missing before {token.text!r}" if token.text else "A term is missing")
        self._next += 1
        return token

    def _accept(self, operator: str) -> bool:
        """Step over an operator, if it comes next."""
        accepted = self._peek() == _Token("operator", operator)
        self._next += accepted
        return accepted

    def _peek(self) -> _Token:
        return self._tokens[self._next]


_AFTER_A_CONJUNCTION = (_END, _Token("operator", "OR"), _Token("operator", ")"), _Token("operator", ":"))


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise BadQuery(f"Not understood: {text[place:]!r}")
        place = found.end()
        token = _Token(found.lastgroup or "", found.group())
        if token.sort == "operator" or token.text in _CAPITALS:
            yield _Token("operator", _SPELLINGS.get(token.text, token.text))
        elif token.sort != "space":
            yield token
    yield _END


def _plain(nodes: Iterable[_Node]) -> tuple[Term, ...]:
    """Those of them that compare a field with a value."""
    return tuple(node for node in nodes if isinstance(node, Term) and node.field)


def _condition(field: str, value: _Token) -> _Node:
    """A value that a field, or any field, is to have."""
    field = "" if field == "*" else field
    if field == "_exists_":
        return _Exists(_unescaped(value.text))
    if value.sort == "phrase":
        return Term(field, _unescaped(value.text[1:-1]).lower())
    return _word(field, _PIECE.findall(value.text))


def _word(field: str, pieces: list[str]) -> _Node:
    if pieces == ["*"]:
        return _Exists(field)
    literal = _unescaped(pieces[0]).lower()
    if pieces[0] not in _WILDCARDS and pieces[1:] in ([], ["*"]):
        return Term(field, literal, prefix=len(pieces) > 1)
    spelled = (_WILDCARDS.get(piece) or re.escape(_unescaped(piece).lower()) for piece in pieces)
    return _Pattern(field, re.compile("".join(spelled), re.DOTALL))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _texts(field: str, document: Document) -> list[str]:
    """What stands in a field, or without a name anywhere, as lower-case text."""
    found = _found(field, document) if field else _leaves([document])
    return [_text(value) for value in found if not isinstance(value, Mapping)]


def _text(value: object) -> str:
    return value.lower() if isinstance(value, str) else json.dumps(value)


def _found(field: str, document: Document) -> list[Any]:
    """What a dotted name leads to, into the objects of lists as well."""
    found: list[Any] = [document]
    for name in field.split("."):
        found = list(_flat(thing.get(name) for thing in found if isinstance(thing, Mapping)))
    return found


def _flat(things: Iterable[Any]) -> Iterator[Any]:
    """The things that are no lists, those in the lists among them; null is nothing."""
    for thing in things:
        if isinstance(thing, list | tuple):
            yield from _flat(thing)
        elif thing is not None:
            yield thing


def _leaves(things: Iterable[Any]) -> Iterator[Any]:
    """The values at the bottom of objects and lists."""
    for thing in _flat(things):
        if isinstance(thing, Mapping):
            yield from _leaves(thing.values())
        else:
            yield thing
