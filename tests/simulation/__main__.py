"""`make simulate`: one seed after another, until so many steps are made.

Exit 1 at a violation, with the command that replays it, when something that ought to happen never did, and
when faults of NSX were met too seldom.
"""

import argparse
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from random import SystemRandom

from simulation.expected import never
from simulation.run import Report, simulate
from simulation.trouble import SELDOM

APIS = ("mh", "policy")
FIXED = (2, 5, 7)  # seeds of every call without one; the others are drawn, at least one
SHORT, LONG = 12_500, 25_000  # steps of a run: the second is for what takes hours to happen
ENOUGH = 200_000  # steps after which everything must have happened
MANY = 400_000  # steps that are worth long runs


def main() -> int:
    asked = _asked()
    apis = [asked.api] if asked.api else APIS
    runs = _runs(asked, apis)
    with ProcessPoolExecutor() as pool:
        return told(pool.map(_one, runs), apis)


def told(reports: Iterable[Report], apis: Sequence[str]) -> int:
    """Print what the runs came to, and answer the exit code."""
    counts: Counter[tuple[str, str]] = Counter()
    steps = runs = failed = 0
    slowest = 0.0
    for report in reports:
        _tell(report)
        counts += report.counts
        steps += report.steps
        runs += 1
        failed += bool(report.violation or report.crash)
        slowest = max(slowest, pace_of(report))
    for (sort, what), number in sorted(counts.items()):
        print(f"{number:>9}  {sort}: {what}")
    missing = never(counts, apis) if steps >= ENOUGH else []
    print(*(f"NEVER  {sort}: {what}" for sort, what in missing), sep="\n")
    if slowest:
        word = "SELDOM  " if slowest > SELDOM else ""
        print(f"{word}a fault of NSX was met every {slowest:.0f} s, in the run with the fewest")
    print(f"{steps} steps, {runs} runs, {failed} violations")
    return int(bool(failed or missing or slowest > SELDOM))


def pace_of(report: Report) -> float:
    """Seconds from one fault to the next in a run long enough to tell, 0 for a shorter one."""
    return report.pace if report.steps >= SHORT and report.seconds else 0.0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="at least so many, in runs of some seeds")
    parser.add_argument("--seed", type=int, help="of one run; without it, seeds are drawn")
    parser.add_argument("--api", choices=APIS, help="one of both")
    return parser.parse_args()


def _runs(asked: argparse.Namespace, apis: Sequence[str]) -> list[tuple[int, str, int]]:
    """Seeds with their API and steps. One seed alone, or the fixed ones and as many drawn as are needed."""
    if asked.seed is not None:
        return [(asked.seed, api, asked.steps) for api in apis]
    steps = min(asked.steps, LONG if asked.steps >= MANY else SHORT)
    drawn = max(1, -(-asked.steps // (steps * len(apis))) - len(FIXED))
    seeds = [*FIXED, *(SystemRandom().randrange(10**6) for _ in range(drawn))]
    return [(seed, api, steps) for seed in seeds for api in apis]


def _one(run: tuple[int, str, int]) -> Report:
    logging.disable(logging.CRITICAL)
    return simulate(*run)


def _tell(report: Report) -> None:
    pace = f", a fault every {report.pace:.0f} s" if report.seconds else ""
    print(
        f"{report.api:6} seed {report.seed:>6}: {report.steps} steps, {report.seconds:.0f} s simulated{pace}"
    )
    if report.violation:
        print(f"VIOLATION  {report.violation}\n  replay: {report.replay}", flush=True)
    if report.crash:
        print(f"CRASH  {report.crash.splitlines()[-1]}\n  replay: {report.replay}", flush=True)
        print(report.crash, file=sys.stderr)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is chance, too
        command = [sys.executable, "-m", "simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606 - ourselves
    sys.exit(main())
