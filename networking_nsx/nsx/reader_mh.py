"""Reading NSX-MH: one object or one page of a listing, never older than what was read before."""

import threading
from collections.abc import Mapping, Sequence

from networking_nsx.errors import CursorExpired, NotFound, Rejected, Unauthorized, Unavailable
from networking_nsx.nsx.http import Answer, Client
from networking_nsx.nsx.wire import Untrusted
from networking_nsx.ports import Clock

PAGE_MAXIMUM = 5000
_DIGITS = 18  # of a generation; int() refuses thousands of them with a ValueError

_NONE = (-1, float("-inf"))  # a generation's number, and when it was last heard of

Params = Sequence[tuple[str, str]]


class Generation:
    """The newest configuration that a manager told of; another manager is asked to wait for it.

    Only for `timeout` seconds after it was last heard of: after a restore of NSX's database the number
    never comes, and the answer neither. Shared by all that read one NSX, and by threads.
    """

    def __init__(self, clock: Clock, timeout: float = 30.0) -> None:
        """`timeout`: longer: an older state is read less often; a restored NSX is waited for longer."""
        self._clock = clock
        self._timeout = timeout
        self._newest = _NONE
        self._lock = threading.Lock()

    def wanted(self) -> Mapping[str, str]:
        """The header that asks for it; none when there is nothing to wait for."""
        number, heard_at = self._newest
        if self._clock.monotonic() - heard_at >= self._timeout:
            return {}
        return {"X-Nvp-Wait-For-Config-Generation": str(number)}

    def heard(self, headers: Mapping[str, str]) -> None:
        number = headers.get("X-Nvp-Config-Generation", "")
        if not number.isdecimal() or len(number) > _DIGITS:
            return
        with self._lock:
            if int(number) >= self._newest[0] or not self.wanted():
                self._newest = (int(number), self._clock.monotonic())

    def forget(self, since: float) -> None:
        """Unless a manager has told of it since that moment, perhaps none ever will."""
        with self._lock:
            if self._newest[1] <= since:
                self._newest = _NONE


class Reader:
    """NSX-MH, read. Raises an NsxError."""

    def __init__(self, client: Client, clock: Clock, generation: Generation) -> None:
        self._client = client
        self._clock = clock
        self._generation = generation

    def object(self, path: str, params: Params) -> Answer:
        """Raises NotFound when there is no such object."""
        asked_at = self._clock.monotonic()
        try:
            answer = self._client.get(path, params, self._generation.wanted())
        except Unavailable:
            self._generation.forget(asked_at)  # perhaps that is why there was no answer in time
            raise
        self._generation.heard(answer.headers)
        return answer

    def page(self, path: str, params: Params, cursor: str | None, length: int) -> Answer:
        """Raises CursorExpired when NSX no longer knows the cursor."""
        paging = [("_page_length", str(min(length, PAGE_MAXIMUM)))]
        if cursor is not None:
            paging.append(("_page_cursor", cursor))
        try:
            return self.object(path, [*params, *paging])
        except (Unauthorized, Untrusted):
            raise
        except (NotFound, Rejected) as error:
            # 404, 400 or 410, as the version has it: a first page with the same parameters was answered.
            if cursor is not None:
                raise CursorExpired(str(error)) from error
            raise
