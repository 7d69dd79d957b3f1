"""From the configuration files to settings, checked. With `options` and the other `config_*.py`,
alone knows oslo.config.

The files are those that Neutron reads. The old groups `NSX_SYNC` and `NVP_SYNC` and the connection options
of vmware-nsx are still accepted. A value that cannot work is a ConfigurationError that names the option
and the file; so is an option that does not exist, because a misspelt one would change nothing in silence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oslo_config import cfg
from oslo_log import log

from networking_nsx.config_access import check_authentication, check_files, managers
from networking_nsx.config_files import Group, unknown_options
from networking_nsx.errors import ConfigurationError
from networking_nsx.model import Kind
from networking_nsx.nsx.codec_policy import Tags
from networking_nsx.nsx.listing_policy import PolicySettings
from networking_nsx.nsx.settings import HttpSettings
from networking_nsx.options import OPTIONS
from networking_nsx.scope import Scope
from networking_nsx.sync.brake import BrakeSettings
from networking_nsx.sync.canary import CanarySettings
from networking_nsx.sync.ledger import LedgerSettings
from networking_nsx.sync.misses import MissingSettings
from networking_nsx.sync.pacing import PacingSettings

_DATABASE = [cfg.StrOpt("connection", secret=True, help="Neutron's database, as in neutron.conf.")]

_LARGEST_PORT = 65535
_LINE = re.compile(r":(\d+), ")  # in what oslo.config says of a file


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int  # 0: any that is free

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the assembly needs, each layer's own settings inside."""

    api: str
    managers: tuple[str, ...]
    auth: str
    user: str
    password: str
    password_file: str
    token_file: str
    generation_timeout: float
    policy: PolicySettings
    http: HttpSettings
    connection: str
    scope: Scope
    report_only: bool
    kinds: tuple[Kind, ...]
    pacing: PacingSettings
    ledger: LedgerSettings
    brake: BrakeSettings
    canary: CanarySettings
    looks: int
    first_delay: float
    lock_path: str
    control_socket: str
    state_path: str
    audit_log: str
    listen: Address | None
    always_read_status: bool

    def __repr__(self) -> str:  # neither the password nor the connection's
        return f"Settings(managers={self.managers})"


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator."""
    return list(OPTIONS.items())


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
    except cfg.ConfigFileParseError as error:
        # Without the error, which has the line: it may be a password that lacks its "=".
        place = _LINE.search(str(error.msg))
        at = f"{error.config_file}, line {place[1]}" if place else error.config_file
        raise ConfigurationError(f"{at}: neither [section], nor name = value, nor a comment") from None
    except (cfg.Error, OSError, ValueError) as error:
        raise ConfigurationError(f"{', '.join(files)}: the configuration cannot be read: {error}") from error
    for complaint in unknown_options(files):
        raise ConfigurationError(complaint)
    return conf


def settings(conf: cfg.ConfigOpts) -> Settings:
    """What the options mean, checked one by one and against each other. Raises ConfigurationError."""
    nsx, sync = Group(conf, "nsx"), Group(conf, "nsx_sync")
    _check_together(nsx, sync)
    scope = _scope(nsx, sync)
    return Settings(
        api=nsx["api"],
        managers=managers(nsx),
        auth=nsx["auth"],
        user=nsx["user"],
        password=nsx["password"],
        password_file=nsx["password_file"],
        token_file=nsx["token_file"],
        generation_timeout=nsx["generation_timeout"],
        policy=_policy(nsx),
        http=_http(nsx),
        connection=_required(Group(conf, "database"), "connection", "Neutron's database"),
        scope=scope,
        report_only=sync["mode"] == "report",
        kinds=tuple(kind for kind in Kind if kind in scope.kinds),
        pacing=_pacing(sync),
        ledger=_ledger(nsx, sync),
        brake=_brake(sync),
        canary=_canary(sync),
        looks=sync["looks_per_sweep"],
        first_delay=sync["first_delay"],
        lock_path=sync["lock_path"],
        control_socket=sync["control_socket"],
        state_path=sync["state_path"],
        audit_log=sync["audit_log"],
        listen=_address(sync),
        always_read_status=sync["always_read_status"],
    )


def _scope(nsx: Group, sync: Group) -> Scope:
    return Scope(
        kinds=frozenset(Kind(name) for name in sync["kinds"]),
        network_types=tuple(sync["network_types"]),
        physical_networks=tuple(sync["physical_networks"]),
        drivers=tuple(sync["drivers"]),
        api=nsx["api"],
    )


def _pacing(sync: Group) -> PacingSettings:
    return PacingSettings(
        interval=sync["state_sync_interval"],
        delay=sync["min_sync_req_delay"],
        chunk=sync["min_chunk_size"],
        jitter=sync["max_random_sync_delay"],
    )


def _ledger(nsx: Group, sync: Group) -> LedgerSettings:
    missing = MissingSettings(
        grace=sync["missing_grace"],
        sweeps=sync["missing_sweeps"],
        apart=nsx["index_lag"] if nsx["api"] == "policy" else 0.0,
    )
    return LedgerSettings(missing=missing, unknown_after=sync["unknown_after"])


def _brake(sync: Group) -> BrakeSettings:
    return BrakeSettings(
        share=sync["brake_percent"] / 100,
        minimum=sync["brake_minimum"],
        window=sync["brake_window"],
        patience=sync["brake_window"] + 2 * sync["state_sync_interval"],
        sample=sync["brake_sample"],
        agreement=sync["brake_agreement"] / 100,
    )


def _canary(sync: Group) -> CanarySettings:
    return CanarySettings(
        sample=sync["canary_sample"],
        share=sync["canary_percent"] / 100,
        clean=sync["canary_clean"],
        apart=sync["canary_apart"],
    )


def _address(sync: Group) -> Address | None:
    """HOST:PORT; the host of an IPv6 address is in brackets."""
    text: str = sync["listen"]
    if not text:
        return None
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > _LARGEST_PORT:
        raise ConfigurationError(f"{sync.where('listen')}: {text!r} is no HOST:PORT, as in 127.0.0.1:9698")
    return Address(host, int(port))


def _check_together(nsx: Group, sync: Group) -> None:
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
    check_authentication(nsx)
    if not sync["kinds"]:
        raise ConfigurationError(f"{sync.where('kinds')}: name at least one of {', '.join(Kind)}")


def _required(group: Group, option: str, what: str) -> str:
    value: str | None = group[option]
    if not value:
        raise ConfigurationError(f"[{group.name}] {option} is not set: {what}")
    return value


def _http(nsx: Group) -> HttpSettings:
    check_files(nsx)
    return HttpSettings(
        request_rate=nsx["request_rate"],
        connect_timeout=nsx["connect_timeout"],
        answer_timeout=nsx["http_timeout"],
        total_timeout=nsx["request_timeout"],
        retries=nsx["retries"],
        concurrency=nsx["concurrency"],
        ca_file=nsx["ca_file"],
        insecure=nsx["insecure"],
        client_cert_file=nsx["client_cert_file"],
        client_key_file=nsx["client_key_file"],
    )


def _policy(nsx: Group) -> PolicySettings:
    scopes = {kind: nsx[f"{kind.value}_tag_scope"] for kind in Kind}
    tags = Tags(scopes, nsx["deployment_id"])
    return PolicySettings(
        tags=tags, index_lag=nsx["index_lag"], gateway_reads=nsx["gateway_reads"], readers=nsx["readers"]
    )
