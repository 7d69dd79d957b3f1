"""Text that may leave the house: without any secret that the configuration names, or that a log spells out.

Two ways, as each may miss something: the secrets themselves are looked for, in each form in which they go
over the wire; and whatever follows a word such as `password` goes, too.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from oslo_config import cfg

from networking_nsx.config import list_opts

HIDDEN = "***"

_OPTION = re.compile(r"\s*([\w.-]+)\s*[=:](.*)")
_NAMES = re.compile(r"(pass(word|wd|phrase|code)?|secret|token|credentials?|key|connection)$", re.IGNORECASE)
_FILES = re.compile(r"(password|token|secret)_file$", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&][^=&\s]*(?:pass|secret|token)[^=&\s]*=([^&\s]+)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^/\s:@]*):(\S+)@")
_HOSTS = re.compile(r"(?:://|,)[^/\s:@,]*:([^\s@,]+)@")  # of a message bus: each has its own
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
_APART = re.compile(r"[@:/?#,$]")  # what tears a secret, so that only a part of it is told
_HEADER = re.compile(
    r"((?:authorization|cookie|x-xsrf-token|x-auth-token|jsessionid|nvp_sessionid)['\"]?\s*[=:,]\s*)"
    r"('[^']*'|\"[^\"]*\"|(?:basic |bearer )?[^\s,;]+)",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"((?:\bbearer\s+|['\"]?\b\w*(?:pass(?:word|wd|phrase)|secret|token|api_?key)\b['\"]?\s*[=:]\s*))('[^']*'|\"[^\"]*\"|[^\s,;}]+)",
    re.IGNORECASE,
)
_LEAST = 3  # characters: whatever is shorter is in every text
_SHORT = 8  # of a secret with less only whole words are hidden, as it may be a common one


class Redaction:
    """Hides these secrets. `user` is whose password goes over the wire with it."""

    def __init__(self, secrets: Iterable[str], user: str = "") -> None:
        forms = {form for secret in secrets for form in _forms(secret, user) if len(form) >= _LEAST}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        text = _PRIVATE_KEY.sub(HIDDEN, self._known.sub(HIDDEN, text))
        text = _USERINFO.sub(rf"\1:{HIDDEN}@", text)
        text = _HEADER.sub(_hidden, text)
        return _SAID.sub(_hidden, text)


def secrets_in(files: Iterable[str]) -> Iterator[str]:
    """Whatever in these configuration files may be a secret, and what the files that they name hold."""
    for file in files:
        with suppress(OSError, UnicodeDecodeError):
            for name, value in _options_in(Path(file).read_text()):
                yield from _secrets_of(name, value.replace("$$", "$"))


def secrets_of(conf: cfg.ConfigOpts) -> Iterator[str]:
    """The same of our options as they are set: the environment may have set them, too."""
    options = [(group, option.dest) for group, each in list_opts() for option in each]
    for group, name in [*options, ("database", "connection")]:
        with suppress(cfg.Error, ValueError):  # it cannot be used as it is set; the files have it
            yield from _secrets_of(name, str(conf[group][name] or ""))


def _options_in(text: str) -> Iterator[tuple[str, str]]:
    """Each name with its value, line by line: an indented line goes on with the value before."""
    name = ""
    for line in text.splitlines():
        if line[:1].isspace():
            yield name, line.strip()
        if found := _OPTION.match(line):
            name = found[1]
            yield name, found[2].strip()


def _secrets_of(name: str, value: str) -> Iterator[str]:
    for _, password in _USERINFO.findall(value):
        yield from _with_parts(password)
    yield from _HOSTS.findall(value)
    yield from _PARAMETER.findall(value)
    if _FILES.search(name):
        with suppress(OSError, UnicodeDecodeError):
            yield from Path(value).read_text().split()
    elif _NAMES.search(name) and "://" not in value:
        yield from _with_parts(value.strip("'\""))


def _with_parts(secret: str) -> Iterator[str]:
    yield secret
    yield from (part for part in _APART.split(secret) if len(part) >= _SHORT)


def _hidden(found: re.Match[str]) -> str:
    """What follows a name is hidden, its quotes are kept: JSON stays JSON."""
    quote_ = found[2][0] if found[2][0] in "'\"" else ""
    return f"{found[1]}{quote_}{HIDDEN}{quote_}"


def _forms(secret: str, user: str) -> set[str]:
    """As it is, as it goes over the wire, and as JSON has it."""
    plain = unquote(secret)
    basic = base64.b64encode(f"{user}:{plain}".encode()).decode()
    written = {json.dumps(plain)[1:-1], repr(plain)[1:-1]}
    return {secret, plain, quote(plain), quote(plain, safe=""), quote_plus(plain), basic} | written


def _pattern(form: str) -> str:
    found = re.escape(form)
    return found if len(form) >= _SHORT else rf"(?<!\w){found}(?!\w)"
