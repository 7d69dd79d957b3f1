"""The page on the original's behaviours names tests that exist, and leaves nothing out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "seed-parity.md"
SECTIONS = [f"1.{number}" for number in range(1, 10)]  # of behaviours
LIVE = range(1, 57)  # failures in operation
MUTANTS = ROOT / "tests" / "mutants"

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+(?:::\w+)?)`")
_PLACE = re.compile(r"`([\w/]+\.py): (\w+(?:\.\w+)?)`")
_MUTANT = re.compile(r"`([\w-]+\.patch)`")
_RULE = re.compile(r"\|[\s:|-]+\|")


@cache
def defined_tests(path: str) -> frozenset[str]:
    """The tests of a file, as `test` or `Class::test`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + each.name for each in inside if isinstance(each, ast.FunctionDef)}
    return frozenset(found)


@cache
def defined_names(file: str) -> frozenset[str]:
    """The names that a module, and its classes, define; a bare file name is one of `sync/` or of the top."""
    folder = ROOT / "networking_nsx"
    paths = [path for path in (folder / "sync" / file, folder / file) if path.is_file()]
    found: set[str] = set()
    for node in ast.walk(ast.parse(paths[0].read_text())) if paths else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            if isinstance(node, ast.ClassDef):
                found |= {
                    f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)
                }
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(found)


def rows() -> list[str]:
    """The rows of all tables, without their heads."""
    lines = PAGE.read_text().splitlines()
    rules = {number for number, line in enumerate(lines) if _RULE.fullmatch(line)}
    heads = {number - 1 for number in rules}
    return [line for number, line in enumerate(lines) if line.startswith("|") and number not in rules | heads]


def first_cells(pattern: str) -> list[str]:
    cells = [row.split("|")[1].strip() for row in rows()]
    return [cell for cell in cells if re.fullmatch(pattern, cell)]


@pytest.mark.parametrize("path", sorted({path for path, _ in _TEST.findall(PAGE.read_text())}))
def test_every_test_that_is_named_exists(path):
    """The file is there and defines it; nothing is imported."""
    assert (ROOT / path).is_file()
    assert {test for file, test in _TEST.findall(PAGE.read_text()) if file == path} <= defined_tests(path)


def test_every_row_names_a_test():
    """A behaviour that nothing shows is not one."""
    assert [row for row in rows() if not _TEST.search(row)] == []


def test_every_name_of_a_test_can_be_read():
    """None is hidden from the tests above by its spelling."""
    page = PAGE.read_text()

    assert page.count("::") == sum(1 + test.count("::") for _, test in _TEST.findall(page))


def test_every_place_in_the_code_exists():
    """The file is there, and defines a function, class or constant of that name."""
    places = _PLACE.findall(PAGE.read_text())
    wrong = [f"{file}: {name}" for file, name in places if name not in defined_names(file)]

    assert len(places) > len(SECTIONS)
    assert wrong == []


def test_every_section_of_the_original_has_its_rows():
    """1.1 to 1.9, several behaviours each."""
    found = first_cells(r"1\.\d[a-z]")

    assert [section for section in SECTIONS if not any(cell.startswith(section) for cell in found)] == []
    assert len(found) == len(set(found))


def test_each_of_the_forty_tests_has_one_row():
    """Numbered 1 to 40."""
    assert first_cells(r"\d+") == [str(number) for number in range(1, 41)]


def test_each_failure_in_operation_has_one_row():
    """Numbered D1 to D56."""
    assert first_cells(r"D\d+") == [f"D{number}" for number in LIVE]


def defects_of(patch: Path) -> set[int]:
    """The numbers in a mutant's head: `1-3, 5`."""
    listed = re.search(r"^Defects: (.*)$", patch.read_text(), re.MULTILINE)
    assert listed, patch.name
    ends = [[int(end) for end in part.split("-")] for part in listed[1].split(",")]
    return {number for first, *last in ends for number in range(first, (last or [first])[0] + 1)}


def test_every_mutant_is_named_where_it_belongs():
    """The patch is there, and its head tells of the defect in whose row it stands."""
    named = [(row.split("|")[1].strip(), name) for row in rows() for name in _MUTANT.findall(row)]
    wrong = [(defect, name) for defect, name in named if int(defect[1:]) not in defects_of(MUTANTS / name)]

    assert len(named) > 0
    assert wrong == []
