"""Reads the whole body of a reply that may be hostile: with a cap, a deadline, and inflated piece by piece.

Where a reply breaks off, the part that came is kept. This module does not know what a reply says, nor what
a fault is.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from io import BytesIO

import aiohttp

from pipeline.providers.http.deadlines import Deadline

LARGE = 256 * 1024
"""a larger body (in bytes) waits for its turn, as few are read at once; so much is kept compressed"""
LARGE_AT_ONCE = 2
REFUSAL_CAP = 256 * 1024  # bytes that are read of an error reply: its status says enough
_AUTO = zlib.MAX_WBITS | 32  # zlib finds out by itself whether it is gzip or deflate
_INFLATED = {"gzip", "x-gzip", "deflate"}


class Unfinished(Exception):
    """Only a part of the reply came."""


class ReplyTooLarge(Unfinished):
    """The body passed the cap."""


class BrokenOff(Unfinished):
    """The connection was lost in the middle of the body."""


class Undecodable(Unfinished):
    """The body is compressed, although no compression was asked for, and cannot be inflated."""


class Body:
    """A body that is read as one piece, or raises an `Unfinished`: at most `cap` bytes."""

    def __init__(self, content: aiohttp.StreamReader, encoding: str, cap: int) -> None:
        self._content = content
        self._plain = BytesIO()
        self._left = cap
        self._packing = _Packing(encoding) if encoding not in ("", "identity") else None

    async def read(self, deadline: Deadline, room: asyncio.Semaphore) -> bytes:
        """The whole body. A large one waits for `room` when a part of it is read."""
        large = False
        try:
            while chunk := await self._content.readany():
                for piece in (chunk,) if self._packing is None else self._packing.plain(chunk):
                    self._take(piece)
                    if not large and self._plain.tell() > LARGE:  # before more is inflated
                        deadline.hold()
                        await room.acquire()
                        large = True
                deadline.step()
        except aiohttp.ClientError:
            raise BrokenOff from None
        finally:
            if large:
                room.release()
        if self._packing is not None:
            self._packing.finish()
        return self._plain.getvalue()

    def _take(self, piece: bytes) -> None:
        self._plain.write(piece[: self._left] if len(piece) > self._left else piece)
        self._left -= len(piece)
        if self._left < 0:
            if self._plain.tell() > REFUSAL_CAP:
                self._plain = BytesIO()  # not needed, and the error would keep it in memory
            raise ReplyTooLarge

    @property
    def packed(self) -> bool:
        """Whether the body came compressed."""
        return self._packing is not None

    def came(self) -> bytes:
        """The part that came; still compressed, if the compression is a known one."""
        return (self._packing.seen if self._packing and self._packing.known else self._plain).getvalue()

    def came_plain(self) -> bytes:
        """The readable part that came; nothing if the compression is not known."""
        return b"" if self._packing and not self._packing.known else self._plain.getvalue()


class _Packing:
    """Inflates a body that is compressed without being asked for; `seen` is its beginning, as it came."""

    def __init__(self, encoding: str) -> None:
        self.seen = BytesIO()
        self._inflater = zlib.decompressobj(_AUTO)
        self.known = encoding in _INFLATED

    def plain(self, chunk: bytes) -> Iterator[bytes]:
        """A piece, inflated in small parts; unchanged where the compression is not known."""
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
        """Raise `Undecodable` where the end is missing: without it the checksum is not verified."""
        if not self.known or (self.seen.tell() and not self._inflater.eof):
            raise Undecodable
