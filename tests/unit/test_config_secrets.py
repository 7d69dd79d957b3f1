"""Files of options that cannot be read: each mistake is told with its place, and no secret with it."""

import logging
import os
import traceback

import pytest

from networking_nsx import config
from networking_nsx.errors import ConfigurationError

SECRET = "hunter2"
DATABASE = "[database]\nconnection = sqlite://\n"
NSX = "[nsx]\nmanagers = https://10.0.0.1\n"


@pytest.fixture
def refused(tmp_path):
    """Why a file is refused; neither that nor the traceback of `--debug` has the secret."""

    def of(text: str | bytes) -> str:
        file = tmp_path / "nsx.conf"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(ConfigurationError) as caught:
            config.settings(config.load([str(file)]))
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        return str(caught.value)

    return of


@pytest.mark.parametrize(
    "line", [f"password {SECRET}", f"  {SECRET}", f"= {SECRET}", f"[{SECRET}", f"{SECRET}"]
)
def test_a_line_that_is_no_option_is_named_by_its_number(refused, line):
    """It may be a password that lacks its "="."""
    assert "nsx.conf, line 4: " in refused(f"{DATABASE}[nsx]\n{line}\n")


@pytest.mark.parametrize(
    "value", [f"pa${SECRET}", f"${{nsx.{SECRET}}}", f"{SECRET}$nsx", f"{SECRET}$nsx.password"]
)
def test_a_dollar_in_a_password_is_explained(refused, value):
    """oslo.config takes what follows for an option, and would repeat it."""
    message = refused(f"{DATABASE}{NSX}password = {value}\n")

    assert all(part in message for part in ("[nsx] password (set in", "nsx.conf", "$$"))


def test_a_dollar_in_the_connection_is_explained(refused):
    """Likewise."""
    message = refused(f"[database]\nconnection = mysql+pymysql://u:pa${SECRET}@h/n\n{NSX}password = it\n")

    assert all(part in message for part in ("[database] connection (set in", "nsx.conf", "$$"))


def test_a_file_that_is_no_text_is_named(refused):
    """By its path."""
    assert "nsx.conf" in refused(b"[nsx]\npassword = \xff\xfe\n")


def test_every_secret_option_is_one_to_oslo_config(tmp_path, caplog):
    """Whoever logs all options, as Neutron does, logs no secret."""
    text = f"[database]\nconnection = mysql://u:{SECRET}@h/n\n{NSX}password = {SECRET}\n"
    (tmp_path / "nsx.conf").write_text(text)
    with caplog.at_level(logging.DEBUG):
        config.load([str(tmp_path / "nsx.conf")]).log_opt_values(logging.getLogger(), logging.DEBUG)

    assert "nsx.password" in caplog.text
    assert "database.connection" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("option", ["ca_file", "client_cert_file"])
def test_a_pipe_is_no_certificate(refused, tmp_path, option):
    """OpenSSL would wait at it for ever."""
    os.mkfifo(tmp_path / "pipe")
    how = "password = it\n" if option == "ca_file" else "api = policy\nauth = certificate\n"
    message = refused(f"{DATABASE}{NSX}{how}{option} = {tmp_path}/pipe\n")

    assert f"{option} (set in" in message
    assert "no regular file" in message


_PASSWORD_FILE = "password_file = "
_TOKEN_FILE = "api = policy\nauth = token\ntoken_file = "
_CERTIFICATE = "api = policy\nauth = certificate\nclient_cert_file = "


@pytest.mark.parametrize("value", [SECRET, f"{SECRET}/{SECRET}"])
@pytest.mark.parametrize(
    "option",
    [
        _PASSWORD_FILE,
        _TOKEN_FILE,
        _CERTIFICATE,
        f"{_CERTIFICATE}/dev/null\nclient_key_file = ",
        f"{_CERTIFICATE}{__file__}\nclient_key_file = ",
        "password = it\nca_file = ",
    ],
)
def test_a_secret_in_the_place_of_its_file_is_not_repeated(refused, option, value):
    """Only what begins with a slash is told, as a path."""
    assert "_file (set in" in refused(f"{DATABASE}{NSX}{option}{value}\n")


@pytest.mark.parametrize("option", [_PASSWORD_FILE, _TOKEN_FILE])
def test_nor_is_what_follows_its_dollar(refused, option):
    """As in the secret's own option."""
    assert "$$" in refused(f"{DATABASE}{NSX}{option}pa${SECRET}\n")


def test_a_file_that_is_not_there_is_named(refused):
    """By its path, also the second of two."""
    password = refused(f"{DATABASE}{NSX}{_PASSWORD_FILE}/no/password\n")
    key = refused(f"{DATABASE}{NSX}{_CERTIFICATE}{__file__}\nclient_key_file = /no/key\n")

    assert "/no/password is no file of a password" in password
    assert "No such file or directory: '/no/key'" in key


@pytest.mark.parametrize("option", ["api", "auth", "insecure", "request_rate", "http_timeout"])
def test_the_value_of_an_option_that_stands_for_the_password_is_not_repeated(refused, option):
    """Only its place is told."""
    message = refused(f"{DATABASE}{NSX}password = {SECRET}\n{option} = $nsx.password\n")

    assert f"[nsx] {option} (set in" in message
