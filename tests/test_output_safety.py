"""What a model, a server or a cell says is shown and written as text: no terminal, no markup, no formula."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import unicodedata
import zipfile
from pathlib import Path
from time import process_time
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline.screen import Screen, safe_text
from pipeline.scripted import Rule, Script, serve
from pipeline.sinks._spreadsheet import BEGINNINGS
from pipeline.steps._links import links
from pipeline.steps.translate import complaint
from pipeline.table import Table
from pipeline.tally import Tally
from tests.project import Project
from tests.terminal import on_screen

EVIL = "\x1b]0;owned\x07\x1b[66;66H\r\b\x9b31m[/nope][link=http://evil.example]x[/link][bold]\u202e\u2028y"
RICH = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""what the display itself sends: colours, and where the cursor goes"""


def assert_harmless(shown: bytes) -> None:
    """Whether nothing went to a terminal but text and the display's own movements."""
    text = shown.decode()
    assert "\x1b[66;66H" not in text and "\x1b]" not in text
    left = RICH.sub("", text)
    found = {c for c in left if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - set("\n\r\t")
    assert not found, [hex(ord(c)) for c in found]


def in_terminal(project: Project, *arguments: str) -> tuple[int, bytes]:
    env = {**project.environment(), "TERM": "xterm-256color"}
    return on_screen(project.command(*arguments), project.folder, env, {})


def completion(message: dict[str, str | None], finish_reason: str = "stop") -> str:
    """A chat completion in a name that is hostile, too."""
    return json.dumps({"model": EVIL, "choices": [{"message": message, "finish_reason": finish_reason}]})


HOSTILE = (
    Rule(match="refusal", fault="body", body=completion({"content": None, "refusal": EVIL})),
    Rule(match="error", fault="bad_request", message=EVIL, code=EVIL),
    Rule(match="finish", fault="body", body=completion({"content": "a"}, EVIL)),
    Rule(match="inside", fault="error_body", message=EVIL, code=EVIL),
    Rule(match="answer", fault="body", body=completion({"content": EVIL})),
)
KINDS = [str(rule.match) for rule in HOSTILE]


def test_nothing_that_is_said_moves_the_terminal(project: Project) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["sku", "title"], *([f"{n}{EVIL}", kind + EVIL] for n, kind in enumerate(KINDS))])
    limits = {"concurrency": 4, "retries": 0, "maybe_billed_retries": 0, "timeout": 20}
    with serve(Script(faults=HOSTILE, latency=0.4)) as server:
        project.job(server.base_url, records=file.getvalue(), max_failed=1)
        code, shown = in_terminal(
            project, "run", "job.yaml", "--set", f"models.writer.limits={json.dumps(limits)}"
        )
    assert code == 3, shown.decode()
    assert_harmless(shown)
    assert b"\x1b[" in shown, "there was a display"
    for command in ("status", "show"):
        code, shown = in_terminal(project, command, "job.yaml")
        assert code == 0
        assert_harmless(shown)
        assert b"\\x1b[66;66H" in shown, "what was said is there, made visible"
    for line in (project.folder / "output/shop/events.jsonl").read_bytes().splitlines():
        json.loads(line)
        assert not any(byte < 0x20 for byte in line)


def test_what_stops_a_run_is_said_in_lines_of_our_own(project: Project) -> None:
    with serve(
        Script(faults=(Rule(every=1, fault="not_found", message=f"{EVIL}\nerror: forged"),))
    ) as server:
        project.job(server.base_url)
        code, shown = in_terminal(project, "run", "job.yaml")
    assert code == 75
    assert_harmless(shown)
    lines = [RICH.sub("", line).strip() for line in shown.decode().splitlines()]
    assert not any(line.startswith("error: forged") for line in lines)


def test_the_display_takes_nothing_for_markup() -> None:
    tally = Tally(phase="asking", last_error=EVIL, notice=EVIL, binding=EVIL, rows_expected=3)
    screen = Screen(EVIL, tally)
    file = io.StringIO()
    Console(file=file, force_terminal=True, markup=False, width=200).print(screen._picture())
    assert_harmless(file.getvalue().encode())
    assert "[/nope]" in file.getvalue()


@given(st.text())
def test_a_safe_text_is_one_line_of_visible_characters(text: str) -> None:
    safe = safe_text(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in safe)
    assert safe_text(safe) == safe and len(safe.splitlines()) <= 1


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_what_is_visible_is_not_changed(text: str) -> None:
    assert safe_text(text) == text


# Spreadsheets.

