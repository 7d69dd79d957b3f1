"""From the configuration files to settings, checked. With `options.py`, alone knows oslo.config.

The files are those that Neutron reads. The old groups `NSX_SYNC` and `NVP_SYNC` and the connection options
of vmware-nsx are still accepted. A value that cannot work is a ConfigurationError that names the option
and the file; so is an option that does not exist, because a misspelt one would change nothing in silence.
"""

import difflib
import math
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oslo_config import cfg
from oslo_log import log

from networking_nsx.errors import ConfigurationError
from networking_nsx.model import Kind
from networking_nsx.neutron.scope import Scope
from networking_nsx.nsx.http import HttpSettings
from networking_nsx.options import NSX, SYNC, SYNC_GROUPS
from networking_nsx.sync.brake import BrakeSettings
from networking_nsx.sync.ledger import LedgerSettings
from networking_nsx.sync.pacing import PacingSettings

_DATABASE = [cfg.StrOpt("connection", secret=True, help="Neutron's database, as in neutron.conf.")]

_OSLO_PREFIX = re.compile(r"^Value for option \S+ from LocationInfo\(.*?\) is not valid: ")
_NEARLY = 0.9  # so like a name of ours that nobody else's is: [nsxsync] is, [nsx_v3] is not
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the assembly needs, each layer's own settings inside."""

    api: str
    managers: tuple[str, ...]
    user: str
    password: str
    generation_timeout: float
    http: HttpSettings
    connection: str
    scope: Scope
    report_only: bool
    kinds: tuple[Kind, ...]
    pacing: PacingSettings
    ledger: LedgerSettings
    brake: BrakeSettings
    looks: int
    first_delay: float
    lock_path: str
    always_read_status: bool

    def __repr__(self) -> str:  # neither the password nor the connection's
        return f"Settings(managers={self.managers})"


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator."""
    return [("nsx", NSX), ("nsx_sync", SYNC)]


def load(files: Sequence[str]) -> cfg.ConfigOpts:
    """Read the files, later ones over earlier ones. Raises ConfigurationError."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf.register_opts(_DATABASE, "database")
    for group, options in list_opts():
        conf.register_opts(options, group)
    try:
        conf([], project="neutron", default_config_files=list(files), default_config_dirs=[])
    except cfg.ConfigFilesNotFoundError as error:
        raise ConfigurationError(f"no such configuration file: {', '.join(error.config_files)}") from error
    except (cfg.Error, OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the configuration cannot be read: {error}") from error
    for complaint in _unknown_options(files):
        raise ConfigurationError(complaint)
    return conf


def settings(conf: cfg.ConfigOpts) -> Settings:
    """What the options mean, checked one by one and against each other. Raises ConfigurationError."""
    nsx, sync = _Group(conf, "nsx"), _Group(conf, "nsx_sync")
    _check_together(nsx, sync)
    kinds = tuple(kind for kind in Kind if kind.value in sync["kinds"])
    return Settings(
        api=nsx["api"],
        managers=_managers(nsx),
        user=nsx["user"],
        password=nsx["password"],
        generation_timeout=nsx["generation_timeout"],
        http=_http(nsx),
        connection=_required(_Group(conf, "database"), "connection", "Neutron's database"),
        scope=Scope(
            frozenset(kinds),
            tuple(sync["network_types"]),
            tuple(sync["physical_networks"]),
            tuple(sync["drivers"]),
        ),
        report_only=sync["mode"] == "report",
        kinds=kinds,
        pacing=PacingSettings(
            sync["state_sync_interval"],
            sync["min_sync_req_delay"],
            sync["min_chunk_size"],
            sync["max_random_sync_delay"],
        ),
        ledger=LedgerSettings(sync["missing_grace"], sync["missing_sweeps"], sync["unknown_after"]),
        brake=BrakeSettings(
            sync["brake_percent"] / 100,
            sync["brake_minimum"],
            sync["brake_window"],
            sync["brake_sample"],
            sync["brake_agreement"] / 100,
        ),
        looks=sync["looks_per_sweep"],
        first_delay=sync["first_delay"],
        lock_path=sync["lock_path"],
        always_read_status=sync["always_read_status"],
    )


class _Group:
    """The options of one group, read with errors that say where they come from."""

    def __init__(self, conf: cfg.ConfigOpts, name: str) -> None:
        self._conf = conf
        self.name = name

    def __getitem__(self, option: str) -> Any:
        try:
            value = self._conf[self.name][option]
        except (cfg.Error, ValueError) as error:
            reason = _OSLO_PREFIX.sub("", str(error))
            raise ConfigurationError(f"{self.where(option)}: {reason}") from error
        if isinstance(value, float) and not math.isfinite(value):  # no bound refuses nan
            raise ConfigurationError(f"{self.where(option)}: {value} is no finite number")
        return value

    def where(self, option: str) -> str:
        """Name the option, and the file that sets it: the last one, under any of its names."""
        names = {(self.name, option)}
        for known in dict(list_opts()).get(self.name, []):
            if known.dest == option:
                names |= {(str(old.group), str(old.name)) for old in known.deprecated_opts}
        for file in reversed(self._conf.config_file):
            sections = _sections(file)
            if any(name in sections.get(group, {}) for group, name in names):
                return f"[{self.name}] {option} (set in {file})"
        return f"[{self.name}] {option} (not set in any file)"


def _check_together(nsx: _Group, sync: _Group) -> None:
    interval, delay = sync["state_sync_interval"], sync["min_sync_req_delay"]
    if interval and delay > interval:
        raise ConfigurationError(
            f"{sync.where('min_sync_req_delay')}: {delay} s between two chunks exceed the {interval} s of "
            f"{sync.where('state_sync_interval')}; lower the first or raise the second"
        )
    if nsx["insecure"] and nsx["ca_file"]:
        raise ConfigurationError(
            f"{nsx.where('insecure')} switches off what {nsx.where('ca_file')} is for; remove one of them"
        )
    if not sync["kinds"]:
        raise ConfigurationError(f"{sync.where('kinds')}: name at least one of {', '.join(Kind)}")


def _required(group: _Group, option: str, what: str) -> str:
    value: str | None = group[option]
    if not value:
        raise ConfigurationError(f"[{group.name}] {option} is not set: {what}")
    return value


def _managers(nsx: _Group) -> tuple[str, ...]:
    if any("@" in manager for manager in nsx["managers"]):  # its parts may be a password's: print none
        raise ConfigurationError(
            f"{nsx.where('managers')}: no user or password in a URL; they belong to [nsx] user and password"
        )
    managers = tuple(_base_url(nsx, manager) for manager in nsx["managers"] if manager)
    if not managers:
        raise ConfigurationError("[nsx] managers is not set: the base URLs of the NSX managers")
    if len(set(managers)) < len(managers):
        raise ConfigurationError(f"{nsx.where('managers')}: the same manager twice")
    return managers


def _base_url(nsx: _Group, manager: str) -> str:
    complaint = ConfigurationError(
        f"{nsx.where('managers')}: {manager!r} is no base URL; write it as https://host or https://host:port"
    )
    try:
        url = urlsplit(manager if "://" in manager else f"https://{manager}")
        port = url.port or _DEFAULT_PORTS[url.scheme]
    except (KeyError, ValueError) as error:
        raise complaint from error
    if not url.hostname or url.path.strip("/") or url.query:
        raise complaint
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}:{port}"


def _http(nsx: _Group) -> HttpSettings:
    if nsx["ca_file"]:
        try:
            ssl.create_default_context(cafile=nsx["ca_file"])
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"{nsx.where('ca_file')}: {nsx['ca_file']} is no PEM file of certificates: {error}"
            ) from error
    return HttpSettings(
        request_rate=nsx["request_rate"],
        connect_timeout=nsx["connect_timeout"],
        answer_timeout=nsx["http_timeout"],
        total_timeout=nsx["request_timeout"],
        retries=nsx["retries"],
        ca_file=nsx["ca_file"],
        insecure=nsx["insecure"],
    )


def _unknown_options(files: Sequence[str]) -> Iterator[str]:
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
