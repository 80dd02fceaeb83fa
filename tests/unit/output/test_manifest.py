"""The list of a job's files: which of them count as published."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pipeline.output.folder import Filed, ResultFolder


def filed(folder: Path, files: dict[str, str]) -> Filed:
    with closing(ResultFolder(folder / "state/articles", folder / "state", folder)) as articles:
        for path, text in files.items():
            articles.put(path, path, text.encode())
        articles.complete()
        return articles.publish()


def test_a_file_that_somebody_has_edited_is_not_counted_as_published(tmp_path: Path) -> None:
    first = filed(tmp_path, {"1": "one", "2": "two"})
    assert (first.listed.files, first.listed.bytes) == (2, 6)
    (tmp_path / "state/articles/1").write_text("by hand")
    second = filed(tmp_path, {"1": "one again", "2": "two"})
    assert (second.listed.files, second.listed.bytes, second.edited.count) == (1, 3, 1)
    assert (tmp_path / "state/articles/1").read_text() == "by hand"


def test_a_file_that_is_as_it_should_be_again_is_counted_again(tmp_path: Path) -> None:
    first = filed(tmp_path, {"1": "one"})
    path = tmp_path / "state/articles/1"
    path.write_text("by hand")
    assert filed(tmp_path, {"1": "one"}).listed.files == 0
    path.write_text("one")
    last = filed(tmp_path, {"1": "one"})
    assert (last.listed, last.edited.count) == (first.listed, 0)
