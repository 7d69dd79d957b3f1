"""Every option, with its meaning, its bounds and what raising it costs."""

from oslo_config import cfg, types

from networking_nsx.model import Kind

SYNC_GROUPS = ("nsx_sync", "nvp_sync")  # in any case: oslo.config reads [NSX_SYNC] as [nsx_sync]


def _sync(name: str) -> list[cfg.DeprecatedOpt]:
    return [cfg.DeprecatedOpt(name, group="nvp_sync")]


def _seed(name: str) -> list[cfg.DeprecatedOpt]:
    return [cfg.DeprecatedOpt(name, group="DEFAULT")]


NSX = [
    cfg.StrOpt(
        "api",
        default="mh",
        choices=[("mh", "NSX-MH, formerly NVP: /ws.v1")],
        help="Which API the managers speak.",
    ),
    cfg.ListOpt(
        "managers",
        default=[],
        item_type=types.String(),
        deprecated_opts=_seed("nsx_controllers"),
        help="Base URLs of the NSX managers (or controllers), e.g. https://10.0.0.1,https://10.0.0.2. "
        "Without a scheme it is https. All must belong to one NSX.",
    ),
    cfg.StrOpt(
        "user",
        default="admin",
        deprecated_opts=_seed("nsx_user"),
        help="Account on NSX; reading suffices. Best one of its own.",
    ),
    cfg.StrOpt(
        "password", default="", secret=True, deprecated_opts=_seed("nsx_password"), help="Its password."
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="PEM file of the authorities that sign the managers' certificates. Empty: the usual ones.",
    ),
    cfg.BoolOpt(
        "insecure",
        default=False,
        help="Accept any certificate. Whoever stands between can then read the password.",
    ),
    cfg.IntOpt(
        "request_rate",
        default=100,
        min=1,
        help="Requests per second and manager at most, in every sliding second, logins and retries included. "
        "This process's share of what NSX allows the account.",
    ),
    cfg.FloatOpt("connect_timeout", default=5, min=0.1, help="Seconds until a connection stands."),
    cfg.FloatOpt(
        "http_timeout",
        default=75,
        min=0.1,
        deprecated_opts=_seed("http_timeout"),
        help="Seconds until the first byte of an answer, and between two.",
    ),
    cfg.FloatOpt(
        "request_timeout",
        default=150,
        min=0.1,
        help="Seconds for one request in all, with its retries, fail-over, logins and waits for the budget.",
    ),
    cfg.IntOpt(
        "retries",
        default=2,
        min=0,
        deprecated_opts=_seed("retries"),
        help="Attempts after the first, each on the next manager that works.",
    ),
    cfg.FloatOpt(
        "generation_timeout",
        default=30,
        min=0,
        help="Seconds for which a manager is asked to catch up with the newest configuration generation seen "
        "on any of them (NSX-MH). 0: never.",
    ),
]

SYNC = [
    cfg.IntOpt(
        "state_sync_interval",
        default=10,
        min=0,
        deprecated_opts=_sync("state_sync_interval"),
        help="Seconds that one sweep over NSX should take. 0 disables synchronization.",
    ),
    cfg.IntOpt(
        "min_sync_req_delay",
        default=1,
        min=0,
        deprecated_opts=_sync("min_sync_req_delay"),
        help="Seconds at least between the starts of two chunks of a sweep.",
    ),
    cfg.IntOpt(
        "min_chunk_size",
        default=500,
        min=1,
        deprecated_opts=_sync("min_chunk_size"),
        help="Objects at least in a chunk. It grows with the inventory, so that a sweep fits in the "
        "interval, and shrinks with it.",
    ),
    cfg.IntOpt(
        "max_random_sync_delay",
        default=0,
        min=0,
        deprecated_opts=_sync("max_random_sync_delay"),
        help="Seconds at most that are waited in addition after each sweep, drawn anew each time.",
    ),
    cfg.BoolOpt(
        "always_read_status",
        default=False,
        deprecated_opts=_sync("always_read_status"),
        help="Read the status from NSX whenever one resource is shown. Needs the mechanism driver, which "
        "does not exist yet: accepted, reported and without effect.",
    ),
    cfg.StrOpt(
        "mode",
        default="write",
        choices=[("write", "repair Neutron"), ("report", "say what would be written, and write nothing")],
        help="What to do about a status that differs.",
    ),
    cfg.FloatOpt("first_delay", default=5, min=0, help="Seconds between the start and the first sweep."),
    cfg.ListOpt(
        "kinds",
        default=[kind.value for kind in Kind],
        item_type=types.String(choices=[kind.value for kind in Kind]),
        help="Kinds of resources that are synchronized.",
    ),
    cfg.ListOpt(
        "network_types",
        default=[],
        help="Network types that NSX realizes, e.g. geneve,vlan. Networks of other types and their ports are "
        "never touched. Empty: all. Set it where other drivers have networks too.",
    ),
    cfg.ListOpt(
        "physical_networks",
        default=[],
        help="Physical networks that NSX realizes; as network_types. Empty: all.",
    ),
    cfg.ListOpt(
        "drivers",
        default=["nsx"],
        help="Mechanism drivers whose bound ports are ours. Ports bound by others are never touched. "
        "Empty: all.",
    ),
    cfg.FloatOpt(
        "missing_grace",
        default=300,
        min=0,
        help="Seconds that a row must have rested before it can be missing from NSX.",
    ),
    cfg.IntOpt(
        "missing_sweeps",
        default=2,
        min=2,
        help="Complete sweeps that must miss a row before it is looked for directly.",
    ),
    cfg.FloatOpt(
        "unknown_after",
        default=0,
        min=0,
        help="Seconds after which a port whose status NSX does not know is DOWN. 0: it keeps its status.",
    ),
    cfg.IntOpt(
        "looks_per_sweep",
        default=200,
        min=1,
        help="Rows of each kind that one sweep may look at directly. More settles losses sooner, for more "
        "requests.",
    ),
    cfg.IntOpt(
        "brake_percent",
        default=10,
        min=0,
        max=100,
        help="Share of a kind's rows that may worsen within brake_window before a sample of direct reads, or "
        "an operator, must agree.",
    ),
    cfg.IntOpt("brake_minimum", default=10, min=0, help="Rows of each kind that may always worsen."),
    cfg.FloatOpt("brake_window", default=600, min=600, help="Seconds for which a worsened row counts."),
    cfg.IntOpt("brake_sample", default=50, min=1, help="Direct reads that decide about held changes."),
    cfg.IntOpt(
        "brake_agreement",
        default=90,
        min=1,
        max=100,
        help="Per cent of the sample that must agree with the listing.",
    ),
    cfg.StrOpt(
        "lock_path",
        default="",
        help="Folder of the files, one per manager, that keep a second synchronizer of the same NSX off "
        "this machine. Empty: the folder for temporary files.",
    ),
]
