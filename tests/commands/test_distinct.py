"""Answers that are nearly equal to others of the run: they are written again, told or rejected."""

from __future__ import annotations

import polars as pl
import pytest

from tests.support.alike import COPIES, POSTS, STEP, fresh, number, planted, table, too_alike
from tests.support.crowd import posts
from tests.support.project import Project
from tests.support.writer import Chat, writer


def test_planted_copies_are_written_again_each_with_one_request(project: Project) -> None:
    with writer(planted) as (server, seen):
        project.job(server.base_url, records=project.numbered(len(POSTS)), steps=[STEP])
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{COPIES} answers of the step 'post' are nearly equal to others" in done.stderr
        assert server.ledger().billed == len(POSTS) + COPIES
        result = project.result()
        assert not too_alike(result)
        again = [chat for chat in seen.chats if chat.turn]
        assert {number(chat) for chat in again} == {
            i for i, post in enumerate(POSTS) if post.copy_of is not None
        }
        for chat in again:
            copied = POSTS[POSTS[number(chat)].copy_of or 0].text
            assert f"«{copied[:40]}" in chat.last and chat.last.startswith("Your answer is nearly the same")
        kept = [i for i, post in enumerate(POSTS) if post.copy_of is None]
        assert [result["post"][i] for i in kept] == [POSTS[i].text for i in kept]

        before = table(project)
        assert project.numbers("plan", "job.yaml")["missing"] == 0
        assert project.run("run", "job.yaml").returncode == 0
        assert project.run("export", "job.yaml").returncode == 0
        assert table(project) == before and server.ledger().billed == len(POSTS) + COPIES


def test_equal_prompts_each_get_an_answer_of_their_own(project: Project) -> None:
    with writer(lambda chat: fresh(chat.number)) as (server, _):
        project.job(
            server.base_url, records=project.numbered(9), steps=[STEP | {"prompt": "Write something."}]
        )
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 9
        assert len(set(project.result()["post"])) == 9
        before = table(project)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 9 and table(project) == before


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_what_is_still_alike_after_the_last_round_fails(rounds: int, project: Project) -> None:
    step = STEP | {"checks": {"distinct": {"rounds": rounds}}, "repairs": 0}
    with writer(lambda chat: "always the same few words, whatever is asked") as (server, _):
        project.job(server.base_url, records=project.numbered(5), steps=[step], max_failed=1)
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, done.stderr
        assert server.ledger().billed == 5 + 4 * rounds
        assert project.result()["_status"].to_list() == ["ok", *["failed"] * 4]
        assert "the answer is nearly the same (100% alike) as this one for another item" in done.stdout
        assert project.run("run", "job.yaml").returncode == 3
        assert server.ledger().billed == 5 + 4 * rounds
        assert project.numbers("plan", "job.yaml", "--retry-failed")["missing"] == 4
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        assert server.ledger().billed == 5 + 8 * rounds  # the first answer is shared with a row that is ok


def test_copies_that_stay_copies_do_not_stop_the_run(project: Project) -> None:
    many = posts(5, 260, 60)
    with writer(lambda chat: many[number(chat)].text) as (server, _):
        project.job(server.base_url, records=project.numbered(len(many)), steps=[STEP])
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, done.stderr
        failed = project.result()["_status"].to_list()
        assert [i for i, status in enumerate(failed) if status == "failed"] == [
            i for i, post in enumerate(many) if post.copy_of is not None
        ]
        shown = project.run("show", "job.yaml", "--failed", "--explain")
        assert shown.returncode == 0 and "rejected answer" in shown.stdout


