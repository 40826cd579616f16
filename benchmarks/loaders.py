"""Ways to write documents of known impacts to an index: ours, others', and one that only posts."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import urllib3
from opensearchpy import OpenSearch

from splare_os.documents import Fields
from splare_os.impacts import Impacts
from splare_os.index import IngestOptions, IngestRun, ingest
from splare_os.layout import ensure_index
from splare_os.layout.field import FieldImpacts
from splare_os.layout.field_json import field_json
from splare_os.reply import part

INDEX = "splare-bench-ingest"
FIELDS = Fields(title=None)
N_LATENTS, N_KEPT = 65_536, 200
ROWS = 2_000
"""Rows of impacts; documents take them in turn."""

RAW_DOCUMENTS, RAW_THREADS = 1400, 2
"""Bodies of 5 MB."""


class Table:
    """An encoder that looks impacts up: a text is the number of its row."""

    name, fingerprint, n_latents = "table", "0123456789abcdef", N_LATENTS

    def __init__(self, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        latents = np.sort(
            np.array([draw.choice(N_LATENTS, N_KEPT, replace=False) for _ in range(ROWS)]), axis=1
        )
        values = np.log1p(draw.gamma(2.0, 1.0, latents.shape)).astype(np.float32)
        starts = np.arange(0, latents.size + 1, N_KEPT)
        self.rows = Impacts((values.ravel(), latents.ravel(), starts), shape=(ROWS, N_LATENTS))

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return the rows that texts name."""
        return self.rows[[int(text) % ROWS for text in texts]]

    encode_queries = encode_documents

    def bodies(self, texts: Sequence[str]) -> list[bytes]:
        """Return documents as JSON, as all loaders write them."""
        made = FieldImpacts.of(self.encode_documents(texts), None)
        fields = field_json(made, [self.fingerprint] * len(texts))
        return [
            orjson.dumps({"text": text, "text_splare": orjson.Fragment(field)})
            for text, field in zip(texts, fields, strict=True)
        ]


Loader = Callable[[OpenSearch, Table, Path], IngestRun | None]
"""Writes a file of documents to a new index, and refreshes it; ours tells of its run."""


@dataclass(frozen=True)
class Load:
    """What a load took: seconds, and ms of CPU for a document; `run` is there if it was ours."""

    seconds: float
    client_ms: float
    cluster_ms: float
    run: IngestRun | None

    @property
    def cpu_ms(self) -> float:
        """Of both, for a document."""
        return self.client_ms + self.cluster_ms


def timed(load: Loader, client: OpenSearch, table: Table, n: int, folder: Path) -> Load:
    """Return what a loader takes for `n` documents."""
    client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})
    began, cluster, own = time.perf_counter(), cluster_ms(client), time.process_time()
    run = load(client, table, folder)
    own_s, seconds = time.process_time() - own, time.perf_counter() - began
    used = cluster_ms(client) - cluster
    count = client.count(index=INDEX)["count"]
    assert count == n, f"{count} of {n} documents are there"
    return Load(seconds, 1000 * own_s / n, used / n, run)


def cluster_ms(client: OpenSearch) -> float:
    """Return the milliseconds of CPU that the cluster's processes have used."""
    params = {"filter_path": "nodes.*.process.cpu.total_in_millis"}
    nodes = part(client.nodes.stats(metric="process", params=params), "nodes")
    return sum(float(part(node, "process", "cpu", "total_in_millis")) for node in nodes.values())


def write(folder: Path, n: int) -> None:
    """Write the file of documents."""
    with (folder / "docs.jsonl").open("w") as file:
        for number in range(n):
            file.write(f'{{"_id": "d{number}", "text": "{number}"}}\n')


def ours(client: OpenSearch, table: Table, folder: Path) -> IngestRun:
    """Index as `splare-os index` does."""
    options = IngestOptions(
        INDEX, FIELDS, scoring="dot", state_folder=folder / "state", is_restarted=True
    )
    run = ingest(client, table, [str(folder / "docs.jsonl")], options)
    for outcome in run:
        assert outcome.status == "indexed", outcome
    return run


def raw(client: OpenSearch, table: Table, folder: Path) -> None:
    """Make chunks of lines, and send them by two threads."""
    posted(client, table, raw_bodies(table, folder))


def posted(client: OpenSearch, table: Table, bodies: Iterable[bytes]) -> None:
    """Post bodies of bulk requests by two threads, and look at no item of a reply."""
    made(client, table)
    host = client.transport.hosts[0]
    pool = urllib3.HTTPConnectionPool(host["host"], host["port"], maxsize=RAW_THREADS)
    headers = {"Content-Type": "application/x-ndjson"}

    def send(body: bytes) -> None:
        reply = pool.urlopen("POST", "/_bulk", body, headers)
        assert b'"errors":false' in reply.data[:200]

    with ThreadPoolExecutor(RAW_THREADS) as senders:
        flying = []
        for body in bodies:
            flying.append(senders.submit(send, body))
            if len(flying) > 2 * RAW_THREADS:
                flying.pop(0).result()
        for future in flying:
            future.result()
    client.indices.refresh(index=INDEX)


def raw_bodies(table: Table, folder: Path) -> Iterator[bytes]:
    """Yield bodies of bulk requests, of as many bytes as suit a cluster."""
    for documents in _chunks(folder):
        lines = []
        bodies = table.bodies([document["text"] for document in documents])
        for document, body in zip(documents, bodies, strict=True):
            head = {"index": {"_index": INDEX, "_id": document["_id"]}}
            lines += [orjson.dumps(head), body]
        yield b"\n".join(lines) + b"\n"


def _chunks(folder: Path) -> Iterator[list[dict[str, str]]]:
    with (folder / "docs.jsonl").open("rb") as file:
        while lines := list(islice(file, RAW_DOCUMENTS)):
            yield list(map(orjson.loads, lines))


def helper(
    load: Callable[..., Iterator[object]], client: OpenSearch, table: Table, folder: Path
) -> None:
    """Write by a helper of opensearch-py, with its defaults."""
    made(client, table)
    for _ in load(client, _plain(table, folder)):
        pass
    client.indices.refresh(index=INDEX)


def _plain(table: Table, folder: Path) -> Iterator[dict[str, object]]:
    """Yield actions of plain Python values: the helpers' JSON knows no other."""
    bodies = list(map(orjson.loads, table.bodies(list(map(str, range(ROWS))))))
    with (folder / "docs.jsonl").open("rb") as file:
        for line in file:
            document = json.loads(line)
            body = bodies[int(document["text"]) % ROWS] | {"text": document["text"]}
            yield {"_index": INDEX, "_id": document["_id"], "_source": body}


def made(client: OpenSearch, table: Table) -> None:
    """Make the index."""
    ensure_index(client, INDEX, table, FIELDS, scoring="dot")
