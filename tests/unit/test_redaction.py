"""Text without secrets: what is known is hidden in each form, the rest after a word that names it."""

import base64
import json
from urllib.parse import quote_plus

import pytest

from networking_nsx.cli.redaction import Redaction, secrets_in

SECRET = "a b/c+d'e\"f"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(f"admin:{SECRET}".encode()).decode(),
    ],
)
def test_a_known_secret_is_hidden_in_each_form(form):
    """As it is, as it goes over the wire, and as JSON has it."""
    assert Redaction([SECRET], "admin")(f"before {form} after") == "before *** after"


def test_a_short_secret_is_hidden_as_a_word_only():
    """Otherwise it would be a part of many words."""
    assert Redaction(["admin"])("admin_up of admin, administrator") == "admin_up of ***, administrator"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("mysql://neutron:x9@db/n", "mysql://neutron:***@db/n"),
        ("Cookie: JSESSIONID=abc; x", "Cookie: ***; x"),
        ('{"Authorization": "Basic abc", "b": 1}', '{"Authorization": "***", "b": 1}'),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("password = abc, x", "password = ***, x"),
        ('{"nsx": {"password": "abc"}}', '{"nsx": {"password": "***"}}'),
        ("a bearer abc", "a bearer ***"),
        ("the password_file is /etc/x", "the password_file is /etc/x"),
        ("port DOWN -> ACTIVE", "port DOWN -> ACTIVE"),
    ],
)
def test_what_nobody_knows_is_hidden_where_a_word_names_it(text, hidden):
    """Text without such a word stays as it is, and JSON stays JSON."""
    assert Redaction([])(text) == hidden


def test_whatever_a_file_may_keep_secret(tmp_path):
    """By the name of the option, in URLs, and in the files that it names; numbers and times are none."""
    named = tmp_path / "token"
    named.write_text("fromafile\n")
    file = tmp_path / "neutron.conf"
    file.write_text(
        "[nsx]\npassword = a$$b\ntoken_file = "
        + str(named)
        + "\n[database]\nconnection = mysql://u:p@h/n?ssl_password=q\n"
        'connection_recycle_time = 3600\n[nova]\nadmin_secret = "quoted"\n# password = comment\n'
    )

    assert set(secrets_in([str(file), str(tmp_path / "none")])) == {"a$b", "fromafile", "p", "q", "quoted"}
