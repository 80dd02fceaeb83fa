"""What the owner of a run and its workers say to each other, over any stream of bytes.

The owner has the lock, the journal, the lanes, the budget and the records. A worker walks records: it
renders, parses, checks, and sends requests when the owner tells it to. Each message is a tuple, its kind
first. Several travel in one frame: four bytes with its length, then a pickled list and its seal. Pickles are
read only after both sides have shown that they know the key of the run (HMAC-SHA256 over the other's
challenge), and only where the seal fits (HMAC-SHA256 of the frame and its number, with a key of this
connection and direction): nobody between two machines can change anything, but all of it can be read there.

    from the owner                                    from a worker
    job: Setup, once, first                           ready
    told: Told: what steps are told of rows           asked: number, model, Request
    begin: local: a walk that asks begins;            sent: number, Reply or Fault: what came back
        look requests up in the journal first         leaf: Leaf: the end of one branch
    walk: [(number, Record), …]                       replayed: number, Replayed
    hands: how many branches at once                  damage: Damage: a row of the journal is damaged
    send: number, lane, digest: send it now           failed: an exception that ends the run
    body: number, digest: answer `sent` with the
        bytes of the request, pictures included
    lane: number, Model; shut: number
    kept: number, model: what you sent is on the disk, use it
    reply: number, Reply or Fault: use this
    gone: number: nobody will answer any more
    end: the walk is over, drop what is left of it
    replay: number, `recall` or `export`, [Record, …]: walk them with the journal alone

The life of a request: asked, send, sent, kept. The owner passes it through all guards between `asked` and
`send`, and has the reply on the disk before `kept`. An answer from elsewhere (the journal, an equal request)
comes as `reply`. A channel that ends is the end of a worker: what it was sending may have been billed, and
its records go to another. This module does not know what a message is for.
"""

from __future__ import annotations

import asyncio
import copyreg
import hmac
import pickle
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import fields
from itertools import count
from math import inf
from operator import attrgetter
from typing import Any, TypeAlias, cast

from pipeline.core.domain import (
    Answer,
    Billed,
    Fate,
    Fault,
    Media,
    Record,
    Rejected,
    Reply,
    Request,
    Unanswered,
    Usage,
)

Address: TypeAlias = str | tuple[str, int]
"""the path of a Unix socket, or a host and a port"""
KEY_BYTES = SEAL_BYTES = 32
SECONDS = 10.0
"""within which the other side must have shown that it knows the key"""
_GREETINGS, _LONGEST_GREETING = 2.0, 64
"""frames, and bytes of each, that are read before the other side has shown the key"""
_HEAD = 4


class Stranger(Exception):
    """The other side does not know the key."""


