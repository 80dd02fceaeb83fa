"""Traces and metrics of a run for OpenTelemetry, by OTLP over HTTP; the OTEL_* variables say where to.

It is a second listener of the run's events. It gives on names of models and steps, kinds of faults, counts,
money and seconds: never a prompt, an answer, a key, a record's key or a server's words. Each request is a
trace of its own that links to the run's, so that a run of a million requests can be sampled. Whatever happens
to the receiver, the run goes on: spans wait in a bounded queue, threads of the SDK send them, and the end
waits for them a few seconds at most. This module does not know where the events come from.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from pipeline.core.domain import DOLLAR
from pipeline.core.errors import JobError
from pipeline.core.progress import Progress
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.spec import Job
from pipeline.journal.events import Events
from pipeline.system.packages import install_command
from pipeline.wire.words import KNOWN

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

PACKAGES = (
    "'opentelemetry-sdk>=1.38,<2' 'opentelemetry-exporter-otlp-proto-http>=1.38,<2'"  # the extra `otel`
)
PATIENCE = 5.0  # seconds that the end waits for what is not sent yet
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
}
"""presets, each with the convention's own name of the provider"""
_SECONDS = tuple(0.01 * 2**i for i in range(14))
_TOKENS = tuple(4**i for i in range(14))
"""the boundaries that the conventions advise"""


