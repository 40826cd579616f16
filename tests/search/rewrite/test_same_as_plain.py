"""Searches of every kind, drawn at random: as the plain client has them, clauses aside."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from http import HTTPStatus
from typing import Any

import pytest
from opensearchpy import ConnectionTimeout, OpenSearch, TransportError

from splare_os.documents.fields import Fields
from splare_os.layout import find_impacts
from splare_os.search import Cut, SplareOpenSearch, translate
from splare_os.search.weigh.collection import Collection
from splare_os.search.weigh.queries import encoded
from splare_os.search.weigh.weighing import weighing
from tests.hashing import HashEncoder

from ..drawing import Drawer, Drawn, Json, Mark, filled
from ..zoo import INDICES, build

pytestmark = pytest.mark.opensearch

ByHand = Callable[[str], Callable[[Mark], Json]]
OF_THE_MOMENT = {"took", "phase_took", "_scroll_id", "pit_id", "profile", "details", "bg_count"}
"""What differs from one reply of a server to its next to the same request."""

NAMES = re.compile(r"@[0-9a-f]+|context found for id \[\d+]")
"""Names of objects in a server's messages."""

TRIES, PATIENCE_S = 3, 10

FAILED = {"status": "the server failed"}

SEEDS = (
    pytest.param(range(100), id="some"),
    pytest.param(range(100, 2500), id="many", marks=pytest.mark.slow),
)


