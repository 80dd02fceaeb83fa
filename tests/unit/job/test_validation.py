"""What is wrong in data that a user wrote is said in plain words, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.job.load import load
from pipeline.testing import Script
from tests.support.job_text import GOOD, changed, refused


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("name: shop", "name: my job!").replace("rpm: 5", "rpn: 5")
    text = text.replace("name: post", "name: my post").replace("[status]", "[statuss]")
    assert refused(tmp_path, text).splitlines() == [
        "job.yaml:4:62: unknown key 'rpn'",
        "  did you mean 'rpm'?",
        "job.yaml:1:7: name: may have only letters (A-Z, a-z), digits, . - and _, "
        "and must begin with a letter or digit",
        "  for example: products-2026",
        "job.yaml:7:11: steps.my post.name: may have only letters (A-Z, a-z), digits and _, "
        "and must not begin with a digit",
        "  for example: short_title",
        "job.yaml:16:33: output.include.0: is not one of the words that are allowed here",
        "  did you mean 'status'?",
    ]


def test_no_more_than_ten_are_said(tmp_path: Path) -> None:
    wrong = "".join(f"  m{i}: {{model: x, base_url: localhost}}\n" for i in range(14))
    lines = refused(tmp_path, changed("steps:\n", wrong + "steps:\n")).splitlines()
    assert sum(line.startswith("job.yaml") for line in lines) == 10
    assert lines[-1] == "and 4 more"


def test_a_key_that_stands_for_the_missing_one_is_said_once(tmp_path: Path) -> None:
    said = refused(tmp_path, changed("- name: post", "- nam: post"))
    assert said.splitlines() == ["job.yaml:7:5: unknown key 'nam'", "  did you mean 'name'?"]


def test_a_value_of_several_types_is_refused_once(tmp_path: Path) -> None:
    said = refused(tmp_path, changed("checks:", "each: {lang: [~]}\n    checks:"))
    assert said.count("job.yaml") == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model: y", "model: y, base_url: localhost", "base_url: must begin with http:// or https://"),
        ("model: y", "model: y, base_url: '127.0.0.1:8091/v1'", "must begin with http:// or https://"),
        ("  n: {", "  my model: {", "job.yaml:5:3: models.my model: may have only letters"),
        ("model: x", "model: x, options: {latncy: 1}", "'latncy'\n  did you mean 'latency'?"),
        ("model: x", "model: x, options: {latency: {mean: 1, jiter: 1}}", "did you mean 'jitter'?"),
        (
            "model: x",
            "model: x, options: {faults: [{frst: 1, fault: hang}]}",
            "job.yaml:4:57: unknown key 'frst'\n  did you mean 'first'?",
        ),
        (
            "model: x",
            "model: x, options: {faults: [{first: 1, fault: serverr}]}",
            "models.m.options.faults.0.fault: is not one of the words that are allowed here\n"
            "  did you mean 'server_error'?",
        ),
        ("model: y", "model: y, endpoints: [{wieght: 1}]", "'wieght'\n  did you mean 'weight'?"),
        ("{length: {max: 5}}", "{length: {min: 50, max: 5}}", "min (50) is more than max (5)"),
        ("checks:", "each: {lang: [en, de, en]}\n    checks:", "each.lang: the value en is listed twice"),
        ("name: german\n    model: m", "name: german", "add model: m or model: n"),
        ("to: out.csv", "to: out.doc", "that ends in '.doc'\n  a file's ending says its format: .csv"),
        ("to: out.csv", "to: out", "the file has no ending\n  a file's ending says its format: "),
    ],
)
def test_a_mistake_is_said_without_words_of_the_workshop(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    message = refused(tmp_path, changed(old, new))
    assert said in message
    assert "pattern" not in message
    assert "Extra inputs" not in message
    assert message.count("\n") <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latncy: 1\n", "s.yaml:1:1: unknown key 'latncy'\n  did you mean 'latency'?"),
        ("faults:\n  - {frst: 1, fault: hang}\n", "s.yaml:2:6: unknown key 'frst'\n  did you mean 'first'?"),
        ("faults: [{first: 1, fault: serverr}]", "did you mean 'server_error'?"),
        ("latency: slow\nseed: x\n", "latency: must be a number\ns.yaml:2:7: seed: must be a whole number"),
    ],
)
def test_a_mistake_in_a_script_is_said_so_too(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(JobError) as error:
        Script.read(tmp_path / "s.yaml")
    assert said in str(error.value).replace(f"{tmp_path}/", "")


def test_a_file_that_shares_its_end_alone_is_not_near(tmp_path: Path) -> None:
    for name in ("chain.yaml", "films.yaml"):
        (tmp_path / name).write_text(GOOD)
    for name, near in (("nojob.yaml", False), ("chian.yaml", True), ("film.yml", True)):
        with pytest.raises(JobError) as error:
            load(tmp_path / name)
        assert ("did you mean" in str(error.value)) is near
