"""A request goes to the host of the job alone, and a key goes there in secret."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Fate, Fault
from pipeline.core.errors import JobError
from pipeline.job.models import Model
from pipeline.providers import openai
from tests.support.fakes import asked
from tests.support.project import KEY, Project
from tests.support.rawserver import raw_server, response
from tests.support.wire import calling, met


async def test_a_redirect_is_never_followed_and_names_the_host_it_points_to() -> None:
    def away(n: int) -> bytes:
        where = f"Location: http://127.0.0.1:{port}/v1/chat/completions?k={KEY}"
        return response(b"", where.encode(), status=b"307 Temporary Redirect")

    async with raw_server(response()) as second:
        port = int(second.url.split(":")[2].split("/")[0])
        async with raw_server(away) as first, calling(first.url) as call:
            came = await met(call, asked("secret prompt"))
        assert isinstance(came, Fault) and (came.kind, came.fate) == ("redirected", Fate.STOP)
        assert f"127.0.0.1:{port}" in came.message and KEY not in came.message
        assert (second.connections, second.requests) == (0, [])


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(response()) as proxy, raw_server(response()) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
            monkeypatch.setenv(name.lower(), proxy.url.removesuffix("/v1"))
        async with calling(server.url) as call:
            await call(asked("a"))
        assert (proxy.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("base_url", "refused"),
    [
        ("http://models.example/v1", True),
        ("http://10.0.0.7:8000/v1", True),
        ("http://127.0.0.1.example/v1", True),
        ("http://[2001:db8::1]/v1", True),
        ("https://models.example/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://127.9.9.9/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost:8000/v1", False),
    ],
)
async def test_a_key_goes_beyond_this_machine_with_encryption_only(
    base_url: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    model = Model(model="m", api="chat", base_url=base_url, api_key_env="TEST_KEY")
    allowing = model.model_copy(update={"options": {"allow_http": True}})
    async with openai.connect(allowing):
        pass
    async with openai.connect(model.model_copy(update={"api_key_env": ""})):
        pass  # there is nothing to be read
    try:
        async with openai.connect(model):
            pass
    except JobError as error:
        assert refused and "without encryption" in error.what and "allow_http" in error.hint
        assert KEY not in str(error)
    else:
        assert not refused


def test_a_key_is_refused_to_plain_http_before_anything_is_sent(project: Project) -> None:
    project.job("http://models.example/v1")
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "to models.example without encryption" in done.stderr, done.stderr
