"""Text of others in a log."""

import logging

from networking_nsx.serve.plain import plain


class PlainLines(logging.Filter):
    """Keeps every record to one line, so that nobody can forge another one; tracebacks are not touched."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = plain(record.getMessage()), ()
        return True
