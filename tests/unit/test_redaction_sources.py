"""Where a bundle finds secrets: in every layout of a configuration file, and in the environment."""

import pytest

from networking_nsx import config
from networking_nsx.cli.redaction import HIDDEN, Redaction, secrets_in, secrets_of

PASSWORD, ANOTHER = "NsxPa55word", "other1"


@pytest.fixture
def redacted(tmp_path):
    """A text, by what a configuration file names."""

    def of(configuration: str, text: str) -> str:
        file = tmp_path / "neutron.conf"
        file.write_text(configuration)
        return Redaction(secrets_in([str(file)]), "admin")(text)

    return of


@pytest.mark.parametrize(
    "configuration",
    [
        f"[nsx]\npassword = {PASSWORD}\n",
        f"[nsx]\ntoken_file =\npassword = {PASSWORD}\n",
        f"[nova]\nauth_section =\n\npassword = {PASSWORD}\n",
        f"[nsx]\npassword =\n  {PASSWORD}\n",
        f"[nsx]\npassword = first-line\n  {PASSWORD}\n",
        f"[nsx]\nmanagers = https://a\n  password = {PASSWORD}\n",
    ],
    ids=["plain", "after-empty", "after-empty-and-blank", "next-line", "second-line", "indented"],
)
def test_a_secret_is_found_however_the_file_is_laid_out(redacted, configuration):
    """An option without a value does not take the next line for its own."""
    assert redacted(configuration, f"it was {PASSWORD}, at last") == f"it was {HIDDEN}, at last"


def test_each_host_of_a_message_bus_has_a_password(redacted):
    """Also a short one, and where it stands by itself."""
    url = f"rabbit://nova:{PASSWORD}@h1:5672,nova:{ANOTHER}@h2:5672/v"
    text = redacted(f"[DEFAULT]\ntransport_url = {url}\n", f"{url} {ANOTHER} ('nova', '{PASSWORD}')")

    assert PASSWORD not in text
    assert ANOTHER not in text


def test_a_private_key_is_hidden_as_a_whole(redacted):
    """Whoever has written it into a log; what is public stays."""
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END RSA PRIVATE KEY-----"
    text = redacted("", f"before\n{key}\n-----BEGIN CERTIFICATE-----\nafter")

    assert text == f"before\n{HIDDEN}\n-----BEGIN CERTIFICATE-----\nafter"


def test_a_secret_of_the_environment_is_one_too(tmp_path, monkeypatch):
    """oslo.config reads OS_GROUP__OPTION beside the files."""
    file = tmp_path / "neutron.conf"
    file.write_text("[nsx]\nmanagers = https://a\n")
    monkeypatch.setenv("OS_NSX__PASSWORD", PASSWORD)

    assert PASSWORD in set(secrets_of(config.load([str(file)])))
