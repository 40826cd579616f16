"""The dashboards over a real cluster: docs/dashboards/*.svg, and the files in dashboards/.

python -m benchmarks.dashboards indexes the sample with `mini` through a proxy that refuses all
requests for a while, twice, a few broken documents among it, gives a second index its impacts,
searches it by all routes, and draws every panel.
"""

import gzip
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from opensearchpy import OpenSearch

from splare_os.cli.comparison import QUERIES, SAMPLE
from splare_os.cluster import EmbeddedCluster
from splare_os.dashboards import SAMPLE as ARTICLES
from splare_os.dashboards import Board, boards, file_name, ndjson
from splare_os.dashboards.requests import Context, spec_of
from splare_os.documents import Fields
from splare_os.encode import load_encoder
from splare_os.encoder import Encoder
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.index.report import INDEX as OPS
from splare_os.index.report import ReportOptions, reported
from splare_os.index.snapshot import Watch
from splare_os.layout import ensure_index
from splare_os.layout.labels import Label, ensure_labels, keep_labels
from splare_os.search import SearchLog, SplareOpenSearch
from splare_os.search.explain.explain import word_at
from splare_os.search.log.search_log import INDEX as LOG
from tests.index import faults
from tests.index.proxy import Fault, Proxy, Request, passed

from .panels import drawn, filled

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "dashboards"
NOTES = "splare-notes"
FIRST_DAY_S, DAY_S = 1_735_689_600, 86_400
"""1 January 2025: the sample has no dates, so its articles get some."""

BROKEN = (
    {"_id": "bad-date", "text": "ants", "published": "some day"},
    {"_id": "bad-date-2", "text": "bees", "published": "another day"},
    {"_id": "", "text": "no id"},
    {"_id": "no-text", "text": 7},
)
CONTEXT = Context(query={"match": {"text": "plants"}})
"""What is chosen where a panel compares a selection with the rest."""


def documents(limit: int | None = None) -> list[dict[str, Any]]:
    """Return the sample's documents, their article as `topic`, with dates that are made up.

    An article's passages lie around a day of its own, in 2025.
    """
    packed = (files("splare_os") / "samples" / SAMPLE).read_bytes()
    found = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    chosen = random.Random(0)
    found = found if limit is None else chosen.sample(found, limit)
    topics = {title: n for n, title in enumerate(dict.fromkeys(one["title"] for one in found))}
    for one in found:
        day = 300 * topics[one["title"]] / len(topics) + chosen.gauss(30, 20)
        at = time.gmtime(FIRST_DAY_S + max(0.0, day) * DAY_S)
        one |= {"topic": one["title"], "published": time.strftime("%Y-%m-%dT%H:%M:%SZ", at)}
    return found


@dataclass
class Bursts:
    """Times in which every bulk request is refused for load (429).

    Each begins when so many of them have passed, and lasts `lasts_s`.
    """

    after: set[int]
    lasts_s: float
    passed: int = 0
    until: float = 0.0

    def rule(self, request: Request) -> Fault:
        """Return what is done to a request."""
        if request.kind != "POST _bulk":
            return passed
        now = time.monotonic()
        if self.passed in self.after:
            self.after.discard(self.passed)
            self.until = now + self.lasts_s
        if now < self.until:
            return faults.status(429, "rejected_execution_exception")
        self.passed += 1
        return passed


