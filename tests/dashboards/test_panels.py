"""Every panel drawn by both versions of Vega, from the replies of a real cluster."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from opensearchpy import OpenSearch

from benchmarks.dashboards import Bursts, context_of, fill, open_client_of
from benchmarks.panels import VERSIONS, Drawn, NoNodeError, drawn, fetched, filled
from splare_os.cluster import EmbeddedCluster
from splare_os.dashboards import SAMPLE, Board, OfIndex, SavedObject, boards
from splare_os.dashboards.concepts import NO_DOCUMENT, NOTHING_APART
from splare_os.dashboards.requests import Context, is_empty, plain_request, spec_of
from splare_os.encode import load_encoder

pytestmark = [pytest.mark.opensearch, pytest.mark.slow]

BOARDS = boards(SAMPLE)


@pytest.fixture(params=sorted(VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    """A version of Vega, fetched if it was not yet."""
    try:
        fetched(str(request.param))
    except NoNodeError as error:
        pytest.skip(str(error))
    return str(request.param)


@pytest.fixture(scope="module")
def full() -> Iterator[OpenSearch]:
    """A cluster in which a worker and a backfill ran, and applications have searched."""
    with EmbeddedCluster(heap_mb=512) as url:
        fill(url, load_encoder("mini"), limit=150, every_s=0.2, bursts=Bursts({1}, 2.0))
        with open_client_of(url) as client:
            yield client


def charts(board: Board) -> list[SavedObject]:
    return [panel.object for panel in board.panels if spec_of(panel.object) is not None]


def pictures(
    client: OpenSearch, objects: list[SavedObject], version: str, context: Context | None = None
) -> dict[str, Drawn]:
    specs = [filled(client, each, context or context_of(each.id)) for each in objects]
    found = drawn(specs, [(24, 15)] * len(specs), version)
    return {each.id: one for each, one in zip(objects, found, strict=True)}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_no_chart_is_empty(full: OpenSearch, board: Board, version: str) -> None:
    found = pictures(full, charts(board), version)
    assert len(found) >= 4
    assert not [id_ for id_, one in found.items() if not one.marks]
    assert not {id_: one.warnings for id_, one in found.items() if one.warnings}


def test_no_table_and_no_list_is_empty(full: OpenSearch) -> None:
    n_asked = 0
    for board in BOARDS:
        patterns = {each.id: each for each in board.patterns}
        for panel in board.panels:
            for one in panel.object.references:
                request = plain_request(panel.object, patterns[one["id"]], Context())
                assert request
                reply = full.search(index=request.index, body=request.body)
                assert not is_empty(reply), panel.object.id
                n_asked += 1
    assert n_asked == 4  # three lists and a table


def test_labels_stand_beside_latents(full: OpenSearch, version: str) -> None:
    found = pictures(full, charts(BOARDS[2]) + charts(BOARDS[3]), version)
    with_labels = {id_.split("-splare-")[0] for id_, one in found.items() if " · " in one.svg}
    assert with_labels == {
        "splare-collection-heaviest",
        *(f"splare-concepts-{name}" for name in ("apart", "categories", "periods", "rising")),
    }


def test_faults_can_be_seen(full: OpenSearch, version: str) -> None:
    found = pictures(full, charts(BOARDS[0]), version)
    assert "2 · mapper_parsing_exception" in found["splare-ingestion-dead"].svg
    assert "5 dead" in found["splare-ingestion-outcomes"].svg
    spec = filled(full, charts(BOARDS[0])[6], Context())
    spans = spec["data"]["values"]["aggregations"]["times"]["buckets"]
    most = [job["most"]["value"] for span in spans for job in span["jobs"]["buckets"]]
    assert max(most) > 0  # a burst of refusals


def test_where_nothing_is_chosen_a_chart_says_what_to_do(full: OpenSearch, version: str) -> None:
    (apart,) = (each for each in charts(BOARDS[3]) if "-apart-" in each.id)
    found = pictures(full, [apart], version, Context())
    assert NOTHING_APART in found[apart.id].svg
    nobody = Context({"match_none": {}})
    assert NO_DOCUMENT in pictures(full, [apart], version, nobody)[apart.id].svg


@pytest.mark.parametrize("made", ["index", None])
def test_charts_of_nothing_are_drawn_empty_and_without_an_error(
    client: OpenSearch, index: str, version: str, made: str | None
) -> None:
    if made:
        client.indices.create(index=index)
    of = OfIndex(index, "no_splare", (), "f", "at", "kind")
    for board in boards(of)[2:]:
        found = pictures(client, charts(board), version, Context())
        assert len(found) >= 4


def of_reply(id_: str, reply: Any, version: str, **style: Any) -> Drawn:
    """Return a chart of the files, drawn from a reply that is made up; there are no labels."""
    (chart,) = (each for board in BOARDS for each in charts(board) if each.id.startswith(id_))
    spec = spec_of(chart)
    assert spec is not None
    spec["data"] = {"name": "made-up", "values": reply}
    spec["config"]["style"] = style
    for step in spec["transform"]:
        if "lookup" in step:
            step["from"]["data"] = {"name": "labels", "values": []}
    return drawn([spec], [(24, 15)], version)[0]


def test_of_many_jobs_the_newest_are_drawn_and_named(version: str) -> None:
    spans = [
        {
            "key": 60_000 * n,
            "jobs": {"buckets": [{"key": f"job-{n}", "value": {"value": 1.0}}]},
        }
        for n in range(40)
    ]
    reply = {"aggregations": {"times": {"interval": "1m", "buckets": spans}}}
    found = of_reply("splare-ingestion-rate", reply, version)
    assert found.warnings == ()
    assert set(re.findall(r"job-\d+(?=</text>)", found.svg)) == {f"job-{n}" for n in range(34, 40)}


@pytest.mark.parametrize(
    ("ago_s", "told"), [(90, "90 s"), (600, "10 min"), (10_800, "3 h"), (864_000, "10 d")]
)
def test_a_job_tells_in_readable_units_how_long_ago_it_told(
    version: str, ago_s: int, told: str
) -> None:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    source = {"@timestamp": at.isoformat(), "job": "a", "documents": 1200, "done": 1.0}
    found = of_reply("splare-ingestion-jobs", {"_source": source}, version)
    seen = re.search(r"1,200 documents, told (\d+ \w+) ago", found.svg)
    assert seen
    assert seen[1] in {told, "91 s"}  # a second may pass


@pytest.mark.parametrize(
    ("interval", "every_ms", "told"),
    [
        ("30s", 30_000, r"\d\d:\d\d:\d\d"),
        ("3h", 10_800_000, r"\w\w\w \d\d, \d\d:\d\d"),
        ("7d", 604_800_000, "Jan 08, 2025"),
        ("1M", 2_678_400_000, "Feb 2025"),
        ("10y", 315_360_000_000, "2034"),
    ],
)
def test_a_period_is_named_no_finer_than_it_is(
    version: str, interval: str, every_ms: int, told: str
) -> None:
    new_year = 1_735_689_600_000
    spans = [
        {
            "key": new_year + n * every_ms,
            "doc_count": 9,
            "latents": {"buckets": [{"key": str(n), "doc_count": 3}]},
        }
        for n in range(4)
    ]
    reply = {"aggregations": {"times": {"interval": interval, "buckets": spans}}}
    found = of_reply("splare-concepts-periods", reply, version)
    names = [one for one in re.findall(r">([^<>]+)</text>", found.svg) if re.fullmatch(told, one)]
    assert len(set(names)) == (4 if interval in {"30s", "3h"} else 1)
    assert found.marks == 4


def test_a_category_that_is_a_boolean_is_called_as_people_write_it(version: str) -> None:
    latents = {"buckets": [{"key": "7", "doc_count": 3}]}
    kinds = [
        {"key": 1, "key_as_string": "true", "doc_count": 4, "latents": latents},
        {"key": "news", "doc_count": 4, "latents": latents},
    ]
    reply = {"aggregations": {"categories": {"buckets": kinds}}}
    found = of_reply("splare-concepts-categories", reply, version)
    assert ">true</text>" in found.svg
    assert ">news</text>" in found.svg


def test_there_is_no_half_a_document(version: str) -> None:
    reply = {"_source": {"dead_reasons": [{"reason": "id is empty", "documents": 2}]}}
    found = of_reply("splare-ingestion-dead", reply, version)
    assert re.findall(r">([\d.]+)</text>", found.svg) == ["0", "1", "2"]


WORDED = {
    "splare-ingestion-jobs": {"_source": {"job": "a", "documents": 7, "done": 1.0}},
    "splare-collection-models": {"_source": {"index": "a", "fingerprint": "f", "documents": 7}},
    "splare-collection-with-impacts": {
        "aggregations": {
            "kinds": {
                "buckets": {
                    name: {"doc_count": 7}
                    for name in ("with impacts", "empty: no text, or no latent", "not encoded yet")
                }
            }
        }
    },
}


@pytest.mark.parametrize("id_", WORDED)
def test_words_have_the_colour_that_dashboards_gives_to_its_ground(id_: str, version: str) -> None:
    style = {"group-subtitle": {"fill": "#abcdef"}}
    words = re.findall(r"<text[^>]*#abcdef[^>]*>", of_reply(id_, WORDED[id_], version, **style).svg)
    assert words
    assert all('stroke="' not in one or 'stroke-opacity="0"' in one for one in words)


def test_two_fields_of_one_index_have_a_row_each(version: str) -> None:
    fields = [{"index": "papers", "field": f"{name}_splare"} for name in ("title", "text")]
    reply = [{"_source": one | {"fingerprint": "f", "documents": 7}} for one in fields]
    found = of_reply("splare-collection-models", reply, version)
    assert {"papers/title_splare", "papers/text_splare"} <= set(
        re.findall(r"papers/\w+", found.svg)
    )


def test_what_falls_does_not_rise(version: str) -> None:
    latents = {"buckets": [{"key": "7", "doc_count": 3}, {"key": "8", "doc_count": 1}]}
    spans = [{"key": 0, "doc_count": 4, "latents": latents}]
    for more, rises in (
        ([], False),
        ([{"key": 60_000, "doc_count": 4, "latents": {"buckets": latents["buckets"][:1]}}], False),
        ([{"key": 60_000, "doc_count": 3, "latents": {"buckets": latents["buckets"][:1]}}], True),
    ):
        reply = {"aggregations": {"times": {"interval": "1m", "buckets": [*spans, *more]}}}
        assert bool(of_reply("splare-concepts-rising", reply, version).marks) == rises


STRANGE = ["a'b\"c", "a\nb", "<b>&amp;</b>", "100 % %context%", "\u05d0\u05d1", "x" * 400, ""]


def test_a_name_is_drawn_as_it_is_whatever_it_holds(version: str) -> None:
    latents = {"buckets": [{"key": "7", "doc_count": 3}]}
    kinds = [{"key": name, "doc_count": 4, "latents": latents} for name in STRANGE]
    found = of_reply(
        "splare-concepts-categories", {"aggregations": {"categories": {"buckets": kinds}}}, version
    )
    assert (found.marks, found.warnings) == (len(STRANGE), ())
    told = set(map(unescape, re.findall(r">([^<>]*)</text>", found.svg)))
    assert set(STRANGE) - told == {"x" * 400, ""}  # of which there are a beginning, and nothing
