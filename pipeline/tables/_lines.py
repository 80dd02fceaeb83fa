"""The lines of a file, compressed or not, in any encoding, as UTF-8; each of limited length.

A small file may unpack to a huge line. This module does not know what a line means.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from pipeline.core.errors import InputError
from pipeline.system.files import BLOCK, reading

LONGEST = 64 << 20  # the most bytes of a record: more than any prompt, and few enough for the memory


@contextmanager
def utf8(path: Path, encoding: str) -> Iterator[IO[bytes]]:
    """A text file's bytes, decompressed, and from its encoding ('': it is UTF-8) made UTF-8."""
    with reading(path) as stream:
        yield io.BufferedReader(_Utf8(path, stream, encoding), BLOCK) if encoding else stream


class _Utf8(io.RawIOBase):
    """The UTF-8 of a stream in another encoding; `InputError` with the line for what is not in it."""

    def __init__(self, path: Path, stream: IO[bytes], encoding: str) -> None:
        self._path, self._stream, self._encoding = path, stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._line, self._ended = 1, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            block = self._stream.read(BLOCK)
            self._ended = not block
            try:
                self._ready = self._decoder.decode(block, self._ended).encode()
            except UnicodeError as error:
                raise self._wrong(error, block) from None
            self._line += self._ready.count(b"\n")
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _wrong(self, error: UnicodeError, block: bytes) -> InputError:
        before = block[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        line = self._line + before.decode(self._encoding, "replace").count("\n")
        hint = "name another encoding with records.encoding, or save the file as UTF-8"
        where = f"{self._path}, about line {line}"
        return InputError(f"this is not {self._encoding}", where=where, hint=hint)


def lines(path: Path, encoding: str = "") -> Iterator[bytes]:
    """Every line with its end; `InputError` for one that is longer than `LONGEST`."""
    with utf8(path, encoding) as stream:
        for line, text in enumerate(iter(partial(stream.readline, LONGEST + 1), b""), 1):
            if len(text) > LONGEST:
                raise too_long(path, line)
            yield text


def too_long(path: Path, line: int) -> InputError:
    """The error for a record that begins in this line."""
    what = f"a record of more than {LONGEST >> 20} MiB begins here"
    hint = "split its texts over several records"
    return InputError(what, where=f"{path}, line {line}", hint=hint)