class Channel(asyncio.Protocol):
    """One connection. Messages of one turn of the event loop are sent together."""

    def __init__(self, on_made: Callable[[Channel], object] = lambda channel: None) -> None:
        self._on_made = on_made
        self._transport: asyncio.Transport | None = None
        self._buffer, self._greetings = bytearray(), _GREETINGS
        self._frames = deque[bytes]()
        self._waiter: asyncio.Future[None] | None = None
        self._outbox: list[Any] = []
        self._trouble: Exception | None = None
        self.lost = False
        self._ours = self._theirs = _Seal(b"", b"", first=False)  # until both have shown the key

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop, which Ray brings, has one of its own
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._take_apart()

    def _take_apart(self) -> None:
        """Take the frames that are whole; of one who has not shown the key yet, only the greetings."""
        buffer = self._buffer
        while len(buffer) >= _HEAD and self._greetings:
            end = _HEAD + int.from_bytes(buffer[:_HEAD])
            if self._greetings < inf and end > _LONGEST_GREETING:
                self.close()
            if len(buffer) < end:
                break
            self._greetings -= 1
            self._frames.append(bytes(memoryview(buffer)[_HEAD:end]))
            del buffer[:end]
        if not self._greetings and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def send(self, *message: Any) -> None:
        """Send a message, together with others of this turn; nothing happens where the other side is gone."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(message)

    def _flush(self) -> None:
        messages, self._outbox = self._outbox, []
        if self.lost:
            return
        try:
            frame = pickle.dumps(messages, pickle.HIGHEST_PROTOCOL)
            self._push(frame + self._ours.of(frame))
        except Exception as error:  # a value of the user's that no pickle can hold
            self._trouble = error
            self.close()

    def _push(self, frame: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - nothing is sent before it is made
        self._transport.write(len(frame).to_bytes(_HEAD) + frame)

    async def receive(self) -> list[Any] | None:
        """The next messages; None where the other side is gone. Raises what could not be pickled."""
        frame = await self._frame()
        if frame is None and self._trouble is not None:
            raise self._trouble
        if frame is not None:
            frame, seal = frame[:-SEAL_BYTES], frame[-SEAL_BYTES:]
            if not hmac.compare_digest(seal, self._theirs.of(frame)):
                self.close()
                return None
        return None if frame is None else pickle.loads(frame)  # noqa: S301 - the other side has shown the key

    async def _frame(self) -> bytes | None:
        while not self._frames:
            if self.lost:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.popleft()

    async def introduce(self, key: bytes, *, first: bool) -> None:
        """Show that we know the key, and see that the other side does; `Stranger` where it does not.

        `first`: whether we are the one who was called.
        """
        ours = secrets.token_bytes(KEY_BYTES)
        self._push(ours)
        async with asyncio.timeout(SECONDS):
            theirs = await self._frame() or b""
            self._push(_shown(key, theirs, first))
            shown = await self._frame() or b""
        if not hmac.compare_digest(shown, _shown(key, ours, not first)):
            self.close()
            raise Stranger
        both = ours + theirs if first else theirs + ours
        self._ours, self._theirs = _Seal(key, both, first), _Seal(key, both, not first)
        self._greetings = inf
        assert self._transport is not None  # noqa: S101 - we have just written to it
        self._transport.resume_reading()
        self._take_apart()

    def close(self) -> None:
        """End the connection, after what was written."""
        if self._transport is not None:
            self._transport.close()


class _Seal:
    """What shows of each frame of one direction that it comes from the other side, and is the next one."""

    def __init__(self, key: bytes, both: bytes, first: bool) -> None:
        self._key = hmac.digest(key, (b"from the owner" if first else b"from a worker") + both, "sha256")
        self._numbers = count()

    def of(self, frame: bytes) -> bytes:
        """The seal of the next frame."""
        return hmac.digest(self._key, next(self._numbers).to_bytes(8) + frame, "sha256")


def _shown(key: bytes, challenge: bytes, first: bool) -> bytes:
    """What shows that one knows the key; each side shows another thing, so none can send it back."""
    return hmac.digest(key, (b"owner" if first else b"worker") + challenge, "sha256")


async def listen(
    address: Address, key: bytes, on_worker: Callable[[Channel], Awaitable[object]]
) -> asyncio.Server:
    """A server for workers that know the key; each gets a call of `on_worker`."""
    loop = asyncio.get_running_loop()
    greeting = set[asyncio.Task[None]]()

    async def greet(channel: Channel) -> None:
        try:
            await channel.introduce(key, first=True)
        except (Stranger, TimeoutError):
            channel.close()
        else:
            await on_worker(channel)

    def made(channel: Channel) -> None:
        task = loop.create_task(greet(channel))
        greeting.add(task)  # else nothing would hold it
        task.add_done_callback(greeting.discard)

    if isinstance(address, str):
        return await loop.create_unix_server(lambda: Channel(made), address)
    return await loop.create_server(lambda: Channel(made), *address)


async def connect(address: Address, key: bytes) -> Channel:
    """A channel to an owner; `Stranger` where it does not know the key, `OSError` where there is none."""
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        _, channel = await loop.create_unix_connection(Channel, address)
    else:
        _, channel = await loop.create_connection(Channel, *address)
    await channel.introduce(key, first=False)
    return channel


def _elsewhere() -> bytes:
    """The bytes of a picture stay where the request was made."""
    what = "the process that has the picture is gone"
    raise Fault("dropped", what, fate=Fate.RETRY, billed=Billed.NO)


def _made(kind: type[Fault], parts: dict[str, Any]) -> Fault:
    """A fault as it was; a call of its class would not take all of its parts."""
    fault = Exception.__new__(kind, parts["kind"], parts["message"])
    vars(fault).update(parts)
    return fault


def _by_parts(kind: type[Any]) -> None:
    """Pickle a noun as a call with its parts: three times as fast as pickle's own way with slots."""
    parts = attrgetter(*(field.name for field in fields(kind) if field.init))
    copyreg.pickle(kind, lambda noun: (kind, parts(noun)))


for _noun in (Record, Request, Reply, Answer, Usage):
    _by_parts(_noun)
for _fault in (Fault, Rejected, Unanswered):
    copyreg.pickle(_fault, lambda fault: (_made, (type(fault), vars(fault))))
_seen = attrgetter(*(field.name for field in fields(Media) if field.name != "load"))
copyreg.pickle(Media, lambda media: (Media, (*_seen(media), _elsewhere)))
