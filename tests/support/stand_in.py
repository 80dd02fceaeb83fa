"""A stand-in for `vllm` and `llama-server`: their command line and their API, on the standard library alone.

The variable STAND_IN says how it behaves: `ok`; `dies` at the start with the words in WORDS; `hangs`: it
never becomes healthy, and ignores SIGTERM; `slow`: it becomes healthy late; `thinks` for a second; `breaks`:
it ends at the third question. It notes what it was given, and its processes, in the folder NOTES.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BEGUN = time.monotonic()
NAMES = ("vllm", "llama-server")


def put(folder: Path) -> str:
    """Put both commands into a folder, and return the PATH that finds them first."""
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        file = folder / name
        file.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text("utf-8"))
        file.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def noted(folder: Path) -> dict[str, Any]:
    """What the stand-in was given, as it noted it."""
    found: dict[str, Any] = json.loads((folder / "given.json").read_text())
    return found


class Handler(BaseHTTPRequestHandler):
    """`/health`, and the two dialects."""

    mode = ""
    asked = 0

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: it is asked not to."""

    def do_GET(self) -> None:
        late = self.mode == "slow" and time.monotonic() < BEGUN + 1
        self._send(503 if late or self.mode == "hangs" else 200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = os.environ.get("VLLM_API_KEY") or os.environ["LLAMA_API_KEY"]
        if self.headers["authorization"] != f"Bearer {key}":
            self._send(401, {"error": {"message": "Unauthorized"}})
            return
        Handler.asked += 1
        if self.mode == "breaks" and Handler.asked >= 3:
            print("CUDA error: an illegal memory access was encountered", file=sys.stderr, flush=True)
            os._exit(7)
        if self.mode == "thinks":
            time.sleep(1)
        message = {"message": {"role": "assistant", "content": "A fine thing."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        self._send(200, {"model": body["model"], "choices": [{"index": 0, **message}], "usage": usage})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Begin as the real one does: with a process of its own beside it."""
    mode, arguments = os.environ["STAND_IN"], sys.argv[1:]
    if mode == "dies":
        sys.exit(os.environ["WORDS"])
    if mode == "hangs":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(90)"])
    given = {"arguments": arguments, "pids": [os.getpid(), os.getppid(), helper.pid]}
    given["offline"] = os.environ.get("HF_HUB_OFFLINE", "")
    notes = Path(os.environ["NOTES"], "given.json")
    notes.with_suffix(".part").write_text(json.dumps(given))
    notes.with_suffix(".part").rename(notes)
    Handler.mode = mode
    where = arguments[arguments.index("--host") + 1], int(arguments[arguments.index("--port") + 1])
    ThreadingHTTPServer(where, Handler).serve_forever()


if __name__ == "__main__":
    main()
