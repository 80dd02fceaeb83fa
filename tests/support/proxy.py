"""A small HTTP proxy on loopback: tunnels for CONNECT, passes on requests in absolute form, or misbehaves."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_REFUSALS = {
    "407": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"this is no HTTP at all\r\n\r\n",
    "reset": b"",
}


class Proxy:
    """`heads` holds the head of every request that it was sent; `manner` is `fine` or one of the refusals."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self.heads: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._client, args=(self._socket.accept()[0],), daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _client(self, client: socket.socket) -> None:
        with suppress(OSError, ValueError), client:
            came = b""
            while b"\r\n\r\n" not in came:
                if not (piece := client.recv(65536)):
                    return
                came += piece
            head, _, rest = came.partition(b"\r\n\r\n")
            self.heads.append(head.decode())
            if self.manner == "silent":
                client.recv(1)
            if self.manner != "fine":
                client.sendall(_REFUSALS.get(self.manner, b""))
                return
            method, target, _ = head.split(b"\r\n")[0].split(b" ")
            place = target if method == b"CONNECT" else target.split(b"/")[2]
            name, port = place.decode().rsplit(":", 1)
            with socket.create_connection((name, int(port))) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    server.sendall(rest)
                else:
                    first = b"/" + target.split(b"/", 3)[3]
                    server.sendall(came.replace(target, first, 1))
                _passed_on(client, server)


def _passed_on(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            if not (piece := ready.recv(65536)):
                return
            (other if ready is one else one).sendall(piece)


@contextmanager
def proxy(manner: str = "fine") -> Iterator[Proxy]:
    """A proxy that lives as long as the block."""
    there = Proxy(manner)
    thread = threading.Thread(target=there.serve, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.close()
        thread.join()
