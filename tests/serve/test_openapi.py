from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from .serving import Server

ROUTES = (
    *("POST /documents", "POST /queries", "POST /encode", "POST /embed_sparse", "POST /explain"),
    *("POST /native/documents", "POST /native/queries"),
    *("GET /info", "GET /prior", "GET /health", "GET /ready", "GET /metrics"),
)
NEVER_GOOD = {"/prior", "/native/documents", "/native/queries"}
"""Of a model without a prior, and of a server that knows no cluster."""


CASES = [(route, GenerationMode.POSITIVE) for route in ROUTES] + [
    (route, GenerationMode.NEGATIVE) for route in ROUTES if route.startswith("POST ")
]


@pytest.fixture(scope="module")
def described(server: Server) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(server.url + "/openapi.json")


def test_every_route_is_described(described: schemathesis.BaseSchema) -> None:
    found = [found.ok() for found in described.get_all_operations()]
    assert {f"{one.method.upper()} {one.path}" for one in found} == set(ROUTES)


@pytest.mark.parametrize(("route", "mode"), CASES)
def test_the_server_answers_as_it_is_described(
    described: schemathesis.BaseSchema, route: str, mode: GenerationMode
) -> None:
    method, path = route.split()
    is_good, seen = mode is GenerationMode.POSITIVE, Counter[int]()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        reply = case.call()
        assert reply.status_code < 500
        case.validate_response(reply)
        seen[reply.status_code] += 1

    ask()
    assert seen[200] if is_good and path not in NEVER_GOOD else seen.total(), seen
