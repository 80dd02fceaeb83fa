"""The words of servers, as tables: how an answer ended, where reasoning stands, how an error is told.

Whoever meets a new server adds a word here and a line in `tests/corpus/replies`. There is no code that knows
a server. This module does not know what a reply looks like.
"""

from __future__ import annotations

from typing import Any

STOP, LENGTH, FILTERED, REFUSED = "stop", "length", "content_filter", "refusal"
CALLED = "tool_calls"  # the model wanted something else than to answer: a tool, or a pause
SERVER_FAULT = "server_fault"  # the server broke the answer off through no fault of the request
MALFORMED = "malformed"  # the server did not take the model's JSON, and says what the model wrote

_FINISH = {
    STOP: """stop stopped eos eos_token eos_found end end_of_text end_turn end_token end_id endoftext finish
        finished complete completed final normal done success stop_sequence stop_sequence_reached
        stop_string_found stop_str stop_token stop_word stop_words word eot end_of_turn endturn endtoken
        </s> no_error""",
    LENGTH: """length limit max_tokens max_token max_length max_len max_output max_output_tokens
        max_new_tokens max_completion_tokens maximum_tokens max_tokens_reached max_predicted_tokens_reached
        max_context model_length model_context_window_exceeded context context_length context_length_reached
        context_length_exceeded context_window_exceeded length_limit token_limit error_limit time_limit
        truncated truncated_final incomplete not_finished""",
    FILTERED: """content_filter content_filtered content_filter_triggered filtered filter safety sensitive
        recitation blocklist blacklist prohibited_content spii language model_armor image_safety
        image_prohibited_content image_recitation guardrail_intervened guardrails error_toxic toxic
        moderation violation""",
    REFUSED: "refusal refused",
    CALLED: """tool_calls tool_call tool_use function_call function_calls pause_turn malformed_function_call
        malformed_tool_use unexpected_tool_call too_many_tool_calls""",
    SERVER_FAULT: """error errored fault failed failure abort aborted cancel canceled cancelled user_cancel
        user_stopped timeout timed_out network_error server_error internal_error insufficient_system_resource
        in_progress queued load unload model_unloaded engine_error malformed_model_output malformed_response
        other unspecified preempted""",
    MALFORMED: "malformed",
}
"""our word -> the words of OpenAI, Azure, Anthropic, Bedrock, Gemini, Mistral, Cohere, AI21, TGI, vLLM,
SGLang, TensorRT-LLM, llama.cpp, Ollama, LM Studio, DeepSeek, DashScope, Zhipu, MiniMax, Hunyuan, Baidu,
Aleph Alpha, Yandex, GigaChat, xAI, watsonx and OpenRouter, without capitals"""
_OURS = {word: ours for ours, words in _FINISH.items() for word in words.split()}
_STEMS = (
    (FILTERED, "filter blocked guardrail prohibit policy violat safety unsafe moderat censor banned toxic"),
    (REFUSED, "refus declined"),
    (SERVER_FAULT, "rate_limit quota overload"),
    (LENGTH, "limit length max_ exceed exhaust budget incomplete unfinished truncat capped too_long"),
    (SERVER_FAULT, "error fail interrupt disconnect abort cancel timeout timed_out unavailable crash"),
)
"""our word -> parts of words that mean it, for a word that is not in the table; the first that fits counts"""
_NEGATED = ("no_", "not_", "non_")
_PREFIXES = ("finish_reason_", "finishreason.", "stop_reason_", "reason_", "alternative_status_")
KNOWN = frozenset(_FINISH)

REASONING = ("reasoning_content", "reasoning", "thinking")
"""the fields of a message that hold reasoning; the first that says something counts"""
REASONING_PARTS = ("reasoning", "think", "thought", "summary_text")
"""what stands in the type of a part, or of Responses' items, that holds reasoning: `redacted_thinking`"""

