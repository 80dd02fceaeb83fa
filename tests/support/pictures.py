"""Small pictures and recordings, made here, and real heads of larger ones."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode


def png(width: int = 4, height: int = 3, seed: int = 0) -> bytes:
    """A whole picture that every viewer can show; another seed gives another one."""
    row = b"\0" + bytes((seed + place) % 256 for place in range(3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(row * height)), (b"IEND", b"")
    chunks = [struct.pack(">I", len(data)) + kind + data + _sum(kind + data) for kind, data in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _sum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def jpeg(width: int, height: int) -> bytes:
    """A head with a comment, a table and a filling byte before the size."""
    size = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xfe\x00\x04hi\xff\xc4\x00\x03x\xff" + size + b"\xff\xd9"


def webp(form: bytes, width: int, height: int) -> bytes:
    """A head in one of the three forms."""
    bodies = {
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height),
        b"VP8L": b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14),
        b"VP8X": bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
    }
    body = form + struct.pack("<I", len(bodies[form])) + bodies[form]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def wav(seconds: int = 1, rate: int = 8000) -> bytes:
    """Silence, with a chunk of odd length before its format."""
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    data = bytes(seconds * rate)
    body = b"WAVE" + note + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


MP3 = b"\xff\xfb\x90\x00" + bytes(413)


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"
