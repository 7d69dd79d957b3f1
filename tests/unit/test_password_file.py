"""`[nsx] password_file`: what is a password; each refusal names the option and the file, and no secret."""

import os

import pytest

from networking_nsx import config
from networking_nsx.errors import ConfigurationError
from networking_nsx.nsx.auth import BasicFromFile, LoginFromFile, PolicyLogin
from networking_nsx.nsx.secret_file import password_from

REST = "[database]\nconnection = sqlite://\n[nsx]\nmanagers = https://10.0.0.1\n"


@pytest.fixture
def file(tmp_path):
    """A file that only its owner may read."""
    made = tmp_path / "password"
    made.touch(mode=0o600)
    return made


@pytest.fixture
def load(tmp_path):
    """Settings from options of [nsx]."""

    def from_options(text: str) -> config.Settings:
        (tmp_path / "nsx.conf").write_text(REST + text)
        return config.settings(config.load([str(tmp_path / "nsx.conf")]))

    return from_options


def refused(load, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_is_the_one_line_of_its_file(file, end):
    """Without the end of the line that editors add; all else belongs to it, blanks and dollars too."""
    file.write_bytes(f" pa$s=wörd #1 {end}".encode())

    assert password_from(str(file)) == " pa$s=wörd #1 "


@pytest.mark.parametrize("api", ["mh", "policy"])
def test_a_password_may_stand_in_a_file(load, file, api):
    """The settings hold the file, so that a newer password needs no restart."""
    file.write_text("s3cret\n")
    settings = load(f"api = {api}\npassword_file = {file}\n")

    assert (settings.password, settings.password_file) == ("", str(file))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"sekret\n\n", "one line"),
        (b"sekret\nsekret\n", "one line"),
        (b"sekret\rsekret", "one line"),
        (b"sekret\xff", "UTF-8"),
        (b"sekret" * 10_000, "longer than"),
    ],
)
def test_a_file_that_holds_no_password_is_refused_and_not_repeated(load, file, content, told):
    """At the start; what is in it may be a secret all the same."""
    file.write_bytes(content)
    message = refused(load, f"password_file = {file}\n")

    assert [
        part for part in ("password_file (set in", "nsx.conf", str(file), told) if part not in message
    ] == []
    assert "sekret" not in message


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_that_is_open_to_anybody_is_refused(load, file, mode):
    """Whoever can read it has the password; whoever can write it chooses what is sent to NSX."""
    file.write_text("sekret")
    file.chmod(mode)
    message = refused(load, f"password_file = {file}\n")

    assert f"chmod o= {file}" in message
    assert "password_file (set in" in message


def test_a_file_of_the_group_is_accepted(load, file):
    """As packages install them: root:neutron, 0640."""
    file.write_text("sekret")
    file.chmod(0o640)

    assert load(f"password_file = {file}\n").password_file == str(file)


def test_what_is_no_file_is_refused(load, file, tmp_path):
    """Nothing there, a folder, or a pipe that nobody would ever write to."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "No such file" in refused(load, f"password_file = {file}.none\n")
    assert "directory" in refused(load, f"password_file = {tmp_path}\n")
    assert "no regular file" in refused(load, f"password_file = {tmp_path}/pipe\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("password = a\npassword_file = {file}\n", ("password (set in", "password_file (set in", "remove")),
        ("", ("auth (not set", "[nsx] password or password_file")),
        ("password =\n", ("auth (not set", "[nsx] password or password_file")),
        ("api = policy\nauth = basic\n", ("auth (set in", "[nsx] password or password_file")),
        (
            "api = policy\nauth = token\ntoken_file = {file}\npassword_file = {file}\n",
            ("password_file (set in",),
        ),
    ],
)
def test_there_is_exactly_one_password_where_one_is_needed(load, file, options, told):
    """Two would leave open which one counts; none would be refused by NSX, and count towards a lock."""
    file.write_text("a")
    message = refused(load, options.format(file=file))

    assert [part for part in told if part not in message] == []


def test_every_login_reads_the_file(file):
    """What it says by then is what is sent."""
    login = LoginFromFile(lambda password: PolicyLogin("me", password), str(file))
    file.write_text("old\n")
    first = login.form()
    file.write_text("new\n")

    assert (first["j_password"], login.form()["j_password"]) == ("old", "new")
    assert (login.user, login.path) == ("me", PolicyLogin("me", "").path)


def test_a_password_that_is_refused_is_read_anew(file):
    """At once, and again before the next attempt: NSX may have it before the file has, or after."""
    basic = BasicFromFile("me", str(file))
    file.write_text("old")
    old = basic.headers()
    unchanged = basic.renewed(old)
    file.write_text("new")
    new = basic.headers()

    assert (unchanged, basic.renewed(old)) == (False, True)
    assert basic.headers() == new != old


def test_a_file_that_is_gone_while_the_daemon_runs_is_named(file):
    """With the option."""
    file.write_text("sekret")
    basic, login = BasicFromFile("me", str(file)), LoginFromFile(lambda _: PolicyLogin("me", ""), str(file))
    file.unlink()
    for ask in (basic.headers, login.form):
        with pytest.raises(ConfigurationError, match=r"password_file \(.*/password\): .*No such file"):
            ask()


def test_nobody_is_told_a_secret(file):
    """Nor by what keeps it."""
    file.write_text("sekret")
    basic = BasicFromFile("me", str(file))
    basic.headers()

    assert "sekret" not in repr([basic, LoginFromFile(lambda it: PolicyLogin("me", it), str(file))])
