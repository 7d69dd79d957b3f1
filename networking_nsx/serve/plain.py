"""Text of others: NSX chooses its ids, paths and words."""


def plain(text: str) -> str:
    """The same on one line, without anything that a terminal or a reader's eye would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
