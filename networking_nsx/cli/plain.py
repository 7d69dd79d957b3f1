"""Text of others on a terminal and in a log: NSX chooses its ids, paths and words."""

import logging


def plain(text: str) -> str:
    """The same on one line, without anything that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


class PlainLines(logging.Filter):
    """Keeps every record to one line, so that nobody can forge another one; tracebacks are not touched."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = plain(record.getMessage()), ()
        return True
