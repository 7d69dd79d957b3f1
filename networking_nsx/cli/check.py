"""`neutron-nsx check`: whether a synchronizer with this configuration would work, and what is in its way."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from cliff.lister import Lister
from oslo_config import cfg

from networking_nsx import config
from networking_nsx.assemble import manager
from networking_nsx.cli.arguments import add_files
from networking_nsx.cli.checklist import Checklist, Line
from networking_nsx.cli.checks_here import HERE
from networking_nsx.cli.common import configured
from networking_nsx.cli.working import Tell, working
from networking_nsx.config import Settings
from networking_nsx.errors import ConfigurationError
from networking_nsx.nsx import checks, checks_mh, checks_policy
from networking_nsx.nsx.checks import Finding, Manager, fail, ok, skip, warn

Read = Callable[[list[str]], cfg.ConfigOpts]
_Checks = Sequence[checks.Check[Manager]]

# By API: what is asked of each manager, and what of the NSX as a whole.
NSX: Mapping[str, tuple[_Checks, _Checks]] = {
    "mh": (checks_mh.MANAGER, checks_mh.NSX),
    "policy": (checks_policy.MANAGER, checks_policy.NSX),
}


class Check(Lister):
    """Check configuration, managers, account, listing, database and lease. Exit 0, 1, 10 or 12."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_files(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._code = 0
        super().run(parsed_args)
        return self._code

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[Any]]:
        with working("checking") as tell:
            checklist = checked(parsed_args.config_file, tell, configured)
        self._code = checklist.code()
        return Line._fields, checklist.lines()


def checked(files: list[str], tell: Tell, read: Read) -> Checklist:
    """Every check, done, with what is read from these files. `read` raises ConfigurationError."""
    checklist = Checklist(tell)
    settings = _configuration(checklist, files, read)
    if settings:
        _ask_managers(checklist, settings)
        for check in HERE:
            checklist.run(check, settings)
    return checklist


def _configuration(checklist: Checklist, files: list[str], read: Read) -> Settings | None:
    """What the files say; None, and everything else is skipped, when they cannot work."""
    try:
        settings = config.settings(read(files))
    except ConfigurationError as error:
        checklist.note("configuration", _unusable(files, str(error)))
        of_nsx = [check.name for table in NSX["mh"] for check in table]
        checklist.skip([*of_nsx, *(check.name for check in HERE)], "needs configuration")
        return None
    checklist.note("configuration", _usable(settings))
    return settings


def _unusable(files: list[str], reason: str) -> Finding:
    advice = "correct the file; neutron-nsx reads those given by --config-file, and no others"
    try:
        named = config.load(files).nsx.managers
    except ConfigurationError:
        named = ["perhaps"]
    return fail(reason, advice, checks.CONFIGURATION if named else checks.UNREACHABLE)


def _usable(settings: Settings) -> Finding:
    interval = settings.pacing.interval
    if not interval:
        return warn("state_sync_interval = 0: synchronization is disabled", "set it, unless that is meant")
    if settings.report_only:
        return warn("mode = report: nothing will be written", "set mode = write when you trust what it says")
    return ok(f"api {settings.api} at {', '.join(settings.managers)}, a sweep every {interval} s")


def _ask_managers(checklist: Checklist, settings: Settings) -> None:
    of_each, of_all = NSX[settings.api]
    with ExitStack() as opened:
        managers = [opened.enter_context(manager(settings, base)) for base in settings.managers]
        for each in managers:
            for check in of_each:
                if check.name == "login" and checklist.refused():
                    checklist.note(
                        check.name, skip("refused elsewhere: more may lock the account"), each.base
                    )
                else:
                    checklist.run(check, each, each.base)
        entered = [each for each in managers if checklist.passed("login", each.base)]
        for check in of_all:
            checklist.run(check, (entered or managers)[0])
