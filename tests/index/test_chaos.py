"""Whatever befalls requests on their way: the same command, run again until it ends, is right."""

import pytest

from splare_os.errors import MappingError
from splare_os.index import set_testing
from tests.index import faults
from tests.index.chaos import Job, assert_same, corpus, proxied
from tests.index.events import EVENTS, MAPPINGS, at_bulk, switch_alias
from tests.index.faults import at_random, first
from tests.index.proxy import Fault, passed

pytestmark = pytest.mark.opensearch

FAULTS: dict[str, Fault] = {
    "400": faults.status(400),
    "401": faults.status(401),
    "403": faults.status(403),
    "404": faults.status(404),
    "413": faults.page(413),
    "429 with Retry-After": faults.status(429, **{"Retry-After": "1"}),
    "500": faults.status(500),
    "502": faults.page(502),
    "503": faults.status(503),
    "504": faults.page(504),
    "524": faults.page(524),
    "200 of a page": faults.page(200),
    "200 of nothing": faults.says(b"{}"),
    "200 of a list": faults.says(b"[]"),
    "200 of no JSON": faults.says(b"null"),
    "200 of nulls, one level down": faults.nulls(1),
    "200 of nulls, two levels down": faults.nulls(2),
    "200 of nulls, three levels down": faults.nulls(3),
    "200 of nulls, four levels down": faults.nulls(4),
    "lost": faults.lost,
    "reset": faults.reset,
    "reset in the middle": faults.reset_in_the_middle,
    "truncated": faults.truncated,
    "truncated, lying": faults.truncated_lying,
    "twice": faults.twice,
    "late": faults.late(0.1),
    "again later": faults.again_later(0.1),
    "dripping": faults.dripping(0.0001),
    "reordered": faults.reordered,
    "half the items": faults.dropping(),
    "of another request": faults.of_another,
    "in part": faults.in_part,
    "items 429": faults.injecting(429, "rejected_execution_exception"),
    "items 500": faults.injecting(500, "some_exception"),
    "items 503": faults.injecting(503, "unavailable_shards_exception"),
    "items 400": faults.refusing(400, "some_exception"),
    "items 403": faults.refusing(403, "cluster_block_exception"),
    "items 404": faults.refusing(404, "index_not_found_exception"),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    import json

    lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in corpus(60)]
    path = tmp_path_factory.mktemp("chaos") / "docs.jsonl"
    path.write_bytes(b"\n".join(lines))
    return str(path)


@pytest.fixture(scope="module")
def true(client, cluster_url, source, tmp_path_factory):
    """What the job leaves when nothing befalls it."""
    job = Job(client, source, tmp_path_factory.mktemp("true"), "chaos-true")
    yield job.run(cluster_url, most_runs=1)
    client.indices.delete(index="chaos-true")


@pytest.fixture
def job(client, source, tmp_path, index):
    with set_testing():
        yield Job(client, source, tmp_path, index)


def test_the_job_in_peace_is_what_the_lines_say(true):
    assert len(true.contents) == 60
    assert true.counts["dead"] == 12


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", FAULTS)
def test_every_kind_of_request_may_fail(job, cluster_url, true, name, n):
    with proxied(cluster_url, first(n, FAULTS[name])) as proxy:
        done = job.run(proxy.url, most_runs=20 * n)
        proxy.settle()
    assert_same(done, true)


PASSING = [
    *(name for name in FAULTS if name.startswith("200 of nulls")),
    *("429 with Retry-After", "500", "502", "503", "504", "524", "200 of a page"),
    *("200 of nothing", "200 of a list", "200 of no JSON", "lost", "reset", "reset in the middle"),
    *("truncated", "truncated, lying", "twice", "late", "again later", "reordered"),
    *("half the items", "of another request", "in part", "items 429", "items 500", "items 503"),
]


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_for_from_start_to_end(job, cluster_url, true, name):
    def rule(request):
        is_first = request.kind == "info" and not request.number
        return FAULTS[name] if request.number < 1 and not is_first else passed

    with proxied(cluster_url, rule) as proxy:
        done = job.run(proxy.url, most_runs=1)
        proxy.settle()
    assert_same(done, true)


