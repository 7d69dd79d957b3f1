"""`[nsx]`: which NSX, how to enter it, and how to read it."""

from oslo_config import cfg, types


def _seed(name: str) -> list[cfg.DeprecatedOpt]:
    """What vmware-nsx called it."""
    return [cfg.DeprecatedOpt(name, group="DEFAULT")]


NSX = [
    cfg.StrOpt(
        "api",
        default="mh",
        choices=[
            ("mh", "NSX-MH, formerly NVP: /ws.v1"),
            ("policy", "NSX-T 3, NSX 4 and 9: /policy/api/v1"),
        ],
        help="Which API the managers speak.",
    ),
    cfg.ListOpt(
        "managers",
        default=[],
        item_type=types.String(),
        deprecated_opts=_seed("nsx_controllers"),
        help="Base URLs of the NSX managers (or controllers), e.g. https://10.0.0.1,https://10.0.0.2. "
        "Without a scheme it is https. All must belong to one NSX. Best name each manager of NSX Policy, not "
        "their virtual IP: each has a budget of its own.",
    ),
    cfg.StrOpt(
        "user",
        default="admin",
        deprecated_opts=_seed("nsx_user"),
        help="Account on NSX; reading suffices. Best one of its own.",
    ),
    cfg.StrOpt(
        "password",
        default="",
        secret=True,
        deprecated_opts=_seed("nsx_password"),
        help="Its password. A $ begins the name of another option: write it as $$. Or set password_file.",
    ),
    cfg.StrOpt(
        "password_file",
        default="",
        help="File that holds the password instead, in one line that is taken as it is. Refused if it is "
        "open to anybody on the machine. Read anew at each login; with auth = basic, when NSX refuses the "
        "last one.",
    ),
    cfg.StrOpt(
        "auth",
        default="session",
        choices=[
            ("session", "a login with user and password opens a session on each manager"),
            (
                "basic",
                "user and password with every request, two at a time lest they lock the account (NSX Policy)",
            ),
            ("certificate", "the certificate of client_cert_file, of a principal identity (NSX Policy)"),
            ("token", "the bearer token in token_file (NSX Policy)"),
        ],
        help="How the managers are told who asks.",
    ),
    cfg.StrOpt(
        "client_cert_file",
        default="",
        help="PEM file of the certificate for auth = certificate. No user and password are sent then. A new "
        "one, with its key, is shown by the next request.",
    ),
    cfg.StrOpt(
        "client_key_file",
        default="",
        help="PEM file of its key, without a passphrase. Empty: the key is in client_cert_file.",
    ),
    cfg.StrOpt(
        "token_file",
        default="",
        help="File with the token for auth = token, and nothing else. It is read anew when NSX no longer "
        "accepts the token.",
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="PEM file of the authorities that sign the managers' certificates. Empty: the usual ones. What "
        "is written there is trusted by the next request.",
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
    cfg.IntOpt(
        "concurrency",
        default=20,
        min=1,
        help="Requests in flight per manager at most. More use the rate when answers are slow; NSX answers "
        "503 to more than 40 of an account, all its users together.",
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
    cfg.StrOpt(
        "deployment_id",
        default="",
        help="Which of several clouds on one NSX this is: what the tag os-deployment-id of its objects says "
        "(NSX Policy). Empty: there is only one.",
    ),
    cfg.StrOpt(
        "network_tag_scope",
        default="os-neutron-net-id",
        help="Scope of the tag that names a segment's Neutron network (NSX Policy). Set the three scopes "
        "to read what another driver has made.",
    ),
    cfg.StrOpt(
        "router_tag_scope",
        default="os-neutron-router-id",
        help="Scope of the tag that names a tier-1 gateway's Neutron router (NSX Policy).",
    ),
    cfg.StrOpt(
        "port_tag_scope",
        default="os-neutron-port-id",
        help="Scope of the tag that names a segment port's Neutron port (NSX Policy). A port without that "
        "tag is known by the VIF attached to it.",
    ),
    cfg.FloatOpt(
        "index_lag",
        default=60,
        min=0,
        help="Seconds by which the search index of NSX Policy may be late. What it says of a row that has "
        "changed since is not believed, and read directly. `neutron-nsx check` shows how late it is.",
    ),
    cfg.IntOpt(
        "gateway_reads",
        default=100,
        min=1,
        help="Gateways with an edge cluster whose state is read per sweep, in rotation (NSX Policy).",
    ),
    cfg.IntOpt(
        "readers",
        default=16,
        min=1,
        help="Direct reads at a time (NSX Policy). More use the rate when answers are slow.",
    ),
]
