"""Numbers and moments as a person reads them."""

from datetime import UTC, datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def moment(seconds: float) -> str:
    """A moment, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(seconds: float) -> str:
    """A moment of this day."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")


def machine(seconds: float) -> str:
    """A moment for a machine."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """A duration in its two largest units."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    if left and len(parts) < 2 and seconds < 3600:
        parts.append(f"{left} s")
    return " ".join(parts[:2]) or "0 s"


def number(value: int) -> str:
    """A number in groups of three digits."""
    return f"{value:,}"


def count(value: int, noun: str) -> str:
    """So many of them."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"
