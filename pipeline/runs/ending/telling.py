"""Tells whoever the job names that its run has ended: a POST, or a command.

Each gives a sentence about what went wrong, '' for nothing, and raises nothing. What a server answers is not
read; what a command prints is given back only where it failed. This module does not know what is told.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from pipeline.core.errors import JobError
from pipeline.core.secret import Secret
from pipeline.job.outside.headers import value_of, variable_of
from pipeline.job.outside.on_end import OnEnd, check_address

if TYPE_CHECKING:
    import httpx2

ALL_TRIES, ONE_TRY = 10.0, 2.8  # seconds
WAITS = (0.4, 0.8, 0.0)
"""seconds after each try"""
LAST_BYTES, LAST_LINES = 4096, 8


class Hook:
    """A webhook, with its address and headers as they are sent; `JobError` where a variable is missing."""

    def __init__(self, spec: OnEnd, where: str) -> None:
        try:
            self._address = Secret(value_of("webhook", spec.webhook))
            if variable_of(spec.webhook):
                check_address(self._address.reveal(), plain_http=spec.plain_http)
            self._headers = {
                name: Secret(value_of(f"the header {name}", v)) for name, v in spec.headers.items()
            }
        except JobError as error:
            error.where = where
            raise
        except ValueError as error:
            named = variable_of(spec.webhook)
            raise JobError(f"what the variable {named} holds {error}", where=where) from None
        self.name = f"the webhook at {urlsplit(self._address.reveal()).hostname}"

    async def tell(self, body: bytes) -> str:
        """Send it; again after what may pass, but not for long."""
        import httpx2  # takes a tenth of a second, and few jobs have a webhook

        why, context = f"no answer within {ALL_TRIES:g} s", ssl.create_default_context()
        with anyio.move_on_after(ALL_TRIES):
            async with httpx2.AsyncClient(verify=context, trust_env=False, follow_redirects=False) as client:
                for wait in WAITS:
                    why, passes = await self._post(client, body)
                    if not (why and passes):
                        break
                    await anyio.sleep(wait)
        return why

    async def _post(self, client: httpx2.AsyncClient, body: bytes) -> tuple[str, bool]:
        """What went wrong, and whether it may pass."""
        import httpx2

        headers = {"Content-Type": "application/json", "User-Agent": "pipeline"}
        headers |= {name: secret.reveal() for name, secret in self._headers.items()}
        try:
            with anyio.fail_after(ONE_TRY):
                address = self._address.reveal()
                async with client.stream("POST", address, content=body, headers=headers) as reply:
                    status = reply.status_code
        except (TimeoutError, httpx2.TimeoutException):
            return f"no answer within {ONE_TRY:g} s", True
        except httpx2.ConnectError:
            return "cannot connect", True
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            return "the connection broke", True
        if 300 <= status < 400:
            return f"it redirects to another address ({status}), which is not followed", False
        return ("" if status < 300 else f"it answered {status}"), status >= 500 or status == 429


def program_of(spec: OnEnd, folder: Path, where: str) -> str:
    """The program of a command; `JobError` where there is none."""
    named = spec.command[0]
    found = shutil.which(folder / named if "/" in named else named)
    if found is None:
        raise JobError(f"there is no program '{named}' to run", where=where, hint="name it with its path")
    return found


async def ran(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], body: bytes, most: float
) -> tuple[str, list[str]]:
    """Run a command to its end: what went wrong, and the last lines that it printed."""
    with tempfile.TemporaryFile() as log:
        try:
            process = await anyio.open_process(
                words,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError):
            return "it could not be started", []
        try:
            with anyio.fail_after(most):
                assert process.stdin is not None  # noqa: S101 - it was asked for as a pipe
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await process.stdin.send(body)
                    await process.stdin.aclose()
                code = await process.wait()
            why = f"it ended with code {code}" if code else ""
        except TimeoutError:
            why = f"it took longer than {most:g} s, and was ended"
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            with anyio.CancelScope(shield=True):
                await process.aclose()
        return why, _last_lines(log) if why else []


def _last_lines(log: IO[bytes]) -> list[str]:
    log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_BYTES))
    return log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
