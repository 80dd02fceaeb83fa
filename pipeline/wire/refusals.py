"""What the refusals of servers mean: tables from a status, a code or a message to a kind, a fate and a cost.

A code counts before a message, and a message before the status. A server may quote a prompt in its message.
So patterns whose kind stops the run, or is asked again without being counted, match only where a message
begins, and the words of an overload count only with a status that stands for one.
This module does not know how a body is written (`error_bodies.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.core.domain import Billed, Fate
from pipeline.wire.error_bodies import Said

_STOP, _FAIL, _RETRY = Fate.STOP, Fate.FAIL, Fate.RETRY
_NO, _MAYBE = Billed.NO, Billed.MAYBE


class Verdict(NamedTuple):
    """What a refusal is, what happens then, and what it may have cost."""

    kind: str
    fate: Fate
    billed: Billed


_UNREADABLE = Verdict("unreadable", _RETRY, _MAYBE)  # another protocol than the one that was spoken
_REDIRECTED = Verdict("redirected", _STOP, _NO)
_BAD_REQUEST = Verdict("bad_request", _FAIL, _NO)
_SERVER_ERROR = Verdict("server_error", _RETRY, _MAYBE)
_TURNED_AWAY = Verdict("server_error", _RETRY, _NO)
_RATE_LIMITED = Verdict("rate_limited", _RETRY, _NO)
NO_ROOM = "no_room"
"""the kind of a refusal because a cheaper service tier is full: it says nothing of the account's rate"""
_NO_ROOM = Verdict(NO_ROOM, _RETRY, _NO)
_OUT_OF_QUOTA = Verdict("out_of_quota", _STOP, _NO)
_UNAUTHORIZED = Verdict("unauthorized", _STOP, _NO)
_FORBIDDEN = Verdict("forbidden", _STOP, _NO)
_NOT_FOUND = Verdict("not_found", _STOP, _NO)
_CONTEXT = Verdict("context_length", _FAIL, _NO)
_FILTERED = Verdict("filtered", _FAIL, _NO)
_NEVER_FITS = Verdict("too_large_for_limit", _FAIL, _NO)
_LATE = Verdict("timeout", _RETRY, _MAYBE)

_BY_STATUS = {
    401: _UNAUTHORIZED,
    402: _OUT_OF_QUOTA,
    403: _FORBIDDEN,
    404: _NOT_FOUND,
    407: Verdict("proxy_refused", Fate.STOP, _NO),
    408: Verdict("conflict", _RETRY, _NO),  # the request did not come in time, so nobody worked on it
    409: Verdict("conflict", _RETRY, _MAYBE),
    410: _NOT_FOUND,  # a model that was retired
    424: _SERVER_ERROR,  # a server behind this one failed (TGI, Azure)
    425: Verdict("conflict", _RETRY, _NO),
    429: _RATE_LIMITED,
    451: _FILTERED,  # StepFun; elsewhere a law, which does not change either
    460: Verdict("disconnected", _RETRY, _MAYBE),  # AWS: a proxy on the way hung up, the server may go on
    498: _NO_ROOM,  # Groq: flex tier capacity exceeded
    499: Verdict("disconnected", _RETRY, _MAYBE),  # nginx: the same as 460
    511: Verdict("not_an_api", _STOP, _MAYBE),  # a network that wants a sign-in
    521: _TURNED_AWAY,  # Cloudflare: the server takes no connection
    523: _TURNED_AWAY,  # Cloudflare: the server cannot be reached
    525: _TURNED_AWAY,  # Cloudflare: no TLS with the server
    526: _TURNED_AWAY,  # Cloudflare: the server's certificate is not valid
}  # not here, because the server may have worked: 502, 504, 520, 522, 524; 529 where no word says more


def _all(verdict: Verdict, *codes: str) -> dict[str, Verdict]:
    return dict.fromkeys(codes, verdict)


