"""A key to look for, where it stands, and a server that sends it back in all disguises."""

from __future__ import annotations

import base64
import html
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote

import orjson

from tests.support.fakes import chat_body

KEY = "sk-CANARY-7d0f/9c+e2a=41b8&c3"


def disguises(key: str) -> set[bytes]:
    """The key as it may stand in a file."""
    plain = key.encode()
    forms = {plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode()}
    forms |= {quote(key).encode(), quote(key, safe="").encode(), html.escape(key).encode()}
    forms.add(json.dumps(key)[1:-1].replace("/", "\\/").encode())
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(offset) + plain)[4:-4])
    return forms


def found(*places: Path | str) -> list[str]:
    """Where the key stands: files of folders, and texts."""
    forms, where = disguises(KEY), []
    for place in places:
        files = [file for file in place.rglob("*") if file.is_file()] if isinstance(place, Path) else []
        texts = [(str(file), file.read_bytes()) for file in files]
        texts += [("a stream", place.encode())] if isinstance(place, str) else []
        where += [f"{name}: {form!r}" for name, text in texts for form in forms if form in text]
    return where


class Hostile(BaseHTTPRequestHandler):
    """Does what the prompt's last word, or else the path's first, asks for; `keys` holds what it was sent."""

    protocol_version = "HTTP/1.1"
    keys: set[str]
    over: threading.Event

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        sent = self.headers["authorization"].removeprefix("Bearer ")
        self.keys.add(sent)
        mode = self.path.split("/")[1]
        if mode == "v1":
            mode = body["messages"][-1]["content"].split()[-1]
        getattr(self, f"say_{mode}")(sent)

    def answer(self, status: int, text: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def error(self, status: int, message: str, code: str = "odd") -> None:
        self.answer(status, orjson.dumps({"error": {"message": message, "code": code}}))

    def say_fine(self, key: str) -> None:
        self.answer(200, chat_body("fine"), **{"x-request-id": key})

    def say_echo(self, key: str) -> None:
        self.answer(200, chat_body(f"Your key is {key}."))

    def say_long(self, key: str) -> None:
        self.answer(200, chat_body(f"{key} {'x' * 100_000} {key[::-1]}"))

    def say_headers(self, key: str) -> None:
        self.error(400, f"Bad request with the headers {dict(self.headers)!r} and the key {key}")

    def say_escaped(self, key: str) -> None:
        text = "".join(f"\\u{ord(c):04x}" for c in key)
        self.answer(400, b'{"error": {"message": "key %s"}}' % text.encode())

    def say_backwards(self, key: str) -> None:
        self.error(400, key[::-1])

    def say_hexadecimal(self, key: str) -> None:
        self.error(422, f"{key.encode().hex()} {key.encode().hex().upper()}")

    def say_encoded(self, key: str) -> None:
        parts = [base64.b64encode(before + key.encode()).decode() for before in (b"", b"a", b"Bearer ")]
        self.answer(200, chat_body(" ".join(parts)))

    def say_percent(self, key: str) -> None:
        self.answer(200, chat_body(quote(key, safe="") + html.escape(key)))

    def say_page(self, key: str) -> None:
        self.answer(500, f"<html><body>{html.escape(key)} {key}</body></html>".encode())

    def say_code(self, key: str) -> None:
        self.error(400, "no", code=key)

    def say_rate(self, key: str) -> None:
        self.error(429, f"Request too large for {key}")

    def say_garbage(self, key: str) -> None:
        self.answer(200, b"\x00\xff" + key.encode() + b"{")

    def say_half(self, key: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(f'{{"choices": "{key}'.encode())
        self.close_connection = True

    def say_hang(self, key: str) -> None:
        self.over.wait(30)

    def say_slow(self, key: str) -> None:
        time.sleep(2)
        with suppress(ConnectionError):
            self.say_echo(key)

    def say_unauthorized(self, key: str) -> None:
        self.error(401, f"Incorrect API key provided: {key}")

    def say_forbidden(self, key: str) -> None:
        self.error(403, f"The key {key[::-1]} may not do that", code=key)

    def say_moved(self, key: str) -> None:
        self.answer(307, key.encode(), Location=f"http://127.0.0.1:9/{key}")

    def log_message(self, format: str, *args: object) -> None:
        pass
