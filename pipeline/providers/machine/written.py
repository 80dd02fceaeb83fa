"""Texts written by Transformers, several at once, each row with its own settings and its own chance.

Transformers' `generate` does the arithmetic, the cache and the padding. It is told to take the likeliest
token; what is likeliest is decided here, row by row, so that rows with different settings fit into one batch.
A seed draws the same numbers each time, but rounding differs with the size of a batch, so texts may differ.
This module does not know HTTP.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MANY = 10**9


class NoRoom(Exception):
    """A prompt that leaves no room for an answer."""


@dataclass
class Row:
    """A text to be written, and what became of it."""

    prompt: list[int]
    most: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    penalty: float
    stops: list[str]
    chance: Any
    taken: int = 0
    """tokens that it has, with the one that ended it"""
    text: str = ""
    finish: str = "length"
    done: bool = field(default=False, repr=False)


class Loaded:
    """The weights in memory. One thread at a time may write."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(settings["threads"])
        place, more = settings["path"], {}
        if settings["gguf"]:
            place, name = os.path.split(place)
            more = {"gguf_file": name}
        self._tokenizer = AutoTokenizer.from_pretrained(place, **more)
        model = AutoModelForCausalLM.from_pretrained(place, dtype="auto", **more)
        self._model = model.to(_device()).eval()
        own = getattr(model.config.get_text_config(), "max_position_embeddings", None) or MANY
        self._context = min(settings["context"], own)
        defaults = model.generation_config
        self._defaults = {
            "temperature": defaults.temperature or 1.0,
            "top_p": defaults.top_p or 1.0,
            "top_k": defaults.top_k or 0,
            "min_p": defaults.min_p or 0.0,
            "repetition_penalty": defaults.repetition_penalty or 1.0,
        }
        ends = {self._tokenizer.eos_token_id}
        named = defaults.eos_token_id
        ends.update(named if isinstance(named, list) else [named])
        self._ends = ends - {None}
        pad = self._tokenizer.pad_token_id
        self._pad = next(iter(self._ends), 0) if pad is None else pad

    def prompt(self, messages: list[dict[str, Any]]) -> list[int]:
        """The tokens of a conversation, by the model's own template."""
        if not self._tokenizer.chat_template:
            raise ValueError("it has none: it is a base model, which is asked with api: completions")
        text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return self.tokens(text, special=False)

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """The tokens of a text, with those that the tokenizer puts around one if `special`."""
        ids: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids

    def row(self, prompt: list[int], body: Mapping[str, Any], number: int) -> Row:
        """A row for the answer with this number to a body. Raises `NoRoom`."""
        import torch

        room = self._context - len(prompt)
        if room < 1:
            said = f"the prompt has {len(prompt)} tokens, and the context {self._context}, with the answer"
            raise NoRoom(f"{said}: shorten it, or raise options.context")
        wanted = body.get("max_completion_tokens") or body.get("max_tokens") or MANY
        given = self._defaults | {key: value for key, value in body.items() if value is not None}
        stop = body.get("stop") or []
        chance, seed = torch.Generator(), body.get("seed")
        if seed is None:
            chance.seed()
        else:
            chance.manual_seed((seed + number) % 2**63)
        return Row(
            prompt,
            min(room, wanted),
            float(given["temperature"]),
            float(given["top_p"]),
            int(given["top_k"]),
            float(given["min_p"]),
            float(given["repetition_penalty"]),
            [stop] if isinstance(stop, str) else list(stop),
            chance,
        )

    def write(self, rows: list[Row]) -> None:
        """Write all rows. Raises `MemoryError` where there is too little memory for so many."""
        import torch

        width = max(len(row.prompt) for row in rows)
        padded = [[self._pad] * (width - len(row.prompt)) + row.prompt for row in rows]
        masked = [[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in rows]
        device = self._model.device
        try:
            with torch.inference_mode():
                written = self._model.generate(
                    input_ids=torch.tensor(padded, device=device),
                    attention_mask=torch.tensor(masked, device=device),
                    max_new_tokens=max(row.most for row in rows),
                    do_sample=False,
                    repetition_penalty=1.0,
                    pad_token_id=self._pad,
                    eos_token_id=sorted(self._ends) or None,
                    logits_processor=[_Choice(rows, width)],
                    stopping_criteria=[_End(rows, width, self._tokenizer)],
                )
        except RuntimeError as error:
            if "memory" in str(error):
                raise MemoryError from None
            raise
        for row, ids in zip(rows, written[:, width:].tolist(), strict=True):
            self._read(row, ids)

    def _read(self, row: Row, ids: list[int]) -> None:
        """What came of a row: its text up to where it ended, and why it ended there."""
        ids = ids[: row.taken or len(ids)]
        end = next((i for i, one in enumerate(ids) if one in self._ends), None)
        row.taken = len(ids) if end is None else end + 1
        text = self._tokenizer.decode(ids[: row.taken], skip_special_tokens=True)
        cuts = [at for stop in row.stops if (at := text.find(stop)) >= 0]
        row.text = text[: min(cuts)] if cuts else text
        row.finish = "stop" if cuts or end is not None else "length"


class _Choice:
    """Leaves one token of each row possible: the one that is drawn for it."""

    def __init__(self, rows: list[Row], width: int) -> None:
        self._rows, self._width = rows, width

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        chosen = torch.full_like(scores, float("-inf"))
        for i, row in enumerate(self._rows):
            begin = self._width - len(row.prompt)
            chosen[i, 0 if row.done else _drawn(row, input_ids[i, begin:], scores[i])] = 0.0
        return chosen


def _drawn(row: Row, so_far: Any, scores: Any) -> int:
    """The next token of a row."""
    import torch

    scores = scores.float().cpu()
    if row.penalty != 1.0:
        seen = so_far.cpu().unique()
        old = scores[seen]
        scores[seen] = torch.where(old < 0, old * row.penalty, old / row.penalty)
    if row.temperature <= 0:
        return int(scores.argmax())
    chances, order = torch.softmax(scores / row.temperature, -1).sort(descending=True)
    keep = chances >= row.min_p * chances[0]
    keep &= chances.cumsum(-1) - chances < row.top_p
    if row.top_k > 0:
        keep[row.top_k :] = False
    keep[0] = True
    return int(order[torch.multinomial(chances * keep, 1, generator=row.chance)])


class _End:
    """Ends each row where it has all its tokens, or one of its stop texts."""

    def __init__(self, rows: list[Row], width: int, tokenizer: Any) -> None:
        self._rows, self._width, self._tokenizer = rows, width, tokenizer

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        count = input_ids.shape[1] - self._width
        for row, ids in zip(self._rows, input_ids, strict=True):
            if not row.done and (count >= row.most or self._has_stop(row, ids[self._width :])):
                row.done, row.taken = True, count
        return torch.tensor([row.done for row in self._rows], device=input_ids.device)

    def _has_stop(self, row: Row, ids: Any) -> bool:
        if not row.stops:
            return False
        last = 4 * max(map(len, row.stops)) + 4  # a character has at most four tokens
        text = self._tokenizer.decode(ids[-last:], skip_special_tokens=True)
        return any(stop in text for stop in row.stops)


def _device() -> str:
    """Where the model is computed."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
