"""Known vulnerabilities of what requirements.lock pins, by pip-audit.

Exit 0: none is known. 1: some are. 3: nobody could tell. pip-audit calls a lock clean of which its service
knows nothing (a package index without PyPI's advisories answers 404), so a release whose vulnerabilities are
known is asked about first: while the service finds none in it, its silence about ours means nothing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
VULNERABLE = "urllib3==1.24.1"  # CVE-2019-11324 and others
SERVICES = ("pypi", "osv")
NOT_AUDITED = 3


def audit(service: str, lock: Path, *options: str) -> subprocess.CompletedProcess[str]:
    how = ["--vulnerability-service", service, "--timeout", "5", "--progress-spinner", "off", "--disable-pip"]
    command = [sys.executable, "-m", "pip_audit", *how, "--requirement", str(lock), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def reports(service: str) -> bool:
    """Whether it knows what everybody knows."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as known:
        known.write(VULNERABLE)
        known.flush()
        told = audit(service, Path(known.name), "--no-deps", "--format", "json").stdout
    try:
        return any(package.get("vulns") for package in json.loads(told)["dependencies"])
    except ValueError:
        return False


def main() -> int:
    service = next(filter(reports, SERVICES), None)
    if service is None:
        print(
            f"DEPENDENCIES NOT AUDITED: no service ({', '.join(SERVICES)}) knows that {VULNERABLE} is "
            "vulnerable. Run `make audit` where one can be reached.",
            file=sys.stderr,
        )
        return NOT_AUDITED
    done = audit(service, LOCK, "--strict")
    print(done.stdout, done.stderr, sep="", end="")
    if done.returncode and "vulnerabilit" not in done.stdout + done.stderr:
        return NOT_AUDITED  # the service has gone meanwhile; it said so
    return 1 if done.returncode else 0


sys.exit(main())
