"""Telemetry says how a run goes, in the words of the conventions: nothing of its texts, and at no cost."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from pipeline import api
from pipeline.core.errors import RunStopped
from pipeline.core.progress import Progress
from pipeline.job.load import load
from pipeline.job.spec import Job
from pipeline.runs.ending import ending
from pipeline.runs.ending import telemetry as module
from pipeline.runs.ending.telemetry import Telemetry
from pipeline.runs.state import Wish
from pipeline.testing import Rule, Script
from tests.support.project import KEY, Project
from tests.support.receiver import Receiver, receiver
from tests.support.served import served
from tests.support.server import serve

RECORDS = "sku,title\nkey-of-a,tea\nkey-of-b,lamp\nkey-of-c,mug\n"
SECRETS = ("lamp", "key-of", "Write about", "words of the server", KEY)
RULES = [
    Rule(first=1, fault="server_error", message="words of the server"),
    Rule(match="lamp", fault="bad_request", message="lamp: words of the server"),
]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> tuple[InMemorySpanExporter, InMemoryMetricReader]:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    monkeypatch.setattr(reader, "shutdown", lambda **_: None)

    def made(job: Job, progress: Progress) -> Telemetry:
        traces = TracerProvider(shutdown_on_exit=False)
        traces.add_span_processor(SimpleSpanProcessor(spans))
        return Telemetry(job, progress, traces, MeterProvider([reader], shutdown_on_exit=False))

    monkeypatch.setattr(ending, "telemetry_of", made)
    return spans, reader


def points(data: Any) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """The points of all metrics by name."""
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    return {
        metric.name: [(dict(point.attributes), point) for point in metric.data.data_points]
        for scope in scopes
        for metric in scope.metrics
    }


def test_a_run_is_told_in_the_words_of_the_conventions(
    project: Project, memory: tuple[InMemorySpanExporter, InMemoryMetricReader]
) -> None:
    spans, reader = memory
    with serve(Script(faults=RULES)) as server:
        job = load(project.job(models=served(server.base_url, api_key_env=""), records=RECORDS))
        result = api.run(job, wish=Wish(otel=True))
    metrics = points(reader.get_metrics_data())
    (run,) = (span for span in spans.get_finished_spans() if span.name == "pipeline run")
    requests = [span for span in spans.get_finished_spans() if span is not run]
    assert dict(run.attributes or {}) == {
        "pipeline.job": "shop", "pipeline.outcome": "finished", "pipeline.exit_code": 3}  # fmt: skip
    assert len(requests) == result.sent and (result.ok, result.failed) == (2, 1)
    for span in requests:
        assert span.name == "chat m" and span.parent is None and span.kind.name == "CLIENT"
        assert [link.context for link in span.links] == [run.context]
        assert span.end_time is not None and span.start_time is not None and span.end_time >= span.start_time
    said = [dict(span.attributes or {}) for span in requests]
    answered = [one for one in said if "error.type" not in one]
    assert (
        len(answered) == 2
        and sum(one["gen_ai.usage.output_tokens"] for one in answered) == result.output_tokens
    )
    assert all(
        one["server.address"] == "127.0.0.1" and one["gen_ai.provider.name"] == "openai" for one in said
    )
    faults = {one["error.type"]: one for one in said if "error.type" in one}
    assert faults.keys() == {"server_error", "bad_request"}
    assert faults["bad_request"]["http.response.status_code"] == 400
    assert max(one["pipeline.attempt"] for one in said) == 2
    assert result.cost == pytest.approx(sum(one["pipeline.cost"] for one in answered))
    assert sum(point.value for _, point in metrics["pipeline.requests"]) == result.sent
    assert {one["error.type"]: point.value for one, point in metrics["pipeline.faults"]} == {
        "server_error": 1, "bad_request": 1}  # fmt: skip
    assert sum(point.value for _, point in metrics["pipeline.cost"]) == pytest.approx(result.cost)
    rows = {one["pipeline.state"]: point.value for one, point in metrics["pipeline.rows"]}
    assert (rows["ok"], rows["failed"]) == (2, 1)
    assert all(point.value == 0 for _, point in metrics["pipeline.requests.open"])
    tokens = {one["gen_ai.token.type"]: point.sum for one, point in metrics["gen_ai.client.token.usage"]}
    assert tokens == {"input": result.input_tokens, "output": result.output_tokens}
    assert sum(point.count for _, point in metrics["gen_ai.client.operation.duration"]) == result.sent
    known = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    known |= {value for value in vars(gen_ai_metrics).values() if isinstance(value, str)}
    names = {name for one in said for name in one} | metrics.keys()
    names |= {name for values in metrics.values() for one, _ in values for name in one}
    assert {name for name in names if name.startswith("gen_ai.")} <= known
    told = " ".join(span.to_json() for span in spans.get_finished_spans()) + str(metrics)
    assert not [secret for secret in SECRETS if secret in told]


def test_an_error_ends_the_span_too(
    project: Project, memory: tuple[InMemorySpanExporter, InMemoryMetricReader]
) -> None:
    with serve(Script(faults=[Rule(first=9, fault="not_found")])) as server:
        job = load(project.job(models=served(server.base_url, api_key_env="")))
        with pytest.raises(RunStopped):
            api.run(job, wish=Wish(otel=True))
    (run,) = (span for span in memory[0].get_finished_spans() if span.name == "pipeline run")
    assert (
        dict(run.attributes or {})["pipeline.outcome"] == "stopped" and run.status.status_code.name == "ERROR"
    )


def unpacked(ear: Receiver, path: str) -> list[bytes]:
    bodies = [(headers, body) for at, headers, body in ear.got if at == path]
    return [gzip.decompress(b) if h.get("content-encoding") == "gzip" else b for h, b in bodies]


def test_the_variables_say_where_it_goes(project: Project) -> None:
    with receiver() as ear, serve(Script(faults=RULES)) as server:
        project.job(models=served(server.base_url), records=RECORDS)
        done = project.run(
            "run", "job.yaml", "--otel", "--json",
            OTEL_EXPORTER_OTLP_ENDPOINT=ear.address, OTEL_EXPORTER_OTLP_HEADERS="x-own=secret-of-mine",
            OTEL_SERVICE_NAME="texts",
        )  # fmt: skip
    assert done.returncode == 3 and "at the end" not in done.stderr
    assert "secret-of-mine" not in done.stdout + done.stderr
    assert all(headers["x-own"] == "secret-of-mine" for _, headers, _ in ear.got)
    traces = [ExportTraceServiceRequest.FromString(body) for body in unpacked(ear, "/v1/traces")]
    metrics = [ExportMetricsServiceRequest.FromString(body) for body in unpacked(ear, "/v1/metrics")]
    spans = [
        span
        for one in traces
        for resource in one.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert len(spans) == json.loads(done.stdout)["sent"] + 1
    names = {a.value.string_value for one in traces for r in one.resource_spans for a in r.resource.attributes
             if a.key == "service.name"}  # fmt: skip
    assert names == {"texts"}
    assert "pipeline.rows" in str(metrics[-1])
    assert not [secret for secret in SECRETS if secret in str(traces) + str(metrics)]


@pytest.mark.parametrize("how", ["nobody is there", "it hangs", "it refuses"])
def test_a_receiver_that_is_down_neither_slows_nor_ends_a_run(
    how: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    with receiver(400, hangs=30 if how == "it hangs" else 0) as ear:
        address = "http://127.0.0.1:9" if how == "nobody is there" else ear.address
        project.job(records=Project.numbered(300))
        began = time.monotonic()
        done = project.run(
            "run", "job.yaml", "--otel", "--json", OTEL_EXPORTER_OTLP_ENDPOINT=address,
            OTEL_BSP_MAX_QUEUE_SIZE="64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="32",
        )  # fmt: skip
        seconds = time.monotonic() - began
    assert done.returncode == 0 and json.loads(done.stdout)["ok"] == 300
    assert seconds < 15
    assert done.stderr.count("at the end: OpenTelemetry: not all of it could be sent") == 1
    assert "Traceback" not in done.stderr and "opentelemetry" not in done.stderr


def test_without_the_packages_it_says_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    project.job()
    done = project.run("run", "job.yaml", "--otel")
    assert done.returncode == 2 and "the extra 'otel'" in done.stderr
