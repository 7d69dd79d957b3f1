"""Who else may read the password on its way to the managers: told at the start, once."""

import ipaddress
import logging
import re
import warnings
from collections.abc import Sequence
from urllib.parse import urlsplit

from urllib3.exceptions import InsecureRequestWarning

LOG = logging.getLogger(__name__)


def warn(bases: Sequence[str], *, insecure: bool) -> None:
    """Warn where these managers may be posed as, or listened to."""
    if insecure:
        _warn_of_insecure(bases)
    if clear := [base for base in bases if _in_the_clear(base)]:
        LOG.warning("[nsx] managers: %s is not encrypted: anybody can read the password", ", ".join(clear))


def _in_the_clear(base: str) -> bool:
    """Whether the password leaves this machine as it is."""
    url = urlsplit(base)
    try:
        local = ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        local = url.hostname == "localhost"
    return url.scheme == "http" and not local


def _warn_of_insecure(bases: Sequence[str]) -> None:
    """Instead of urllib3's warning for each request; that of other hosts in this process stays."""
    LOG.warning("[nsx] insecure: anybody can pose as %s and read the password", ", ".join(bases))
    for base in bases:
        host = re.escape(urlsplit(base).hostname or "")
        warnings.filterwarnings(
            "ignore", f"Unverified HTTPS request is being made to host '{host}'", InsecureRequestWarning
        )
