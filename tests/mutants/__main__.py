"""`make mutants`: apply one patch after another to a copy, and see each noticed by a verdict, not by a crash.

Prints the table of docs/explanation/simulation.md; exit 1 when a mutant lives.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIMULATION = "simulation"
SEEDS = range(1, 5)
STEPS = 25_000
_VIOLATION = re.compile(r"^VIOLATION  ([^:]+):", re.MULTILINE)


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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        print("| mutant | the original's defects | noticed by | verdict |\n|---|---|---|---|")
        alive = [fate for fate in map(_told, pool.map(_fate, mutants)) if not fate.by]
    return int(bool(alive))


def _told(fate: Fate) -> Fate:
    by = fate.by or "**lives**"
    print(f"| {fate.mutant.what} | {fate.mutant.defects} | {by} | {fate.verdict} |", flush=True)
    return fate


def _mutant(path: Path) -> Mutant:
    head = dict(line.split(": ", 1) for line in path.read_text().partition("\n\n")[0].splitlines())
    return Mutant(path, head["What"], head["Defects"], head["Killer"])


def _fate(mutant: Mutant) -> Fate:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("networking_nsx", "tests", "pyproject.toml"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        subprocess.run(["git", "apply", str(mutant.path)], cwd=copy, check=True)
        environment = {**os.environ, "PYTHONPATH": f"{copy}:{copy}/tests", "PYTHONHASHSEED": "0"}
        return (_simulated if mutant.killer == SIMULATION else _tested)(mutant, copy, environment)


def _simulated(mutant: Mutant, copy: Path, environment: dict[str, str]) -> Fate:
    for seed in SEEDS:
        for api in ("mh", "policy"):
            options = ("--seed", str(seed), "--api", api, "--steps", str(STEPS))
            command = [sys.executable, "-m", "simulation", *options]
            done = _run(command, copy, environment)
            if found := _VIOLATION.search(done.stdout):
                return Fate(mutant, f"seed {seed}, {api}", found[1])
            if done.returncode:
                return Fate(mutant, "", f"a crash, seed {seed}, {api}: {done.stderr.splitlines()[-1]}")
    return Fate(mutant, "", f"{len(SEEDS)} seeds")


def _tested(mutant: Mutant, copy: Path, environment: dict[str, str]) -> Fate:
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", mutant.killer]
    done = _run(command, copy, environment)
    failed = re.search(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE)
    return Fate(mutant, f"`{failed[1]}`" if failed else "", "a law")


def _run(command: list[str], copy: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=copy, env=environment, check=False, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
