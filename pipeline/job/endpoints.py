"""A model's endpoints: each with its name, its weight, and the model's settings for that endpoint.

This module sends nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pipeline.job.spec import Endpoint, Model


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is asked. `name` is the model's if there is one place, else it names the place, too."""

    name: str
    weight: float
    model: Model
    own: frozenset[str] = frozenset()
    """names of the limits that the endpoint sets itself"""


def places_of(name: str, model: Model) -> list[Place]:
    """The places of a model; one where the job names no endpoints."""
    if not model.endpoints:
        return [Place(name, 1.0, model)]
    hosts = [urlsplit(endpoint.base_url or model.base_url).netloc for endpoint in model.endpoints]
    hosts_twice = {host for host, count in Counter(hosts).items() if count > 1 or not host}
    places = []
    for i, (endpoint, host) in enumerate(zip(model.endpoints, hosts, strict=True), 1):
        said = f"{i}" if host in hosts_twice else host
        own = frozenset(endpoint.limits.model_fields_set)
        places.append(Place(f"{name}@{said}", float(endpoint.weight), _at(model, endpoint), own))
    return places


def _at(model: Model, endpoint: Endpoint) -> Model:
    given = {key: getattr(endpoint.limits, key) for key in endpoint.limits.model_fields_set}
    update = {
        "base_url": endpoint.base_url or model.base_url,
        "api_key_env": endpoint.api_key_env or model.api_key_env,
        "limits": model.limits.model_copy(update=given),
        "endpoints": (),
    }
    return model.model_copy(update=update)


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
