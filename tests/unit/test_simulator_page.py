"""The page on the simulator has all that it can be asked and told."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

from networking_nsx.simulator import control
from networking_nsx.simulator.fault_table import CODES, FAULTS
from networking_nsx.simulator.malformed import VARIANTS
from networking_nsx.simulator.settings import SimulatorSettings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "simulator.md").read_text()


def first_cells(heading: str) -> list[str]:
    """What is in backticks in the first column of the table that begins with this heading."""
    table = re.search(rf"^\| {heading} \|.*?(?=^[^|]|\Z)", PAGE, re.MULTILINE | re.DOTALL)[0]
    cells = (line.split(" | ")[0] for line in table.splitlines()[2:])
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def test_every_fault_is_in_the_table_with_its_own_keys():
    """And the table has none that does not exist."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (?:MH|Policy).*\| (.*)$", PAGE, re.MULTILINE))
    lacking = {
        (name, key) for name, fault in FAULTS.items() for key in fault.parameters if key not in row_of(name)
    }

    assert rows.keys() == FAULTS.keys()
    assert {f"http-{code}" for code in CODES} <= rows.keys()
    assert lacking == set()


def row_of(fault: str) -> str:
    return re.search(rf"^\| `{fault}` \|.*$", PAGE, re.MULTILINE)[0]


def test_every_variant_of_a_malformed_object_is_told():
    """In their own table."""
    assert set(first_cells("variant")) == set(VARIANTS)


def test_every_request_of_the_control_interface_is_told():
    """Read off the routes of the code, which no simulator need run for."""
    source = inspect.getsource(control.Control.__init__)
    routes = {f"{method} /_sim{path}" for method, path in re.findall(r'\("(\w+)", "(/[\w/]+)"\)', source)}
    operations = {f"POST /_sim/{name}" for name in re.findall(r'"(\w+)": self\._', source)}
    told = {cell.partition("?")[0] for cell in first_cells("request")}

    assert len(routes) == 8
    assert len(operations) == 4
    assert told == routes | operations


def test_every_setting_is_told():
    """But for the clock, which only tests replace."""
    assert {field.name for field in fields(SimulatorSettings)} - {"clock"} == set(first_cells("setting"))
