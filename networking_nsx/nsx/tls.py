"""What new connections to the managers trust and show. Files that were replaced on disk are read anew.

- The next request after a change has a new connection: none that trusts or shows what was before is used
  again.
- What cannot be used (a new certificate whose key is still to come) is told once and tried again; what was
  read before stays in use meanwhile.
"""

import logging
import os
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

LOG = logging.getLogger(__name__)

_Mark = tuple[int, ...]  # of a file: another one when it was replaced or changed


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files."""

    authorities: str  # "": those of requests
    certificate: str  # "": none is shown
    key: str  # "": it is in the same file

    def named(self) -> str:
        """For messages, by their options."""
        names = ("ca_file", "client_cert_file", "client_key_file")
        files = zip(names, (self.authorities, self.certificate, self.key), strict=True)
        return "[nsx] " + ", ".join(f"{name} = {file}" for name, file in files if file)

    def context(self, *, insecure: bool) -> ssl.SSLContext:
        """Read them. Raises OSError."""
        for file in self.all():
            if not Path(file).is_file():  # a pipe would be read for ever
                raise FileNotFoundError(f"{file} is no file")
        context = create_urllib3_context(cert_reqs=ssl.CERT_NONE if insecure else ssl.CERT_REQUIRED)
        if not insecure:
            context.load_verify_locations(self._authorities())
        if self.certificate:
            # With a passphrase, else the terminal would be asked for one.
            context.load_cert_chain(self.certificate, self.key or self.certificate, password="")
        return context

    def all(self) -> Sequence[str]:
        return [file for file in (self._authorities(), self.certificate, self.key) if file]

    def _authorities(self) -> str:
        return self.authorities or DEFAULT_CA_BUNDLE_PATH


class Tls:
    """The context of new connections, as the files have it. May be shared by threads."""

    def __init__(self, files: TlsFiles, *, insecure: bool) -> None:
        self._files = files
        self._watched = files.all()
        self._insecure = insecure
        self._context: ssl.SSLContext | None = None
        self._marks: tuple[_Mark | None, ...] = ()
        self._trouble = ""
        self._lock = threading.Lock()

    def context(self) -> ssl.SSLContext:
        """Another one after each change. Raises OSError while there has been none that could be used."""
        marks = tuple(map(_mark, self._watched))
        with self._lock:
            context = self._context
            if context is None:
                context = self._read(marks)
            elif marks != self._marks:
                context = self._read_anew(marks, context)
            return context

    def _read_anew(self, marks: tuple[_Mark | None, ...], before: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context = self._read(marks)
        except OSError as error:
            self._warn(str(error))
            return before
        LOG.info("%s: read anew, for new connections", self._files.named())
        return context

    def _read(self, marks: tuple[_Mark | None, ...]) -> ssl.SSLContext:
        """`marks` are of before: what is replaced while it is read is read again."""
        context = self._context = self._files.context(insecure=self._insecure)
        self._marks, self._trouble = marks, ""
        return context

    def _warn(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            LOG.warning(
                "%s: cannot be used as it is now (%s); what was read before stays in use",
                self._files.named(),
                trouble,
            )


class TlsAdapter(HTTPAdapter):
    """Connections of this context: it alone says what they trust and show."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self.context = context
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self.context)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, _verify: Any, _cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify=True)
        return host, {}

    def cert_verify(self, *_arguments: Any) -> None:
        """Nothing is added to the context: requests would let each connection trust the usual authorities."""


def _mark(file: str) -> _Mark | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - with every request
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
