"""The commonest slips: each is refused with its place and what to do, and in no parser's own words."""

from __future__ import annotations

import json
import re

import pytest

from pipeline import load, run
from pipeline.core.errors import InputError
from tests.support.project import Project

GOOD = """\
name: shop
records: {from: records.csv, key: sku}
models:
  writer: {provider: scripted, model: m}
steps:
  - name: post
    prompt: "Write about {{ title }}."
output: {to: posts.csv}
"""
RECORDS = "sku,title,Product name,price\n007,tea,Tea,3\n008,lamp,Lamp,\n"
PROMPT = 'prompt: "Write about {{ title }}."'
MODEL = "model: m}"
ADDRESS = "http://127.0.0.1:8000/v1"
STEP = PROMPT + "\n    "
FOREIGN = re.compile(
    r"token|statement|expected|block end|block mapping|scalar|mapping values|Jinja|Encountered|\w object'?"
    r"|[A-Z]\w*Error|NoneType|operand|Undefined|Input should|[Vv]alid (?:string|integer|dict)|pydantic"
    r"|PGOverlap|\bExpr\b|Traceback|concatenate|iterable|instance of|__\w+__|anyOf|registry|U\+0000 in"
)
"""words of YAML's, Jinja's, pydantic's, polars' and Python's own messages"""
SLIPS = {
    "a key of a step": (
        PROMPT,
        "translate: {from: en, to: de, repairs: 1}",
        "it belongs under steps",
    ),
    "a column with a blank": (PROMPT, "prompt: 'On {{ Product name }}.'", '{{ row["Product name"] }}'),
    "a filtered one": (
        PROMPT,
        "prompt: 'On {{ Product name | upper }}.'",
        '{{ row["Product name"] | upper }}',
    ),
    "one in a condition": (
        PROMPT,
        "prompt: '{% if Product name %}a{% endif %}'",
        'row["Product name"]',
    ),
    "one of the row": (PROMPT, "prompt: 'On {{ row.Product name }}.'", '{{ row["Product name"] }}'),
    "double quotes inside": (PROMPT, 'prompt: "On {{ row["Product name"] }}."', "row['Product name']"),
    "braces without quotes": (PROMPT, "prompt: {{ title }}", 'prompt: "{{ title }}"'),
    "and with text": (PROMPT, "prompt: {{ title }} is good", 'prompt: "{{ title }} is good"'),
    "in a condition": (PROMPT, STEP + "when: {{ title }}", 'when: "{{ title }}"'),
    "a colon": (PROMPT, "prompt: Write this: about {{ title }}", "in quotes"),
    "a tab": (PROMPT, "\tprompt: x", "spaces"),
    "a tab before a dash": ("  - name: post", "\t- name: post", "spaces"),
    "a list of fields": (PROMPT, STEP + "answer: {json: [a, b]}", "json: {a: string, b: string}"),
    "an answer as a word": (PROMPT, STEP + "answer: json", "answer: {json: {title: string"),
    "a shape in quotes": (PROMPT, STEP + 'answer: {json: "{a: string}"}', "without quotes"),
    "a type of Python": (PROMPT, STEP + "answer: {json: {a: str}}", "write string, integer"),
    "two types": (PROMPT, STEP + "answer: {json: {a: [string, integer]}}", "write string, integer"),
    "no type": (PROMPT, STEP + "answer: {json: {a: }}", "write string, integer"),
    "a schema of no type": (
        PROMPT,
        STEP + "answer: {json: {type: object, properties: {a: {type: strin}}}}",
        "the types are",
    ),
    "a schema elsewhere": (
        PROMPT,
        STEP + "answer: {json: {type: object, properties: {a: {$ref: 'http://x/y'}}}}",
        "under $defs",
    ),
    "a model at the top": ("name: shop", "name: shop\nmodel: gpt-5", "models: {writer:"),
    "models as a word": ("models:\n  writer: {provider: scripted, model: m}", "models: gpt-5", "gpt-5}}"),
    "models without names": (
        "models:\n  writer: {provider: scripted, model: m}",
        "models: {model: m}",
        "name of your own",
    ),
    "a model as a word": ("{provider: scripted, model: m}", "gpt-5", "writer: {model: gpt-5}"),
    "a model's own name in a step": (PROMPT, STEP + "model: gpt-5", "models: writer"),
    "raw": (PROMPT, "prompt: '{% raw {{ title }}'", "{% raw %}"),
    "a loop without end": (PROMPT, "prompt: '{% for x in title %}{{ x }}'", "{% endfor %}"),
    "a condition without end": (PROMPT, "prompt: '{% if title %}{{ title }}'", "{% endif %}"),
    "an end without beginning": (PROMPT, "prompt: '{{ title }}{% endif %}'", "{% if … %}"),
    "no closing braces": (PROMPT, "prompt: 'About {{ title'", "{{ title }}"),
    "one closing brace": (PROMPT, "prompt: 'About {{ title }'", "{{ title }}"),
    "curved quotes in braces": (PROMPT, "prompt: '{{ title | default(“x”) }}'", "straight quotes"),
    "a filter": (PROMPT, "prompt: 'About {{ title | uper }}'", "'upper'"),
    "a test": (PROMPT, "prompt: '{% if title is defind %}a{% endif %}'", "'defined'"),
    "a tag": (PROMPT, "prompt: '{% fi title %}a{% endif %}'", "the tags are if"),
    "else if": (PROMPT, "prompt: '{% if title %}a{% else if price %}b{% endif %}'", "{% elif … %}"),
    "an operator": (PROMPT, "prompt: '{{ title ? price }}'", "write {{ a if test else b }}"),
    "a function": (PROMPT, "prompt: '{{ upper(title) }}'", "known here"),
    "backslashes in quotes": ("records.csv", '"C:\\Users\\me.csv"', "single quotes"),
    "backslashes": ("records.csv", "data\\records.csv", "data/records.csv"),
    "Excel's own file": ("records.csv", "~$records.xlsx", "from: records.xlsx"),
    "a wrong file": ("records.csv", "record.csv", "'records.csv'"),
    "a wrong key": ("key: sku", "key: id", "columns: sku"),
    "a misspelt part": ("steps:", "step:", "'steps'"),
    "a misspelt key": (PROMPT, PROMPT.replace("prompt", "promt"), "'prompt'"),
    "records as a word": ("{from: records.csv, key: sku}", "records.csv", "records: {from: records.csv}"),
    "a step as a word": ("  - name: post\n    " + PROMPT, "  - Write about it", "- name: post"),
    "steps by name": ("  - name: post\n    prompt", "  post:\n    prompt", "a list"),
    "output as a word": ("{to: posts.csv}", "posts.csv", "output: {to: posts.csv}"),
    "no ending": ("posts.csv", "posts", ".csv"),
    "a parameter of the model": (MODEL, "model: m, temperature: 0.2}", "params: {temperature: …}"),
    "a limit of the model": (MODEL, "model: m, rpm: 60}", "limits"),
    "a number in words": (MODEL, "model: m, limits: {rpm: many}}", "digits"),
    "parts of a request": (MODEL, "model: m, limits: {concurrency: 2.5}}", "for example 8"),
    "a budget as a number": ("name: shop", "name: shop\nbudget: 20", "budget: {cost: 20}"),
    "a budget in dollars": ("name: shop", "name: shop\nbudget: {cost: $20}", "currency"),
    "each as a list": (PROMPT, STEP + "each: [en, de]", "each: {lang: [en, de]}"),
    "each with a word": (PROMPT, STEP + "each: {lang: en}", "in brackets"),
    "checks as a list": (PROMPT, STEP + "checks: [length]", "length: {max: 600}"),
    "a check that is switched off": (PROMPT, STEP + "checks: {numbers: false}", "leave it out"),
    "true in quotes": (PROMPT, STEP + "checks: {numbers: 'true'}", "write numbers: true"),
    "soft checks as a list": (PROMPT, STEP + "checks: {soft: [opening]}", "soft: {length: {max: 600}}"),
    "a field without its step": (PROMPT, STEP + "checks: {title: {length: {max: 6}}}", "STEP.title"),
    "a field named as another key": (PROMPT, STEP + "checks: {text: {length: {max: 6}}}", "STEP.text"),
    "a key of the step among its checks": (PROMPT, STEP + "checks: {repairs: 2}", "it belongs under steps"),
    "criteria as a list": (
        PROMPT,
        STEP + "checks: {judge: {model: writer, criteria: [It is good.]}}",
        "criteria: {faithful:",
    ),
    "repairs of a text that is joined": (
        PROMPT,
        "join: '{{ title }}'\n    repairs: 2",
        "leave `repairs` out",
    ),
    "a prompt of such a text": (PROMPT, "join: '{{ title }}'\n    " + PROMPT, "leave `prompt` out"),
    "a judge as a word": (PROMPT, STEP + "samples: 3\n    pick: judge", "{judge: {model: critic}}"),
    "a share in percent": (
        PROMPT,
        STEP + "checks: {length: {target: 100, within: 15}}",
        "0.15 is 15%",
    ),
    "candidates without accept": ("name: shop", "name: shop\ncandidates: 5", "add accept: 100"),
    "a length without a bound": (PROMPT, STEP + "checks: {length: true}", "nothing is looked for"),
    "a pattern as a word": (PROMPT, STEP + "checks: {regex: '^a'}", 'regex: {match: "^a"}'),
    "links without a rule": (PROMPT, STEP + "checks: {links: {}}", "nothing is looked for"),
    "original without its source": (PROMPT, STEP + "checks: {original: true}", "of: ["),
    "an unknown judge": (
        PROMPT,
        STEP + "checks: {judge: {model: critic, criteria: {a: b}}}",
        "models: writer",
    ),
    "a length as a number": (PROMPT, STEP + "checks: {length: 300}", "length: {max: 300}"),
    "a condition of Python": (PROMPT, STEP + "when: price > 3", 'when: "{{ stock | int > 0 }}"'),
    "half a condition": ("key: sku", "key: sku, where: 'price >'", "price > 0"),
    "and of other languages": ("key: sku", "key: sku, where: \"title = 'a' && price > 1\"", "write and"),
    "double quotes in SQL": ("key: sku", "key: sku, where: 'title = \"tea\"'", "single quotes: 'tea'"),
    "another provider": ("scripted", "anthropic", "known: "),
    "a key twice": ("name: shop", "name: shop\nname: shop", "take one"),
    "an open brace": ("key: sku}", "key: sku", "close it"),
    "an open quote": (PROMPT, 'prompt: "Write about {{ title }}.', "close it"),
    "an open bracket": (PROMPT, STEP + "each: {lang: [en, de}", "close it"),
    "a step to the left": ("    prompt", "   prompt", "same number of spaces"),
    "stars": (PROMPT, "prompt: **bold** {{ title }}", "in quotes"),
    "an at": (PROMPT, "prompt: @title", "in quotes"),
    "a backtick": (PROMPT, "prompt: `title`", "in quotes"),
    "an exclamation mark": (PROMPT, "prompt: !title", "in quotes"),
    "text behind a bar": (PROMPT, "prompt: | Write about {{ title }}", "next line"),
    "no prompt": (PROMPT, "prompt: # about {{ title }}", "one of the three"),
    "a number as a prompt": (PROMPT, "prompt: 5", "in quotes"),
    "no colon": ("name: shop", "name shop", "key: value"),
    "no blank": ("name: shop", "name:shop", "key: value"),
    "nothing": (GOOD, "", "pipeline new"),
    "a text": (GOOD, "Write something about tea", "pipeline new"),
    "half of JSON": (GOOD, '{"name": "shop"\n "records": {}}', "commas"),
    "two documents": (GOOD, f"{GOOD}---\n{GOOD}", "---"),
    "a character that is not seen": ("shop", "sh\x00op", "take it out"),
    "a model among the parameters": (MODEL, "model: m, params: {model: x}}", "leave it out"),
    "an address without http": (MODEL, "model: m, base_url: localhost:8000}", "http://"),
    "a sample as a number": ("key: sku", "key: sku, sample: 5", "sample: {n: 5}"),
    "a preset as a provider": ("scripted", "groq", "write preset: groq"),
    "a budget with a currency": ("name: shop", "name: shop\nbudget: $5", "budget: {cost: 5}"),
    "a part of a dollar": ("name: shop", "name: shop\nbudget: $0.50", "budget: {cost: 0.5}"),
    "one behind the number": ("name: shop", "name: shop\nbudget: 2.50 USD", "budget: {cost: 2.5}"),
    "a limit with its unit": (MODEL, "model: m, limits: 60 a minute}", "limits: {rpm: 60}"),
    "a field of the answer": (PROMPT, STEP + "answer: {title: string}", "answer: {json: {title: …}}"),
    "one named as another key": (PROMPT, STEP + "answer: {n: integer}", "answer: {json: {n: …}}"),
    "headers of the model": (MODEL, "model: m, headers: {x-team: a}}", "options: {headers: …}"),
    "a proxy of the model": (MODEL, "model: m, proxy: 'http://p'}", "options: {proxy: …}"),
    "a prompt in braces": (
        "  - name: post\n    " + PROMPT,
        "  - {name: post, prompt: About {{ title }}}",
        "in quotes: {name: post, prompt:",
    ),
    "a later answer": (PROMPT, "prompt: '{{ b }}'\n  - name: b\n    prompt: x", "step 'b' above"),
    "its own answer": (PROMPT, "prompt: '{{ post }}'", "a step reads the answers of the steps above it"),
    "an address with its end": (
        MODEL,
        f"model: m, base_url: {ADDRESS}/chat/completions}}",
        "leave out /chat",
    ),
    "one of responses": (MODEL, f"model: m, base_url: {ADDRESS}/responses/}}", "leave out /responses/"),
    "one of completions": (MODEL, f"model: m, base_url: {ADDRESS}/completions}}", "leave out /completions"),
    "one of an endpoint": (
        MODEL,
        f"model: m, endpoints: [{{base_url: {ADDRESS}/chat/completions}}]}}",
        "leave out /chat",
    ),
    "a format that is only read": ("posts.csv", "posts.ods", "write .xlsx"),
    "a format of texts": ("posts.csv", "posts.docx", ".jsonl, .parquet, .tsv, .xlsx"),
    "a fallback as a word": (MODEL, "model: m, fallback: other}", "fallback: {model: other}"),
}


