"""A preset is a name for an address, a key's variable and what a server needs; the job's own words win."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from pipeline.core.errors import JobError
from pipeline.job.load import load
from pipeline.job.models import Model
from pipeline.money.tariff import tariff_of
from pipeline.providers import openai
from pipeline.wire.conversation import Conversation, RequestBuilder
from pipeline.wire.presets import presets
from tests.support.project import Project
from tests.support.server import serve

AZURE = "https://me.openai.azure.com/openai/v1"


def loaded(project: Project, **model: Any) -> Model:
    project.job(models={"writer": {"model": "m", **model}})
    return load(project.folder / "job.yaml").models["writer"]


@pytest.mark.parametrize("name", presets())
def test_each_preset_loads_as_its_page_says(name: str, project: Project) -> None:
    page = (Path(__file__).parents[2] / "docs/servers.md").read_text()
    example = page.partition(f"## {presets()[name].title}\n\n```yaml\n")[2].partition("```")[0]
    (given,) = yaml.safe_load(example)["models"].values()
    assert given["preset"] == name
    model = loaded(project, **given)
    openai.Options.model_validate(model.options)
    assert model.base_url in (presets()[name].address, presets()[name].form)
    assert (model.api_key_env or str(model.options)).count(presets()[name].key)


@pytest.mark.parametrize("name", [name for name, one in presets().items() if one.address])
def test_what_the_job_says_wins(name: str, project: Project) -> None:
    own = {"base_url": "https://gateway.example/v1", "api_key_env": "OWN", "json_mode": "schema"}
    own |= {"limits": {"concurrency": 9}, "price": {"input": 1, "output": 2}}
    model = loaded(project, preset=name, **own)
    assert (model.base_url, model.api_key_env, model.json_mode) == tuple(own.values())[:3]
    assert model.limits.concurrency == 9 and model.price is not None and model.price.output == 2
    assert "headers" not in model.options


def test_a_server_on_this_machine_is_narrow_and_costs_nothing(project: Project) -> None:
    model = loaded(project, preset="ollama")
    assert model.limits.concurrency == 2 and tariff_of(model).known
    there = loaded(project, preset="ollama", base_url="http://localhost:9999/v1")
    assert tariff_of(there).known, "the port does not matter"
    mixed = [{}, {"base_url": "https://gpu.example/v1"}]
    assert not tariff_of(loaded(project, preset="ollama", endpoints=mixed)).known
    far = loaded(project, preset="ollama", base_url="https://gpu.example/v1")
    assert not tariff_of(far).known, "nobody knows what another machine costs"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"preset": "grok"}, "did you mean 'groq'"),
        ({"preset": "nothing-like-it"}, "known: azure, openrouter"),
        ({"preset": "groq", "provider": "embedded"}, "for provider: openai"),
        ({"preset": "azure"}, "base_url: https://YOUR-RESOURCE.openai.azure.com/openai/v1"),
        ({"preset": "azure", "base_url": "https://me.openai.azure.com"}, "must end in /openai/v1"),
        ({"preset": "azure", "base_url": f"{AZURE}/deployments/gpt"}, "must end in /openai/v1"),
        ({"preset": "azure", "base_url": "https://evil.example/openai/v1"}, "is not sent to evil.example"),
        ({"preset": "azure", "base_url": "https://evilopenai.azure.com/v1"}, "is not sent to evilopenai"),
        (
            {"preset": "groq", "base_url": "https://api.groq.com.evil.example/v1"},
            "is not sent to api.groq.com.",
        ),
        (
            {"preset": "groq", "endpoints": [{}, {"base_url": "https://evil.example/v1"}]},
            "is not sent to evil",
        ),
        (
            {"preset": "portkey", "endpoints": [{"base_url": "https://evil.example/v1", "api_key_env": "A"}]},
            "is not sent to evil.example",
        ),
    ],
)
def test_a_preset_that_cannot_be_used_says_what_to_do(
    keys: dict[str, Any], words: str, project: Project
) -> None:
    with pytest.raises(JobError) as error:
        loaded(project, **keys)
    assert words in str(error.value)
    assert "job.yaml:" in str(error.value)


def test_the_key_goes_where_the_preset_or_the_job_says(project: Project) -> None:
    assert loaded(project, preset="azure", base_url=AZURE).api_key_env == "AZURE_OPENAI_API_KEY"
    china = "https://dashscope.aliyuncs.com/compatible-mode/v1"
    assert loaded(project, preset="dashscope", base_url=china).api_key_env == "DASHSCOPE_API_KEY"
    assert (
        loaded(project, preset="litellm", base_url="https://llm.example/v1").api_key_env == "LITELLM_API_KEY"
    )
    assert loaded(project, preset="litellm", api_key_env="").api_key_env == ""
    assert loaded(project, preset="portkey").options == {
        "headers": {"x-portkey-api-key": {"env": "PORTKEY_API_KEY"}}
    }


@pytest.mark.parametrize("name", presets())
def test_a_stranger_needs_leave_for_the_host_and_the_key(name: str, project: Project) -> None:
    project.job(
        models={"writer": {"model": "m", "preset": name, "base_url": presets()[name].address or AZURE}}
    )
    done = project.run("check", "job.yaml", "--untrusted")
    assert done.returncode == 2
    assert "is not on the list" in done.stderr
    if presets()[name].key:
        assert "may not be sent" in done.stderr or "the option 'headers' is not allowed" in done.stderr


def test_a_stranger_sends_no_preset_key_to_a_host_that_is_allowed_for_another(project: Project) -> None:
    for model in (
        {"preset": "litellm", "base_url": "https://a.example/v1"},
        {"preset": "groq", "api_key_env": "GROQ_API_KEY", "base_url": "https://a.example/v1"},
    ):
        project.job(models={"writer": {"model": "m", **model}})
        allowed = ("--allow-host", "a.example", "--allow-key", "OTHER@a.example")
        done = project.run("check", "job.yaml", "--untrusted", *allowed)
        assert done.returncode == 2
        assert "may not be sent to a.example" in done.stderr


def test_kinds_and_the_schema_list_the_presets(project: Project) -> None:
    listed = project.run("kinds").stdout
    schema = json.loads(project.run("schema").stdout)
    assert all(f" {name} " in listed for name in presets())
    assert schema["$defs"]["Model"]["properties"]["preset"]["enum"] == ["", *presets()]


def test_a_job_without_a_preset_does_not_read_them(project: Project) -> None:
    project.job()
    read = "print('pipeline.wire.presets' in sys.modules)"
    code = f"import sys; from pipeline.job.load import load; load('job.yaml'); {read}"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(("api", "form"), [("chat", "response_format"), ("responses", "text")])
def test_a_server_without_schemas_is_asked_for_an_object_in_words(api: str, form: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asked = Conversation((("user", "Hi"),), "Be brief.", schema)
    body = orjson.loads(RequestBuilder(api, "m", {"temperature": 0}, "s", "object").build(asked, "k").body)
    assert "json_object" in str(body[form]) and "json_schema" not in str(body)
    words = body["messages"][0]["content"] if api == "chat" else body["instructions"]
    assert words.startswith("Be brief.\n\nAnswer with one JSON object") and '{"a":{"type":"string"}}' in words
    text = RequestBuilder(api, "m", {}, "s", "object").build(Conversation((("user", "Hi"),)), "k")
    assert text == RequestBuilder(api, "m", {}, "s").build(Conversation((("user", "Hi"),)), "k")


def test_deepseek_is_asked_in_words(project: Project) -> None:
    step = {"name": "facts", "prompt": "{{ title }}", "answer": {"json": {"a": "string"}}}
    with serve() as server:
        model = {"preset": "deepseek", "model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY"}
        project.job(models={"writer": model}, steps=[step])
        done = project.run("run", "job.yaml")
        first = {line.digest for line in server.ledger().lines}
        project.job(models={"writer": {**model, "json_mode": "schema"}}, steps=[step])
        project.run("run", "job.yaml")
        assert first.isdisjoint(line.digest for line in server.ledger().lines[len(first) :])
    assert done.returncode in (0, 3), done.stderr
