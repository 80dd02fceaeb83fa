"""The embedded model's server, run as a child process: `python -m pipeline.providers.machine.llama_server`.

Reads its settings (the path of the weights, their name, an API key, slots, context, threads) as one line
of JSON, serves llama.cpp's OpenAI-compatible API on a free port of 127.0.0.1, and prints the address as
one line of JSON once `/health` says 200. It ends with its parent (`child_process.py`), and does not know the
job.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from pipeline.system.child_process import end_with_parent

LOG_ERRORS_ONLY = 1


def main() -> None:
    """Serve until the parent ends, or ends us."""
    settings = end_with_parent()
    announce = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    import xllamacpp

    server = xllamacpp.Server(parameters(settings))
    address = str(server.listening_address)
    await_health(address)
    announce.write(json.dumps({"address": address}) + "\n")
    announce.flush()
    threading.Event().wait()


def parameters(settings: dict[str, Any]) -> Any:
    """llama.cpp's parameters; `context` is in tokens for one slot, `threads` leaves the caller a core."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.ui = False
    params.offline = True
    params.endpoint_slots = False
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.verbosity = LOG_ERRORS_ONLY
    return params


def await_health(address: str) -> None:
    """Return when the server answers 200: the weights are loaded. The parent's deadline limits the wait."""
    where = urlsplit(address)
    while True:
        connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
