"""A receiver of webhooks and of telemetry in a thread: what it gets, and what it answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """`statuses` are what it answers, the last one again and again; `hangs` seconds before each."""

    statuses: tuple[int, ...] = (200,)
    hangs: float = 0.0
    address: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ends(self) -> list[dict[str, Any]]:
        """The bodies as JSON."""
        return [json.loads(body) for _, _, body in self.got]


@contextmanager
def receiver(*statuses: int, hangs: float = 0.0) -> Iterator[Receiver]:
    """A receiver that is gone on exit."""
    found = Receiver(statuses or (200,), hangs)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
            time.sleep(found.hangs)
            self.send_response(found.statuses[min(len(found.got), len(found.statuses)) - 1])
            self.send_header("Location", f"{found.address}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass  # who was left waiting has gone

    server = Server(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
