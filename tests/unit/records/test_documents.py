"""Documents as records: which files are found, what they are called, what is left out, what is refused."""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import InputError, PipelineError
from pipeline.job.files import Records
from pipeline.records.documents import Documents, are_documents, key_columns
from pipeline.records.found import _matches, below, named
from pipeline.records.site import site_of
from pipeline.records.source import open_records


def tree(folder: Path, *paths: str) -> None:
    """Text files at these paths, each with its path as its content."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{path}\n", "utf-8")


def documents(folder: Path, *origins: str, without: tuple[Path, ...] = (), **more: Any) -> Documents:
    """The documents that these entries of `from` name."""
    spec = Records.model_validate({"from": list(origins), **more})
    found = open_records(spec, folder, None, without)
    assert isinstance(found, Documents)
    return found


def keys(source: Documents) -> list[str]:
    """The keys of the records, in order."""
    return [record.key for batch in source.batches() for record in batch]


FILES = (
    "docs/a.txt",
    "docs/guide/b.txt",
    "docs/guide/deep/c.text",
    "docs/z.png",
    "README.txt",
    "o/d.txt",
)


@pytest.mark.parametrize(
    ("origins", "found"),
    [
        (("docs",), ["a.txt", "guide/b.txt", "guide/deep/c.text"]),
        (("docs/",), ["a.txt", "guide/b.txt", "guide/deep/c.text"]),
        (("docs/**/*.txt",), ["a.txt", "guide/b.txt"]),
        (("docs/*.txt",), ["a.txt"]),
        (("docs/**/*.{txt,text}",), ["a.txt", "guide/b.txt", "guide/deep/c.text"]),
        (("docs/guide/**",), ["b.txt", "deep/c.text"]),
        (("docs/{guide,x}/*.t*",), ["guide/b.txt"]),
        (("**/[a-c].tx?",), ["docs/a.txt", "docs/guide/b.txt"]),
        (("docs/guide/b.txt",), ["b.txt"]),
        (("docs", "README.txt"), ["README.txt", "docs/a.txt", "docs/guide/b.txt", "docs/guide/deep/c.text"]),
        (("docs/*.txt", "docs/guide/*.txt", "docs/a.txt"), ["a.txt", "guide/b.txt"]),
        (("docs", "o"), ["docs/a.txt", "docs/guide/b.txt", "docs/guide/deep/c.text", "o/d.txt"]),
    ],
)
def test_a_folder_a_pattern_a_file_or_several_name_documents(
    tmp_path: Path, origins: tuple[str, ...], found: list[str]
) -> None:
    tree(tmp_path, *FILES)
    source = documents(tmp_path, *origins)
    assert keys(source) == keys(source) == found
    assert source.total() == len(found)


def test_a_record_has_its_path_its_name_its_format_and_its_bytes(tmp_path: Path) -> None:
    tree(tmp_path, "docs/guide/a.b.TXT")
    ((record,),) = documents(tmp_path, "docs").batches()
    assert record.fields == {
        "path": "guide/a.b.TXT",
        "name": "guide/a.b",
        "suffix": ".TXT",
        "format": "text",
        "site": "",
        "context": "",
        "content": b"docs/guide/a.b.TXT\n",
    }
    assert (record.key, record.row) == ("guide/a.b.TXT", 1)


def test_hidden_files_packages_links_out_and_the_jobs_own_files_are_left_out(tmp_path: Path) -> None:
    tree(
        tmp_path, "docs/a.txt", "docs/.git/b.txt", "docs/.hidden.txt", "docs/node_modules/c.txt", "out/d.txt"
    )
    tree(tmp_path, "docs/output/shop/e.txt", "docs/output/kept.txt", "secret/f.txt")
    (tmp_path / "docs/link.txt").symlink_to(tmp_path / "secret/f.txt")
    (tmp_path / "docs/inner.txt").symlink_to(tmp_path / "docs/a.txt")
    (tmp_path / "docs/loop").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/secret").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "docs/pipe.txt")
    source = documents(tmp_path, "docs", without=(tmp_path / "docs/output/shop",))
    assert keys(source) == ["a.txt", "inner.txt", "output/kept.txt"]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    tree(tmp_path, "docs/a.txt", "docs/b.text", "docs/c.png", "docs/d.png", "docs/e.pdf")
    told = documents(tmp_path, "docs").told
    assert told == (
        "2 documents found: 2 text; left out: 2 files (no format is known for '.png'), "
        "1 file (a PDF cannot be translated)"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out_of_a_folder_and_refused_alone(tmp_path: Path) -> None:
    tree(tmp_path, "docs/a.txt", "docs/b.txt")
    (tmp_path / "docs/b.txt").chmod(0)
    assert keys(documents(tmp_path, "docs")) == ["a.txt"]
    with pytest.raises(InputError, match="cannot be read: permission denied"):
        documents(tmp_path, "docs/b.txt")


def test_where_sample_and_limit_choose_among_documents(tmp_path: Path) -> None:
    tree(tmp_path, *(f"docs/{i:02}.txt" for i in range(20)), "docs/sub/x.text")
    assert keys(documents(tmp_path, "docs", where="suffix = '.text'")) == ["sub/x.text"]
    assert keys(documents(tmp_path, "docs", where="path < '02'", limit=1)) == ["00.txt"]
    drawn = documents(tmp_path, "docs", sample={"n": 5, "seed": 3})
    assert len(keys(drawn)) == drawn.total() == 5
    assert keys(drawn) == keys(documents(tmp_path, "docs", sample={"n": 5, "seed": 3}))
    assert drawn.chosen == "5 of 21 records (sample)"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"from": "nothing/**/*.md"}, "there is no such folder"),
        ({"from": "docs/*.png"}, "there is no document: 1 file (no format is known for '.png')"),
        ({"from": "docs/*.md"}, "there is no document: docs/*.md\n  these can be:"),
        ({"from": ["docs", "https://example.org/a.md"]}, "from files and folders on this machine"),
        ({"from": ["docs", ""]}, "from files and folders on this machine"),
        ({"from": "docs", "key": "path"}, "documents have no key\n  the key of a document is its path"),
        ({"from": "docs", "separator": ";"}, "documents have no separator"),
        ({"from": "README.txt", "key": "id"}, "this is no table; `pipeline translate README.txt --from"),
        ({"from": "docs", "where": "price > 3"}, "there is no column 'price'"),
        ({"from": "docs/z.png", "as": "documents"}, "no format is known for '.png'"),
        ({"from": "docs/" + "{a,b}" * 8}, "at most 200 patterns"),
        ({"from": ["docs", "READ.txt"]}, "no such file or folder\n  did you mean 'README.txt'"),
    ],
)
def test_what_names_no_documents_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    tree(tmp_path, *FILES)
    with pytest.raises(PipelineError) as caught:
        open_records(Records.model_validate(more), tmp_path)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("spec", "documents"),
    [
        ({"from": "a.csv"}, False),
        ({"from": "a.csv", "as": "documents"}, True),
        ({"from": "a.txt"}, True),
        ({"from": "a.txt", "as": "table"}, False),
        ({"from": "none.csv"}, False),
        ({"from": "none.txt"}, False),
        ({"from": ["a.csv", "b.csv"]}, True),
        ({"from": "folder"}, True),
        ({"from": "*.csv"}, True),
        ({"from": "[1].csv"}, False),
        ({"from": ""}, False),
        ({}, False),
    ],
)
def test_one_table_is_rows_and_all_else_is_documents(
    tmp_path: Path, spec: dict[str, Any], documents: bool
) -> None:
    tree(tmp_path, "a.csv", "b.csv", "a.txt", "[1].csv", "folder/a.txt")
    assert are_documents(Records.model_validate(spec), tmp_path) is documents
    assert key_columns(Records.model_validate(spec), tmp_path) == (("path",) if documents else ())


@pytest.mark.parametrize("how", ["content", "length", "replaced", "removed"])
def test_a_document_that_changes_under_way_is_noticed(tmp_path: Path, how: str) -> None:
    tree(tmp_path, "docs/a.txt", "docs/b.txt")
    source = documents(tmp_path, "docs")
    records = source.batches()
    next(records)
    file = tmp_path / "docs/b.txt"
    if how == "removed":
        file.unlink()
    elif how == "replaced":
        (tmp_path / "new").write_bytes(file.read_bytes())
        os.utime(tmp_path / "new", ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        (tmp_path / "new").rename(file)
    else:
        file.write_text("docs/B.txt\n" if how == "content" else "docs\n")
    with pytest.raises(InputError, match="cannot be read" if how == "removed" else "was changed while"):
        next(records)


def test_a_thousand_documents_are_looked_at_in_a_moment_and_read_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for i in range(1000):
        (tmp_path / f"docs/{i}.txt").write_bytes(b"word " * 2000)
    begin = time.process_time()
    source = documents(tmp_path, "docs")
    assert time.process_time() - begin < 1
    assert source.total() == 1000
    assert {len(batch) for batch in source.batches(512)} == {1}


def test_a_pattern_fits_as_a_regular_expression_says() -> None:
    chance = random.Random(7)
    words = ["a", "b", "ab", "*", "a*", "?", "**"]
    for _ in range(3000):
        pattern = [chance.choice(words) for _ in range(chance.randint(1, 5))]
        parts = [chance.choice(["a", "b", "ab", "ba"]) for _ in range(chance.randint(1, 5))]
        plain = "".join(
            "(?:[^/]+/)*" if word == "**" else word.replace("*", "[^/]*").replace("?", "[^/]") + "/"
            for word in pattern
        )
        assert _matches(parts, pattern) == bool(re.fullmatch(plain, "".join(f"{part}/" for part in parts)))


def test_a_hostile_pattern_takes_no_time(tmp_path: Path) -> None:
    tree(tmp_path, "a" * 200 + "/" + "a" * 200)
    entry = named("**/" * 40 + "*a" * 60 + "b", tmp_path)
    begin = time.process_time()
    assert list(below(entry, ())) == []
    assert time.process_time() - begin < 1


def test_a_name_with_signs_of_patterns_that_exists_is_itself(tmp_path: Path) -> None:
    tree(tmp_path, "docs/[a]*.txt", "docs/a.txt", "{x}/y.txt")
    assert keys(documents(tmp_path, "docs/[a]*.txt")) == ["[a]*.txt"]
    assert keys(documents(tmp_path, "{x}")) == ["y.txt"]


def test_a_name_that_is_not_utf_8_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "docs/a.txt")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "docs") + b"/\xff.txt")).write_bytes(b"x\n")
    except OSError:
        pytest.skip("this disk holds UTF-8 names alone")
    source = documents(tmp_path, "docs")
    assert keys(source) == ["a.txt"]
    assert "1 file (a name that is not UTF-8)" in source.told


@pytest.mark.parametrize(
    ("mark", "content", "site"),
    [
        ("docusaurus.config.js", "", "docusaurus"),
        ("mkdocs.yml", "site_name: x", ""),
        ("mkdocs.yml", "markdown_extensions: [attr_list]", "mkdocs"),
        ("book.toml", "", "mdbook"),
        ("README.md", "", ""),
    ],
)
def test_a_site_generator_is_found_above_the_documents(
    tmp_path: Path, mark: str, content: str, site: str
) -> None:
    (tmp_path / mark).write_text(content)
    (tmp_path / "docs/guide").mkdir(parents=True)
    assert site_of(tmp_path / "docs/guide") == site
