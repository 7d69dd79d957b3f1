"""The control socket of a running daemon: a thread that takes one command a connection.

It waits for no client and keeps no other waiting: whoever sends nothing, too much or nonsense is cut off, and
the runner notices nothing of it.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket

from networking_nsx.errors import StateError
from networking_nsx.model import Key
from networking_nsx.serve.desk import Desk
from networking_nsx.serve.findings import shown
from networking_nsx.serve.protocol import (
    LONGEST,
    Answer,
    Command,
    Misunderstood,
    Refused,
    line_of,
    request_from,
)
from networking_nsx.serve.socketfile import listening

PATIENCE = 2.0  # seconds for a client to say what it wants, and again to listen to the answer
_MOST = 16  # clients at a time
_STEP = 2.0  # seconds in which most steps end: so long a pause waits for the one at hand
_SETTLING = 3.5  # seconds in which most rows are settled; with PATIENCE still within those of a client
_GLANCE = 0.02


@contextmanager
def control(path: str, desk: Desk) -> Iterator[None]:
    """Take commands at this path until the end of the block; with "" take none. Raises ConfigurationError."""
    if not path:
        yield
        return
    with listening(Path(path)) as server, _Server(desk).serving(server):
        yield


class _Server:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._clients = 0

    @contextmanager
    def serving(self, server: socket) -> Iterator[None]:
        loop, ended = asyncio.new_event_loop(), asyncio.Event()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(self._serve(server, ended))

        thread = threading.Thread(target=run, name="control", daemon=True)
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()

    async def _serve(self, server: socket, ended: asyncio.Event) -> None:
        served = await asyncio.start_unix_server(self._client, sock=server, limit=LONGEST)
        await ended.wait()
        served.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= _MOST:
                await self._converse(reader, writer)
        finally:
            self._clients -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # it hung up, or its time was up
            async with asyncio.timeout(PATIENCE):
                line = await _line_from(reader)
            if not line.endswith(b"\n"):
                return
            writer.write(line_of(await self._answer(line)))
            async with asyncio.timeout(PATIENCE):
                await writer.drain()

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = request_from(line)
        except Misunderstood as error:
            return Answer(error=str(error))
        if request.command in (Command.KEY, Command.NEXT):
            if len(request.kinds) != 1 or not request.id:
                return Answer(error="not understood: one kind and the id of a row are needed")
            key = Key(request.kinds[0], request.id)
            asks = request.command is Command.NEXT
            return Answer({"in": self._desk.planned(key)}) if asks else await self._settled(key)
        try:
            result = self._desk.carry_out(request)
        except (Refused, StateError) as error:
            return Answer(error=str(error))
        if request.command is Command.PAUSE:
            await self._step_ended()
            result["state"] = self._desk.state
        if request.command is Command.MAINTENANCE_START:
            result["write_at_hand"] = await self._is_still_written()
        return Answer(result)

    async def _settled(self, key: Key) -> Answer:
        """What came of a row: `found` as `show` has it, {} if there is none; `waits`: why it takes longer."""
        with self._desk.asking(key) as inquiry:
            if inquiry is None:
                return Answer(error="too many rows wait to be looked at")
            with suppress(TimeoutError):
                async with asyncio.timeout(_SETTLING):
                    while not inquiry.settled and self._desk.state == "running":  # noqa: ASYNC110 - as below
                        await asyncio.sleep(_GLANCE)
            finding = inquiry.finding
        if finding is None:
            state = self._desk.state
            waits = "others come first" if state == "running" else f"the daemon is {state}"
            return Answer({"found": None, "waits": waits})
        return Answer({"found": shown(key, finding), "waits": finding.waits})

    async def _step_ended(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_STEP):
                while self._desk.state == "pausing":  # noqa: ASYNC110 - the runner knows nothing of asyncio
                    await asyncio.sleep(_GLANCE)

    async def _is_still_written(self) -> bool:
        """Whether a write that began before a maintenance has not ended in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STEP):
                while self._desk.is_written:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(_GLANCE)
        return self._desk.is_written


async def _line_from(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any command
        return b"\n"
