"""`make simulate`: one seed after another, until so many steps are made.

Exit 1 at a violation, with the command that replays it, and when something that ought to happen never did.
"""

import argparse
import logging
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import SystemRandom

from simulation.expected import never
from simulation.run import RUN, Report, simulate

APIS = ("mh", "policy")
FIXED = (1, 2)  # the first seeds of every call; the others are drawn
ENOUGH = 400_000  # steps after which everything must have happened


def main() -> int:
    asked = _asked()
    seeds = [asked.seed] if asked.seed is not None else _seeds(asked)
    apis = [asked.api] if asked.api else APIS
    runs = [(seed, api, min(RUN, asked.steps)) for seed in seeds for api in apis]
    counts: Counter[tuple[str, str]] = Counter()
    steps = failed = 0
    with ProcessPoolExecutor() as pool:
        for report in pool.map(_one, runs):
            _tell(report)
            counts += report.counts
            steps += report.steps
            failed += bool(report.violation)
    for (sort, what), number in sorted(counts.items()):
        print(f"{number:>9}  {sort}: {what}")
    missing = never(counts, apis) if steps >= ENOUGH else []
    print(*(f"NEVER  {sort}: {what}" for sort, what in missing), sep="\n")
    print(f"{steps} steps, {len(runs)} runs, {failed} violations")
    return bool(failed or missing)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="at least so many, in runs of some seeds")
    parser.add_argument("--seed", type=int, help="of one run; without it, seeds are drawn")
    parser.add_argument("--api", choices=APIS, help="one of both")
    return parser.parse_args()


def _seeds(asked: argparse.Namespace) -> list[int]:
    runs = -(-asked.steps // RUN)
    number = -(-runs // (1 if asked.api else len(APIS)))
    return [*FIXED, *(SystemRandom().randrange(10**6) for _ in range(number - len(FIXED)))][:number]


def _one(run: tuple[int, str, int]) -> Report:
    logging.disable(logging.CRITICAL)
    return simulate(*run)


def _tell(report: Report) -> None:
    print(f"{report.api:6} seed {report.seed:>6}: {report.steps} steps, {report.seconds:.0f} s simulated")
    if report.violation:
        print(f"VIOLATION  {report.violation}\n  replay: {report.replay}", flush=True)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is chance, too
        command = [sys.executable, "-m", "simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606 - ourselves
    sys.exit(main())
