"""Text of others, made harmless."""

import io
import logging

import pytest

from networking_nsx.cli.plain import PlainLines
from networking_nsx.serve.plain import plain


@pytest.mark.parametrize("text", ["a\nb", "a\x1bb", "a\x9bb", "a\u202eb", "a\u2028b", "a\x00b"])
def test_what_a_terminal_or_a_log_would_obey_is_a_blank(text):
    """Lines, escape sequences and turns of direction."""
    assert plain(text) == "a b"


def test_any_letter_stays():
    """It is what NSX has."""
    assert plain("Größe 端口 [1]") == "Größe 端口 [1]"


def test_a_record_is_one_line_and_its_traceback_stays():
    """The traceback is ours."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(PlainLines())
    try:
        int("why")
    except ValueError as error:
        raised = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "%s failed", ("x\nINFO forged",), raised)
    handler.handle(record)
    first, *others = stream.getvalue().splitlines()

    assert first == "x INFO forged failed"
    assert others[0].startswith("Traceback")
    assert others[-1].startswith("ValueError: ")
