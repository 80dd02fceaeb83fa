"""The body of a reply, read whole and with suspicion: capped, inflated piece by piece, not awaited for ever.

What came of a reply that breaks off goes with the error, so that it can be kept. This module does not know
what a reply says, nor what a fault is.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from io import BytesIO

import httpx2

LARGE = 256 * 1024
"""bytes from which on a body waits for its turn, because few are read at once; as many are kept packed"""
LARGE_AT_ONCE = 2
REFUSAL_CAP = 256 * 1024
"""bytes that are read of a reply without success: its status says enough"""
_AUTO = zlib.MAX_WBITS | 32
"""zlib finds out by itself whether it is gzip or deflate"""
_INFLATED = {"gzip", "x-gzip", "deflate"}


class Unfinished(Exception):
    """A reply that came in part; `body` is what came of it, and `packed` whether that is compressed."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__()
        self.body = body
        self.packed = False


class ReplyTooLarge(Unfinished):
    """The body passed the cap."""


class BrokenOff(Unfinished):
    """The connection was lost in the middle of the body."""


class Stalled(Unfinished):
    """The body began, and then nothing came for the time that was allowed."""


class Undecodable(Unfinished):
    """The body is compressed, which it was asked not to be, and cannot be inflated; `body` is as it came."""


class Body(httpx2.AsyncByteStream):
    """A body that gives itself as one piece, or raises an `Unfinished`.

    At most `cap` bytes; at most `idle` seconds between two pieces, once it has begun. The body of a refusal
    is as much as there is, whatever becomes of the rest.
    """

    def __init__(
        self,
        stream: httpx2.AsyncByteStream,
        encoding: str,
        *,
        cap: int,
        idle: float,
        room: asyncio.Semaphore,
        refusal: bool,
    ) -> None:
        self._stream = stream
        self._plain = BytesIO()
        self._packing = _Packing(encoding) if encoding not in ("", "identity") else None
        self._left = min(cap, REFUSAL_CAP) if refusal else cap
        self._idle = idle
        self._room = room
        self._refusal = refusal

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            await self._read()
            if self._packing is not None:
                self._packing.finish()
        except Unfinished as broken:
            broken.packed = self._packing is not None
            if self._refusal and self._packing and not self._packing.known:
                self._plain = BytesIO()  # nobody can read it, nor find a key in it
            if not self._refusal:
                kept = self._packing.seen if self._packing and self._packing.known else self._plain
                broken.body = b"" if isinstance(broken, ReplyTooLarge) else kept.getvalue()
                self._plain = BytesIO()  # whoever holds the error holds this, too
                raise
        yield self._plain.getvalue()

    async def _read(self) -> None:
        now = asyncio.get_running_loop().time
        waited = False
        try:
            async with AsyncExitStack() as held, asyncio.timeout(None) as patience:
                async for chunk in self._stream:
                    for piece in (chunk,) if self._packing is None else self._packing.plain(chunk):
                        self._take(piece)
                        if not waited and self._plain.tell() > LARGE:
                            waited = True
                            patience.reschedule(None)
                            await held.enter_async_context(self._room)
                    patience.reschedule(now() + self._idle)
        except TimeoutError:
            raise Stalled from None
        except httpx2.HTTPError:
            raise BrokenOff from None

    def _take(self, piece: bytes) -> None:
        self._plain.write(piece[: self._left])
        self._left -= len(piece)
        if self._left < 0:
            raise ReplyTooLarge

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Packing:
    """A compression that nobody asked for, undone where it can be; `seen` is the beginning of what came."""

    def __init__(self, encoding: str) -> None:
        self.seen = BytesIO()
        self._inflater = zlib.decompressobj(_AUTO)
        self.known = encoding in _INFLATED

    def plain(self, chunk: bytes) -> Iterator[bytes]:
        """What a piece of it is, in small pieces; one in a way that is not known stays as it is."""
        if not self.known:
            yield chunk
            return
        self.seen.write(chunk[: LARGE - self.seen.tell()])
        try:
            while chunk and not self._inflater.eof:
                yield self._inflater.decompress(chunk, LARGE)
                chunk = self._inflater.unconsumed_tail
        except zlib.error:
            raise Undecodable from None

    def finish(self) -> None:
        """Raise `Undecodable` where its end is missing: what there is of it was never checked."""
        if not self.known or (self.seen.tell() and not self._inflater.eof):
            raise Undecodable