@pytest.mark.parametrize("kind", ["POST _bulk", "GET _settings", "POST _mget", "GET _mapping"])
def test_a_request_may_stall(job, cluster_url, true, kind):
    with proxied(cluster_url, first(1, faults.stalled, [kind])) as proxy:
        done = job.run(proxy.url)
        assert kind in proxy.seen
    assert_same(done, true)


def run_mixture(job, cluster_url, rate, seed):
    with proxied(cluster_url, at_random([*FAULTS.values()], rate, seed)) as proxy:
        done = job.run(proxy.url, most_runs=500)
        proxy.settle()
    return done


@pytest.mark.parametrize("seed", range(8))
def test_mixtures(job, cluster_url, true, seed):
    assert_same(run_mixture(job, cluster_url, 0.1, seed), true)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2, 0.35])
def test_more_mixtures(job, cluster_url, true, rate, seed):
    assert_same(run_mixture(job, cluster_url, rate, seed), true)


@pytest.mark.parametrize("most_bytes", [600, 1000])
def test_a_gateway_that_takes_no_large_request_is_given_small_ones(
    job, cluster_url, true, most_bytes
):
    with proxied(cluster_url, first(10_000, faults.too_large(most_bytes), ["POST _bulk"])) as proxy:
        done = job.run(proxy.url)
    assert_same(done, true)


STORED_ALL_THE_SAME: dict[str, Fault] = {
    "its item is never there": faults.dropping("d18"),
    "its item is always 500": faults.injecting(500, "some_exception", "d18"),
    "every reply is lost": faults.lost,
    "every reply breaks off": faults.truncated_lying,
    "every reply is a page": faults.unheard(faults.page(200)),
    "every reply is 502": faults.unheard(faults.page(502)),
    "every reply is 500": faults.unheard(faults.status(500)),
}


@pytest.mark.parametrize("name", STORED_ALL_THE_SAME)
def test_a_document_whose_good_news_is_always_lost_is_not_dead(job, cluster_url, true, name):
    with proxied(cluster_url, faults.holding("d18", STORED_ALL_THE_SAME[name])) as proxy:
        done = job.run(proxy.url)
    assert_same(done, true)


NEVER_STORED: dict[str, Fault] = {
    "its item is 400": faults.refusing(400, "some_exception", "d18"),
    "its item is 500": faults.refusing(500, "some_exception", "d18"),
    "its request is 400": faults.status(400),
    "its request is 403": faults.page(403),
    "its request is 413": faults.page(413),
    "its request is 500": faults.status(500),
    "its request is reset": faults.reset,
    "its request is answered with nothing": faults.says(b"{}"),
}


@pytest.mark.parametrize("name", NEVER_STORED)
def test_a_document_that_never_gets_through_is_dead_alone(job, cluster_url, true, name):
    with proxied(cluster_url, faults.holding("d18", NEVER_STORED[name])) as proxy:
        done = job.run(proxy.url)
    assert_same(done, true.without("d18"), dead=3)


@pytest.mark.parametrize("is_after", [True, False])
@pytest.mark.parametrize("number", [0, 7])
@pytest.mark.parametrize("name", EVENTS)
def test_events(job, client, cluster_url, true, name, number, is_after):
    event = EVENTS[name]

    def remedy(error):
        deed = event.if_mapped if isinstance(error, MappingError) else event.remedy
        deed(client, job.index)

    job.remedy = remedy
    rule = at_bulk(number, lambda: event.deed(client, job.index), is_after=is_after)
    with proxied(cluster_url, rule) as proxy:
        done = job.run(proxy.url)
    assert_same(done, true)


@pytest.mark.parametrize("number", [0, 7])
def test_an_alias_that_moves(job, client, cluster_url, true, number):
    client.indices.create(
        index=f"{job.index}-old", body={"mappings": MAPPINGS, "aliases": {job.index: {}}}
    )
    rule = at_bulk(number, lambda: switch_alias(client, job.index), is_after=True)
    with proxied(cluster_url, rule) as proxy:
        done = job.run(proxy.url)
    assert_same(done, true)
