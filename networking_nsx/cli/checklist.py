"""Checks, done one after the other: a line for each, and the exit code that they amount to."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from networking_nsx.cli.working import Tell
from networking_nsx.errors import ConfigurationError, LeaseTaken, NsxError, StoreError
from networking_nsx.nsx.checks import (
    CONFIGURATION,
    NODES,
    UNREACHABLE,
    Check,
    Finding,
    Result,
    fail,
    failed,
    skip,
)
from networking_nsx.serve.plain import plain

_Subject = TypeVar("_Subject")

_PASSED = (Result.OK, Result.WARN)
_ANSWERING = ("reachable", "certificate", "login")  # a manager that fails in one of these does not answer


class Line(NamedTuple):
    """One check, as it is reported."""

    name: str
    result: str
    detail: str
    advice: str


class Checklist:
    """What was checked so far. Each check is of one thing: of a manager by its URL, or of the whole ("")."""

    def __init__(self, tell: Tell) -> None:
        """`tell` hears what is asked."""
        self._tell = tell
        self._findings: dict[tuple[str, str], Finding] = {}

    def run(self, check: Check[_Subject], subject: _Subject, of: str = "") -> None:
        """Ask, unless something failed that the check needs: of the same manager, or of any."""
        self._tell(f"{check.name} {of}".strip())
        unmet = [need for need in check.needs if not self.passed(need, of)]
        self.note(check.name, skip(f"needs {', '.join(unmet)}") if unmet else _asked(check, subject), of)

    def skip(self, names: Iterable[str], why: str) -> None:
        for name in names:
            self.note(name, skip(why))

    def note(self, name: str, finding: Finding, of: str = "") -> None:
        self._findings[name, of] = finding

    def passed(self, name: str, of: str = "") -> bool:
        """Whether this check has passed, of the whole that of any manager."""
        found = ((key, finding.result) for key, finding in self._findings.items())
        return any(key[0] == name and of in ("", key[1]) and result in _PASSED for key, result in found)

    def refused(self) -> bool:
        """Whether a manager has turned the account away."""
        return any(name == "login" and found.refused for (name, _), found in self._findings.items())

    def lines(self) -> list[Line]:
        return [
            Line(f"{name} {of}".strip(), found.result.value, plain(found.detail), plain(found.advice))
            for (name, of), found in self._findings.items()
        ]

    def code(self) -> int:
        """The exit code: that no manager answers comes first, then what is configured, then a manager."""
        codes = {finding.code for finding in self._findings.values()}
        managers = {of for _, of in self._findings if of}
        silent = {
            of
            for (name, of), finding in self._findings.items()
            if name in _ANSWERING and finding.code == NODES
        }
        if managers and silent == managers:
            return UNREACHABLE
        return next((code for code in (UNREACHABLE, CONFIGURATION, NODES) if code in codes), 0)


def _asked(check: Check[_Subject], subject: _Subject) -> Finding:
    try:
        return check.ask(subject)
    except NsxError as error:
        return failed(error)
    except StoreError as error:
        return fail(str(error), "see [database] connection, and that the database is well")
    except (ConfigurationError, LeaseTaken) as error:
        return fail(str(error), "correct the configuration")
