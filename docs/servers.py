"""The page of servers, out of the presets; `docs/generate.py` writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from pipeline.wire.batching import Vendor, vendor_of, vendors
from pipeline.wire.presets import Preset, presets

HEAD = """\
# Servers

A job names a server that is known by its preset, and needs no address, no name of a variable, no page of
options:

```yaml
models:
  writer: {preset: groq, model: llama-3.3-70b-versatile}
```

The key is read from the environment (`export GROQ_API_KEY=…`). What the job file says itself wins over the
preset: `base_url`, `api_key_env`, `json_mode`, `limits`, `price`, `options`. Any other server that speaks
OpenAI's API works without a preset: `base_url` and, if it wants a key, `api_key_env`. `pipeline doctor JOB`
asks the server for its list of models, which costs nothing.

A preset's key goes to that server alone. For another `base_url` the job must name the variable itself
(`api_key_env`). Servers that you run yourself (LiteLLM, Ollama, …) may stand anywhere. With
[`--untrusted`](untrusted.md) the host and the key must be allowed, as always.

Headers of your own, and a proxy, are [options](job-file.md#headers-and-a-proxy) of any model. This page is
written by `python docs/generate.py` from `pipeline/wire/presets.toml`, which is read from the servers'
public documentation. It was not tried against each of them: what a server does with a new model may differ.

"""
BATCHES = """
## Lanes

`lane: flex` and `lane: batch` of a model need a server that has them. What is known of a server's batches
goes by its host. These numbers are read from the servers' public documentation, too, and each has its source.
For a server at another address, name the one that it is like (`options: {batch: openai}`), or say what is
different: `options: {batch: {most_requests: 5000, window: 24h, factor: 0.5, flex: true}}`. `pipeline doctor
JOB` asks the server of a model with `lane: batch` for its list of batches, which costs nothing.

"""
MEGABYTE = 1_000_000


def page() -> str:
    """The page about the presets, made of `presets.toml` and `batching.toml`."""
    head = ("server", "preset", "key variable", "what works", "lanes", "what the preset sets")
    known = presets()
    rows = (
        (
            one.title,
            f"`{name}`",
            f"`{one.key}`" if one.key else "none",
            one.works,
            _lanes_of(one),
            "; ".join(_set_by(one)),
        )
        for name, one in known.items()
    )
    parts = [HEAD, _table(head, rows), BATCHES, _of_batches()]
    for name, one in known.items():
        parts.append(f"\n## {one.title}\n\n```yaml\n{_example(name, one)}```\n\n{_wrapped(one.notes)}\n")
    return "".join(parts)


def _lanes_of(one: Preset) -> str:
    """The lanes that are known of a server; one that people run themselves may have more."""
    vendor = vendor_of(one.address or one.form)
    has = [lane for lane, there in (("flex", vendor.flex), ("batch", vendor.apis and vendor.hosts)) if there]
    return ", ".join(["sync", *has])


def _of_batches() -> str:
    head = ("server", "dialects", "requests", "megabytes", "window", "price", "results kept", "what to know")
    rows = [_known(one) for one in vendors().values()]
    return _table(head, iter(rows))


def _known(one: Vendor) -> tuple[str, ...]:
    name = f"[{one.name}]({one.source})" if one.source else "any other"
    if not one.apis:
        return (name, "none", *[""] * 5, one.note)
    kept = f"{one.retention} day{'s' * (one.retention > 1)}" if one.retention else ""
    late = "" if one.expires else ", then goes on"
    flex = "It also has the tier flex." if one.flex else ""
    return (
        name,
        ", ".join(one.apis),
        f"{one.most_requests:,}",
        f"{one.most_bytes // MEGABYTE:,}",
        f"{one.window}{late}",
        f"× {one.factor:g}",
        kept,
        " ".join(filter(None, (one.note, flex))),
    )


def _set_by(one: Preset) -> Iterator[str]:
    yield f"`base_url: {one.address}`" if one.address else f"nothing: give `base_url: {one.form}`"
    if one.key_header:
        yield f"the key in the header `{one.key_header}`"
    if one.json_mode:
        yield f"`json_mode: {one.json_mode}`"
    if one.concurrency:
        where = "on another machine, " if one.tells_slots else ""
        yield f"{where}`limits: {{concurrency: {one.concurrency}}}`"
    if one.free:
        yield "on this machine, a price of 0"


def _example(name: str, one: Preset) -> str:
    own = "" if one.address else f", base_url: {one.form}"
    return f"models:\n  writer: {{preset: {name}, model: {_yaml_word(one.model)}{own}}}\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _yaml_word(text: str) -> str:
    """A text as it stands in a line of YAML."""
    return f'"{text}"' if text.startswith("@") else text


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
