"""Servers that speak HTTPS on loopback, with certificates made on the spot by the `openssl` program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.rawserver import GOOD

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own in a folder."""

    folder: Path

    @classmethod
    def found(cls, folder: Path) -> Authority:
        """Make one."""
        extension = (
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign",
        )
        names = ("-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=an authority of our own")
        _openssl(folder, "req", "-x509", *_KEY, *names, *extension)
        return cls(folder)

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, alternative: str, days: int = 2) -> Path:
        """A certificate with its key in one file; one of -1 days is out of date."""
        _openssl(
            self.folder,
            *("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"),
        )
        (self.folder / f"{name}.ext").write_text(
            f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days))
        files = ("-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext")
        _openssl(self.folder, "x509", "-req", *files, *signer)
        return self._joined(name)

    def sign_itself(self, name: str) -> Path:
        """A certificate that nobody but itself vouches for."""
        names = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
        _openssl(self.folder, "req", "-x509", *_KEY, *names, "-addext", "subjectAltName=IP:127.0.0.1")
        return self._joined(name)

    def _joined(self, name: str) -> Path:
        file = self.folder / f"{name}.both"
        file.write_bytes(
            (self.folder / f"{name}.pem").read_bytes() + (self.folder / f"{name}.key").read_bytes()
        )
        return file


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpsServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write(GOOD)
        if self.server.after is not None:
            self.close_connection = True
            self.server.show(self.server.after)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class HttpsServer(ThreadingHTTPServer):
    """Answers everything, once somebody trusts it. After its first answer it shows `after`, if given."""

    daemon_threads = True

    def __init__(self, certificate: Path, after: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.after = after
        self.requests = self.connections = 0
        self.show(certificate)

    def show(self, certificate: Path) -> None:
        """Show this certificate from now on."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)

    def get_request(self) -> tuple[Any, Any]:
        plain, address = super().get_request()
        self.connections += 1
        return self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that do not trust it hang up."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def https(certificate: Path, after: Path | None = None) -> Iterator[HttpsServer]:
    """A server that lives as long as the block."""
    server = HttpsServer(certificate, after)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
