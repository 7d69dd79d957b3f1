"""Numbers and moments as a person reads them."""

from datetime import UTC, datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SHORT = 10  # seconds, below which tenths are told
_PARTS = 2  # units that are told


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
    if seconds < _SHORT:
        return f"{max(0.0, seconds):.1f} s"
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        parts.append((left // size, unit))
        left %= size
    first = next(place for place, (many, _) in enumerate(parts) if many)
    return " ".join(f"{many} {unit}" for many, unit in parts[first : first + _PARTS] if many)


def number(value: int) -> str:
    """A number in groups of three digits."""
    return f"{value:,}"


def count(value: int, noun: str) -> str:
    """So many of them."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"
