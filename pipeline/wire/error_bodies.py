"""Reads an error body in any of the forms that servers use: its codes, its words, its status, its wait.

A body is taken apart into layers: the object with the error, what is nested in it (also as JSON in a text),
and what stands around it. This module does not know what a code means (`refusals.py`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from pipeline.wire.headers import advertised_wait
from pipeline.wire.times import milliseconds, said_in, seconds_until

_NESTED = ("error", "Error", "errors", "fault", "detail", "details", "innererror", "metadata", "base_resp",
           "message", "raw")  # fmt: skip
"""what holds an error: of OpenAI, AWS, Cloudflare, Apigee, FastAPI, Google, Azure, OpenRouter, Mistral"""
_MESSAGES = ("message", "Message", "msg", "detail", "error_msg", "status_msg", "errorMessage", "faultstring",
             "error_description", "title", "error", "errors", "raw")  # fmt: skip
_IN_TEXTS = ("message", "raw", "error", "msg")
"""names of texts that may hold JSON: gateways put the whole reply of the server behind them there"""
_CODES = ("code", "type", "status", "error_code", "errorcode", "error_type", "__type", "reason",
          "status_code")  # fmt: skip
_NO_CODES = ("", "None", "null", "error")  # what stands for no code: LiteLLM writes `None`
_MARKS = {"content_filter_result": "content_filter", "flagged_input": "content_filter"}
"""names that say as much as a code: Azure's, OpenRouter's"""
_SECONDS = ("retrydelay", "retryafter", "retryafterseconds", "estimatedtime", "resetafter", "resetat")
_MILLISECONDS = ("retryafterms", "retryaftermillis", "retryaftermilliseconds", "retrydelayms")
"""names of waits, in lower case, without the signs between their words"""
_OWN_NUMBERS = {  # a name that one server uses -> where its number is, and the status that each number means
    "status_msg": ("status_code", {  # MiniMax
        1000: 500, 1001: 504, 1002: 429, 1004: 401, 1008: 402, 1013: 500, 1026: 451, 1027: 451, 1039: 429,
        1041: 429, 2013: 400, 2049: 401,
    }),
    "error_msg": ("error_code", {  # Baidu
        4: 429, 17: 429, 18: 429, 110: 401, 111: 401, 336000: 500, 336003: 400, 336100: 503, 336501: 429,
        336502: 429,
    }),
}  # fmt: skip
_STATUS = re.compile(r"[45][0-9]{2}\Z")
_UNSEEN = re.compile(r"<(script|style|svg)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]+)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>?")
_DEEPEST, _MOST_ITEMS, _MOST_LAYERS, _LONGEST_READ, _LONGEST_CODE = 6, 5, 20, 10_000, 80
_FIRST_WORDS = 150
_Layer = dict[str, Any]


class Said(NamedTuple):
    """What an error body says; empty where it says nothing."""

    codes: tuple[str, ...] = ()  # its code words, the one that counts most first
    message: str = ""
    status: int = 0  # an HTTP status in the body
    wait: float | None = None  # seconds that it asks to wait

    @property
    def shown(self) -> str:
        """The code that people are shown: the first one that is neither a number nor an address."""
        return next((code for code in self.codes if not code.isdigit() and ":" not in code), "")


def said_in_body(body: bytes) -> Said:
    """What a body says. Only JSON is understood; `first_words` shows the rest."""
    layers = layers_of(body)
    codes = tuple(dict.fromkeys(code for layer in layers for code in _codes(layer)))
    message = ": ".join(dict.fromkeys(filter(None, map(_message, layers))))
    status = next((number for layer in layers if (number := _status(layer))), 0)
    wait = next((seconds for layer in layers if (seconds := _wait(layer))), None)
    return Said(codes, message, status, wait or said_in(message))


def layers_of(body: bytes, *, quoted: bool = True) -> list[dict[str, Any]]:
    """The objects of a body that may tell of an error; `quoted`: also those in messages."""
    return list(islice(_layers(_loaded(body.removeprefix(b"\xef\xbb\xbf")), 0, quoted), _MOST_LAYERS))


def first_words(body: bytes) -> str:
    """The first words of a body that is not understood: the title of a page, or its text without tags."""
    text = body[:_LONGEST_READ].decode("utf-8", "replace")
    if text.count("\ufffd") + text.count("\0") > len(text) / 8:
        return ""  # not a text
    if "<" in text:
        title = _TITLE.search(text)
        text = html.unescape(title[1] if title else _TAG.sub(" ", _UNSEEN.sub(" ", text)))
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= _FIRST_WORDS else words[: _FIRST_WORDS - 1] + "…"


def _loaded(text: bytes | str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _layers(value: Any, depth: int, quoted: bool) -> Iterator[_Layer]:
    """The objects of a body: first the one with the error, then what is in it, then what is around it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            yield from _layers(item, depth + 1, quoted)
    if not isinstance(value, dict):
        return
    around = any(isinstance(value.get(name), dict | list) for name in _NESTED[:4])
    if not around:
        yield value
    for name in _NESTED:
        yield from _layers(value.get(name), depth + 1, quoted)
    yield from _layers(_first(value.get("choices")).get("error"), depth + 1, quoted)  # OpenRouter
    for name in _IN_TEXTS if quoted else ("raw",):
        for layer in _layers(_within(value.get(name))[1], depth + 1, quoted):
            yield layer if name == "raw" else _without_codes(layer)
    if around:
        yield value


