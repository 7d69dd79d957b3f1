"""How NSX is entered, as the options of `[nsx]` have it: the managers, who asks, and the files of both.

Every refusal is a ConfigurationError that names the option and the file, and repeats no secret.
"""

import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from networking_nsx.config_files import Group
from networking_nsx.errors import ConfigurationError
from networking_nsx.nsx.secret_file import password_from, token_from

_DEFAULT_PORTS = {"https": 443, "http": 80}
_PURPOSES = {
    "client_cert_file": ("certificate",),
    "client_key_file": ("certificate",),
    "token_file": ("token",),
    "password_file": ("session", "basic"),
}
_NEEDED = {  # one of these
    "certificate": ("client_cert_file",),
    "token": ("token_file",),
    "session": ("password", "password_file"),
    "basic": ("password", "password_file"),
}
_SECRETS = {
    "token_file": ("no file of a token", token_from),
    "password_file": ("no file of a password", password_from),
}


def managers(nsx: Group) -> tuple[str, ...]:
    if any("@" in manager for manager in nsx["managers"]):  # its parts may be a password's: print none
        raise ConfigurationError(
            f"{nsx.where('managers')}: no user or password in a URL; they belong to [nsx] user and password"
        )
    urls = tuple(_base_url(nsx, manager) for manager in nsx["managers"] if manager)
    if not urls:
        raise ConfigurationError("[nsx] managers is not set: the base URLs of the NSX managers")
    if len(set(urls)) < len(urls):
        raise ConfigurationError(f"{nsx.where('managers')}: the same manager twice")
    return urls


def _base_url(nsx: Group, manager: str) -> str:
    complaint = ConfigurationError(
        f"{nsx.where('managers')}: {manager!r} is no base URL; write it as https://host or https://host:port"
    )
    try:
        url = urlsplit(manager if "://" in manager else f"https://{manager}")
        port = url.port or _DEFAULT_PORTS[url.scheme]
        (url.hostname or "").encode("idna")  # as whoever looks it up does
    except (KeyError, ValueError) as error:
        raise complaint from error
    if not url.hostname or url.path.strip("/") or url.query:
        raise complaint
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}:{port}"


def check_authentication(nsx: Group) -> None:
    auth, where = nsx["auth"], nsx.where("auth")
    if nsx["api"] == "mh" and auth != "session":
        raise ConfigurationError(f"{where}: {auth} is for NSX Policy only, but {nsx.where('api')} is mh")
    for option, purposes in _PURPOSES.items():
        if nsx[option] and auth not in purposes:
            raise ConfigurationError(
                f"{nsx.where(option)} is for auth = {' or '.join(purposes)}, but {where} is {auth}"
            )
    needed = _NEEDED[auth]
    if not any(nsx[option] for option in needed):
        raise ConfigurationError(f"{where}: {auth} needs [nsx] {' or '.join(needed)}, which is not set")
    if nsx["password"] and nsx["password_file"]:
        raise ConfigurationError(
            f"{nsx.where('password')} and {nsx.where('password_file')}: remove one of them, and it is clear "
            "which password counts"
        )
    if auth == "certificate" and (clear := [each for each in managers(nsx) if each.startswith("http:")]):
        raise ConfigurationError(
            f"{where}: a certificate needs https, but {nsx.where('managers')} has {clear[0]}"
        )


def check_files(nsx: Group) -> None:
    """At the start, not at the first request."""
    if nsx["ca_file"]:
        with _readable(nsx, "ca_file", "no PEM file of certificates"):
            _check_regular(nsx["ca_file"])
            ssl.create_default_context(cafile=nsx["ca_file"])
    if certificate := nsx["client_cert_file"]:
        key = nsx["client_key_file"] or certificate
        with _readable(nsx, "client_cert_file", f"no certificate that fits its key in {_told(key)}"):
            _check_regular(certificate)
            _check_regular(key)
            # With a passphrase, else the terminal would be asked for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    for option, (what, read) in _SECRETS.items():
        if nsx[option]:
            with _readable(nsx, option, what):
                read(nsx[option])


def _check_regular(file: str) -> None:
    """OpenSSL would read a pipe or a device for ever. Raises OSError or ValueError."""
    if not stat.S_ISREG(Path(file).stat().st_mode):
        raise ValueError(f"{_told(file)} is no regular file")


@contextmanager
def _readable(group: Group, option: str, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        told = f"{_told(group[option])} is {what}: {_reason(error)}"
        raise ConfigurationError(f"{group.where(option)}: {told}") from None  # which may have the secret


def _told(file: str) -> str:
    """Repeat a path; what does not begin with a slash may be the secret that belongs into the file."""
    return file if file.startswith("/") else "what it says"


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and not str(error.filename or "/").startswith("/"):
        return str(error.strerror)
    return str(error)
