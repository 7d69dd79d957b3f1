"""The configuration files themselves: which options they set, under which names, and which do not exist.

oslo.config says what a value is; a message that helps also says where it came from.
"""

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from oslo_config import cfg

from networking_nsx.errors import ConfigurationError
from networking_nsx.options import NSX, OPTIONS, SYNC, SYNC_GROUPS

_OSLO_PREFIX = re.compile(r"^Value for option \S+ from LocationInfo\(.*?\) is not valid: ")
# Two are files, in whose place a secret may stand.
_SECRETS = {("database", "connection"), ("nsx", "password_file"), ("nsx", "token_file")} | {
    (group, option.dest) for group, options in OPTIONS.items() for option in options if option.secret
}
_DOLLAR = "what follows its $ is no option; write $$ for a $ that belongs to it"
_STANDS = "what its $ stands for is no value of it"
_NEARLY = 0.87  # so like a name of ours that nobody else's is: [nsxsync] is, [nsx_v3] is not


class Group:
    """The options of one group, read with errors that say where they come from."""

    def __init__(self, conf: cfg.ConfigOpts, name: str) -> None:
        self._conf = conf
        self.name = name

    def __getitem__(self, option: str) -> Any:
        try:
            value = self._conf[self.name][option]
        except (cfg.Error, ValueError, RecursionError) as error:
            # Without the error where that has a part of a secret.
            if (self.name, option) in _SECRETS:
                raise ConfigurationError(f"{self.where(option)}: {_DOLLAR}") from None
            if isinstance(error, cfg.ConfigFileValueError | ValueError) and self._stands_for_another(option):
                raise ConfigurationError(f"{self.where(option)}: {_STANDS}") from None
            reason = _OSLO_PREFIX.sub("", str(error))
            raise ConfigurationError(f"{self.where(option)}: {reason}") from error
        if isinstance(value, float) and not math.isfinite(value):  # no bound refuses nan
            raise ConfigurationError(f"{self.where(option)}: {value} is no finite number")
        if value is None and self._has_default(option):  # oslo.config makes None of `option =`
            raise ConfigurationError(f"{self.where(option)} has no value; give it one, or remove the line")
        return value

    def where(self, option: str) -> str:
        """Name the option, and the file that sets it: the last one."""
        file = next((file for file, _ in self._set(option)), "")
        return f"[{self.name}] {option} ({f'set in {file}' if file else 'not set in any file'})"

    def _has_default(self, option: str) -> bool:
        known = OPTIONS.get(self.name, [])
        return any(each.dest == option and each.default is not None for each in known)

    def _stands_for_another(self, option: str) -> bool:
        return any("$" in text for _, texts in self._set(option) for text in texts)

    def _set(self, option: str) -> Iterator[tuple[str, list[str]]]:
        """Each file that sets it, the last one first, and what it says there, under any of its names."""
        names = {(self.name, option)}
        for known in OPTIONS.get(self.name, []):
            if known.dest == option:
                names |= {(str(old.group), str(old.name)) for old in known.deprecated_opts}
        for file in reversed(self._conf.config_file):
            sections = _sections(file)
            for group, name in names:
                if name in sections.get(group, {}):
                    yield file, sections[group][name]


def unknown_options(files: Sequence[str]) -> Iterator[str]:
    """Complaints about names in our groups that are no options of ours, and groups that are nearly ours."""
    sync = {option.dest for option in SYNC}
    known = {"nsx": {option.dest for option in NSX}, **dict.fromkeys(SYNC_GROUPS, sync)}
    for file in files:
        for group, found in _sections(file).items():
            near = difflib.get_close_matches(group.lower(), known, 1, _NEARLY)
            if near and group.lower() != near[0]:
                yield f"[{group}] in {file} is no section that is read; did you mean [{near[0]}]?"
            names = known.get(group, found.keys())
            for name in found.keys() - names:
                close = difflib.get_close_matches(name, names, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                yield f"[{group}] {name} in {file} is no option{hint}"


def _sections(file: str) -> dict[str, dict[str, list[str]]]:
    """What a file sets: group -> option -> values. Our old groups were written in capitals."""
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(file, sections).parse()
    for group in [group for group in sections if group.lower() in SYNC_GROUPS]:
        options = sections.pop(group)
        sections.setdefault(group.lower(), {}).update(options)
    return sections
