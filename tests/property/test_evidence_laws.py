"""Whatever is written in whatever order: what is kept is bounded, and it is the newest."""

import tempfile
from contextlib import closing
from itertools import count

import evidences
from evidences import answer, look, port, written
from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.evidence.book import ANSWERS, LOOKS, WRITES, Book
from networking_nsx.evidence.reading import evidence

_MAKE = {"written": written, "look": lambda name, number: look(name, str(number), number), "nova": answer}
_MOST = {"written": WRITES, "look": LOOKS, "nova": ANSWERS}

batches = st.lists(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(list(_MAKE)), st.integers(1, 12)), max_size=4),
    max_size=8,
)


@given(batches)
def test_of_each_sort_the_newest_are_kept_in_order(told):
    """Of every row, after any sequence of batches."""
    numbers = count()
    expected = {(name, what): [] for name in "ab" for what in _MAKE}
    with tempfile.TemporaryDirectory() as folder:
        with closing(Book(folder)) as book:
            book.write([])
            for batch in told:
                entries = []
                for name, what, times in batch:
                    for number in (next(numbers) for _ in range(times)):
                        entries.append(_MAKE[what](name, number))
                        expected[name, what].append(evidences.AT + number)
                book.write(entries)
        with evidence(folder) as kept:
            for name in "ab":
                found = kept.of([port(name)], 0.0)
                assert [entry.at for entry in found] == sorted(entry.at for entry in found)
                for what, most in _MOST.items():
                    mine = [entry.at for entry in found if entry.what == what]
                    assert mine == expected[name, what][-most:]
                assert [e.at for e in kept.writes(port(name))] == expected[name, "written"][-WRITES:][::-1]