def fill(
    url: str,
    encoder: Encoder,
    *,
    limit: int | None = None,
    every_s: float = 1.0,
    bursts: Bursts | None = None,
    pause_s: float = 0.0,
) -> None:
    """Fill a cluster with all that the dashboards show; `pause_s` between two searches."""
    bursts = bursts or Bursts({8, 22}, 15.0)
    with open_client_of(url) as client, TemporaryDirectory() as folder:
        found = documents(limit)
        make_index(client, encoder)
        path = Path(folder) / "articles.jsonl"
        path.write_text("".join(f"{json.dumps(one)}\n" for one in [*found, *BROKEN]) + "{oops\n")
        reports = ReportOptions(index=OPS, every_s=every_s)
        options = IngestOptions(ARTICLES.index, state_folder=Path(folder), chunk_documents=64)
        with Proxy(url, bursts.rule) as proxy, open_client_of(proxy.url) as behind:
            run = ingest(behind, encoder, [str(path)], options)
            with reported(client, Watch(run.counters), reports):
                list(run)
        take_notes(client, encoder, found[: len(found) // 5], reports)
        late = {"text": "not encoded yet", "published": "2025-06-01T00:00:00Z"}
        client.index(index=ARTICLES.index, id="late", body=late)
        label(client, encoder, found[::7])
        client.indices.refresh(index="splare-*")
        search_it(url, encoder, pause_s)


def take_notes(
    client: OpenSearch, encoder: Encoder, some: list[dict[str, Any]], reports: ReportOptions
) -> None:
    """Write some texts to a second index without impacts, and backfill it."""
    for one in some:
        client.index(index=NOTES, id=one["_id"], body={"text": one["text"]})
    with TemporaryDirectory() as folder:
        options = BackfillOptions(NOTES, share=1.0, state_folder=Path(folder))
        run = backfill(client, encoder, options)
        with reported(client, Watch(run.counters), reports):
            list(run)


def make_index(client: OpenSearch, encoder: Encoder) -> None:
    """Make the index of articles: a keyword and a date beside the texts."""
    ensure_index(client, ARTICLES.index, encoder, Fields())
    more = {"topic": {"type": "keyword"}, "published": {"type": "date"}}
    client.indices.put_mapping(index=ARTICLES.index, body={"properties": more})


def label(client: OpenSearch, encoder: Encoder, some: list[dict[str, Any]]) -> None:
    """Label latents by the word that they came from most often in some documents."""
    texts = [one["text"] for one in some]
    words: dict[int, Counter[str]] = defaultdict(Counter)
    for text, spans in zip(texts, encoder.spans(texts), strict=True):
        for latent, span in spans.items():
            words[latent][word_at(text, *span).lower()] += 1
    found = [
        Label(latent, " ".join(word for word, _ in counted.most_common(2)), "trigger words")
        for latent, counted in words.items()
    ]
    ensure_labels(client)
    keep_labels(client, encoder, found)


def searches() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield searches of all routes with their arms."""
    for n, query in enumerate(QUERIES * 20):
        latents = {"splare": {"text": query}}
        words = {"match": {"text": query}}
        quick = {"splare": {"text": {"query": query, "top_k": 10}}}
        rescore = {"window_size": 100, "query": {"rescore_query": latents, "query_weight": 0}}
        yield "control", {"query": words}
        yield "latents", {"query": latents}
        yield "latents", {"query": {"bool": {"should": [words, latents]}}}
        if n % 2:
            yield "latents", {"query": quick, "rescore": rescore}
        if not n % 7:
            yield "control", {"query": {"match": {"text": f"zyzzyva{n % 4}"}}}


def search_it(url: str, encoder: Encoder, pause_s: float) -> None:
    """Search by all routes, and log it."""
    log = SearchLog(every_s=0.5, keep_texts=True)
    with SplareOpenSearch(url, encoder=encoder, search_log=log) as client:
        for arm, body in searches():
            client.search(index=ARTICLES.index, body=body, headers={"x-splare-arm": arm})
            time.sleep(pause_s)
    with open_client_of(url) as client:
        client.indices.refresh(index=LOG)


def open_client_of(url: str) -> OpenSearch:
    """Return a client without retries of its own."""
    return OpenSearch(url, max_retries=0, timeout=60)


def draw(client: OpenSearch, board: Board, version: str) -> dict[str, tuple[str, int]]:
    """Return the pictures of a board by panel id, and how many marks each has."""
    charts = [panel for panel in board.panels if spec_of(panel.object) is not None]
    specs = [filled(client, panel.object, context_of(panel.object.id)) for panel in charts]
    sizes = [(panel.width, panel.height) for panel in charts]
    pictures = drawn(specs, sizes, version)
    return {
        panel.object.id: (one.svg, one.marks) for panel, one in zip(charts, pictures, strict=True)
    }


def context_of(id_: str) -> Context:
    """Return what is chosen on the dashboard when a panel is drawn."""
    return CONTEXT if "-apart-" in id_ else Context()


@click.command()
@click.option("--limit", type=int, help="So many documents only.")
@click.option("--only-files", is_flag=True, help="Write dashboards/, and nothing else.")
@click.option("--url", help="Fill this cluster, which has no such indices yet; else one for this.")
def main(limit: int | None, only_files: bool, url: str | None) -> None:
    """Write the files of dashboards/, fill a cluster, and draw every panel."""
    found = boards(ARTICLES)
    for board in found:
        (ROOT / "dashboards" / file_name(board)).write_text(ndjson(board.objects()))
    if only_files:
        return
    with ExitStack() as stack:
        address = url or stack.enter_context(EmbeddedCluster(heap_mb=512))
        fill(address, load_encoder("mini"), limit=limit, pause_s=0.2)
        client = stack.enter_context(open_client_of(address))
        for board in found:
            for id_, (svg, marks) in draw(client, board, "5").items():
                write_picture(id_, svg)
                click.echo(f"{id_}: {marks} marks, {len(svg)} bytes")


def write_picture(id_: str, svg: str) -> None:
    """Write a panel's picture under its name."""
    name = id_.removesuffix(f"-{ARTICLES.index}-{ARTICLES.field}").removeprefix("splare-")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
