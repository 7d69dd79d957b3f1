"""Reading NSX-MH: one object or one page of a listing, never older than what was read before."""

from collections.abc import Mapping, Sequence

from networking_nsx.errors import CursorExpired, NotFound, Rejected, Unauthorized, Unavailable
from networking_nsx.nsx.http import Answer, Client
from networking_nsx.nsx.wire import Untrusted
from networking_nsx.ports import Clock

PAGE_MAXIMUM = 5000
_DIGITS = 18  # of a generation; int() refuses thousands of them with a ValueError

Params = Sequence[tuple[str, str]]


class Generation:
    """The newest configuration that a manager told of; another manager is asked to wait for it.

    Only for `timeout` seconds after it was last heard of: after a restore of NSX's database the number
    never comes, and the answer neither.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._newest = (-1, float("-inf"))  # the number, and when it was last heard of

    def wanted(self) -> Mapping[str, str]:
        """The header that asks for it; none when there is nothing to wait for."""
        number, heard_at = self._newest
        if self._clock.monotonic() - heard_at >= self._timeout:
            return {}
        return {"X-Nvp-Wait-For-Config-Generation": str(number)}

    def heard(self, headers: Mapping[str, str]) -> None:
        number = headers.get("X-Nvp-Config-Generation", "")
        if (
            number.isdecimal()
            and len(number) <= _DIGITS
            and (int(number) >= self._newest[0] or not self.wanted())
        ):
            self._newest = (int(number), self._clock.monotonic())

    def forget(self) -> None:
        self._newest = (-1, float("-inf"))


class Reader:
    """NSX-MH, read. Raises an NsxError."""

    def __init__(self, client: Client, clock: Clock, generation_timeout: float) -> None:
        self._client = client
        self._generation = Generation(clock, generation_timeout)

    def object(self, path: str, params: Params) -> Answer:
        """Raises NotFound when there is no such object."""
        wanted = self._generation.wanted()
        try:
            answer = self._client.get(path, params, wanted)
        except Unavailable:
            if wanted:  # perhaps that is why there was no answer in time
                self._generation.forget()
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
