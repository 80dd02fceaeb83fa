"""check: what the records show to be wrong with a job, at its place in the job file."""

from __future__ import annotations

import pytest

from tests.support.project import Project


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({"key": "skuu"}, "job.yaml:4:8: records.key: "),
        ({"where": "prise > 0"}, "job.yaml:4:10: records.where: there is no column 'prise'"),
        ({"private": "titel"}, "job.yaml:4:12: records.private: "),
    ],
)
def test_what_the_records_show_to_be_wrong_has_its_place(
    records: dict[str, str], said: str, project: Project
) -> None:
    project.job(records="sku,title\n1,tea\n")
    text = (project.folder / "job.yaml").read_text().replace("  key: sku\n", "")
    key, value = next(iter(records.items()))
    (project.folder / "job.yaml").write_text(
        text.replace("from: records.csv\n", f"from: records.csv\n  {key}: {value}\n")
    )
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    changed = project.run("check", "job.yaml", "--set", f"records.{key}={value}")
    assert f"error: --set records.{key}: " in changed.stderr
    assert changed.stderr.count("records.") == 1 + changed.stderr.count("records.csv")


def test_a_column_with_a_blank_is_named_as_a_template_reads_it(project: Project) -> None:
    project.job(records="sku, title\n1,tea\n")
    done = project.run("check", "job.yaml")
    assert 'did you mean row[" title"]?' in done.stderr
    project.job(records="sku, title\n1,tea\n", steps=[{"name": "post", "prompt": '{{ row[" title"] }}'}])
    assert project.run("check", "job.yaml").returncode == 0