def check(project: Project, old: str, new: str) -> tuple[int, str]:
    """The exit code of `check`, and what it says on standard error."""
    assert old in GOOD
    (project.folder / "records.csv").write_text(RECORDS)
    (project.folder / "job.yaml").write_text(GOOD.replace(old, new, 1))
    done = project.run("check", "job.yaml")
    return done.returncode, done.stderr


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_with_its_place_and_what_to_do(slip: str, project: Project) -> None:
    old, new, hint = SLIPS[slip]
    code, said = check(project, old, new)
    assert code == 2, said
    first, *rest = said.splitlines()
    assert re.match(r"error: (job\.yaml(:\d+:\d+)?|/\S*): ", first)
    assert hint in "\n".join(rest), said
    assert not re.search(r"(\w+) or \1\b", said), said
    assert not FOREIGN.search(said), said


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("price * 2 + 1", "text and a number do not go together"),
        ("price + 1", "write price | int"),
        ("title.upper()", "write {{ … | upper }}"),
        ("1 / 0 ~ title", "division by zero"),
        ("title | round", "write title | int"),
        ("title[0].x.y", "has no 'y'"),
        ("-title", "write title | int"),
        ("title + [sku]", "a text and a list do not go together"),
        ("[title] + sku", "a text and a list do not go together"),
        ("title.foo", "a text has no 'foo'"),
        ("5 | join ~ title", "a single value is no list"),
        ("title if price > 3 else sku", "text and a number"),
        ("title | replace", "does not fit"),
        ("[title][1:] | first", "an empty list has no first item"),
        ("[title][1:] | last", "an empty list has no last item"),
        ("[title][1:] | max", "an empty list has no largest or smallest item"),
        ("title % 5 if title else title", ""),
    ],
)
def test_what_a_value_does_not_fit_is_said_in_plain_words(
    expression: str, said: str, project: Project
) -> None:
    code, words = check(project, PROMPT, f"prompt: '{{{{ {expression} }}}}'")
    assert code == (3 if said else code) and said in words
    assert not FOREIGN.search(words), words