_BY_CODE = {  # exact words, for a status from 400 to 499
    **_all(
        _OUT_OF_QUOTA, "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
        "billing_not_active", "exceeded_current_quota_error", "insufficient_user_quota", "budget_exceeded",
        "Arrearage", "AllocationQuota.FreeTierOnly", "insufficient_balance", "1113",
    ),
    **_all(
        _RATE_LIMITED, "rate_limit_exceeded", "rate_limited", "rate_limit_error", "too_many_requests",
        "slow_down", "RESOURCE_EXHAUSTED", "Throttling", "Throttling.RateQuota",
        "Throttling.AllocationQuota", "ThrottlingException", "TooManyRequestsException",
        "1302", "1303", "1305",
    ),
    **_all(_NO_ROOM, "resource_unavailable", "service_tier_capacity_exceeded"),
    **_all(
        _CONTEXT, "context_length_exceeded", "string_above_max_length", "exceed_context_size_error",
        "context_window_exceeded", "tokens_limit_reached", "1261",
    ),
    **_all(
        _FILTERED, "content_filter", "content_policy_violation", "content_filtered", "invalid_prompt",
        "ResponsibleAIPolicyViolation", "data_inspection_failed", "DataInspectionFailed", "SAFETY",
        "PROHIBITED_CONTENT", "censorship_blocked", "1301",
    ),
    **_all(
        _NOT_FOUND, "model_not_found", "invalid_model", "unknown_model", "model_not_supported",
        "model_not_available", "model_decommissioned", "DeploymentNotFound", "ModelNotFound", "1211", "20012",
    ),
    **_all(
        _UNAUTHORIZED, "invalid_api_key", "InvalidApiKey", "API_KEY_INVALID", "auth_error",
        "authentication_error", "invalid_authentication_error", "token_not_found_in_db",
        "no_db_connection",  # LiteLLM, where it knows one key only
    ),
}  # fmt: skip
_OVERLOADED = frozenset({
    "overloaded_error", "server_overloaded", "overloaded", "engine_overloaded_error", "model_overloaded",
    "queue_full", "unavailable_error",
})  # fmt: skip
"""codes of a server that turned the request away, for a status from 500 on; llama.cpp has the last one"""

_BEFORE = r"(?:litellm\.\w+: *|\w*(?:Error|Exception): *|\{'error': '|/[\w/]+: *|error: *|\W)*+"
"""what gateways put before a message; it is taken whole, so that a long one takes no long time"""
_WRONG = frozenset({400, 404, 413, 422})  # statuses of a request that is wrong in itself


class _Pattern(NamedTuple):
    statuses: frozenset[int]
    verdict: Verdict
    words: re.Pattern[str]

    @classmethod
    def anywhere(cls, statuses: Iterable[int], verdict: Verdict, *words: str) -> _Pattern:
        return cls(frozenset(statuses), verdict, re.compile("|".join(words), re.IGNORECASE))

    @classmethod
    def first(cls, statuses: Iterable[int], verdict: Verdict, *words: str) -> _Pattern:
        """Where the message begins."""
        return cls.anywhere(statuses, verdict, rf"\A{_BEFORE}(?:{'|'.join(words)})")