def _first(items: Any) -> _Layer:
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}


def _without_codes(layer: _Layer) -> _Layer:
    """A layer that stood in a message, which may quote a prompt: a prompt must decide nothing."""
    return {name: value for name, value in layer.items() if name not in _CODES and name not in _MARKS}


def _within(text: Any) -> tuple[str, Any]:
    """A text without the JSON at its end, and that JSON; None where it holds none."""
    if not isinstance(text, str):
        return "", None
    text = text[:_LONGEST_READ]
    start, end = text.find("{"), text.rfind("}")
    parsed = _loaded(text[start : end + 1].encode("utf-8", "replace")) if 0 <= start < end else None
    return (text if parsed is None else text[:start].strip(" -:b'\"")), parsed


def _codes(layer: _Layer) -> Iterator[str]:
    for name in _CODES:
        value = layer.get(name)
        if type(value) is int and not 100 <= value < 600:
            value = str(value)
        if isinstance(value, str) and value.strip() not in _NO_CODES:
            yield " ".join(value[:_LONGEST_CODE].rpartition("#")[2].split())  # AWS: namespace#Exception
    yield from (code for name, code in _MARKS.items() if name in layer)


def _message(layer: _Layer) -> str:
    """The words of a layer, without the JSON in them, which is a layer of its own."""
    for name in _MESSAGES:
        value = layer.get(name)
        words = _within(value)[0].strip()
        if name == "message" and value and isinstance(value, list):
            words = _dumped(value)
        elif isinstance(value, list):
            words = "; ".join(item for item in value[:_MOST_ITEMS] if isinstance(item, str))
        if words:
            place = layer.get("loc")  # FastAPI: where in the request it is
            return f"{'.'.join(map(str, place[:5]))}: {words}" if isinstance(place, list) and place else words
    return ""


def _dumped(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested too deeply
        return ""


def _status(layer: _Layer) -> int:
    """The HTTP status that a layer names, or that its own number stands for."""
    for mark, (name, statuses) in _OWN_NUMBERS.items():
        number = layer.get(name)
        if mark in layer and type(number) is int and number in statuses:
            return statuses[number]
    for name in ("code", "status", "status_code"):
        value = layer.get(name)
        if isinstance(value, str) and _STATUS.match(value):
            return int(value)
        if type(value) is int and 400 <= value < 600:
            return value
    return 0


def _wait(layer: _Layer) -> float | None:
    named = {re.sub("[-_]", "", name).lower(): value for name, value in layer.items()}
    for names, read in ((_SECONDS, seconds_until), (_MILLISECONDS, milliseconds)):
        for value in map(named.get, names):
            if type(value) in (int, float, str) and (seconds := read(str(value))):
                return seconds
    headers = layer.get("headers")  # OpenRouter: those of the server behind it
    if isinstance(headers, dict):
        return advertised_wait({str(name).lower(): str(value) for name, value in headers.items()})
    return None