@pytest.fixture(scope="module")
def zoo(client: OpenSearch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    """The two indices; of a name of theirs, what translates a mark without the drop-in client."""
    encoder = HashEncoder()  # to the bit the same, alone and among others
    build(client, encoder, tmp_path_factory.mktemp("zoo"))
    collection = Collection(client)

    @cache
    def by_hand(index: str) -> Callable[[Mark], Json]:
        there = find_impacts(client, index, Fields("text", None), encoder)
        known = partial(collection.known, there.records, there.name, encoder)
        weigh = weighing(there.records, "calibrated", known)

        def translated(mark: Mark) -> Json:
            weights = weigh.weights(encoded(encoder, [mark.query]))
            given = dict(mark.options)
            cut = Cut(given.pop("top_k", None), mass=given.pop("mass", None))
            name, field = given.pop("_name", None), f"{there.name}.impacts"
            return translate(weights, field, k1=weigh.k1, name=name, cut=cut, **given)

        return translated

    yield by_hand
    client.indices.delete(index=",".join(INDICES))


@pytest.fixture
def splare(cluster_url: str) -> Iterator[SplareOpenSearch]:
    with SplareOpenSearch(cluster_url, encoder=HashEncoder(), timeout=60) as client:
        yield client


def clause(mark: Mark) -> Json:
    return {"splare": {"text": {"query": mark.query, **mark.options}}}


def ask(client: OpenSearch, path: str, params: Json, body: Any) -> Any:
    """Return the reply, or what was refused, as far as it is the same next time.

    Where documents cannot be fetched, a server answers with a status of 500 at times, or never.
    """
    send = client.transport.perform_request
    for _ in range(TRIES):
        try:
            given = {**params, "request_timeout": PATIENCE_S}
            return lasting(send("POST", path, params=given, body=body))
        except ConnectionTimeout:
            continue
        except TransportError as error:
            return refused(error)
    return FAILED


def refused(error: TransportError) -> Json:
    """Return what a server says of a request, as far as it is the same next time."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FAILED
    told = re.sub(r"\[\d+:\d+]|(line|col)\": \d+", "", json.dumps(lasting(error.info)))
    return {"status": error.status_code, "told": told}


def lasting(reply: Any) -> Any:
    """Return what of a reply is the same next time."""
    if isinstance(reply, list):
        return [lasting(one) for one in reply]
    if not isinstance(reply, dict):
        return NAMES.sub("", reply) if isinstance(reply, str) else reply
    return {key: lasting(one) for key, one in reply.items() if key not in OF_THE_MOMENT}


def without_impacts(reply: Any) -> Any:
    """Return a reply without impacts in its hits, of any kind."""
    if isinstance(reply, list):
        return [without_impacts(one) for one in reply]
    if not isinstance(reply, dict):
        return reply
    kept = {key: without_impacts(one) for key, one in reply.items()}
    if isinstance(ours := kept.get("_source", {}).get("text_splare"), dict):
        ours.pop("impacts", None)
        if not ours:
            kept["_source"].pop("text_splare")
    if fields := kept.get("fields"):
        kept["fields"] = {k: v for k, v in fields.items() if not k.endswith("_splare.impacts")}
        kept = {key: one for key, one in kept.items() if key != "fields" or one}
    return kept


def difference(one: Any, other: Any, path: str = "") -> str:
    """Return where two replies differ first, and how; "" if they do not."""
    if one == other:
        return ""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = ((key, one.get(key), other.get(key)) for key in {**one, **other})
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = ((number, *pair) for number, pair in enumerate(zip(one, other, strict=True)))
    else:
        return f"{path}: {one!r:.300} is not {other!r:.300}"
    return next(filter(None, (difference(a, b, f"{path}.{key}") for key, a, b in pairs)))


def names_impacts(drawn: Drawn) -> bool:
    """Return whether a search may ask for impacts, in any part."""
    body = {key: one for key, one in drawn.body.items() if key not in {"query", "aggs"}}
    return "splare" in json.dumps([drawn.params, body, drawn.body.get("aggs")], default=str)


@pytest.mark.parametrize("seeds", SEEDS)
def test_what_has_no_clause_is_answered_as_ever(
    splare: SplareOpenSearch, client: OpenSearch, zoo: ByHand, seeds: range
) -> None:
    n_served = 0
    for seed in seeds:
        drawn = Drawer(seed).search()
        asked = f"/{drawn.index}/_search", drawn.params, drawn.body
        theirs, ours = ask(client, *asked), ask(splare, *asked)
        n_served += "status" not in theirs
        if '"inner_hits"' in json.dumps(drawn.body) or names_impacts(drawn):
            ours = without_impacts(ours)
        assert not difference(ours, without_impacts(theirs)), (seed, asked)
    assert n_served > len(seeds) / 2


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_clause_finds_what_its_translation_does_wherever_it_stands(
    splare: SplareOpenSearch, client: OpenSearch, zoo: ByHand, seeds: range
) -> None:
    n_served = 0
    for seed in seeds:
        drawer = Drawer(seed, clauses=0.4)
        drawn, path = drawer.search(), "/{}/_search"
        path = path.format(drawn.index)
        by_hand = filled(drawn.body, zoo(drawn.index))
        theirs = without_impacts(ask(client, path, drawn.params, by_hand))
        body = filled(drawn.body, clause)
        ours = without_impacts(ask(splare, path, drawn.params, body))
        n_served += "status" not in theirs and drawer.n_marks > 0
        assert not difference(ours, theirs), (seed, path, drawn.params, body)
    assert n_served > len(seeds) / 4


def replies(client: OpenSearch, seed: int, fill: ByHand) -> Iterator[Any]:
    """Yield what other endpoints answer to searches with clauses, and all pages of some."""
    drawer = Drawer(seed, clauses=0.4)
    index = drawer.index()
    some = {"query": filled(drawer.query(scores=False), fill(index))}
    yield ask(client, f"/{index}/_count", {}, some)
    yield ask(client, f"/{index}/_validate/query", {"explain": "true"}, some)
    best = {"query": filled(drawer.query(), fill("zoo"))}
    yield ask(client, "/zoo/_explain/o5", {"_source_includes": "text"}, best)
    several = [Drawer(drawer.rng.random(), clauses=0.4).search() for _ in range(3)]
    lines = [({"index": one.index}, filled(one.body, fill(one.index))) for one in several]
    text = "".join(f"{json.dumps(line)}\n" for pair in lines for line in pair)
    yield ask(client, "/_msearch", {"typed_keys": "true"}, text)
    body = {"query": filled(drawer.query(), fill(index)), "size": 30}
    try:
        yield from map(lasting, pages(client, index, body))
    except TransportError as error:
        yield refused(error)


def pages(client: OpenSearch, index: str, body: Json) -> Iterator[Any]:
    """Yield two pages of a scroll, and all of a point in time."""
    page = client.search(index=index, body=body, params={"scroll": "1m"})
    rest = client.scroll(scroll_id=page["_scroll_id"], params={"scroll": "1m"})
    client.clear_scroll(scroll_id=page["_scroll_id"])
    yield from (page, rest)
    point = client.create_pit(index=index, params={"keep_alive": "1m"})["pit_id"]
    sorted_so = {"pit": {"id": point}, "sort": ["_score", {"title.raw": "asc"}]}
    after: Json = {}
    while found := client.search(body={**body, **sorted_so, **after})["hits"]["hits"]:
        yield found
        after = {"search_after": found[-1]["sort"]}
    client.delete_pit(body={"pit_id": [point]})


@pytest.mark.parametrize("seeds", SEEDS)
def test_other_endpoints_and_pages_answer_alike(
    splare: SplareOpenSearch, client: OpenSearch, zoo: ByHand, seeds: range
) -> None:
    for seed in seeds[::10]:
        ours = replies(splare, seed, lambda _: clause)
        theirs = replies(client, seed, zoo)
        pair = (list(map(without_impacts, each)) for each in (ours, theirs))
        assert not difference(*pair), seed
