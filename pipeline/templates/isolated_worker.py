"""The process that renders an untrusted job's templates: `isolated.py` starts it and talks to it.

It reads from its standard input and answers on its standard output; each message has its length before it.
Before it reads a template it gives up everything else: files it could open, programs it could start,
memory beyond what a template needs. A rendering that takes too long is ended by the system, with the whole
process, even inside of a library. It does not know where a template comes from.
"""

from __future__ import annotations

import codecs
import contextlib
import datetime
import decimal
import html
import json
import os
import pickle
import resource
import signal
import textwrap
import uuid
from typing import Any

import jinja2.debug

from pipeline.templates.compiled import Compiled, Malformed, Unfit

MEMORY = 768 * 1024 * 1024
"""bytes of address space, the interpreter's own included"""
_NEEDED = (datetime, decimal, html, jinja2.debug, textwrap, uuid)
_CODECS = ("ascii", "idna", "latin-1", "punycode", "raw_unicode_escape", "unicode_escape", "utf-16", "utf-32")
"""loaded now: later there are no files to be opened"""
_WARM = "{{ a|wordwrap }}{{ a|tojson }}{{ a|urlize }}{{ a|striptags }}{{ a|urlencode }}{{ [a, b] }}"


def main(seconds: float) -> None:
    """Answer until standard input ends."""
    Compiled(_WARM).render({"a": "é&amp; b", "b": datetime.datetime.now(datetime.UTC)})
    for name in _CODECS:
        codecs.lookup(name)
    _give_up_everything()
    _write(b"ready")
    compiled: dict[str, Compiled] = {}
    while size := int.from_bytes(_read(4), "big"):
        payload = _read(size)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        reply = _answer(payload[:1], payload[1:], compiled)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(reply)


def _give_up_everything() -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for name, most in (("NPROC", 0), ("FSIZE", 0), ("CORE", 0), ("AS", MEMORY), ("NOFILE", 0)):
        with contextlib.suppress(ValueError, OSError):  # not every system has each of them
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    os.close(2)


def _answer(verb: bytes, payload: bytes, compiled: dict[str, Compiled]) -> bytes:
    try:
        if verb == b"p":
            text = pickle.loads(payload)  # noqa: S301 - written by the program that started this one
            compiled[text] = template = Compiled(text)
            return _json("ok", {"names": sorted(template.names), "uses": list(template.uses())})
        text, values = pickle.loads(payload)  # noqa: S301 - from its parent, through a pipe
        if text not in compiled:  # the process was ended and started anew
            compiled[text] = Compiled(text)
        return b"t" + compiled[text].render(values).encode("utf-8", "surrogatepass")
    except Malformed as error:
        return _json("malformed", [error.message, error.line, error.column, error.hint])
    except Unfit as error:
        return _json("unfit", [error.message, error.line])
    except Exception as error:  # above all a MemoryError
        return _json("unfit", [type(error).__name__, 1])


def _json(kind: str, answer: Any) -> bytes:
    return b"j" + json.dumps([kind, answer]).encode()


def _read(size: int) -> bytes:
    pieces = []
    while size:
        piece = os.read(0, min(size, 1 << 20))
        if not piece:
            os._exit(0)
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _write(reply: bytes) -> None:
    rest = memoryview(len(reply).to_bytes(4, "big") + reply)
    while rest:
        rest = rest[os.write(1, rest) :]
