"""Certificates are replaced in their files: the next request trusts and shows them, without a restart."""

import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import trustme
from waiting import wait_for

from networking_nsx.clock import SystemClock
from networking_nsx.errors import ConfigurationError, NsxError
from networking_nsx.nsx.api import POLICY
from networking_nsx.nsx.auth import Certificate
from networking_nsx.nsx.http import Client, HttpSettings
from networking_nsx.nsx.tls import TlsAdapter, TlsFiles

CLOCK = SystemClock(threading.Event())


class Manager:
    """Answers over TLS to who shows a certificate that it trusts; tells whose was shown, by connection."""

    def __init__(self, authority: trustme.CA, clients: trustme.CA) -> None:
        self.shown: list[str] = []  # with each request
        self.open = 0  # connections
        self.made = 0  # connections so far
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(self._tls)
        self.become(authority)
        self._server = _Server(self, self._tls)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def become(self, authority: trustme.CA) -> None:
        """Have a certificate of this authority from the next connection on."""
        authority.issue_cert("127.0.0.1").configure_cert(self._tls)

    @contextmanager
    def serving(self) -> Iterator["Manager"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, manager: Manager, tls: ssl.SSLContext) -> None:
        self.manager = manager
        self._tls = tls
        super().__init__(("127.0.0.1", 0), _Answers)

    def finish_request(self, request, client_address):
        try:
            with self._tls.wrap_socket(request, server_side=True) as connection:
                super().finish_request(connection, client_address)
        except (ssl.SSLError, ConnectionError):
            pass  # the client has refused us, or hung up

    def handle_error(self, request, client_address):
        pass


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.manager.open += 1
        self.server.manager.made += 1

    def finish(self):
        self.server.manager.open -= 1
        super().finish()

    def do_GET(self):
        subject = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
        self.server.manager.shown.append(subject["commonName"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_request(self, code="-", size="-"):
        pass


class Files:
    """What the options name; replaced as tools that renew certificates do."""

    def __init__(self, folder) -> None:
        self.authority, self.certificate, self.key = (folder / name for name in ("ca", "cert", "key"))

    def trust(self, *authorities: trustme.CA) -> None:
        _replace(self.authority, b"".join(each.cert_pem.bytes() for each in authorities))

    def show(self, issued: trustme.LeafCert) -> None:
        _replace(self.certificate, issued.cert_chain_pems[0].bytes())
        _replace(self.key, issued.private_key_pem.bytes())

    def settings(self) -> HttpSettings:
        return HttpSettings(
            ca_file=str(self.authority),
            client_cert_file=str(self.certificate),
            client_key_file=str(self.key),
            retries=0,
        )


def _replace(file, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


@pytest.fixture
def authority():
    """Signs the manager's certificate."""
    return trustme.CA()


@pytest.fixture
def clients():
    """Signs those of its clients."""
    return trustme.CA()


@pytest.fixture
def manager(authority, clients):
    with Manager(authority, clients).serving() as served:
        yield served


@pytest.fixture
def files(tmp_path, authority, clients):
    made = Files(tmp_path)
    made.trust(authority)
    made.show(clients.issue_cert("status", common_name="first"))
    return made


@pytest.fixture
def client(manager, files):
    who = Certificate(str(files.certificate))
    with Client([manager.url], who, files.settings(), CLOCK, api=POLICY) as made:
        made.get("/x")
        manager.shown.clear()
        yield made


def asked(client: Client) -> type[NsxError] | None:
    try:
        client.get("/x")
    except NsxError as error:
        return type(error)
    return None


def test_files_that_stay_as_they_are_keep_the_connection(client, manager):
    """However many requests; reading them anew would cost each a handshake."""
    for _ in range(5):
        client.get("/x")

    assert (manager.open, manager.shown) == (1, ["first"] * 5)


def test_a_new_certificate_is_shown_by_the_next_request(client, manager, clients, files):
    """A connection that stands has shown the old one: it is left, and closed."""
    client.get("/x")
    files.show(clients.issue_cert("status", common_name="second"))
    client.get("/x")

    assert manager.shown == ["first", "second"]
    wait_for(lambda: manager.open == 1)


def test_a_new_authority_is_trusted_by_the_next_request(client, manager, files):
    """The manager's new certificate would not do without it."""
    successor = trustme.CA()
    files.trust(successor)
    manager.become(successor)

    assert (asked(client), manager.made) == (None, 2)


def test_an_authority_that_was_taken_out_is_trusted_no_more(client, manager, files):
    """Not by a connection that stands, either."""
    files.trust(trustme.CA())

    with pytest.raises(NsxError, match="its certificate was not accepted"):
        client.get("/x")


def test_both_authorities_at_once_leave_no_gap(client, manager, authority, files):
    """The file first, the manager later: no request fails."""
    successor = trustme.CA()
    files.trust(authority, successor)
    before = asked(client)
    manager.become(successor)
    files.trust(successor, authority)  # another change: another connection

    assert (before, asked(client), manager.made) == (None, None, 3)


def test_a_certificate_whose_key_is_still_to_come_is_not_shown_yet(client, manager, clients, files, caplog):
    """What was read before stays in use, which is told once."""
    issued = clients.issue_cert("status", common_name="second")
    _replace(files.certificate, issued.cert_chain_pems[0].bytes())
    client.get("/x")
    client.get("/x")
    _replace(files.key, issued.private_key_pem.bytes())
    client.get("/x")

    assert manager.shown == ["first", "first", "second"]
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [told.partition(" (")[0].rpartition(": ")[2] for told in warnings] == [
        "cannot be used as it is now"
    ]


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nno\n"])
def test_files_that_are_gone_or_torn_end_nothing(client, manager, files, content):
    """A tool may delete before it writes."""
    for file in (files.authority, files.certificate):
        file.unlink()
        if content is not None:
            file.write_bytes(content)
    client.get("/x")

    assert manager.shown == ["first"]


def test_files_that_were_never_right_are_a_mistake_in_the_configuration(manager, files):
    """The options are named; as soon as the file is there, it is read."""
    whole = files.authority.read_bytes()
    files.authority.unlink()
    who = Certificate(str(files.certificate))
    with Client([manager.url], who, files.settings(), CLOCK, api=POLICY) as client:
        with pytest.raises(ConfigurationError, match=r"\[nsx\] ca_file = /.*ca is no file"):
            client.get("/x")
        files.authority.write_bytes(whole)
        client.get("/x")


def test_the_usual_authorities_do_not_count_beside_those_of_the_file(manager, files):
    """A connection adds nothing to what its context trusts."""
    context = TlsFiles(str(files.authority), str(files.certificate), str(files.key)).context(insecure=False)
    with closing(TlsAdapter(context, 1)) as adapter:
        adapter.send(requests.Request("GET", manager.url).prepare())

    assert manager.shown == ["first"]
    assert context.cert_store_stats()["x509_ca"] == 1
