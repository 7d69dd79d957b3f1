"""`make mutants`: apply one patch after another to a copy, and see each noticed by a verdict, not by a crash.

A law notices where an assertion fails that holds without the patch; the simulation where its oracle says what
was wrong, which is not that no sweep was completed: so ends any crash.

Prints the table of docs/explanation/simulation.md; exit 1 when a mutant lives, or a law does not hold at all.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIMULATION = "simulation"
SEEDS = range(1, 5)
STEPS = 25_000
LOOPS_LIVE = "promise 4"  # any crash breaks it, too
_VIOLATION = re.compile(r"^VIOLATION  ([^:\n]+)", re.MULTILINE)
_BROKEN = re.compile(r"^BROKEN ([^\s[]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch, and what its head says."""

    path: Path
    what: str
    defects: str
    killer: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant; `by` is empty when it lives."""

    mutant: Mutant
    by: str
    verdict: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="of patches; without any, all")
    names = parser.parse_args().names
    mutants = [_mutant(path) for path in sorted(HERE.glob("*.patch")) if not names or path.stem in names]
    if failed := _failed_without_any(mutants):
        print(f"without any patch: {failed}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        print("| mutant | the original's defects | noticed by | verdict |\n|---|---|---|---|")
        alive = [fate for fate in map(_told, pool.map(_fate, mutants)) if not fate.by]
    return int(bool(alive))


def _failed_without_any(mutants: Sequence[Mutant]) -> str:
    """What each law says of the program as it is: it must hold, or its failing proves nothing."""
    killers = sorted({mutant.killer for mutant in mutants} - {SIMULATION})
    with ThreadPoolExecutor(os.cpu_count()) as pool, _copy() as copy:
        runs = pool.map(lambda killer: _run(_tests(killer), copy), killers)
        return "\n".join(done.stdout for done in runs if done.returncode)


def _told(fate: Fate) -> Fate:
    by = fate.by or "**lives**"
    print(f"| {fate.mutant.what} | {fate.mutant.defects} | {by} | {fate.verdict} |", flush=True)
    return fate


def _mutant(path: Path) -> Mutant:
    head = dict(line.split(": ", 1) for line in path.read_text().partition("\n\n")[0].splitlines())
    return Mutant(path, head["What"], head["Defects"], head["Killer"])


def _fate(mutant: Mutant) -> Fate:
    with _copy() as copy:
        subprocess.run(["git", "apply", str(mutant.path)], cwd=copy, check=True)
        return (_simulated if mutant.killer == SIMULATION else _tested)(mutant, copy)


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("networking_nsx", "tests", "pyproject.toml"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        yield copy


def _simulated(mutant: Mutant, copy: Path) -> Fate:
    for seed in SEEDS:
        for api in ("mh", "policy"):
            options = ("--seed", str(seed), "--api", api, "--steps", str(STEPS))
            done = _run(["-m", "simulation", *options], copy)
            found = _VIOLATION.search(done.stdout)
            if found and found[1] != LOOPS_LIVE:
                return Fate(mutant, f"seed {seed}, {api}", found[1])
            if done.returncode:
                return Fate(
                    mutant, "", f"a crash, seed {seed}, {api}: {(done.stderr or done.stdout)[-200:]!r}"
                )
    return Fate(mutant, "", f"{len(SEEDS)} seeds")


def _tested(mutant: Mutant, copy: Path) -> Fate:
    done = _run(_tests(mutant.killer), copy)
    broken = _BROKEN.search(done.stdout)
    crashed = "" if broken or not done.returncode else f": {done.stdout[-200:]!r}"
    return Fate(mutant, f"`{broken[1]}`" if broken else "", f"a law{crashed}")


def _tests(killer: str) -> list[str]:
    quiet = ["-q", "-n0", "-p", "no:cacheprovider", "-p", "mutants.verdicts", "--hypothesis-profile=mutants"]
    return ["-m", "pytest", *quiet, *shlex.split(killer)]


def _run(arguments: list[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": f"{copy}:{copy}/tests", "PYTHONHASHSEED": "0"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=copy, env=environment, check=False, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