_BY_MESSAGE = (
    _Pattern.anywhere(
        _WRONG | {500},
        _CONTEXT,
        r"maximum (?:context|prompt|model|input|sequence) length",  # vLLM, DeepSeek, OpenRouter, Groq, xAI
        r"litellm\.ContextWindowExceeded",
        r"exceeds? (?:the |this |model'?s? )*(?:available |maximum |allowed )*context",  # llama.cpp, Ollama
        r"exceeds the maximum number of tokens",  # Gemini
        r"exceeds the (?:maximum )?allowed length|longer than the (?:model's|maximum|context)",  # SGLang
        r"too large for model with",  # Mistral
        r"prompt is too long|exceeds? context limit",  # Anthropic, Fireworks
        r"Range of input length",  # DashScope
        r"exceed(?:s|ed)? (?:the )?model token limit",  # Moonshot
        r"reduce the length of (?:the|your) (?:messages|prompt|input)",  # OpenAI, Groq
        r"Current length is \d+ while limit is",  # Cerebras
        r"inputs` (?:tokens \+ `max_new_tokens` must be|must have less than)",  # TGI, Together
        r"too many tokens: (?:total|size limit)|sum of prompt length",  # Cohere, TensorRT-LLM
        r"max_tokens must be at least 1, got -",  # vLLM: what is left behind the prompt
        r"input is too long for|context window exceeds|context length of only",  # Bedrock, MiniMax, LM Studio
    ),
    _Pattern.first(
        _WRONG | {402, 403, 412, 429},
        _OUT_OF_QUOTA,
        r"insufficient (?:account )?balance|余额不足",  # DeepSeek, Zhipu
        r"your credit balance is too low",  # Anthropic
        r"account (?:\S+ )?(?:is )?suspended",  # Fireworks
        r"(?:ExceededBudget|budget has been exceeded)",  # LiteLLM
        r"access denied, please make sure your account",  # DashScope
        r"your (?:newly created )?team .{0,80}(?:has used all|doesn't have any) ",  # xAI
    ),
    _Pattern.first(
        _WRONG,
        _NOT_FOUND,
        r"(?:the )?(?:requested )?models?[ /]\S{1,200} (?:is |was |does |has |has been )?"
        r"(?:not (?:found|exist|supported)|deprecated|decommissioned)",  # vLLM, Ollama, Gemini, LM Studio, HF
        r"models? (?:does )?not (?:exist|found)|模型不存在",  # DeepSeek, DashScope, Fireworks, Zhipu
        r"invalid model(?: name| id)?(?::| passed| ['\"`])",  # LiteLLM, Mistral, Perplexity
        r"\S{1,200} is not a valid model id|unknown model\b",  # OpenRouter, GitHub
        r"not found the model|unable to access model",  # Moonshot, Together
        r"could not find (?:suitable|any) inference handler",  # llama-swap
    ),
    _Pattern.first(
        _WRONG,
        _UNAUTHORIZED,
        r"api[- _]?key (?:not valid|expired|is invalid)",  # Gemini
        r"(?:invalid|incorrect|no) api[- _]?key",  # DashScope, OpenAI
        r"authentication (?:error|fails)",  # LiteLLM, DeepSeek
    ),
    _Pattern.first(
        (400, 403, 422),
        _FILTERED,
        r"(?:the |your )?(?:input|output|request|prompt|content|response) (?:data )?"
        r"(?:was|is|violates|may|contains)[^.]{0,60}"
        r"(?:flagged|filter|policy|safety|guidelines|inappropriate|sensitive|unsafe|high risk)",
        r"\S*ContentPolicyViolation|系统检测到输入或生成内容",  # LiteLLM, Zhipu
    ),
    _Pattern.first(
        (*range(400, 500), 500, 502, 503, 529),
        _RATE_LIMITED,
        r"(?:\d{3} )?too many (?:concurrent )?requests",
        r"(?:\w+ ){0,2}rate[- ]?limit(?:s|ed)?(?:\W*\Z|\b.{0,40}(?:exceeded|reached|hit\b))",
        r"requests? rate (?:limit|increased)|(?:\w+ )?qps\b|slow ?down\b",  # DashScope, Baidu, AWS
        r"you exceeded your current quota",  # Gemini says so of a minute's limit
    ),
    _Pattern.anywhere((408,), _LATE, r"timed? ?out"),  # LiteLLM: the server behind it may still be working
    _Pattern.anywhere(
        (503, 529),
        _TURNED_AWAY,
        r"overloaded|(?:at|over) capacity|queue (?:is )?full|maximum pending requests",
        r"(?:server|service|system) (?:is )?(?:too )?busy|(?:currently )?loading model|currently loading",
        r"no healthy upstream|reset reason: (?:remote |local )?(?:connection failure|overflow)",  # Envoy
        r"no server is available to handle|no available server",  # HAProxy, Traefik
        r"failure to get a peer",  # Kong
        r"<center>(?:nginx|openresty|tengine)",  # its own page: a limit, and nothing was sent on
    ),
)
_FULL = re.compile(rf"{_BEFORE}(?:the )?(?:\w+ ){{0,2}}resources? (?:\w+ ){{0,2}}unavailable", re.IGNORECASE)
_IN_A_SUCCESS = {
    "rate_limited": 429,
    NO_ROOM: 429,
    "out_of_quota": 402,
    "unauthorized": 401,
    "not_found": 404,
}
"""the status that an error stands for, where a body names none"""


def judge(status: int, said: Said, text: str) -> Verdict:
    """What a refusal with this status means; `text` is the message, or the body where it is no JSON."""
    if status in (413, 429) and text.startswith("Request too large for"):  # its code is that of any other 429
        return _NEVER_FITS
    if status == 429 and _FULL.match(text):  # the same
        return _NO_ROOM
    verdict = _by_code(status, said.codes) or _by_message(status, text)
    if verdict is None:
        return _by_status(status)
    if status >= 500 and verdict not in (_TURNED_AWAY, _RATE_LIMITED):
        return verdict._replace(billed=_MAYBE)
    return verdict


def status_of(said: Said) -> int:
    """The status that an error in a success stands for: its own number, or else by its words; 0 for none."""
    if said.status:
        return said.status
    verdict = _by_code(400, said.codes) or _by_message(400, said.message)
    return _IN_A_SUCCESS.get(verdict.kind, 400) if verdict else 0


def _by_code(status: int, codes: Iterable[str]) -> Verdict | None:
    if status >= 500:
        return _TURNED_AWAY if not _OVERLOADED.isdisjoint(codes) else None
    known = (_BY_CODE[code] for code in codes if code in _BY_CODE)
    return next(known, None) if status >= 400 else None


def _by_message(status: int, text: str) -> Verdict | None:
    found = (row.verdict for row in _BY_MESSAGE if status in row.statuses and row.words.search(text))
    return next(found, None)


def _by_status(status: int) -> Verdict:
    if status < 300:
        return _UNREADABLE
    if status < 400:
        return _REDIRECTED
    return _BY_STATUS.get(status) or (_SERVER_ERROR if status >= 500 else _BAD_REQUEST)
