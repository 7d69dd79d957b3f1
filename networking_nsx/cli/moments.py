"""Moments and durations as people write them."""

import re
from datetime import UTC, datetime

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = r"\d{1,9}"
_DURATION = re.compile("".join(f"(?:({_PART}){unit})?" for unit in _UNITS))
FORMS = "a duration as 2h, 90m or 1d12h, or a time as 2027-01-31T22:00 (UTC) or 2027-01-31T22:00+01:00"


def duration(text: str) -> float | None:
    """Seconds; None when it is no duration."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        return None
    return sum(int(number or 0) * unit for number, unit in zip(found.groups(), _UNITS.values(), strict=True))


def moment(text: str) -> float | None:
    """Seconds since the epoch, of a time that is in UTC unless it says otherwise; None when it is none."""
    try:
        said = datetime.fromisoformat(text.strip())
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return None
