"""What a worker and a client do all day, each duty as a function of who asks."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.errors import BulkError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest, replay
from splare_os.index.bulk_load import restore_all
from splare_os.index.census import take_census
from splare_os.index.report import ReportOptions, reported
from splare_os.index.snapshot import Watch
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search import SearchOptions, search
from splare_os.search.doctor.doctor import examine
from splare_os.search.fusion.fusion import RRF
from splare_os.search.fusion.hybrid import Hybrid
from splare_os.search.labels import Labels
from tests.hashing import WordEncoder

Duty = Callable[[OpenSearch, Path], None]

ENCODER = WordEncoder()
INDEX = "papers"
APP = "papers-app"
"""An index that applications write to, whose documents get impacts by backfill."""

ENGLISH = {"analysis.analyzer.english.type": "standard"}
"""The analyzer of our mapping, which the server's zip lacks."""

LINES = b"".join(
    b'{"_id": "%d", "text": "%s"}\n' % (number, text)
    for number, text in enumerate((b"the oil price", b"the river war", b"an oil embargo"))
)


def index(worker: OpenSearch, folder: Path, **options: object) -> list[str]:
    """Index three documents; return what became of them."""
    (folder / "docs.jsonl").write_bytes(LINES)
    given = {"settings": ENGLISH, "state_folder": folder} | options
    run = ingest(worker, ENCODER, [str(folder / "docs.jsonl")], IngestOptions(INDEX, **given))
    return [outcome.status for outcome in run]


def new_index(worker: OpenSearch, folder: Path) -> None:
    assert set(index(worker, folder)) == {"indexed"}


def same_documents(worker: OpenSearch, folder: Path) -> None:
    assert set(index(worker, folder, is_restarted=True)) == {"unchanged"}


def bulk_load(worker: OpenSearch, folder: Path) -> None:
    index(worker, folder, is_restarted=True, bulk_load=True, force_merge=1)
    assert list(restore_all(worker, folder)) == []


def report_to_cluster(worker: OpenSearch, folder: Path) -> None:
    (folder / "docs.jsonl").write_bytes(LINES)
    options = IngestOptions(INDEX, state_folder=folder, is_restarted=True)
    run = ingest(worker, ENCODER, [str(folder / "docs.jsonl")], options)
    with reported(worker, Watch(run.counters), ReportOptions(index="splare-ops")):
        list(run)


def dead_document(worker: OpenSearch, folder: Path) -> None:
    (folder / "bad.jsonl").write_bytes(b'{"_id": "9", "text": "war", "day": "no day"}\n')
    run = ingest(
        worker, ENCODER, [str(folder / "bad.jsonl")], IngestOptions(INDEX, state_folder=folder)
    )
    assert [outcome.status for outcome in run] == ["dead"]


def letters_of_pipelines(worker: OpenSearch, _: Path) -> None:
    assert [one.reason for one in replay(worker, INDEX)] == [""]


def statistics(worker: OpenSearch, _: Path) -> None:
    assert [census.documents for census in take_census(worker, INDEX)] >= [3]


def backfill_once(worker: OpenSearch, folder: Path) -> None:
    options = BackfillOptions(APP, Fields("body", None), state_folder=folder, share=1.0)
    assert {outcome.status for outcome in backfill(worker, ENCODER, options)} == {"indexed"}


def backfill_watching(worker: OpenSearch, folder: Path) -> None:
    options = BackfillOptions(
        APP, Fields("body", None), state_folder=folder, share=1.0, watch=True, poll_s=0.1
    )
    run = backfill(worker, ENCODER, options)
    failures: list[Exception] = []

    def watch() -> None:
        try:
            with suppress(BulkError):
                list(run)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    thread = Thread(target=watch)
    thread.start()
    time.sleep(1)
    worker.bulk(body=[{"index": {"_index": APP, "_id": "late"}}, {"body": "the late oil"}])
    time.sleep(1.5)
    run.stop.set()
    thread.join()
    assert not failures, failures
    (late,) = worker.mget(index=APP, body={"ids": ["late"]})["docs"]
    assert "body_splare" in late["_source"], late


