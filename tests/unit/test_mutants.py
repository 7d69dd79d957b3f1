"""The patches that `make mutants` breaks the program with."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "patch", sorted((ROOT / "tests/mutants").glob("*.patch")), ids=lambda path: path.stem
)
def test_each_patch_fits_the_program(patch):
    """Else `make mutants`, which takes long, ends with an error."""
    applied = subprocess.run(
        ["git", "apply", "--check", str(patch)], check=False, cwd=ROOT, capture_output=True, text=True
    )

    assert (applied.returncode, applied.stderr) == (0, "")
