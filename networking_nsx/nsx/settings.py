"""How the managers are asked, as a value: what reads a configuration needs no HTTP for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How the managers are asked."""

    request_rate: int = 100
    """Requests per second and manager. More finish a sweep sooner, and leave less of the limit that NSX
    sets for the account to its other users."""
    urgent_share: float = 0.0
    """Of that rate, kept for urgent requests (see `Client.urgent`). More lets these pass sooner while a sweep
    has much to ask, and stretches the sweep."""
    connect_timeout: float = 5.0
    """Seconds until a connection stands. Longer: a dead manager costs more before the next is tried."""
    answer_timeout: float = 75.0
    """Seconds until the first byte, and between two. Shorter: a busy manager is taken for a dead one."""
    total_timeout: float = 150.0
    """Seconds for one request with its retries, fail-over, logins and waits for the budget."""
    retries: int = 2
    """Further attempts after the first. Each one more is load on an NSX that is in trouble."""
    concurrency: int = 20
    """Requests in flight per manager. More use the rate when answers are slow; NSX allows 40 per account."""
    answer_limit: int = 512 << 20
    """Bytes after which an answer is cut off: it is held in memory whole."""
    ca_file: str = ""
    """PEM file of the authorities that sign the managers' certificates; "" for those of requests."""
    insecure: bool = False
    """Accept any certificate: whoever stands in between can read the password."""
    client_cert_file: str = ""
    """PEM file of the certificate that is shown to the managers; "" for none."""
    client_key_file: str = ""
    """PEM file of its key; "" when that is in the same file."""
