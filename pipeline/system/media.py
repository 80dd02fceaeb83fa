"""What a picture or a recording is, by its first bytes, and its bytes as they are sent.

A suffix says nothing about what a file holds, and servers refuse what they do not know. This module does not
know requests, nor who looks at a picture.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 20 << 20
"""the most bytes of one picture or recording, and of all that one request has"""
_SLOWEST_MP3 = 1_000
"""bytes of a second at the lowest rate that an mp3 can have"""
_DATA = re.compile(r"data:[^,;]{0,100}(?:;[^,;]{0,100}){0,8};base64,", re.IGNORECASE)
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""the markers of a JPEG behind which its size stands"""


class Unfit(Exception):
    """There is no picture or recording that could be sent; the text is the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a picture or recording, and how large it is: (0, 0) and 0 where that cannot be told."""

    name: str
    """image/png, audio/wav, …"""
    pixels: tuple[int, int] = (0, 0)
    seconds: float = 0.0


def kind_of(data: bytes) -> Kind:
    """What the bytes hold; `Unfit` where it is neither a picture nor a recording of a known type."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind("image/png", (_big(data[16:20]), _big(data[20:24])))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Kind("image/gif", (_little(data[6:8]), _little(data[8:10])))
    if data.startswith(b"\xff\xd8\xff"):
        return Kind("image/jpeg", next(_jpeg_sizes(data), (0, 0)))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Kind("image/webp", _webp_size(data))
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return Kind("audio/wav", seconds=len(data) / max(_wav_rate(data), 1))
    if data.startswith(b"ID3") or (data[:1] == b"\xff" and data[1:2] and data[1] & 0xE6 == 0xE2):
        return Kind("audio/mp3", seconds=len(data) / _SLOWEST_MP3)
    what = "is neither a picture (png, jpeg, gif, webp) nor a recording (wav, mp3)"
    raise Unfit(what if data else "is empty")


def _big(number: bytes) -> int:
    return int.from_bytes(number, "big")


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


def _jpeg_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while data[at : at + 1] == b"\xff" and at + 9 <= len(data):
        if data[at + 1] == 0xFF:  # a filling byte
            at += 1
            continue
        if data[at + 1] in _SIZES:
            yield _big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])
        at += 2 + max(2, _big(data[at + 2 : at + 4]))


def _webp_size(data: bytes) -> tuple[int, int]:
    form = data[12:16]
    if form == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if form == b"VP8L":
        packed = _little(data[21:25])
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF


def _wav_rate(data: bytes) -> int:
    """Bytes of a second; 0 where the head does not tell it."""
    at = 12
    while at + 20 <= len(data):
        if data[at : at + 4] == b"fmt ":
            return _little(data[at + 16 : at + 20])
        at += 8 + _little(data[at + 4 : at + 8]) + _little(data[at + 4 : at + 5]) % 2
    return 0


def content_of(path: Path) -> bytes:
    """The bytes of a file; `Unfit` for what is no plain file, is too large, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us up
    except FileNotFoundError:
        raise Unfit("does not exist") from None
    except (OSError, ValueError) as error:
        raise Unfit(_cannot(error)) from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise Unfit("is a folder" if stat.S_ISDIR(state.st_mode) else "is not a plain file")
        check_size(state.st_size)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(state.st_size + 1)
    except OSError as error:
        raise Unfit(_cannot(error)) from None
    finally:
        os.close(descriptor)
    check_size(len(data))
    return data


def _cannot(error: OSError | ValueError) -> str:
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is no name of a file"


def check_size(size: int, what: str = "has") -> None:
    """Refuse what is too large to be sent."""
    if size > MOST_BYTES:
        raise Unfit(f"{what} {size:,} bytes, and {MOST_BYTES:,} are the most")


def decoded(url: str) -> bytes:
    """The bytes in a `data:` address."""
    begun = _DATA.match(url[:1_000])
    if begun is None:
        raise Unfit("is no address such as data:image/png;base64,…")
    check_size((len(url) - begun.end()) // 4 * 3 - 2)
    try:
        return b64decode(url[begun.end() :], validate=True)
    except ValueError:
        raise Unfit("holds no valid base64") from None


def as_json(kind: str, data: bytes) -> bytes:
    """The JSON string that APIs take: a `data:` address for a picture, base64 alone for a recording."""
    address = f"data:{kind};base64," if kind.startswith("image/") else ""
    return b'"' + address.encode() + b64encode(data) + b'"'