def make_labels(worker: OpenSearch, _: Path) -> None:
    ensure_labels(worker)
    keep_labels(worker, ENCODER, [Label(ENCODER.latent("oil"), "fuels", "by hand")])


WORK: dict[str, Duty] = {
    one.__name__: one
    for one in (
        *(new_index, same_documents, bulk_load, report_to_cluster, dead_document),
        *(letters_of_pipelines, statistics, backfill_once, backfill_watching, make_labels),
    )
}

OIL = {"query": {"splare": {"text": "oil"}}}


def plain_search(client: OpenSearch, _: Path) -> None:
    assert len(client.search(index=INDEX, body=OIL)["hits"]["hits"]) == 2


def many_searches(client: OpenSearch, _: Path) -> None:
    found = client.msearch(body=[{"index": INDEX}, OIL] * 2)["responses"]
    assert [len(one["hits"]["hits"]) for one in found] == [2, 2], found


def one_document(client: OpenSearch, _: Path) -> None:
    assert client.get(index=INDEX, id="0")["_source"]["text"] == "the oil price"


def scroll(client: OpenSearch, _: Path) -> None:
    reply = client.search(index=INDEX, body=OIL | {"size": 1}, params={"scroll": "1m"})
    reply = client.scroll(body={"scroll_id": reply["_scroll_id"], "scroll": "1m"})
    assert len(reply["hits"]["hits"]) == 1
    client.clear_scroll(body={"scroll_id": reply["_scroll_id"]})


def point_in_time(client: OpenSearch, _: Path) -> None:
    point = client.create_pit(index=INDEX, params={"keep_alive": "1m"})["pit_id"]
    body = OIL | {"pit": {"id": point, "keep_alive": "1m"}}
    assert len(client.search(body=body)["hits"]["hits"]) == 2
    client.delete_pit(body={"pit_id": [point]})


def highlights(client: OpenSearch, _: Path) -> None:
    body = OIL | {"highlight": {"fields": {"text": {"type": "splare"}}}}
    hits = client.search(index=INDEX, body=body)["hits"]["hits"]
    assert all("oil" in str(hit.get("highlight")) for hit in hits), hits


def explanations(client: OpenSearch, _: Path) -> None:
    hits = search(client, ENCODER, INDEX, "oil", SearchOptions(explain=True))
    assert all(hit.matches for hit in hits)
    assert client.explain(index=INDEX, id="0", body=OIL)["matched"]


def hybrid(client: OpenSearch, _: Path) -> None:
    assert search(client, ENCODER, INDEX, "oil", SearchOptions(hybrid=Hybrid(RRF)))


def likeness(client: OpenSearch, _: Path) -> None:
    body = {"query": {"splare": {"text": {"query": "river", "like": [{"_id": "2"}]}}}}
    found = {hit["_id"] for hit in client.search(index=INDEX, body=body)["hits"]["hits"]}
    assert {"0", "1"} <= found, found


def labels(client: OpenSearch, _: Path) -> None:
    latent = ENCODER.latent("oil")
    assert Labels.of(client, ENCODER).look_up([latent])[latent].label == "fuels"


def counts(client: OpenSearch, _: Path) -> None:
    body = {"query": {"splare": {"text": {"query": "oil", "min_score": 0.01}}}}
    assert client.count(index=INDEX, body=body)["count"] == 2


def doctor(client: OpenSearch, _: Path) -> None:
    found = list(examine(client, lambda: ENCODER, f"{INDEX}*"))
    told = [f"{one.status} {one.check}: {one.found} → {one.remedy}" for one in found]
    assert not [one for one in told if "security_exception" in one or "no permission" in one], told


SEARCHES: dict[str, Duty] = {
    one.__name__: one
    for one in (
        *(
            plain_search,
            one_document,
            many_searches,
            scroll,
            point_in_time,
            highlights,
            explanations,
        ),
        *(hybrid, likeness, labels, counts, doctor),
    )
}