def test_a_soft_check_tells_and_asks_nothing(project: Project) -> None:
    with writer(planted) as (server, _):
        step = STEP | {"checks": {"soft": {"distinct": True}}}
        project.job(server.base_url, records=project.numbered(len(POSTS)), steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == len(POSTS)


def test_a_step_that_reads_an_answer_is_asked_again_with_it(project: Project) -> None:
    steps = [STEP, {"name": "tag", "prompt": "A tag for: {{ post }}", "checks": {"distinct": True}}]

    def write(chat: Chat) -> str:
        if chat.first.startswith("Write"):
            return planted(chat)
        return fresh(len(chat.first)) if not chat.turn else fresh(1000 + chat.number)

    with writer(write) as (server, _):
        project.job(server.base_url, records=project.numbered(len(POSTS)), steps=steps)
        assert project.run("run", "job.yaml").returncode == 0
        billed, before = server.ledger().billed, table(project)
        result = project.result()
        assert not too_alike(result) and len(set(result["tag"])) == len(POSTS)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == billed and table(project) == before


def test_after_an_edit_only_what_changes_is_asked_again(project: Project) -> None:
    records = project.numbered(len(POSTS))
    with writer(planted) as (server, seen):
        project.job(server.base_url, records=records, steps=[STEP])
        assert project.run("run", "job.yaml").returncode == 0
        before, asked = project.result(), len(seen.chats)
        copied = next(post.copy_of for post in POSTS if post.copy_of is not None)
        own = next(
            i
            for i, post in enumerate(POSTS)
            if post.copy_of is None and all(other.copy_of != i for other in POSTS)
        )
        project.job(
            server.base_url, records=records.replace(f"thing {own}\n", f"thing {own}. New\n"), steps=[STEP]
        )
        assert project.run("run", "job.yaml").returncode == 0
        assert [number(chat) for chat in seen.chats[asked:]] == [own]
        assert project.result()["post"].to_list() == before["post"].to_list()

        asked = len(seen.chats)
        without = records.replace(f"{copied:05},thing {copied}\n", "")
        project.job(server.base_url, records=without, steps=[STEP])
        assert project.run("run", "job.yaml").returncode == 0
        assert len(seen.chats) == asked  # its copy stands now, with the first answer
        assert not too_alike(project.result())


def test_private_values_of_other_rows_stand_in_no_complaint(project: Project) -> None:
    def write(chat: Chat) -> str:
        return (
            f"A letter to {chat.first.split()[-1]} about the summer and the sea"
            if not chat.turn
            else fresh(1)
        )

    step = STEP | {"prompt": "Write about {{ title }} to {{ secret }}", "checks": {"distinct": {"most": 0.5}}}
    with writer(write) as (server, seen):
        table = "sku,title,secret\n1,tea,Rumpelstilz\n2,tea,Rapunzel\n"
        project.job(server.base_url, records=table, steps=[STEP])
        file = project.folder / "job.yaml"
        project.job(server.base_url, steps=[step])
        file.write_text(file.read_text().replace("key: sku", "key: sku\n  private: [secret]"))
        assert project.run("run", "job.yaml").returncode == 0
        told = [chat.last for chat in seen.chats if chat.turn]
        assert len(told) == 1 and "about the summer" in told[0] and "Rumpelstilz" not in told[0]


def test_a_wanted_number_of_rows_is_reached_by_further_rows(project: Project) -> None:
    def write(chat: Chat) -> str:
        return fresh(number(chat) // 2)

    with writer(write) as (server, _):
        project.job(server.base_url, records=project.numbered(40), steps=[STEP], accept=10, max_failed=1)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        result = project.result()
        assert len(result) == 10 and not too_alike(result)
        billed, before = server.ledger().billed, table(project)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == billed and table(project) == before


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_answered_no_two_accepted_answers_are_alike(seed: int, project: Project) -> None:
    few = posts(seed, 40, 10)

    def write(chat: Chat) -> str:
        return few[(number(chat) * 7 + 13 * chat.number) % (20 + seed * 4)].text

    with writer(write) as (server, _):
        step = STEP | {"checks": {"distinct": {"most": 0.5, "rounds": 3}, "length": {"min": 60}}}
        project.job(server.base_url, records=project.numbered(40), steps=[step], max_failed=1)
        assert project.run("run", "job.yaml").returncode in (0, 3)
        billed, before, result = server.ledger().billed, table(project), project.result()
        accepted = result.filter(pl.col("_status") == "ok")
        assert len(accepted) > 2 and not too_alike(accepted, 0.5)
        assert project.run("run", "job.yaml").returncode in (0, 3)
        assert server.ledger().billed == billed and table(project) == before
        assert project.run("export", "job.yaml").returncode in (0, 3)
        assert table(project) == before
