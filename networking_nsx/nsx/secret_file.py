"""Secrets out of files. What is raised names no part of a secret."""

import os
import stat

_LONGEST = 4096  # bytes; whoever names another file is told so, and not made to hold it


def token_from(file: str) -> str:
    """Raises OSError or ValueError."""
    token = _content(file).decode("ascii", "replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("it must hold one token, and nothing else")
    return token


def password_from(file: str) -> str:
    """The one line of a file that is not open to anybody. Raises OSError or ValueError."""
    try:
        password = _content(file, private=True).decode()
    except UnicodeDecodeError:  # which repeats a part
        raise ValueError("it is not UTF-8") from None
    password = password.removesuffix("\n").removesuffix("\r")
    if not password:
        raise ValueError("it is empty")
    if "\n" in password or "\r" in password:
        raise ValueError("it must hold one line, the password, and nothing else")
    return password


def _content(file: str, *, private: bool = False) -> bytes:
    with open(file, "rb", opener=_at_once) as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no regular file")
        if private and found.st_mode & (stat.S_IROTH | stat.S_IWOTH):
            raise ValueError(f"anybody on this machine may read or write it: chmod o= {file}")
        content = opened.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} bytes")
    return content


def _at_once(file: str, flags: int) -> int:
    """Without waiting for somebody to write to it, as a pipe would have it."""
    return os.open(file, flags | os.O_NONBLOCK)