class Telemetry:
    """The events of one run as spans and metrics."""

    def __init__(self, job: Job, progress: Progress, traces: TracerProvider, metrics: MeterProvider) -> None:
        from opentelemetry import trace

        self._trace, self._traces, self._metrics = trace, traces, metrics
        self._events: Events
        described = [_described(name, model) for name, model in job.models.items()]
        self._models = {said["gen_ai.request.model"]: said for said in described}
        self._on: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "request.answered": self._answered,
            "request.failed": self._failed,
            "request.retried": self._retried,
        }
        self._tracer = traces.get_tracer("pipeline")
        self._run = self._tracer.start_span("pipeline run", attributes={"pipeline.job": job.name})
        self._links = [trace.Link(self._run.get_span_context())]
        self._instruments(metrics.get_meter("pipeline"), progress)

    def _instruments(self, meter: Meter, progress: Progress) -> None:
        self._requests = meter.create_counter("pipeline.requests", "{request}", "requests that ended")
        self._faults = meter.create_counter(
            "pipeline.faults", "{request}", "requests without an answer, by kind"
        )
        self._retries = meter.create_counter("pipeline.retries", "{request}", "requests that are sent again")
        self._cost = meter.create_counter("pipeline.cost", "{USD}", "dollars of the answers")
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=_TOKENS
        )
        for name, unit, look in (
            ("pipeline.rows", "{row}", lambda: [
                (state, getattr(progress, state)) for state in ("ok", "failed", "skipped")]),
            ("pipeline.requests.open", "{request}", lambda: [
                ("in_flight", progress.in_flight), ("waiting", progress.waiting)]),
        ):  # fmt: skip
            meter.create_observable_gauge(name, [_observing(look)], unit)

    def listening(self, events: Events) -> Events:
        """The events' own listener, with this one beside it."""
        self._events = events
        return self

    def info(self, event: str, **fields: Any) -> None:
        self._events.info(event, **fields)
        if event in self._on:
            self._on[event](fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._events.warning(event, **fields)
        if event in self._on:
            self._on[event](fields)

    def _answered(self, said: dict[str, Any]) -> None:
        about, cost, word = self._about(said), said["cost"], said["finish_reason"]
        own = {"pipeline.step": said["step"]}
        for kind in ("input", "output"):
            self._tokens.record(said[kind], {**about, "gen_ai.token.type": kind})
        if cost:
            self._cost.add(cost / DOLLAR, {**about, **own})
        ended = {
            "gen_ai.usage.input_tokens": said["input"],
            "gen_ai.usage.output_tokens": said["output"],
            "gen_ai.response.finish_reasons": (word if word in KNOWN else "other",),
            **({} if cost is None else {"pipeline.cost": cost / DOLLAR}),
        }
        self._over(said, {**about, **own}, ended, {**about})

    def _failed(self, said: dict[str, Any]) -> None:
        about, own = self._about(said), {"pipeline.step": said["step"]}
        failed = {"error.type": said["kind"]}
        self._faults.add(1, {**about, **own, **failed})
        ended = {**failed, "pipeline.fate": said["fate"], "pipeline.billed": said["billed"]}
        if said["status"]:
            ended["http.response.status_code"] = said["status"]
        self._over(said, {**about, **own}, ended, {**about, **failed})

    def _retried(self, said: dict[str, Any]) -> None:
        self._retries.add(1, {"pipeline.step": said["step"], "error.type": said["kind"]})

    def _about(self, said: dict[str, Any]) -> dict[str, Any]:
        asked = {"gen_ai.request.model": said["model"]}
        return self._models.get(said["model"].rpartition("/")[2], self._models.get(said["model"], {})) | asked

    def _over(
        self, said: dict[str, Any], about: dict[str, Any], ended: dict[str, Any], timed: dict[str, Any]
    ) -> None:
        """One request as a span that has ended, and in the metrics that count all of them."""
        failed, now = "error.type" in ended, time.time_ns()
        self._requests.add(1, {**about, "pipeline.outcome": "failed" if failed else "answered"})
        self._seconds.record(said["seconds"], timed)
        span = self._tracer.start_span(
            f"{about.get('gen_ai.operation.name', 'chat')} {said['model']}",
            context=self._trace.set_span_in_context(self._trace.INVALID_SPAN),
            kind=self._trace.SpanKind.CLIENT,
            attributes={**about, **ended, "pipeline.attempt": said["attempt"]},
            links=self._links,
            start_time=now - round(said["seconds"] * 1e9),
        )
        if failed:
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        span.end(now)

    async def ended(self, outcome: str, code: int) -> bool:
        """End the run's span, and send what waits; whether all of it has arrived, as far as is known."""
        self._run.set_attributes({"pipeline.outcome": outcome, "pipeline.exit_code": code})
        if code:
            self._run.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        self._run.end()
        thread = threading.Thread(target=self._shut, name="telemetry", daemon=True)
        thread.start()
        with anyio.move_on_after(PATIENCE):
            while thread.is_alive():  # noqa: ASYNC110 - it may hang, and nobody waits for it then
                await anyio.sleep(0.01)
        return not thread.is_alive() and not _complaints.heard

    def _shut(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown(PATIENCE * 1000)


class _Complaints(logging.Handler):
    """Takes what the SDK logs, which would break the screen; notes whether there was anything."""

    heard = False

    def emit(self, record: logging.LogRecord) -> None:
        """Note that something went wrong."""
        self.heard = True


_complaints = _Complaints(logging.WARNING)


def telemetry_of(job: Job, progress: Progress) -> Telemetry:
    """What sends by OTLP; `JobError` where the packages are missing."""
    if not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter")):
        hint = f"install the extra 'otel': {install_command(PACKAGES)}"
        raise JobError("OpenTelemetry is not installed", where="--otel", hint=hint)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logger = logging.getLogger("opentelemetry")
    logger.handlers, logger.propagate, _complaints.heard = [_complaints], False, False
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if named else {"service.name": "pipeline"})
    try:
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        metrics = MeterProvider([reader], resource, shutdown_on_exit=False)
    except ValueError:
        what = "an OTEL_* variable holds a value that cannot be used"
        raise JobError(what, where="--otel", hint="see docs/schedule.md") from None
    return Telemetry(job, progress, traces, metrics)


def _described(name: str, model: Model) -> dict[str, Any]:
    """A model in the words of the conventions for generative AI."""
    place = places_of(name, model)[0].model
    host = urlsplit(place.base_url).hostname
    operation = {"completions": "text_completion", "translation": "translate"}.get(model.api, "chat")
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(model.preset) or model.preset or model.provider,
        "gen_ai.request.model": model.model,
        **({"server.address": host} if host else {}),
    }


def _observing(
    look: Callable[[], list[tuple[str, int]]],
) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        from opentelemetry.metrics import Observation

        for state, count in look():
            yield Observation(count, {"pipeline.state": state})

    return observe
