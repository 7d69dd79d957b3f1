"""`make chaos MINUTES=10 SEED=n RUNS=n`: runs one after the other; exit 0 when all of them held."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from chaos import mariadb, verdict
from chaos.mariadb import MariaDb
from chaos.nsx import simulator
from chaos.plan import plan
from chaos.run import run

DONE, FAILED = 0, 1
_SHOWN = 20  # of what is wrong with a run


def main() -> int:
    arguments = _arguments()
    lacking = mariadb.missing()
    if lacking:
        required = os.environ.get("CI") == "true"
        print(f"chaos {'FAILED' if required else 'skipped'}: {lacking} is not installed")
        return FAILED if required else DONE
    commit = _commit()
    template = mariadb.place("template")
    try:
        _prepare(template)
        seeds = range(arguments.seed, arguments.seed + arguments.runs)
        held = [_one(seed, arguments, template, commit) for seed in seeds]
    finally:
        mariadb.forget(template)
    print(f"| {' | '.join(verdict.HEAD)} |\n|{'---|' * len(verdict.HEAD)}")
    print("\n".join(f"| {' | '.join(figures)} |" for figures, _ in held))
    return DONE if all(well for _, well in held) else FAILED


def _one(
    seed: int, arguments: argparse.Namespace, template: Path, commit: str
) -> tuple[tuple[str, ...], bool]:
    folder = arguments.directory / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"  {time.monotonic() - began:5.0f} s: {what}", flush=True)

    chosen = plan(seed, arguments.minutes)
    say(f"seed {seed}, api {chosen.api}, {len(chosen.acts)} acts; all is written to {folder}")
    outcome = run(chosen, folder, template, say)
    print(verdict.line(outcome, commit))
    wrong = list(verdict.faults(outcome))
    for fault in wrong[:_SHOWN]:
        print(fault)
    if len(wrong) > _SHOWN:
        print(f"and {len(wrong) - _SHOWN} more, see {folder}/judged.jsonl")
    if wrong:
        print(f"FAILED: again with `make chaos SEED={seed} MINUTES={arguments.minutes:g}`")
    else:
        print(f"OK: seed {seed}", flush=True)
    return verdict.row(outcome, commit), not wrong


def _prepare(template: Path) -> None:
    """Neutron's tables, once: its migrations take longer than all the rest."""
    mariadb.install(template)
    with MariaDb(template) as server, simulator(plan(0, 0)) as nothing:
        with server.admin() as cursor:
            cursor.execute("CREATE DATABASE neutron CHARACTER SET utf8mb3")
        server.populate(nothing["control"])


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parent)]
    found = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return (found.stdout.strip() or "unknown") + ("+" if changed.stdout.strip() else "")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of trouble in a run (default: 10)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="of the first run (default: the time)"
    )
    parser.add_argument("--runs", type=int, default=1, help="with this seed and the following ones")
    parser.add_argument("--directory", type=Path, default=Path(".chaos"), help="where runs are recorded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
