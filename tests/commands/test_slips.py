"""The commonest slips: each is refused with its place and what to do, and in no parser's own words."""

from __future__ import annotations

import json
import re

import pytest

from pipeline import load, run
from pipeline.core.errors import InputError
from tests.support.project import Project
from tests.support.slips import GOOD, PROMPT, SLIPS

RECORDS = "sku,title,Product name,price\n007,tea,Tea,3\n008,lamp,Lamp,\n"
FOREIGN = re.compile(
    r"token|statement|expected|block end|block mapping|scalar|mapping values|Jinja|Encountered|\w object'?"
    r"|[A-Z]\w*Error|NoneType|operand|Undefined|Input should|[Vv]alid (?:string|integer|dict)|pydantic"
    r"|PGOverlap|\bExpr\b|Traceback|concatenate|iterable|instance of|__\w+__|anyOf|registry|U\+0000 in"
)
"""words of YAML's, Jinja's, pydantic's, polars' and Python's own messages"""


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