def test_arithmetic_on_an_empty_cell_says_how_to_count_it(project: Project) -> None:
    check(project, PROMPT, "prompt: '{{ title }}: {{ price * 2 }}'")
    assert project.run("run", "job.yaml").returncode == 3
    said = (project.folder / "output/shop/failures.csv").read_text()
    assert "an empty value cannot be counted with; write" in said and "| int to take it as 0" in said
    assert not FOREIGN.search(said)


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (("run", "job.yaml", "--dry-run"), "there is no option --dry-run", "pipeline plan"),
        (("run", "job.yaml", "--budget=20"), "there is no option --budget", "--set budget.cost=20"),
        (("run", "job.yaml", "--set", "budget=20"), "--set budget: ", "--set budget.cost=20"),
        (("run", "job.yaml", "--set", "output=a.csv"), "--set output: ", "--set output.to=a.csv"),
        (("run", "job.yaml", "--set", "budgt.cost=20"), "unknown key 'budgt'", "'budget'"),
        (("run", "records.csv"), "records.csv: this is a table, not a job file", "pipeline new"),
        (("run", "prompt.txt"), "prompt.txt:", "prompt_file: prompt.txt"),
        (("run", "jbo.yaml"), "there is no such job file", "there is job.yaml"),
        (("run", "other.yaml"), "there is no such job file", "did you mean jobs/other.yaml?"),
        (("run", "nowhere.yaml"), "there is no such job file", "there is job.yaml"),
        (("check", "many/27.yml"), "there is no such job file", "there is shop-27.yaml, "),
        (("check", "many/xyz.yml"), "there is no such job file", "shop-14.yaml, and 15 more"),
        (("check", "."), "this is a folder, not a job file", "there is job.yaml"),
        (("ctl", "pause", "job.yaml"), "'pause' is a command, not a job file", "pipeline ctl job.yaml pause"),
        (("run", "job.yaml", "--limit", "all"), "--limit: must be a whole number from 0 on", "--limit 20"),
        (("run", "job.yaml", "--pilot", "1"), "--pilot: must be a whole number from 2 on", "--pilot 20"),
        (("run", "job.yaml", "--by", "7"), "error: --by: '7' is not a time", "write 07:00"),
        (("run", "job.yaml", "--by", "07:00", "--buffer", "soon"), "error: --buffer: 'soon'", "write 6h"),
        (("run", "job.yaml", "--processes", "two"), "must be auto or a whole number from 1 on", "--proc"),
        (("show", "job.yaml", "--rows", "0"), "--rows: must be a whole number from 1 on", "--rows 20"),
    ],
)
def test_a_slip_on_the_command_line(
    arguments: tuple[str, ...], what: str, hint: str, project: Project
) -> None:
    check(project, PROMPT, PROMPT)
    (project.folder / "prompt.txt").write_text("Write about {{ title }}: {{ price }}\n")
    (project.folder / "many").mkdir()
    for number in range(10, 30):
        (project.folder / f"many/shop-{number}.yaml").write_text(GOOD)
    (project.folder / "jobs").mkdir()
    (project.folder / "jobs/other.yaml").write_text(GOOD)
    done = project.run(*arguments)
    assert done.returncode == 2
    assert what in done.stderr and hint in done.stderr
    assert not FOREIGN.search(done.stderr)


def test_a_job_may_be_written_as_json(project: Project) -> None:
    step = {"name": "post", "prompt": "{{ title }}"}
    job = {"name": "shop", "records": {"from": "records.csv"}, "steps": [step]}
    text = json.dumps({**job, "models": {"w": {"provider": "scripted", "model": "m"}}}, indent=2)
    assert check(project, GOOD, text)[0] == 0


def test_records_may_be_a_list_of_dicts(project: Project) -> None:
    check(project, PROMPT, PROMPT)
    job = load(project.folder / "job.yaml")
    assert run(job, [{"sku": "1", "title": "tea"}, {"sku": "2", "title": "mug"}]).ok == 2
    wrong: list[object] = [{"title": "tea"}, "title", [1], [{"sku": [1]}, {"sku": 3}]]
    for records in wrong:
        with pytest.raises(InputError, match=r"records: .*\n  give a polars frame, or a list of dicts"):
            run(job, records)  # type: ignore[arg-type]
