"""Figures beside their targets; exit 1 when one is missed. All benchmarks, or those that are named."""

import argparse
import sys

from benchmarks import evidence, metrics, page, parts, policy, scale, simulator_page, sweeps, writes

BENCHMARKS = {
    "sweep": sweeps.run,
    "writes": writes.run,
    "scale": scale.run,
    "parts": parts.run,
    "policy": policy.run,
    "metrics": metrics.run,
    "page": page.run,
    "evidence": evidence.run,
    "simulator": simulator_page.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("benchmark", nargs="*", metavar="|".join(BENCHMARKS), help="(default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, once: do they still run?")
    asked = parser.parse_args()
    for name in asked.benchmark:
        if name not in BENCHMARKS:
            parser.error(f"no such benchmark: {name}")
    checks = []
    for name in asked.benchmark or BENCHMARKS:
        found = BENCHMARKS[name](quick=asked.quick)
        print(*found, sep="\n", flush=True)
        checks += found
    missed = [check for check in checks if not check.met]
    print(f"{len(checks) - len(missed)} of {len(checks)} targets met", *missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
