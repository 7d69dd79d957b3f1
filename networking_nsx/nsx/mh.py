"""NSX-MH (`/ws.v1`) as a Source: what vmware-nsx's synchronizer spoke. Only reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from networking_nsx.errors import NotFound, NsxError, Rejected
from networking_nsx.model import Kind, Observation, Page, Sought
from networking_nsx.nsx.auth import cookies_of, shown
from networking_nsx.nsx.codec_mh import FORMS, page_from
from networking_nsx.nsx.http import Client, Reply
from networking_nsx.nsx.look_mh import Look
from networking_nsx.nsx.reader_mh import PAGE_MAXIMUM, Generation, Reader
from networking_nsx.nsx.reasons_mh import reasons
from networking_nsx.ports import Clock


@dataclass(frozen=True, slots=True)
class MhLogin:
    """A session by user and password; its cookie is valid on the manager that gave it only."""

    user: str
    password: str = field(repr=False)
    path: str = "/ws.v1/login"

    def form(self) -> Mapping[str, str]:
        return {"username": self.user, "password": self.password}

    def proof(self, reply: Reply) -> Mapping[str, str]:
        return shown({"Cookie": cookies_of(reply)})


class MhSource:
    """One NSX-MH, read. May be shared by threads."""

    page_maximum = PAGE_MAXIMUM
    index = None

    def __init__(self, client: Client, clock: Clock, generation: Generation) -> None:
        """`generation` is shared by all sources of one NSX: none reads what is older than another one has."""
        self._clock = clock
        self._reader = Reader(client, clock, generation)

    def page(self, kind: Kind, cursor: str | None, length: int) -> Page:
        form = FORMS[kind]
        # As vmware-nsx: `tag_scope` alone asks for what any of its versions has made.
        params = [*form.asked, ("tag_scope", "quantum")]
        try:
            answer = self._reader.page(form.collection, params, cursor, length)
        except NotFound as error:
            raise Rejected(f"{error}: is this an NSX-MH manager? Check [nsx] api and managers") from error
        return page_from(kind, answer.body, answer.started_at)

    def look(self, sought: Sequence[Sought]) -> Iterator[list[Observation] | NsxError]:
        look = Look(self._reader, self._clock)
        for row in sought:
            try:
                answer: list[Observation] | NsxError = look.at(row)
            except NsxError as error:
                answer = error.with_traceback(None)  # it would keep all that it was raised in
            yield answer

    def reasons(self, seen: Observation) -> list[str]:
        return reasons(self._reader, seen)