BLOCKS = {
    "<think>": "</think>",  # DeepSeek, Qwen, GLM, MiniMax, Nemotron
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # EXAONE, Gemini
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "<mm:think>": "</mm:think>",
    "<longcat_think>": "</longcat_think>",
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<|begin_of_thought|>": "<|end_of_thought|>",  # Sky-T1, OpenThinker
    "<|start_thinking|>": "<|end_thinking|>",  # Cohere
    "<|channel>thought": "<channel|>",  # Gemma
    "<unused94>thought": "<unused95>",  # MedGemma
}
"""what opens reasoning at the start of a text, and what closes it; without capitals"""
SOFT_BLOCKS = {
    '<details type="reasoning"': "</details>",  # Open WebUI
    "<reflection>": "</reflection>",
    "<scratchpad>": "</scratchpad>",
    "<|think|>": "<|end|><|begin|>assistant<|content|>",  # Solar Open
    "here are my reasoning steps:": "[begin final response]",  # Apriel
    "here is my thought process:": "here is my response:",  # Granite 3.2
}
"""the same, but only where the block ends and an answer follows: a prompt may ask for such a text"""
SOFT_NAMES = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "monologue",
    "scratchpad",
    "antthinking",
)
"""words in the name of a tag that is such a block too: `<inner_monologue>`, `<think_fast>`"""
ROLE_TOKENS = (
    "\ufeff", "<|im_start|>assistant", "<|start_header_id|>assistant<|end_header_id|>", "<|assistant|>",
    "<|start_of_role|>assistant<|end_of_role|>", "<start_of_turn>model", "<｜assistant｜>",
    "<role>assistant</role>", "\u200b",
)  # fmt: skip
"""what may stand before such a block: the end of the prompt, which a server should have taken off"""
WRAPPERS = {
    "<|begin_of_solution|>": "<|end_of_solution|>",
    "<|start_response|>": "<|end_response|>",
    "<|begin_of_box|>": "<|end_of_box|>",  # GLM
    "<answer>": "</answer>",  # Hunyuan
    "<response>": "</response>",  # Granite, ERNIE
}
"""what stands around the answer behind such a block, or around all of it where it is a special token"""
END_TOKENS = (
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<|return|>",
    "<|eos|>", "<|im_start|>", "<|user|>", "<|observation|>", "<|end_of_turn|>", "<end_of_turn>",
    "<start_of_turn>", "<eos>", "</s>", "[/INST]", "[EOS]", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>",
    "<|END_RESPONSE|>", "<|box_end|>", "<|end_of_box|>", "<|role_end|>", "[END FINAL RESPONSE]",
    "\ufeff", "\x00",
)  # fmt: skip
"""tokens that a server should have taken off the end of an answer"""

MALFORMED_CODES = ("json_validate_failed", "tool_use_failed", "output_parse_failed")
"""codes of an error that says: the model's answer was not the JSON that was asked for"""
MALFORMED_WORDS = (
    "failed to generate json",
    "failed to validate json",
    "failed to parse tool call arguments",
)
"""how the message of such an error begins"""


def finish_of(said: Any) -> str:
    """Our word for how an answer ended; the server's own if it is not known, 'stop' if there is none."""
    if isinstance(said, dict):  # SGLang's own form
        said = said.get("type") or said.get("reason")
    if not said:
        return STOP
    word = str(said)
    if ours := _OURS.get(word):
        return ours
    plain = word.partition(":")[0].strip().lower().replace("-", "_").replace(" ", "_")
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return _OURS.get(plain) or _OURS.get(_snake(word)) or _like(f"{plain[:80]} {_snake(word)}") or word


def _like(words: str) -> str:
    """Our word for one that is not in the table, by a part of it: `token_limit_reached`; else ''."""
    if words.startswith(_NEGATED):
        return ""
    return next((ours for ours, stems in _STEMS if any(stem in words for stem in stems.split())), "")


def _snake(word: str) -> str:
    """`maxTokensReached` -> `max_tokens_reached`: LM Studio's words."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in word[:80]).lstrip("_")
