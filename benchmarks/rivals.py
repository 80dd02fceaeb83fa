"""Other tools that translate Markdown, side by side with this one, over the same documents.

    python -m benchmarks.rivals [FOLDER]

The model is an identity: it gives back what it was asked to translate (`identity.py`). So a tool that loses
nothing writes the bytes that it read. Each tool is installed in a virtual environment of its own, and run as
its documentation says. Prints a table in Markdown.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.identity import serve
from benchmarks.kept import MEASURES, kept, leaked
from benchmarks.workload import ROOT, note

PLACE = ROOT / ".venv-rivals"
DOCUMENTS = Path(__file__).parent / "pages"
SECONDS = 300.0
TIKTOKEN = """
class Encoding:
    def encode(self, text, **_): return list(text.encode())[::4]
def get_encoding(name): return Encoding()
def encoding_for_model(name): return Encoding()
"""
"""in place of a package that fetches its tables from the network: a quarter of the bytes is about the same"""


@dataclass
class Run:
    """What a tool did with a folder of documents."""

    folder: Path
    url: str
    programs: Path
    """the folder of its commands"""
    codes: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def call(self, program: str, *arguments: str, **environment: str) -> None:
        """Run one of its commands in the folder."""
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.codes.append(done.returncode)
        self.said.append((done.stdout + done.stderr)[-2000:])


def rosetta(run: Run, documents: list[str]) -> dict[str, str]:
    """readme-rosetta writes NAME.en.md, with a line of languages on top, which is taken off to compare."""
    for name in documents:
        asked = ("--src-lang", "zh", "--langs", "en", "--backend", "ollama", "--model", "identity")
        run.call("readme-rosetta", name, *asked, "--ollama-host", run.url)
    return {name: f"{Path(name).stem}.en.md" for name in documents}


def cl10n(run: Run, documents: list[str]) -> dict[str, str]:
    """cl10n plans, asks and renders; its corpus is the folder `md` of a git repository."""
    (run.folder / "md").mkdir()
    for name in documents:
        (run.folder / name).rename(run.folder / "md" / name)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "Begin")):
        subprocess.run([*git, *command], cwd=run.folder, check=True, capture_output=True)
    shipped = next(run.programs.parent.glob("lib/*/site-packages/cl10n/providers.toml")).read_text()
    providers = shipped.replace("https://integrate.api.nvidia.com", run.url)
    (run.folder / "providers.toml").write_text(providers)
    run.call("cl10n", "plan", "--langs", "en")
    asked = ("--providers", "providers.toml", "--provider", "nvidia", "--model", "nvidia:cl10n")
    run.call("cl10n", "run", "l10n/queue/queue.json", *asked, NVIDIA_NIM_API_KEY="none")
    run.call("cl10n", "render", "--langs", "en")
    return {name: f"locales/en/{name}" for name in documents}


def bbook(run: Run, documents: list[str]) -> dict[str, str]:
    """bilingual_book_maker, asked for the translation alone."""
    for name in documents:
        server = ("--api_base", f"{run.url}/v1", "--api_format", "openai", "--key", "none", "-m", "identity")
        asked = ("--language", "en", "--single_translate", "--no_disclosure")
        run.call("bbook_maker", "--book_name", name, *server, *asked)
    return {name: f"{Path(name).stem}_bilingual.md" for name in documents}


def coop(run: Run, documents: list[str]) -> dict[str, str]:
    """co-op-translator, without its disclaimer."""
    shim = run.folder.parent / "shim"
    shim.mkdir()
    (shim / "tiktoken.py").write_text(TIKTOKEN)
    server = {"OPENAI_BASE_URL": f"{run.url}/v1", "OPENAI_CHAT_MODEL_ID": "identity", "OPENAI_ORG_ID": "none"}
    asked = ("-l", "en", "-md", "-y", "--no-disclaimer")
    run.call("translate", *asked, OPENAI_API_KEY="none", PYTHONPATH=str(shim), **server)
    return {name: f"translations/en/{name}" for name in documents}


def ours(run: Run, documents: list[str]) -> dict[str, str]:
    """This project: `pipeline translate`."""
    (run.folder / "docs").mkdir()
    for name in documents:
        (run.folder / name).rename(run.folder / "docs" / name)
    server = ("--base-url", f"{run.url}/v1", "--api-key-env", "KEY", "--model", "identity")
    run.call("pipeline", "translate", "docs", "--from", "zh", "--to", "en", *server, KEY="none")
    written = {path.name: path for path in run.folder.rglob("output/**/*.md")}
    return {name: str(written[name].relative_to(run.folder)) for name in documents if name in written}


@dataclass(frozen=True)
class Tool:
    """A tool, where it comes from, and how it is run."""

    name: str
    packages: tuple[str, ...]
    """with their versions; () for what is installed beside this module"""
    run: Callable[[Run, list[str]], dict[str, str]]
    """runs it, and says in which file each document has to be"""
    heads: int = 0
    """lines that it puts before each document on purpose"""


TOOLS = (
    Tool("pipeline", (), ours),
    Tool("readme-rosetta", ("readme-rosetta==0.2.0",), rosetta),
    Tool("cl10n", ("markdown-localization[groq,nvidia]==0.1.5",), cl10n),
    Tool("co-op-translator", ("co-op-translator==0.23.2",), coop),
    Tool("bilingual_book_maker", ("bbook-maker==1.3.1",), bbook),
)


def programs(tool: Tool) -> Path:
    """The folder of its commands, after it was installed, which is done once."""
    if not tool.packages:
        return Path(sys.executable).parent
    place = PLACE / tool.packages[0].replace("[", "-").replace("]", "")
    if not (place / ".installed").exists():
        venv.create(place, clear=True, with_pip=True)
        pip = (str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([*pip, *tool.packages], check=True, capture_output=True, timeout=SECONDS * 2)
        (place / ".installed").touch()
    return place / "bin"


def column(tool: Tool, sources: dict[str, bytes], url: str) -> list[str]:
    """What a tool kept of these documents, a cell for each line of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        for path, content in sources.items():
            (folder / path).write_bytes(content)
        run = Run(folder, url, programs(tool))
        places = tool.run(run, list(sources))
        found = {path: folder / places[path] for path in sources if path in places}
        written = {path: file.read_bytes() for path, file in found.items() if file.is_file()}
    if not written:
        note("rivals", f"{tool.name} wrote nothing: {run.said[-1]}")
    codes = sorted(set(run.codes))
    same = sum(written.get(path) == content for path, content in sources.items())
    cells = [" ".join(map(str, codes)), f"{len(written)} of {len(sources)}", f"{same} of {len(sources)}"]
    for measure in MEASURES:
        counts = [kept(measure, content, written.get(path, b"")) for path, content in sources.items()]
        cells.append(f"{sum(one for one, _ in counts)} of {sum(of for _, of in counts)}")
    return [*cells, str(sum(leaked(sources[path], content) for path, content in written.items()))]


def main() -> None:
    """Run all tools over a folder, and print the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS
    sources = {path.name: path.read_bytes() for path in sorted(folder.glob("*.md"))}
    heads = [
        "exit code",
        "documents written",
        "documents byte for byte",
        *MEASURES,
        "placeholders left behind",
    ]
    columns: dict[str, list[str]] = {}
    with serve() as url:
        for tool in TOOLS:
            version = tool.packages[0].rpartition("==")[2] if tool.packages else _own_version()
            try:
                columns[f"{tool.name} {version}"] = column(tool, sources, url)
            except (subprocess.SubprocessError, OSError, StopIteration) as error:
                note("rivals", f"{tool.name} cannot be run here: {error}")
    print(f"| kept of {len(sources)} documents | {' | '.join(columns)} |")
    print("| --- " * (len(columns) + 1) + "|")
    for i, head in enumerate(heads):
        print(f"| {head} | {' | '.join(cells[i] for cells in columns.values())} |")


def _own_version() -> str:
    return importlib.metadata.version("pipeline-replay")


if __name__ == "__main__":
    main()
