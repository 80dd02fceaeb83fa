"""The models of a job file: who serves them, what they may be asked, what they cost.

This module does not read files and does not know what any adapter does with its settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PrivateAttr, StrictInt

from pipeline.job.fields import (
    Address,
    Concurrency,
    Hours,
    Identifier,
    JsonMode,
    Number,
    Params,
    PresetName,
    Spec,
    Variable,
)

Lane: TypeAlias = Literal["sync", "flex", "batch", "cheapest"]
PATIENCE = 900.0  # seconds for one request in the tier flex, where the job says nothing
MOST_AUTO = 1024  # the most requests under way that `concurrency: auto` tries


class Limits(Spec):
    """What one account may ask a model, and how patient a run is with it."""

    rpm: StrictInt | None = Field(
        None,
        ge=1,
        le=10**12,
        description="requests a minute; default: taken from the server's headers, or found from its refusals",
    )
    tpm: StrictInt | None = Field(
        None, ge=1, le=10**12, description="tokens a minute, prompt and answer together"
    )
    rpd: StrictInt | None = Field(None, ge=1, le=10**12, description="requests in any 24 hours")
    concurrency: Concurrency | None = Field(
        None,
        description="requests in flight at once; auto finds a good number, and is the default for servers",
    )
    hours: Hours | None = Field(None, description='when requests may be sent, local time: "22:00-06:00"')
    retries: StrictInt = Field(
        8, ge=0, le=100, description="retries after faults that certainly cost nothing; 429 is not counted"
    )
    maybe_billed_retries: StrictInt = Field(
        2, ge=0, le=100, description="retries after faults that may have been billed: 5xx, lost replies"
    )
    timeout: Number = Field(
        300,
        gt=0,
        le=86_400,
        description="seconds for one request and its whole answer; for flex 900 by default",
    )
    outage: Number = Field(
        600,
        gt=0,
        le=604_800,
        description="after so many seconds without any answer a run stops, and can go on later; with `--by`, "
        "batches are waited for until its risk buffer begins",
    )

    @property
    def most_at_once(self) -> int:
        """The most requests that can be under way."""
        return self.concurrency if isinstance(self.concurrency, int) else MOST_AUTO


class Price(Spec):
    """Dollars per million tokens, where the built-in list does not know the model or knows it wrongly."""

    input: Number = Field(ge=0)
    output: Number = Field(ge=0)
    cached: Number | None = Field(None, ge=0, description="prompt tokens that the server had in its cache")
    cache_write: Number | None = Field(
        None, ge=0, description="prompt tokens that the server put into its cache"
    )
    tiers: dict[str, Annotated[Number, Field(ge=0)]] = Field(
        {}, description="factors of service tiers: {priority: 2}; flex and batch are 0.5"
    )


class Endpoint(Spec):
    """One of several places, or accounts, that serve the same model."""

    base_url: Address = Field("", description="default: the model's own")
    api_key_env: Variable = Field("", description="default: the model's own")
    weight: Number = Field(
        1, gt=0, le=1000, description="its share of the requests, relative to the other endpoints"
    )
    limits: Limits = Field(Limits(), description="these take precedence over the model's own limits")


class Fallback(Spec):
    """Another model for requests that come to nothing with this one."""

    model: Identifier = Field(description="one of the models")
    after: StrictInt | None = Field(
        None, ge=1, le=100, description="after how many failed tries; default: when all retries are used up"
    )


class Model(Spec):
    """A model and the endpoint that serves it."""

    provider: str = Field("openai", description="openai (any compatible endpoint), embedded, scripted, …")
    preset: PresetName = Field("", description="a server known by name: its address, its key's variable")
    model: str = Field("", description="the model's name, as the endpoint knows it")
    api: Literal["", "chat", "responses", "completions", "translation"] = Field(
        "", description="the endpoint's dialect; default: the provider's first one"
    )
    base_url: Address = Field("", description="the endpoint's address, including /v1; no password")
    api_key_env: Variable = Field("", description="the NAME of the environment variable that holds the key")
    json_mode: JsonMode = Field("", description="schema, or object: any JSON, for servers without schemas")
    endpoints: tuple[Endpoint, ...] = Field((), description="several endpoints or keys for this model")
    fallback: Fallback | None = Field(None, description="another model for requests that fail with this one")
    lane: Lane = Field(
        "sync",
        description="sync, flex (half price, slower), batch (half price, within hours), or cheapest",
    )
    params: Params = Field({}, description="sent with every request: temperature, stop, seed, …")
    limits: Limits = Field(Limits(), description="rates, concurrency, retries, timeout")
    price: Price | None = Field(
        None, description="dollars per million tokens; takes precedence over the built-in list"
    )
    options: dict[str, Any] = Field({}, description="settings of the provider itself")
    _beside: Path = PrivateAttr(Path())

    @property
    def patience(self) -> float:
        """Seconds for one request in the tier flex: more than for others, unless the job says how many."""
        said = "timeout" in self.limits.model_fields_set
        return self.limits.timeout if said else max(PATIENCE, self.limits.timeout)

    @property
    def beside(self) -> Path:
        """The folder of the job file, at which a relative path begins."""
        return self._beside
