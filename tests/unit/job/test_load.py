"""Every mistake in a job file is refused before anything is spent, with its place and the right word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from pipeline.job.spec import Job
from tests.support.job_text import GOOD, changed, refused, written


def test_the_good_job_is_good(tmp_path: Path) -> None:
    job = load(written(tmp_path, GOOD))
    assert [step.name for step in job.steps] == ["post", "german"]
    assert job.models["m"].api == "chat"
    assert len(stages_of(job)) == 2


# what is changed, into what; the text at the place that must be named; what the message must say
MISTAKES = {
    "an unknown key of the job": ("output:", "ouput:", "ouput", "did you mean 'output'?"),
    "an unknown key of the records": ("key: sku", "kye: sku", "kye", "did you mean 'key'?"),
    "an unknown key of a model": ("params:", "parms:", "parms", "did you mean 'params'?"),
    "an unknown key of the limits": ("rpm: 5", "rpn: 5", "rpn", "did you mean 'rpm'?"),
    "an unknown key of a step": ("    prompt:", "    promt:", "promt", "did you mean 'prompt'?"),
    "an unknown key of a translation": ("from: en", "form: en", None, "'from'"),
    "an unknown check": ("length: {max", "lenght: {max", "lenght", "did you mean 'length'?"),
    "an unknown key of a check": ("max: 5", "mx: 5", "mx", "did you mean 'max'?"),
    "an unknown key of an answer": ("answer: {json", "answer: {jsn", None, "json"),
    "an unknown key of the output": ("include: [", "incude: [", "incude", "did you mean 'include'?"),
    "a python name instead of the word": ("from: r.csv", "path: r.csv", "path", "unknown key 'path'"),
    "a key far from all others": ("key: sku", "zzz: sku", "zzz", "known here: from, as, key, private"),
    "a missing name": ("- name: post", "- when: 'true'", "when", "'name' is missing"),
    "a missing prompt": ("    prompt: |\n      Write about {{ title }}.\n", "", "name: post",
    "either `prompt`"),
    "a name that is a list": ("name: post", "name: [post]", "[post]", "must be a text"),
    "a name that is a number": ("name: shop", "name: 7", "7", "must be a text"),
    "a name with a slash": ("name: shop", "name: ../shop", "../shop", "(A-Z, a-z), digits, . - and _"),
    "a step name with a dash": ("name: post", "name: my-post", "my-post", "letters (A-Z, a-z), digits and _"),
    "a limit that is a text": ("rpm: 5", "rpm: five", "five", "must be a whole number"),
    "a limit of zero": ("rpm: 5", "rpm: 0", "0}", "greater than or equal to 1"),
    "a limit that is true": ("rpm: 5", "rpm: true", "true", "must be a whole number"),
    "a timeout of infinity": ("rpm: 5", "timeout: 1e999", "1e999", "finite"),
    "limits that are a text": ("limits: {rpm: 5}", "limits: fast", "fast", "must be a mapping"),
    "a prompt that is a list": ("prompt: |\n      Write about {{ title }}.", "prompt: [a]", "[a]",
    "be a text"),
    "an empty prompt": ("prompt: |\n      Write about {{ title }}.", 'prompt: ""', '"\n', "not be empty"),
    "a language that is a list": ("to: de", "to: [de]", "[de]", "steps.german.translate.to: must be a text"),
    "a translation that is a text": ("translate: {text: \"{{ post }}\", from: en, to: de}",
                                     "translate: german", "german", "must be a mapping"),
    "steps that are a mapping": (GOOD[GOOD.index("  - name: post"):GOOD.index("output")], "  a: 1\n", "a: 1",
                                 "must be a list"),
    "a step that is a word": ("  - name: german\n", "  - x\n  - name: german\n", "x\n", "mapping"),
    "no step at all": (GOOD[GOOD.index("  - name: post"):GOOD.index("output")], "  []\n", "[]", "be empty"),
    "a fan-out over one word": ("checks:", "each: {lang: de}\n    checks:", "de}", "must be a list"),
    "a fan-out over nothing": ("checks:", "each: {lang: []}\n    checks:", "[]}", "must not be empty"),
    "a fan-out over null": ("checks:", "each: {lang: [~]}\n    checks:", "~", "steps.post.each.lang.0: must"),
    "an answer of no type": ("{a: string}", "{a: strin}", "{a: strin", "'strin' at a is not a type"),
    "an answer without fields": ("{json: {a: string}}", "{json: {}}", "{}", "mapping"),
    "a check of the wrong type": ("{length: {max: 5}}", "{contains: 5}", "5}", "list"),
    "an unknown provider": ("provider: scripted", "provider: scriptd", "scriptd", "did you mean 'scripted'?"),
    "an unknown dialect": ("model: y", "model: y, api: chatt", "chatt", "'chat'"),
    "a dialect the provider has not": ("model: y", "model: y, api: translation", "translation",
    "it speaks chat"),
    "an unknown provider option": ("model: x", "model: x, options: {leger: a}", "leger", "mean 'ledger'?"),
    "a model without a model": ("model: y", "base_url: ''", "{provider: openai", "'model' is missing"),
    "an address without http": ("model: y", "model: y, base_url: 'x.org/v1'", "x.org", "http://"),
    "a step with an unknown model": ("name: german\n    model: m", "name: german\n    model: mm", "mm",
                                     "did you mean 'm'?"),
    "a step that names no model of two": ("name: german\n    model: m", "name: german", "name: german",
                                          "which model"),
    "two steps of one name": ("name: german", "name: post", "post\n    model: m\n    translate",
                              "two steps are named 'post'"),
    "a result of unknown format": ("to: out.csv", "to: out.doc", "out.doc", "its format: .csv"),
    "the second of two results": ("to: out.csv", "to: [a.csv, b.cvs]", "b.cvs", "did you mean '.csv'?"),
    "a column that cannot be included": ("[status]", "[statuss]", "statuss", "'status'"),
    "a duplicate key": ("model: x", "model: x, model: z", "model: z", "twice"),
    "a tab": ("    checks:", "\tchecks:", "\tchecks", "spaces"),
    "a template that does not end": ("{{ title }}", "{{ title", None, "template: "),
    "an unknown filter": ("{{ title }}", "{{ title|titel }}", None, "'titel'"),
    "a column called self": ("{{ title }}", "{{ self }}", "self }}", "row['self']"),
    "both prompt and prompt_file": ("    checks:", "    prompt_file: x.md\n    checks:", "name: post",
                                    "either `prompt`, `prompt_file`"),
    "a prompt file that is not there": ("prompt: |\n      Write about {{ title }}.", "prompt_file: none.md",
                                        "none.md", "none.md: there is no such file"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_line_and_column(mistake: str, tmp_path: Path) -> None:
    old, new, spot, words = MISTAKES[mistake]
    text = changed(old, new)
    said = refused(tmp_path, text)
    place = re.match(r"job\.yaml:(\d+):(\d+): ", said)
    assert place, said
    assert words in said
    line, column = int(place[1]), int(place[2])
    rest = "\n".join(text.splitlines()[line - 1 :])[column - 1 :]
    assert spot is None or rest.startswith(spot.removesuffix("\n")), (said, rest)


def test_no_stays_a_word_in_a_fan_out(tmp_path: Path) -> None:
    job = load(written(tmp_path, changed("checks:", "each: {lang: [de, no, 12:30, 007]}\n    checks:")))
    assert job.steps[0].each["lang"] == ("de", "no", "12:30", "007")


SECRET = "sk-live-canary-0123456789"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model: x", f"model: x, api_key: {SECRET}"),
        ("model: x", f"model: x, key: {SECRET}"),
        ("model: x", f"model: x, token: {SECRET}"),
        ("params: {a: 1}", f"params: {{api_key: {SECRET}}}"),
        ("params: {a: 1}", f"params: {{API-Key: {SECRET}}}"),
        ("params: {a: 1}", f"params: {{extra_headers: {{Authorization: Bearer {SECRET}}}}}"),
        ("name: german", f"name: german\n    params: {{token: {SECRET}}}"),
        ("model: y", f"model: y, base_url: 'https://x.org/v1?api_key={SECRET}'"),
        ("model: x", f"model: x, api_key_env: {SECRET}"),
        ("model: x", f"model: x, api_key_env: [{SECRET}]"),
        ("model: y", f"model: y, options: {{api_key: {SECRET}}}"),
        ("name: german", f"name: german\n    api_key: {SECRET}"),
        ("name: shop", f"name: shop\napi_key: {SECRET}"),
        ("model: y", f"model: y, base_url: 'https://me:{SECRET}@x.org/v1'"),
    ],
)
def test_a_literal_key_is_refused_and_never_said_again(old: str, new: str, tmp_path: Path) -> None:
    said = refused(tmp_path, changed(old, new))
    assert re.match(r"job\.yaml:\d+:\d+: ", said)
    assert "canary" not in said


def test_a_literal_key_is_answered_with_the_way_to_do_it(tmp_path: Path) -> None:
    for key in ("api_key", "key", "token"):
        assert "api_key_env: OPENAI_API_KEY" in refused(
            tmp_path, changed("model: x", f"model: x, {key}: abc")
        )


@pytest.mark.parametrize("name", ["models.m.api_key", "models.m.api_key_env", "steps.post.api_key"])
def test_a_literal_key_on_the_command_line_is_not_said_again(name: str, tmp_path: Path) -> None:
    said = refused(tmp_path, GOOD, f"{name}={SECRET}")
    assert said.startswith(f"--set {name}: ")
    assert "canary" not in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("steps.post.repairs=abc", "--set steps.post.repairs: must be a whole number"),
        ("models.m.limits.concurrency=fast", "concurrency: must be auto, or a whole number from 1"),
        ("output.to=5", "--set output.to: must be a text, or a list of texts"),
        ("steps.post.reapirs=1", "--set steps.post.reapirs: unknown key 'reapirs'"),
        ("steps.pots.repairs=1", "did you mean 'post'?"),
        ("steps.7.repairs=1", "there is no '7'"),
        ("steps.-1.repairs=1", "there is no '-1'"),
        ("steps.²=1", "there is no '²'"),
        ("steps.post=1", "--set steps.post: "),
        ("name.first=x", "'first' cannot be set"),
        ("name.first.second=x", "'first' cannot be set"),
        ("name", "must be key=value"),
        ("=x", "must be key=value"),
        ("name=[x", "--set name:1:"),
        ("steps.post.prompt={{ title }", "--set steps.post.prompt"),
        ("models.m.limits.rpm=0", "--set models.m.limits.rpm: "),
        ("models.m=", "--set models.m: "),
        ("steps.post.prompt='{{ title | nope }}'", "--set steps.post.prompt: template: "),
        ("steps.post.model=mm", "--set steps.post.model: there is no model 'mm'"),
        ("output.to=a.doc", "--set output.to: a result cannot be written to a file that ends in '.doc'"),
        ("models.n.api=translation", "--set models.n.api: "),
        ("models.w={provider: scripted, model: m}", "--set models.w: no step asks model 'w'"),
    ],
)
def test_a_mistake_in_set_names_the_set(change: str, words: str, tmp_path: Path) -> None:
    said = refused(tmp_path, GOOD, change)
    assert said.startswith("--set "), said
    assert words in said


@pytest.mark.parametrize("change", ["steps.german.model=n", "steps.1.model=n"])
def test_set_reaches_a_step_by_name_and_by_number(change: str, tmp_path: Path) -> None:
    job = load(written(tmp_path, GOOD), [change])
    assert [step.model for step in job.steps] == ["m", "n"]


def test_set_takes_yaml_makes_what_is_not_there_and_the_last_of_two_wins(tmp_path: Path) -> None:
    changes = [
        "records.sample={n: 3}",
        "steps.post.each.lang=[de, no]",
        "models.m.base_url=http://x:1/a=b",
    ]
    job = load(written(tmp_path, GOOD), changes)
    assert load(job.file, ["records.limit=1", "records.limit=2"]).records.limit == 2
    assert job.records.sample is not None
    assert job.records.sample.n == 3
    assert job.steps[0].each == {"lang": ("de", "no")}
    assert job.models["m"].base_url == "http://x:1/a=b"


def test_a_set_prompt_is_the_prompt_that_is_rendered(tmp_path: Path) -> None:
    job = load(written(tmp_path, GOOD), ["steps.post.prompt=Hello {{ '{{' }} title"])
    assert stages_of(job)[0].runner.templates["prompt"].render({}) == "Hello {{ title"


def test_a_missing_file_hints_at_its_neighbour(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    with pytest.raises(JobError, match=r"did you mean 'job\.yaml'"):
        load(tmp_path / "jb.yaml")
    with pytest.raises(JobError, match="this is a folder"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"name: \xff\xfe", "name: ä".encode("latin-1"), GOOD.encode("utf-16")])
def test_what_is_not_utf_8_is_named_with_its_byte(content: bytes, tmp_path: Path) -> None:
    assert re.search(r"not UTF-8 at byte \d", refused(tmp_path, content))


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load(written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).name == "shop"


@pytest.mark.parametrize("content", ["", "# nothing\n", "- a\n", "word", "7"])
def test_a_file_that_is_no_mapping_is_refused(content: str, tmp_path: Path) -> None:
    assert "mapping" in refused(tmp_path, content)


def loaded_from(folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.chdir(folder)
    return load(path)


def test_the_root_does_not_depend_on_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / "jobs").mkdir(parents=True)
    (tmp_path / "project" / "flat").mkdir()
    for name in ("jobs", "flat"):
        written(tmp_path / "project" / name, GOOD)
    ways = [
        (tmp_path, Path("project/jobs/job.yaml")),
        (tmp_path / "project", Path("jobs/job.yaml")),
        (tmp_path / "project" / "jobs", Path("job.yaml")),
        (tmp_path / "project" / "flat", Path("../jobs/job.yaml")),
    ]
    for folder, path in ways:
        job = loaded_from(folder, path, monkeypatch)
        assert job.folder.resolve() == tmp_path / "project" / "output" / "shop", (folder, path)
        assert job.targets[0].resolve() == tmp_path / "project" / "out.csv"
    flat = loaded_from(tmp_path, Path("project/flat/job.yaml"), monkeypatch)
    assert flat.root == tmp_path / "project" / "flat"


def test_a_prompt_file_names_places_in_itself(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("one\n{% if %}\n")
    text = changed("prompt: |\n      Write about {{ title }}.", "prompt_file: p.md")
    assert refused(tmp_path, text).startswith("p.md:2:1: template: ")
