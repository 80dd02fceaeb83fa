"""Any text -> the name of a file, for names that are made of values in a row.

Different texts give different names, also on disks that take `A.md` and `a.md`, or two spellings of `é`, for
the same file; and no name leads out of its folder. This module does not know folders or files.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b32encode
from hashlib import blake2b

LONGEST = 200  # bytes of UTF-8; a suffix may follow
_SIGN = "~"  # stands before a digest, and in no text that is used as a name unchanged
_PLAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_. -]*[a-z0-9_-])?")
_OTHERS = re.compile(r"[^\w-]+")
_RESERVED = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"} | {
    f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789"
}
"""names of devices on Windows, whatever their suffix"""


def safe_name(text: str) -> str:
    """A name for a file: the text itself if every disk can tell it from all other names.

    Any other text (also one with capitals) is made safe, and a digest of the whole text is put after it:
    `../A b` is `A-b~` and 26 characters. At most 200 bytes, never empty, no suffix of its own.
    """
    if _PLAIN.fullmatch(text) and len(text) <= LONGEST and text.partition(".")[0].strip() not in _RESERVED:
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    ending = _SIGN + b32encode(digest).decode().rstrip("=").lower()
    readable = _OTHERS.sub("-", unicodedata.normalize("NFC", text[:LONGEST])).strip("-")
    cut = readable.encode("utf-8", "ignore")[: LONGEST - len(ending)].decode("utf-8", "ignore")
    return (cut or "_") + ending
