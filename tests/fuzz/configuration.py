"""Files of options with anything in them: settings, or a ConfigurationError with a place and no secret."""

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from networking_nsx import config
from networking_nsx.config import Settings
from networking_nsx.errors import ConfigurationError
from networking_nsx.options import NSX, SYNC

SECRET = "hunter2secret"
_NAMES = [option.name for option in NSX + SYNC]
_GROUPS = ["nsx", "nsx_sync", "NSX_SYNC", "nvp_sync", "database", "DEFAULT", "nsx_v3", "nsx ", ""]
_PLACES = ["/dev/null", "/dev/zero", "/", "{folder}", "{folder}/0.conf", "{folder}/pipe", "{folder}/none"]
_VALUES = (
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(
        ["true", "mh", "policy", "session", "basic", "token", "certificate", "report", "port", "1e999"]
    )
    | st.sampled_from(
        ["9" * 5000, "$nsx.user", "$nsx.password", "$", "$$", "${a", "%(a)s", "'", '"', "[::1", "a\n b"]
    )
    | st.sampled_from(
        ["https://10.0.0.1", "http://[::1]:1", "https://10.0.0.1:0", "https://a:99999", "//", "::", "@"]
    )
    | st.sampled_from(_PLACES)
)
_FILES = ["ca_file", "client_cert_file", "client_key_file", "token_file", "password_file"]
_LINES = (
    st.builds("[nsx]\n{} = {}".format, st.sampled_from(_FILES), st.sampled_from(_PLACES))
    | st.builds("{} = {}".format, st.sampled_from(_NAMES), _VALUES)
    | st.builds("[{}]".format, st.sampled_from(_GROUPS))
    | st.builds("{}{}{}".format, st.text(max_size=10), st.sampled_from(["=", ":", " ", ""]), _VALUES)
)
# So that most files get far, and each has a secret at a place of its own.
_BEGIN = st.sampled_from(
    [
        "[database]\nconnection = mysql+pymysql://u:SECRET@h/n\n[nsx]\nmanagers = a\npassword = SECRET\n",
        "[database]\nconnection = sqlite://\n[nsx]\nmanagers = https://u:SECRET@10.0.0.1\npassword = it\n",
        "[database]\nconnection = $SECRET\n[nsx]\nmanagers = https://10.0.0.1\npassword = it\n",
        "[database]\nconnection = sqlite://\n[nsx]\nmanagers = https://10.0.0.1\npassword = pa$SECRET\n",
        "[database]\nconnection = sqlite://\n[nsx]\nmanagers = https://10.0.0.1\npassword_file = SECRET\n",
        "[nsx]\npassword SECRET\n",
        "[nsx]\n  SECRET\n",
        "",
    ]
)


@st.composite
def files(draw) -> bytes:
    lines = draw(st.lists(_LINES, max_size=6))
    text = draw(_BEGIN).replace("SECRET", SECRET) + "\n".join(lines) + "\n"
    body = text.encode()
    if draw(st.integers(0, 5)):
        return body
    place = draw(st.integers(0, len(body)))
    return body[:place] + draw(st.binary(max_size=8)) + body[place:]


@given(st.lists(files(), min_size=1, max_size=2))
def configuration(texts):
    """The message names an option or a file, and repeats no secret."""
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{number}.conf" for number in range(len(texts))]
        os.mkfifo(f"{folder}/pipe", 0o600)
        for name, text in zip(names, texts, strict=True):
            name.write_bytes(text.replace(b"{folder}", folder.encode()))
        try:
            assert isinstance(config.settings(config.load([str(name) for name in names])), Settings)
        except ConfigurationError as error:
            told = str(error)
            assert SECRET not in told
            assert "[" in told or ".conf" in told
