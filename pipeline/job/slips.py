"""The commonest slips in a job file, and the hint for each: tables, read from the top to the bottom.

What a parser says is never shown: it is looked up here. This module reads no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pipeline.core.suggest import nearest

_BRACES = re.compile(r"^\s*(?:- +)?([\w ]+): +(\{\{.*\}\}.*?)\s*$")
"""a key, and a text that begins with {{ and has no quotes"""
_QUOTES = "put the whole text in quotes"
_YAML = (
    # what the parser says, what the line is like, what is wrong, what to do
    ("", r"^[ ]*\t", "a line is indented with a tab", "indent with spaces: YAML allows no tabs there"),
    ("escape", r"\\", "a \\ in double quotes begins an escape", "use single quotes, or / instead of \\"),
    ("mapping values", r"^\s*(?:- +)?\w+: +[^\s{\[\"'].*: ", "a text with ': ' in it has no quotes", _QUOTES),
    ("mapping values|expected ':'", "", "a line does not fit to the one above it",
     "write each key as `key: value` with a blank, and the keys of one mapping below each other"),
    ("alias|anchor|alphabetic", r"[*&]", "a text begins with * or & and has no quotes", _QUOTES),
    ("comment or a line break", "", "there is text behind | or >", "begin the text in the next line"),
    ("cannot start any token", "", "a text begins with a sign that YAML keeps for itself", _QUOTES),
    ("'[]}]'|^key$", r"\{(?!\{).*\w: +[^\"',\[{}]*\{\{", "a text with {{ in it has no quotes",
     'put the whole text in quotes: {name: post, prompt: "About {{ title }}"}'),
    ("'[]}]'", "", "a { or [ is not closed, or a comma is missing", "close it, with commas between parts"),
    ("end of stream|quoted scalar", "", "a quote is opened, not closed", "close it at the end of the text"),
    ("another document", "", "the file has more than one document", "leave out the line ---"),
    ("<scalar>|block", r'".*\["', "a text in double quotes has double quotes in it",
     "use single quotes inside of it: {{ row['Product name'] }}"),
    ("<scalar>", "", "there is text behind a value", "put the whole value in quotes, or end it there"),
    ("block", "", "the indentation does not fit to the lines above",
     "indent the keys of one mapping, and the dashes of one list, by the same number of spaces"),
    ("^key$", "", "a key must be a plain word", 'a text that begins with {{ needs quotes: "{{ title }}"'),
    ("", "", "this cannot be read", "put texts with special characters in quotes"),
)  # fmt: skip
_MAIN = {
    "engine": ("kind", "ray"),
    "records": ("from", "products.csv"),
    "records.sample": ("n", 100),
    "models.*": ("model", "gpt-5-mini"),
    "models.*.fallback": ("model", "other"),
    "models.*.limits": ("rpm", 60),
    "models.*.params": ("temperature", 0.2),
    "steps.*.params": ("temperature", 0.2),
    "steps.*.checks": ("length", {"max": 600}),
    "steps.*.checks.length": ("max", 600),
    "steps.*.checks.regex": ("match", "^[A-Z]"),
    "steps.*.checks.original": ("of", ["{{ source }}"]),
    "steps.*.checks.hashtags": ("max", 3),
    "steps.*.checks.links": ("max", 1),
    "steps.*.checks.json_schema": ("title", "string"),
    "steps.*.checks.own": ("no_ads", {}),
    "steps.*.checks.soft": ("length", {"max": 600}),
    "steps.*.checks.judge.criteria": ("faithful", "Says nothing that is not given."),
    "steps.*.answer": ("json", {"title": "string", "tags": ["string"]}),
    "steps.*.answer.json": ("title", "string"),
    "steps.*.each": ("lang", ["en", "de"]),
    "steps.*.translate": ("text", "{{ description }}"),
    "output": ("to", "posts.csv"),
    "output.files": ("to", "posts"),
    "budget": ("cost", 20),
}
"""mappings that are often written as a single value: the key that was meant, and an example"""
_CHECKS = ("steps.*.checks", "steps.*.checks.soft")
_WORDS = {"steps.*.pick": "or a judge: pick: {judge: {model: critic}}"}
"""what may stand in the place of a word"""
_PARAMS = frozenset((
    "temperature", "top_p", "top_k", "seed", "stop", "max_tokens", "max_completion_tokens", "service_tier",
    "max_output_tokens", "frequency_penalty", "presence_penalty", "reasoning", "reasoning_effort", "logprobs",
))  # fmt: skip
_OTHER_PARAMS = frozenset((
    # of OpenAI
    "access_programs", "audio", "background", "background_options", "best_of", "context_management",
    "conversation", "echo", "function_call", "functions", "image", "include", "input", "instructions",
    "logit_bias", "max_tool_calls", "messages", "metadata", "modalities", "model", "moderation", "n",
    "parallel_tool_calls", "prediction", "previous_response_id", "prompt", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "response_format", "safety_identifier", "store",
    "stream", "stream_options", "suffix", "text", "tool_choice", "tools", "top_logprobs", "truncation",
    "user", "verbosity", "web_search_options",
    # of other servers
    "chat_template_kwargs", "length_penalty", "min_p", "min_tokens", "mirostat", "mirostat_eta",
    "mirostat_tau", "models", "n_predict", "num_ctx", "num_predict", "provider", "random_seed",
    "reasoning_format", "repeat_penalty", "repetition_penalty", "route", "safe_prompt", "search_options",
    "stop_token_ids", "thinking", "top_a", "top_n_sigma", "top_nsigma", "transforms", "typical_p",
))  # fmt: skip
_VERY_LIKE = 0.84
"""from this likeness (0 to 1) on, an unknown name is taken for a slip: servers have names of their own"""
_OPTIONS = ("headers", "proxy", "idle", "allow_http", "threads")
_COMMA = re.compile(r"(\d[\d.]{0,20}),(\d{1,20})")
_AMOUNT = re.compile(r"\$? ?(\d+(?:\.\d+)?) ?(?:\$|USD|dollars?)?", re.IGNORECASE)


def yaml_slip(problem: str, lines: Sequence[str], at: int) -> tuple[str, str]:
    """(what is wrong, what to do) for what the YAML parser says about the line number `at` (from 0)."""
    line = lines[at] if at < len(lines) else ""
    for near in (line, lines[at - 1] if 0 < at <= len(lines) else ""):
        if found := _BRACES.match(near):
            what = f'put it in quotes: {found[1]}: "{found[2]}"'
            return "a text that begins with {{ has no quotes", what if '"' not in found[2] else _QUOTES
    fits = (row for row in _YAML if re.search(row[0], problem) and re.search(row[1], line))
    return next(fits)[2:]


def comma_slip(text: str) -> str:
    """The hint for a number that is written with a comma; '' for all other texts."""
    found = _COMMA.fullmatch(text.strip())
    whole, part = (found[1].replace(".", ""), found[2]) if found else ("", "")
    if len(part) == 3:
        return f"write {whole}{part} without a comma; or, for a part of 1, {whole}.{part} with a point"
    return f"write {whole}.{part}, with a point" if found else ""


def mapping_slip(path: Sequence[str | int], value: Any) -> str:
    """The hint for a single value, or a list, where a mapping of keys is meant: what to write."""
    shown = _general(path)
    if shown == "steps.*":
        return f"write: - name: post, and below it prompt: {_flow(value if isinstance(value, str) else '…')}"
    if path[-1:] == ("json",) and isinstance(value, str):
        return "write the fields without quotes: json: {title: string}"
    if shown.startswith("steps.*.checks.") and shown not in _MAIN:
        return f"write {path[-1]}: true, or a mapping of its options; to switch a check off, leave it out"
    key, example = _MAIN.get(shown, ("key", "value"))
    if path[-1:] == ("json",) and isinstance(value, list):
        return f"name the fields with their types: json: {_flow(dict.fromkeys(map(str, value), 'string'))}"
    if len(path) == 2 and path[0] == "models" and path[1] in ("provider", "model", "base_url", "api"):
        return "give the model a name of your own: models: {writer: {model: gpt-5-mini}}"
    if shown == "models":
        return "give the model a name of your own: models: {writer: {model: " + _flow(value or "…") + "}}"
    if not isinstance(value, dict | list) and value is not None and not isinstance(example, dict | list):
        example = _meant(value, example)
    return f"write: {path[-1] if path else 'key'}: {_flow({key: example})}"


def word_slip(path: Sequence[str | int]) -> str:
    """The hint for a word that is none of those that are allowed; '' where nothing is known of it."""
    return _WORDS.get(_general(path), "")


def param_slip(name: str) -> str:
    """The hint for a parameter that looks like a known one and is none; '' for all others."""
    known = _PARAMS | _OTHER_PARAMS
    plain = re.sub("[- ]", "_", re.sub("(?<=[a-z])(?=[A-Z])", "_", name)).lower()  # maxTokens, top-p
    return "" if name in known else nearest(plain, sorted(known), _VERY_LIKE)


def set_slip(dotted: str, path: Sequence[str | int], value: Any) -> str:
    """The same for a value that --set gives."""
    key, example = _MAIN.get(_general(path), ("", None))
    return f"name the key in it: --set {dotted}.{key}={_flow(_meant(value, example))}" if key else ""


def _meant(value: Any, example: Any) -> Any:
    """The value as it was written; for an amount of money, or a number in quotes: the number alone."""
    if isinstance(value, bool):
        return example
    if isinstance(value, str) and isinstance(example, int | float):
        found = _AMOUNT.fullmatch(value.strip())
        number = float(found[1]) if found else example
        return int(number) if number == int(number) else number
    return value


def _general(path: Sequence[str | int]) -> str:
    """A path without the names that the user has chosen: models.writer.limits -> models.*.limits."""
    named = path[:1] in (("models",), ("steps",))
    return ".".join("*" if named and i == 1 else str(part) for i, part in enumerate(path))


def key_slip(key: str, path: Sequence[str | int], elsewhere: Sequence[str]) -> str:
    """The hint for a key that does not belong where it stands; '' where nothing is known of it."""
    if key == "model" and not path:
        return "models stand under `models`, each with a name of your own: models: {writer: {model: …}}"
    if key in _PARAMS and path and path[0] in ("models", "steps"):
        return f"it is sent to the model, so it stands under params: params: {{{key}: …}}"
    if key in _OPTIONS and path and path[0] == "models":
        return f"it belongs under options: options: {{{key}: …}}"
    if _general(path) == "steps.*.answer":
        return f"the fields of an answer stand under json: answer: {{json: {{{key}: …}}}}"
    if not {"steps", "steps.checks"} & {*elsewhere} and _general(path) in _CHECKS:
        return f"write a check (`pipeline kinds` lists them), or a field as its column is spelled: STEP.{key}"
    places = list(dict.fromkeys(elsewhere))[:2]
    return f"it belongs under {' or '.join(places)}" if places else ""


def _flow(value: Any) -> str:
    """A value as one writes it in YAML, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if re.fullmatch(r"[\w./-]+|…", text) else f'"{text}"'