CELLS = st.text(st.sampled_from([*BEGINNINGS, "1", ".", "e", "a", "'", '"', ",", ";", " ", "é"]), max_size=6)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def written(folder: Path, name: str, rows: list[tuple[Any, ...]], schema: Any, *, safe: bool) -> Path:
    path = folder / name
    with Table([path], pl.Schema(schema), spreadsheet_safe=safe) as table:
        table.write(rows)
        table.publish()
    return path


def cells(path: Path) -> list[list[str]]:
    """The cells of a csv or tsv file, by a reader that is not ours."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


FAST = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(texts=st.lists(CELLS, min_size=1, max_size=8), suffix=st.sampled_from(["csv", "tsv"]))
def test_data_are_written_as_they_are_unless_they_are_for_spreadsheets(
    tmp_path: Path, texts: list[str], suffix: str
) -> None:
    path = written(tmp_path, f"plain.{suffix}", [(1, t) for t in texts], SCHEMA, safe=False)
    assert [row[1] for row in cells(path)[1:]] == texts


SCHEMA = {"n": pl.Int64(), "text": pl.String()}


@FAST
@given(texts=st.lists(CELLS, min_size=1, max_size=8), suffix=st.sampled_from(["csv", "tsv"]))
def test_no_cell_for_a_spreadsheet_begins_a_formula(tmp_path: Path, texts: list[str], suffix: str) -> None:
    rows = [(-n, text) for n, text in enumerate(texts)]
    head, *found = cells(written(tmp_path, f"safe.{suffix}", rows, SCHEMA, safe=True))
    assert head == ["n", "text"]
    for (number, text), cell in zip(rows, found, strict=True):
        assert cell[0] == str(number), "numbers stay numbers"
        dangerous = text.startswith(tuple(BEGINNINGS)) and not NUMBER.fullmatch(text)
        assert cell[1] == (f"'{text}" if dangerous else text)


ROWS = [("=1+1", -5, -1.5, ["=x"]), ("＝1", 7, 2.0, []), ("-5.3", 0, 0.0, ["-"]), ("@a", 1, 1.0, None)]
ROW_SCHEMA = {"=a": pl.String(), "n": pl.Int64(), "x": pl.Float64(), "l": pl.List(pl.String())}


def test_a_workbook_for_spreadsheets_has_numbers_texts_and_no_formula(tmp_path: Path) -> None:
    path = written(tmp_path, "safe.xlsx", ROWS, ROW_SCHEMA, safe=True)
    frame = pl.read_excel(path)
    assert frame.columns == ["'=a", "n", "x", "l"]
    assert frame["'=a"].to_list() == ["'=1+1", "'＝1", "-5.3", "'@a"]
    assert frame["n"].to_list() == [-5, 7, 0, 1] and frame["x"].to_list() == [-1.5, 2.0, 0.0, 1.0]
    assert frame["l"].to_list() == ['["=x"]', "[]", '["-"]', None]
    with zipfile.ZipFile(path) as package:
        assert not any(b"<f>" in package.read(name) for name in package.namelist())


def test_two_columns_keep_two_names(tmp_path: Path) -> None:
    schema = dict.fromkeys(("=a", "'=a", "b", "@", "'@"), pl.String())
    head = cells(written(tmp_path, "names.csv", [("1", "2", "3", "4", "5")], schema, safe=True))[0]
    assert len(set(head)) == 5 and head[1:3] == ["'=a", "b"]
    assert not any(name.startswith(tuple(BEGINNINGS)) for name in head)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_files_that_no_spreadsheet_opens_are_not_changed(tmp_path: Path, suffix: str) -> None:
    plain = written(tmp_path, f"plain.{suffix}", ROWS, ROW_SCHEMA, safe=False).read_bytes()
    assert written(tmp_path, f"safe.{suffix}", ROWS, ROW_SCHEMA, safe=True).read_bytes() == plain


OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice")
def test_libreoffice_finds_no_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", '=HYPERLINK("http://evil.example")']
    path = written(tmp_path, "safe.csv", [(1, text) for text in texts], SCHEMA, safe=True)
    command = [str(OFFICE), "--headless", "--convert-to", "fods", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert "table:formula" not in (tmp_path / "safe.fods").read_text("utf-8")


def test_a_job_file_asks_for_it_and_the_failures_get_it_too(project: Project) -> None:
    answers = {"tea": "=cmd|' /C calc'!A0", "lamp": "fine", "mug": "-5"}
    faults = (Rule(match="lamp", fault="length"),)
    project.job(
        models={"writer": {"provider": "scripted", "model": "m", "options": {"answer": answers, "faults": [
            rule.model_dump(exclude_none=True) for rule in faults]}}},
        records="sku,title\n=1,tea\n+a,lamp\n-3,mug\n",
        output={"to": "output/shop/posts.csv", "spreadsheet_safe": True},
    )  # fmt: skip
    assert project.run("run", "job.yaml").returncode == 3
    assert project.result().select("sku", "post").rows() == [
        ("'=1", "'=cmd|' /C calc'!A0"),
        ("'+a", None),
        ("-3", "-5"),
    ]
    assert project.result("failures.csv")["key"].to_list() == ["'+a"]
    done = project.run("run", "job.yaml", "--set", "output.spreadsheet_safe=false")
    assert done.returncode == 3 and "0 requests sent" in done.stdout
    assert project.result()["post"].to_list() == ["=cmd|' /C calc'!A0", None, "-5"]


# Links in translations.

SOURCE = "See [our shop](https://shop.example/a?b=1&amp;c) or mail a.b@shop.example. JavaScript : a book."


@pytest.mark.parametrize(
    "answer",
    [
        "Siehe [Laden](https://shop.example/a?b=1&c), a.b@shop.example. JavaScript: ein Buch.",
        "Schreib an a.b@shop.example oder sieh in [unseren Laden](<https://shop.example/a?b=1&amp;c>)。",
        "Daten: 5, Kanal://, www, (a)[b]",
    ],
)
def test_links_of_the_source_are_no_new_ones(answer: str) -> None:
    assert links(answer) <= links(SOURCE)


@pytest.mark.parametrize(
    "added",
    [
        "https://evil.example/?q=secret",
        "HTTP://EVIL.EXAMPLE",
        "www.evil.example",
        "ftp://evil.example/x",
        "[a](//evil.example)",
        "[a](javascript:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "java\u200bscript:alert(1)",
        "[a](data:text/html;base64,PHNj)",
        "[a](vbscript:x)",
        "![](https://shop.example/a?b=1&amp;c)",
        "![pixel](/track.gif)",
        "<img src=https://shop.example/a?b=1&amp;c>",
        "<img\nsrc='x.png'>",
        "<a href='//evil.example'>x</a>",
        "[a]: https://evil.example",
        "<https://evil.example>",
        "mail x@evil.example",
    ],
)
def test_a_link_that_the_source_has_not_is_a_complaint_unless_allowed(added: str) -> None:
    answer = f"Siehe [Laden](https://shop.example/a?b=1&amp;c), a.b@shop.example. {added}"
    assert "links that the text has not" in complaint(SOURCE, answer)
    assert complaint(SOURCE, answer, new_links=True) == ""


WORDS = st.lists(
    st.sampled_from(["tea", "lamp", "[a](", ")", "https://a.example", "![", "](", "<a href=", ">"])
)


@given(
    WORDS, st.sampled_from(["https://evil.example/x", "![a](//evil.example/p)", "<img src=//evil.example>"])
)
def test_whatever_stands_round_it_a_new_link_is_found(words: list[str], added: str) -> None:
    text = " ".join(words)
    assert links(text) <= links(text) and not links(text) - links(f"{text} {text}")
    assert any("evil.example" in link for link in links(f"{text} \n{added}\n") - links(text))


@pytest.mark.parametrize(
    "text", [a + b * 60_000 for a in ("", "](", "=", "<a", "[", "%(") for b in "a .-[<@="]
)
def test_no_answer_keeps_the_search_for_links_busy(text: str) -> None:
    began = process_time()
    complaint("three good words", text)
    assert process_time() - began < 5, "quadratic searches take minutes"


def test_a_translation_with_a_new_link_is_sent_back_and_fails(project: Project) -> None:
    steps = [{"name": "de", "translate": {"text": "{{ title }}", "from": "en", "to": "de"}, "repairs": 1}]
    options = {"answer": {"green tea": "grüner Tee ![x](https://evil.example/p.gif)", "lamp": "Lampe"}}
    project.job(
        models={"writer": {"provider": "scripted", "model": "m", "options": options}},
        records="sku,title\n1,green tea\n2,lamp\n",
        steps=steps,
    )
    done = project.run("run", "job.yaml")
    assert done.returncode == 3, done.stderr
    assert "links that the text has not" in project.result("failures.csv")["message"][0]
    assert project.result()["de"].to_list() == [None, "Lampe"]
    assert project.run("run", "job.yaml", "--set", "steps.de.allow=[new_links]").returncode == 0
    assert "evil.example" in project.result()["de"][0]
