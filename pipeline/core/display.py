"""Numbers, money and untrusted text as a person reads them.

This module does not know what they mean.
"""

from __future__ import annotations

import unicodedata
from math import floor, log10

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn the writing direction, end a line or show nothing"""


def safe_text(text: str) -> str:
    """The text with control, format and surrogate characters made visible, in one line."""
    if text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _UNSEEN else _visible(c) for c in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"


def clock(seconds: float) -> str:
    """A duration as people read it: 0:07, 12:30, 3:04:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def pace(requests: int, seconds: float) -> str:
    """How fast requests are answered, as people read it: 8.5 requests/s, one request in 12 s."""
    if not requests:
        return "no answer yet"
    each = seconds / requests
    if each <= 1:
        return f"{requests / seconds:,.1f} requests/s"
    return f"one request in {each:.{int(each < 10)}f} s"


def dollars(amount: float | None) -> str:
    """Money as people read it: $12.30, more digits below a dollar, never $0.00 for what cost something."""
    if amount is None:
        return "price not known"
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    places = 4 if amount >= 0.001 else min(9, 1 - floor(log10(amount)))
    return f"${amount:.{places}f}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 1,200 rows, 2 batches."""
    ending = "es" if noun.endswith(("ch", "sh", "s", "x")) else "s"
    return f"{number:,} {noun}{'' if number == 1 else ending}"
