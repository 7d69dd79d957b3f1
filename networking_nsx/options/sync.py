"""`[nsx_sync]`: what is synchronized, how often, and what holds it back."""

from oslo_config import cfg, types

from networking_nsx.model import Kind

SYNC_GROUPS = ("nsx_sync", "nvp_sync")  # in any case: oslo.config reads [NSX_SYNC] as [nsx_sync]


def _sync(name: str) -> list[cfg.DeprecatedOpt]:
    return [cfg.DeprecatedOpt(name, group="nvp_sync")]


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
    cfg.StrOpt(
        "control_socket",
        default="",
        help="Unix socket at which a running daemon takes commands (`sync status`, `pause`, `resume`, "
        "`release`, `key`), e.g. /var/lib/neutron/nsx.socket. Made with mode 0600 in a folder that exists: "
        "only the service's user reaches it. Each daemon needs one of its own. Empty: none.",
    ),
    cfg.StrOpt(
        "state_path",
        default="",
        help="Folder of this daemon's own, which exists: what was written and why (`show`, `timeline`), and "
        "a maintenance at hand, are kept there over restarts. Commands with the same configuration read it. "
        "Empty: neither outlives the process.",
    ),
    cfg.StrOpt(
        "audit_log",
        default="",
        help="File to which every status write is appended as a line of JSON. It may be moved away at any "
        "time, as logrotate does. Empty: none.",
    ),
    cfg.StrOpt(
        "listen",
        default="127.0.0.1:9698",
        help="Address and port at which a running daemon answers HTTP: the status page at /, /metrics for "
        "Prometheus, /healthz and /readyz. It only tells, and asks nobody who they are: keep it on loopback, "
        "or behind a proxy that does. Each daemon needs a port of its own. Empty: none.",
    ),
    cfg.IntOpt(
        "canary_sample",
        default=150,
        min=100,
        help="Rows per sweep that are looked up in NSX's search index and read directly, to see that both "
        "agree (NSX Policy).",
    ),
    cfg.FloatOpt(
        "canary_percent",
        default=1,
        min=0,
        max=100,
        help="Percentage of the sample that may differ, twice in a row, before statuses are read directly.",
    ),
    cfg.IntOpt(
        "canary_clean",
        default=3,
        min=1,
        help="Samples in a row that must agree until the search index is believed again.",
    ),
    cfg.FloatOpt(
        "canary_apart",
        default=5,
        min=0,
        help="Seconds at least between the two comparisons of a row: an index may well be that late.",
    ),
]
