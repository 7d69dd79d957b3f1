"""Options: what is accepted, what is refused, and that every refusal names the option and the file."""

import pytest
import trustme
from oslo_config import cfg

from networking_nsx import config
from networking_nsx.errors import ConfigurationError
from networking_nsx.model import Kind
from networking_nsx.options import NSX, SYNC

ENDLESS = ("inf", "nan", "1e999")
MINIMAL = """
[database]
connection = sqlite:////nowhere.sqlite
[nsx]
managers = https://10.0.0.1
password = it
"""


@pytest.fixture
def load(tmp_path):
    """Settings from the text of files."""

    def from_texts(*texts: str) -> config.Settings:
        files = [tmp_path / f"{i}.conf" for i in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        return config.settings(config.load([str(file) for file in files]))

    return from_texts


def refused(load, *texts: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(*texts)
    return str(caught.value)


def test_the_defaults_are_those_of_the_original(load):
    """10 s, 1 s, 500 objects, no jitter."""
    settings = load(MINIMAL)

    assert (
        settings.pacing.interval,
        settings.pacing.delay,
        settings.pacing.chunk,
        settings.pacing.jitter,
    ) == (
        10,
        1,
        500,
        0,
    )
    assert settings.pacing.page_maximum == 5000
    assert settings.kinds == tuple(Kind)


@pytest.mark.parametrize(
    ("group", "option"),
    [
        (group, option.dest)
        for group, options in (("nsx", NSX), ("nsx_sync", SYNC))
        for option in options
        if isinstance(option, cfg.IntOpt | cfg.FloatOpt | cfg.BoolOpt)
    ],
)
def test_a_number_or_a_switch_without_a_value_is_refused(load, group, option):
    """A line that was begun, or whose value was taken out."""
    complaint = refused(load, MINIMAL, f"[{group}]\n{option} =\n")

    assert f"[{group}] {option} (set in " in complaint
    assert "1.conf" in complaint


@pytest.mark.parametrize("group", ["nsx_sync", "NSX_SYNC", "NVP_SYNC"])
def test_the_old_groups_are_still_accepted(load, group):
    """With the same option names, in any of the three groups."""
    options = {
        "state_sync_interval": 120,
        "min_sync_req_delay": 10,
        "min_chunk_size": 100,
        "max_random_sync_delay": 7,
        "always_read_status": "true",
    }
    settings = load(
        MINIMAL + f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
    )

    assert (
        settings.pacing.interval,
        settings.pacing.delay,
        settings.pacing.chunk,
        settings.pacing.jitter,
    ) == (
        120,
        10,
        100,
        7,
    )
    assert settings.always_read_status


def test_the_connection_options_of_vmware_nsx_are_still_accepted(load):
    """nsx_controllers, nsx_user, nsx_password, http_timeout and retries of [DEFAULT]."""
    old = (
        "[DEFAULT]\nnsx_controllers = 10.0.0.1,10.0.0.2:8443\nnsx_user = me\nnsx_password = secret\n"
        "http_timeout = 30\nretries = 4\n[database]\nconnection = sqlite://\n"
    )
    settings = load(old)

    assert settings.managers == ("https://10.0.0.1:443", "https://10.0.0.2:8443")
    assert (settings.user, settings.password) == ("me", "secret")
    assert (settings.http.answer_timeout, settings.http.retries) == (30, 4)


def test_later_files_win(load):
    """As everywhere in OpenStack."""
    assert load(MINIMAL, "[nsx]\nuser = second\n").user == "second"


def test_an_interval_of_zero_needs_no_delay_of_zero(load):
    """The original refused to start: 0 disables, whatever the delay."""
    assert load(MINIMAL + "[nsx_sync]\nstate_sync_interval = 0\n").pacing.interval == 0


@pytest.mark.parametrize(
    ("group", "option", "value"),
    [
        ("nsx_sync", "state_sync_interval", "-1"),
        ("nsx_sync", "state_sync_interval", "often"),
        ("nsx_sync", "min_sync_req_delay", "-1"),
        ("nsx_sync", "min_chunk_size", "0"),
        ("nsx_sync", "max_random_sync_delay", "-5"),
        ("nsx_sync", "always_read_status", "perhaps"),
        ("nsx_sync", "mode", "repair"),
        ("nsx_sync", "kinds", "port,floatingip"),
        ("nsx_sync", "kinds", ""),
        ("nsx_sync", "missing_sweeps", "1"),
        ("nsx_sync", "missing_grace", "-1"),
        ("nsx_sync", "unknown_after", "-1"),
        ("nsx_sync", "looks_per_sweep", "0"),
        ("nsx_sync", "first_delay", "-1"),
        ("nsx_sync", "brake_percent", "101"),
        ("nsx_sync", "brake_minimum", "-1"),
        ("nsx_sync", "brake_window", "10"),
        ("nsx_sync", "brake_sample", "0"),
        ("nsx_sync", "brake_agreement", "0"),
        ("nsx", "api", "v3"),
        ("nsx", "request_rate", "0"),
        ("nsx", "retries", "-1"),
        ("nsx", "http_timeout", "0"),
        ("nsx", "connect_timeout", "soon"),
        ("nsx", "request_timeout", "-1"),
        ("nsx", "generation_timeout", "-1"),
        ("nsx", "insecure", "maybe"),
        ("nsx", "ca_file", "/nowhere/ca.pem"),
        ("nsx", "auth", "kerberos"),
        ("nsx", "auth", "basic"),
        ("nsx", "concurrency", "0"),
        ("nsx", "client_cert_file", "/nowhere/client.pem"),
        ("nsx", "token_file", "/nowhere/token"),
        ("nsx", "managers", "ftp://10.0.0.1"),
        ("nsx", "managers", "https://10.0.0.1/api"),
        ("nsx", "managers", "https://10.0.0.1:port"),
        ("nsx", "managers", "https://me:secret@10.0.0.1"),
        ("nsx", "managers", "10.0.0.1,https://10.0.0.1:443"),
        ("nsx", "managers", "https://[::1"),
        ("nsx", "managers", "https://[nonsense]"),
        ("nsx", "managers", "https://nsx..example.com"),
        ("nsx", "managers", f"https://{'n' * 64}.example.com"),
        *(
            ("nsx", option.name, value)
            for option in NSX
            if isinstance(option, cfg.FloatOpt)
            for value in ENDLESS
        ),
        *(
            ("nsx_sync", option.name, value)
            for option in SYNC
            if isinstance(option, cfg.FloatOpt)
            for value in ENDLESS
        ),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name_and_file(load, group, option, value):
    """The operator need not search."""
    message = refused(load, MINIMAL, f"[{group}]\n{option} = {value}\n")

    assert option in message
    assert "1.conf" in message


@pytest.mark.parametrize(
    "manager",
    [
        "https://admin:sekret@10.0.0.1",
        "https://sekret@10.0.0.1",
        "admin:sekret@[::1",
        "https://admin:sek,ret@10.0.0.1",
    ],
)
def test_a_password_among_the_managers_is_refused_and_not_repeated(load, manager):
    """The message ends up in logs: it says where user and password belong."""
    message = refused(load, MINIMAL, f"[nsx]\nmanagers = {manager}\n")

    assert "managers (set in" in message
    assert "[nsx] user and password" in message
    assert not any(part in message for part in ("admin:", "sek"))


def test_a_ca_file_that_is_no_pem_is_refused_by_name_and_file(load, tmp_path):
    """At the start, not at the first request."""
    (tmp_path / "ca.pem").write_text("a certificate, honestly")
    message = refused(load, MINIMAL, f"[nsx]\nca_file = {tmp_path}/ca.pem\n")

    for part in ("ca_file", "1.conf", "ca.pem"):
        assert part in message


@pytest.fixture
def client_cert(tmp_path):
    """A certificate and its key, in one file and in two."""
    issued = trustme.CA().issue_cert("me")
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    return tmp_path


def test_nsx_policy_is_asked_with_a_session_unless_told_otherwise(load):
    """As NSX-MH; the other ways are there to be chosen."""
    settings = load(MINIMAL + "api = policy\nuser = me\npassword = it\ndeployment_id = east\n")

    assert (settings.api, settings.auth, settings.user, settings.password) == (
        "policy",
        "session",
        "me",
        "it",
    )
    assert (settings.policy.tags.deployment, settings.http.concurrency) == ("east", 20)
    assert load(MINIMAL + "api = policy\nauth = basic\n").auth == "basic"


def test_a_client_certificate_may_hold_its_key_or_have_it_beside(load, client_cert):
    """One file or two."""
    policy = MINIMAL + f"api = policy\nauth = certificate\nclient_cert_file = {client_cert}/"
    one = load(policy + "both.pem\n")
    two = load(policy + f"cert.pem\nclient_key_file = {client_cert}/key.pem\n")

    assert (one.auth, one.http.client_cert_file) == ("certificate", f"{client_cert}/both.pem")
    assert two.http.client_key_file == f"{client_cert}/key.pem"


def test_a_token_is_read_from_its_file_when_it_is_needed(load, tmp_path):
    """The settings hold the file, so that a newer token needs no restart."""
    (tmp_path / "token").write_text("abc.def\n")
    settings = load(MINIMAL + f"api = policy\nauth = token\ntoken_file = {tmp_path}/token\n")

    assert (settings.auth, settings.token_file) == ("token", f"{tmp_path}/token")


@pytest.mark.parametrize("content", ["", "two tokens", "two\ntokens", "tökén", "abc\x00def"])
def test_a_file_that_is_no_token_is_refused_and_not_repeated(load, tmp_path, content):
    """The message names option and file; what is in it may be a secret."""
    (tmp_path / "token").write_text(content)
    message = refused(load, MINIMAL, f"[nsx]\napi = policy\nauth = token\ntoken_file = {tmp_path}/token\n")

    assert "token_file (set in" in message
    assert "1.conf" in message
    assert not any(word in message for word in ("two", "abc", "tök"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("auth = basic", ("auth (set in", "NSX Policy only", "api (not set")),
        ("api = policy\nauth = certificate", ("auth (set in", "client_cert_file")),
        ("api = policy\nauth = token", ("auth (set in", "token_file")),
        ("api = policy\nclient_cert_file = a", ("client_cert_file (set in", "auth (not set")),
        ("api = policy\nclient_key_file = a", ("client_key_file (set in", "auth (not set")),
        ("api = policy\nauth = basic\ntoken_file = a", ("token_file (set in", "auth (set in")),
        (
            "api = policy\nauth = certificate\nclient_cert_file = a\nmanagers = http://10.0.0.1",
            ("auth (set in", "managers (set in", "http://10.0.0.1:80"),
        ),
        (
            "api = policy\nauth = certificate\nclient_cert_file = {folder}/cert.pem",
            ("client_cert_file (set in", "cert.pem", "its key"),
        ),
        (
            "api=policy\nauth=certificate\nclient_cert_file={folder}/both.pem\nclient_key_file={folder}/no.pem",
            ("client_cert_file (set in", "both.pem", "no.pem"),
        ),
    ],
)
def test_ways_to_authenticate_that_do_not_fit_name_their_options(load, client_cert, text, told):
    """Half a way in is a mistake, and what is not used would deceive."""
    message = refused(load, MINIMAL, "[nsx]\n" + text.format(folder=client_cert) + "\n")

    assert [part for part in told if part not in message] == []


@pytest.mark.parametrize(("option", "group"), [("managers", "nsx"), ("connection", "database")])
def test_what_must_be_set_is_asked_for(load, option, group):
    """By name."""
    text = "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(option))

    assert f"[{group}] {option} is not set" in refused(load, text)


def test_a_delay_over_the_interval_names_both_options_and_files(load):
    """They may stand in different files."""
    message = refused(
        load,
        MINIMAL + "[nsx_sync]\nstate_sync_interval = 5\n",
        "[NSX_SYNC]\nmin_sync_req_delay = 6\n",
    )

    for part in ("state_sync_interval", "0.conf", "min_sync_req_delay", "1.conf"):
        assert part in message


def test_insecure_contradicts_a_ca_file(load, tmp_path):
    """One of them is a mistake."""
    (tmp_path / "ca.pem").write_text("")
    message = refused(load, MINIMAL + f"ca_file = {tmp_path}/ca.pem\ninsecure = true\n")

    assert "insecure" in message
    assert "ca_file" in message


@pytest.mark.parametrize(
    ("group", "name", "hint"),
    [
        ("nsx_sync", "state_sync_intervall", "state_sync_interval"),
        ("NSX_SYNC", "min_chunksize", "min_chunk_size"),
        ("nsx", "manager", "managers"),
        ("nsx", "xyz", None),
    ],
)
def test_an_option_that_does_not_exist_is_refused(load, group, name, hint):
    """A misspelt option would change nothing in silence; the closest one is proposed."""
    message = refused(load, MINIMAL, f"[{group}]\n{name} = 1\n")

    assert f"[{group.lower()}] {name} in" in message
    assert "1.conf" in message
    assert ("did you mean" in message) == bool(hint)
    assert (hint or "") in message


def test_a_file_that_does_not_exist_is_named():
    """Rather than ignored."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.conf"):
        config.load(["/nowhere.conf"])


def test_a_file_that_is_no_configuration_is_named(load):
    """With the line that cannot be read."""
    assert "0.conf" in refused(load, "this is no configuration\n")


def test_secrets_are_not_in_the_repr(load):
    """Neither NSX's password nor the database's."""
    settings = load(
        "[database]\nconnection = mysql+pymysql://u:topsecret@h/n\n"
        "[nsx]\nmanagers = https://a\npassword = topsecret\n"
    )

    assert "topsecret" not in repr(settings)


def test_every_option_of_nsx_policy_has_its_place(load):
    """Each with a value of its own: none takes another one's."""
    settings = load(
        """[database]
connection = sqlite://
[nsx]
api = policy
managers = https://a
password = it
deployment_id = cloud
network_tag_scope = n
router_tag_scope = r
port_tag_scope = p
index_lag = 61
gateway_reads = 62
readers = 63
concurrency = 64
[nsx_sync]
canary_sample = 165
canary_percent = 66
canary_clean = 67
canary_apart = 68
"""
    )
    policy, canary = settings.policy, settings.canary

    assert dict(policy.tags.scopes) == {Kind.NETWORK: "n", Kind.ROUTER: "r", Kind.PORT: "p"}
    assert (policy.tags.deployment, settings.http.concurrency, settings.scope.api) == ("cloud", 64, "policy")
    assert (policy.index_lag, policy.part, policy.gateway_reads, policy.readers) == (61, 40_000, 62, 63)
    assert (canary.sample, canary.share, canary.clean, canary.apart) == (165, 0.66, 67, 68)
    assert settings.ledger.missing.apart == 61


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9698", ("127.0.0.1", 9698)), ("[::1]:80", ("::1", 80)), ("localhost:0", ("localhost", 0))],
)
def test_an_address_is_host_and_port(load, text, address):
    """An IPv6 address is in brackets; it is told as it was written."""
    listen = load(MINIMAL, f"[nsx_sync]\nlisten = {text}\n").listen

    assert (listen, str(listen)) == (address, text)


@pytest.mark.parametrize("text", ["9698", ":9698", "localhost", "localhost:http", "localhost:65536", "a:-1"])
def test_what_is_no_address_is_refused(load, text):
    """Naming the option and the file."""
    assert "[nsx_sync] listen (set in " in refused(load, MINIMAL, f"[nsx_sync]\nlisten = {text}\n")


def test_no_address_is_none(load):
    """Nothing listens then."""
    assert load(MINIMAL, "[nsx_sync]\nlisten =\n").listen is None
