"""Why an object of NSX-MH is not up: what its status resource says, flag by flag.

NSX-MH has no words for it: the flags and counts show where the chain breaks.
"""

import re
from typing import Any

import msgspec

from networking_nsx.errors import NsxError
from networking_nsx.model import Observation
from networking_nsx.nsx.reader_mh import Reader

_PATH = re.compile(r"/ws\.v1/(lswitch/[\w-]+(/lport/[\w-]+)?|lrouter/[\w-]+)")
_MOST = 20  # lines
_WORD = 200  # characters of one
_STATUS = msgspec.json.Decoder(dict[str, Any])


def reasons(reader: Reader, seen: Observation) -> list[str]:
    if not _PATH.fullmatch(seen.path):
        return []
    try:
        status = _STATUS.decode(reader.object(f"{seen.path}/status", []).body)
    except NsxError as error:
        return [f"not told: {error}"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ["not told: the status is unreadable"]
    flags = ((name, value) for name, value in sorted(status.items()) if isinstance(value, bool | int | str))
    told = [
        f"{name}: {value}"[:_WORD] for name, value in flags if name != "type" and not name.startswith("_")
    ]
    return told[:_MOST]
