"""What `check` and `plan` say is likely to be a slip: warnings, each with its place and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase as ChatBody
from openai.types.completion_create_params import CompletionCreateParamsBase as CompletionBody
from openai.types.responses.response_create_params import ResponseCreateParamsBase as ResponseBody

from pipeline.job.slips import param_slip
from tests.support.project import Project

FINE = (
    {"model": "gpt-5-mini", "api_key_env": "TEST_KEY"},
    {"model": "some-model", "api_key_env": "TEST_KEY"},
    {"model": "gpt-55-mini", "api_key_env": "TEST_KEY", "price": {"input": 1, "output": 2}},
    {"model": "gpt-55-mini", "base_url": "http://127.0.0.1:1/v1", "api_key_env": "TEST_KEY"},
    {"model": "gpt-55-mini", "base_url": "https://llm.example.org/v1", "api_key_env": "TEST_KEY"},
)
STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}."}
JSON = {"type": "object", "additionalProperties": False}


def model(**changes: Any) -> dict[str, Any]:
    """The `models` of a job that needs no server."""
    return {"writer": {"provider": "scripted", "model": "m", **changes}}


WARNED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a prompt without a column": (
        {"steps": [STEP | {"prompt": "Write something."}]},
        "step 'post' reads no column: all rows get the same request and share an answer",
        "{{ sku }}",
    ),
    "more good rows than there are": (
        {"steps": [STEP], "accept": 50},
        "accept: 50 rows can never be ok, because the records give 3 at most",
        "lower it",
    ),
    "one sample to pick from": (
        {"steps": [STEP | {"pick": "shortest"}]},
        "`pick` has nothing to choose from",
        "samples: 4",
    ),
    "a column where its text is meant": (
        {"steps": [STEP | {"checks": {"original": {"of": "title"}}}]},
        "original: 'title' is this word itself, and not the column",
        "write {{ title }}",
    ),
    "one below soft": (
        {"steps": [STEP | {"checks": {"soft": {"numbers": {"from": ["sku"]}}}}]},
        "numbers: 'sku' is this word itself",
        "write {{ sku }}",
    ),
    "what was written before, of items that are asked at once": (
        {"steps": [STEP | {"each": {"part": "{{ title | list }}"}, "system": "{{ part }}{{ written }}"}]},
        "`written` is always empty",
        "order: serial",
    ),
    "a prompt that reads only each": (
        {"steps": [STEP | {"each": {"lang": ["en"]}, "prompt": "In {{ lang }}"}]},
        "reads no column",
        "{{ sku }}",
    ),
    "a step that reads an answer without a column": (
        {"steps": [{"name": "a", "prompt": "Hi"}, {"name": "b", "prompt": "{{ a }}"}]},
        "step 'b' reads no column",
        "{{ sku }}",
    ),
    "single braces": (
        {"steps": [STEP | {"prompt": "{{ sku }}: write about {title}."}]},
        "{title} is sent as it stands",
        "write {{ title }}",
    ),
    "single braces around an answer": (
        {"steps": [STEP, {"name": "b", "prompt": "{{ title }}: {post}"}]},
        "{post} is sent",
        "write {{ post }}",
    ),
    "curved quotes": (
        {"steps": [STEP | {"prompt": "“Write about {{ title }}.”"}]},
        "curved quotes",
        "straight quotes",
    ),
    "contains and excludes": (
        {"steps": [STEP | {"checks": {"contains": "Tea time", "excludes": ["tea"]}}]},
        "an answer that contains 'Tea time' also contains 'tea'",
        "change the checks",
    ),
    "a word that is too long": (
        {"steps": [STEP | {"checks": {"contains": "chamomile", "length": {"max": 5}}}]},
        "'chamomile', which an answer must contain, is longer than length.max (5)",
        "change the checks",
    ),
    "no room for the length": (
        {
            "steps": [STEP | {"checks": {"length": {"min": 2000}}}],
            "models": model(params={"max_tokens": 100}),
        },
        "an answer of 2,000 characters (length.min) has no room in 100 tokens",
        "token limit",
    ),
    "no room for the words": (
        {
            "steps": [
                STEP | {"checks": {"length": {"min": 200, "unit": "words"}}, "params": {"max_tokens": 150}}
            ]
        },
        "an answer of 200 words (length.min) has no room in 150 tokens",
        "token limit",
    ),
    "a required field that is not there": (
        {"steps": [STEP | {"answer": {"json": {**JSON, "properties": {"a": {}}, "required": ["b"]}}}]},
        "the required field 'b' is not among its properties",
        "change the schema",
    ),
    "bounds the wrong way round": (
        {
            "steps": [
                STEP | {"answer": {"json": {**JSON, "properties": {"a": {"minLength": 9, "maxLength": 2}}}}}
            ]
        },
        "a: minLength (9) is more than maxLength (2)",
        "change the schema",
    ),
    "a value of the wrong type": (
        {
            "steps": [
                STEP | {"answer": {"json": {**JSON, "properties": {"a": {"type": "integer", "enum": ["x"]}}}}}
            ]
        },
        "none of the values that are listed fits its type",
        "change the schema",
    ),
    "samples with one seed": (
        {"models": model(params={"seed": 7}), "steps": [STEP | {"samples": 3}]},
        "asks several times with the same seed: its answers will hardly differ",
        "take seed out of params",
    ),
    "draws at temperature 0": (
        {"steps": [STEP | {"each": {"sample": [1, 2]}, "params": {"temperature": 0}}]},
        "asks several times at temperature 0",
        "temperature: 0.8",
    ),
    "a value that nobody reads": (
        {"steps": [STEP | {"each": {"lang": ["en", "de"]}}]},
        "no template of the step reads 'lang'",
        "write {{ lang }} in the prompt",
    ),
    "a parameter of a model": (
        {"models": model(params={"temprature": 0.5})},
        "the parameter 'temprature' is not known",
        "did you mean 'temperature'?",
    ),
    "a parameter of a step": (
        {"steps": [STEP | {"params": {"max_token": 100}}]},
        "the parameter 'max_token' is not known",
        "did you mean 'max_tokens'?",
    ),
    "one as other languages spell it": (
        {"models": model(params={"maxCompletionTokens": 90})},
        "the parameter 'maxCompletionTokens' is not known",
        "did you mean 'max_completion_tokens'?",
    ),
    "a model that is not in the list of prices": (
        {"models": {"writer": {"model": "gpt-55-mini"}}},
        "the model 'gpt-55-mini' is not in the list of prices",
        "did you mean 'gpt-5-mini'? If the name is right, state its price: models.writer.price",
    ),
    "a key that is not set": (
        {"models": {"writer": {"base_url": "http://127.0.0.1:1/v1", "model": "m", "api_key_env": "NOT_SET"}}},
        "the environment variable NOT_SET is not set",
        "export NOT_SET",
    ),
    "a fallback's key that is not set": (
        {
            "models": {
                **model(fallback={"model": "other"}),
                "other": {"model": "m", "api_key_env": "NOT_SET"},
            },
            "steps": [STEP | {"model": "writer"}],
        },
        "the environment variable NOT_SET is not set",
        "export NOT_SET",
    ),
}


@pytest.mark.parametrize("slip", WARNED)
def test_a_slip_is_a_warning_with_its_place_and_what_to_do(slip: str, project: Project) -> None:
    changes, what, hint = WARNED[slip]
    project.job(**changes)
    done = project.run("check", "job.yaml")
    assert done.returncode == 0, done.stderr
    (warning,) = [text for text in done.stderr.split("warning: ")[1:] if what in text]
    assert warning.startswith("job.yaml:") and hint in warning
    assert "the job can run, with " in done.stdout
    assert what in project.run("plan", "job.yaml").stderr


@pytest.mark.parametrize("slip", [one for one in WARNED if "is not set" not in one and "list of" not in one])
def test_a_run_says_them_before_it_sends_and_not_where_all_is_answered(slip: str, project: Project) -> None:
    changes, what, hint = WARNED[slip]
    project.job(**changes)
    said = project.run("run", "job.yaml").stderr
    assert said.count("warning: ") and said.count(what) == 1 and hint in said
    again = project.run("run", "job.yaml").stderr
    assert (what in again) == ("to be sent" in again)


def test_a_run_without_a_key_says_so_once(project: Project) -> None:
    project.job(models=model(provider="openai", api_key_env="NOT_SET"))
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and done.stderr.count("NOT_SET is not set") == 1


@pytest.mark.parametrize(("key", "value"), [("where", "title = 'x'"), ("limit", "0")])
def test_a_choice_that_keeps_no_row_is_a_warning(key: str, value: str, project: Project) -> None:
    project.job()
    done = project.run("check", "job.yaml", "--set", f"records.{key}={value}")
    assert done.returncode == 0
    assert f"warning: --set records.{key}: no records are chosen: records.{key} keeps no row" in done.stderr


@pytest.mark.parametrize(
    ("private", "what", "hint"),
    [
        (
            None,
            "2 cells of 'price' cannot be read as a number (the first is '39,90')",
            "price: decimal_comma",
        ),
        (
            ["price"],
            "2 cells of 'price' cannot be read as a number: `where` takes them for empty",
            "correct the table",
        ),
    ],
)
def test_cells_that_a_condition_cannot_read_as_numbers_are_a_warning(
    private: list[str] | None, what: str, hint: str, project: Project
) -> None:
    rows = 'sku,title,price\na,tea,20\nb,mug,"39,90"\nc,pen,\nd,cup,dear\n'
    project.job(records=rows)
    options = [f"--set=records.private={private}"] if private else []
    done = project.run("check", "job.yaml", "--set", "records.where=price > 10", *options)
    assert done.returncode == 0 and what in done.stderr and hint in done.stderr, done.stderr
    as_text = project.run("check", "job.yaml", "--set", "records.where=price <> 'dear'", *options)
    assert "cannot be read" not in as_text.stderr


def test_a_table_without_rows_is_a_warning(project: Project) -> None:
    project.job(records="sku,title\n")
    done = project.run("check", "job.yaml")
    assert done.returncode == 0 and "the table has no rows" in done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"steps": [STEP | {"each": {"sample": [1, 2, 3]}}]},
        {"steps": [STEP, {"name": "b", "prompt": "{{ post }}"}]},
        {"steps": [STEP | {"prompt": 'Answer as {"title": …} for {{ title }}, not {titles}'}]},
        {"steps": [STEP | {"checks": {"contains": "tea", "excludes": "coffee", "length": {"max": 9}}}]},
        {"steps": [STEP | {"answer": {"json": {"a": "string", "b": ["number"]}}}]},
        *({"models": {"writer": one}} for one in FINE),
    ],
)
def test_a_good_job_has_no_warnings(changes: dict[str, Any], project: Project) -> None:
    project.job(**changes)
    done = project.run("check", "job.yaml")
    assert done.stderr == "" and "the job is fine" in done.stdout


def test_no_parameter_of_a_server_is_taken_for_a_slip() -> None:
    bodies = (ChatBody, ResponseBody, CompletionBody)
    known = {name for body in bodies for name in body.__annotations__}
    known |= {"min_p", "top_k", "repeat_penalty", "chat_template_kwargs", "guided_json", "my_own"}
    for name in (*known, "models", "reasoning_format", "search_options", "top_nsigma"):
        assert param_slip(name) == "", name


@pytest.mark.parametrize("at", [0, 1])
def test_a_step_that_its_provider_cannot_serve_is_refused_wherever_it_stands(
    at: int, project: Project
) -> None:
    translate = {"text": "{{ title }}" if at == 0 else "{{ post }}", "from": "en", "to": "pt"}
    steps = [STEP, {"name": "there", "translate": translate}][1 - at :]
    project.job(models={"writer": {"provider": "embedded"}}, steps=steps)
    done = project.run("check", "job.yaml")
    assert done.returncode == 2 and "step 'there': the embedded model cannot translate" in done.stderr
