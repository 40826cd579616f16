"""How large an index is: bytes a document by how many impacts are kept, docs/index_size.svg.

python -m benchmarks.index_size encodes the shipped sample with mini once, and indexes it again and
again: with impacts in `_source`, compact, and without impacts; each merged into one segment.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk

from splare_os.cli.comparison import SAMPLE
from splare_os.cli.options import cluster_connection, cluster_options
from splare_os.connection import open_client
from splare_os.documents.document import encoded_text
from splare_os.documents.fields import Fields
from splare_os.encode import load_encoder
from splare_os.encoder import Encoder
from splare_os.impacts import Impacts
from splare_os.index import IngestOptions, ingest
from splare_os.layout import ensure_index

from .pictures import pyplot, save

INDEX = "splare-bench-size"
PICTURE = Path(__file__).parents[1] / "docs" / "index_size.svg"
KEPT = (25, 50, 100, 150, 200)


@dataclass(frozen=True)
class Size:
    """Bytes of a document in an index; `kept` impacts of it, 0: none."""

    kept: int
    bytes: float
    is_compact: bool = False


class Known:
    """An encoder that has encoded all texts, and looks them up."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.n_latents, self.document_top_k = encoder.n_latents, max(KEPT)
        self._rows = {text: at for at, text in enumerate(texts)}
        self._impacts = encoder.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return the impacts [text, latent] of texts that are known."""
        return self._impacts[[self._rows[text] for text in texts]]

    encode_queries = encode_documents


def measured(client: OpenSearch, encoder: Encoder) -> Iterator[Size]:
    """Yield the sizes of indices of the sample."""
    packed = (files("splare_os") / "samples" / SAMPLE).read_bytes()
    documents = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    fields = Fields()
    known = Known(encoder, [encoded_text(one, fields) for one in documents])
    with TemporaryDirectory() as name:
        path = Path(name) / "sample.jsonl"
        path.write_bytes(gzip.decompress(packed))
        fresh(client)
        ensure_index(client, INDEX, known, fields)
        bulk(client, ({"_index": INDEX, **one} for one in documents))
        yield Size(0, size(client, len(documents)))
        for kept in KEPT:
            for is_compact in (False, True):
                fresh(client)
                options = IngestOptions(
                    *(INDEX, fields, kept),
                    **{"compact": is_compact, "state_folder": Path(name), "is_restarted": True},
                )
                assert {one.status for one in ingest(client, known, [str(path)], options)} == {
                    "indexed"
                }
                yield Size(kept, size(client, len(documents)), is_compact)
    fresh(client)


def fresh(client: OpenSearch) -> None:
    """Delete the index."""
    client.indices.delete(index=INDEX, params={"ignore_unavailable": "true"})


def size(client: OpenSearch, n: int) -> float:
    """Return the bytes of each of `n` documents, once they are one segment."""
    client.indices.forcemerge(index=INDEX, params={"max_num_segments": "1"})
    client.indices.refresh(index=INDEX)
    ((shard,),) = client.indices.segments(index=INDEX)["indices"][INDEX]["shards"].values()
    segments = [one for one in shard["segments"].values() if one["search"]]
    assert [one["num_docs"] for one in segments] == [n], segments
    return float(segments[0]["size_in_bytes"] / n)


def plot(path: Path, sizes: Sequence[Size]) -> None:
    """Draw kilobytes of a document by impacts that are kept of it."""
    figure, panel = pyplot().subplots(figsize=(6, 3.5))
    (alone,) = [one for one in sizes if not one.kept]
    for is_compact, label in ((False, "impacts in _source"), (True, "compact")):
        own = [alone, *(one for one in sizes if one.kept and one.is_compact == is_compact)]
        kilobytes = [one.bytes / 1000 for one in own]
        panel.plot([one.kept for one in own], kilobytes, marker="o", label=label)
    panel.axhline(alone.bytes / 1000, color="tab:gray", linestyle="--", label="text alone")
    panel.set(xlabel="impacts kept of a document", ylabel="kB a document", ylim=(0, None))
    panel.legend()
    save(figure, path)


@click.command()
@click.option("--model", default="mini", show_default=True)
@click.option("--svg", default=PICTURE, show_default=False, type=click.Path(path_type=Path))
@cluster_options
def main(model: str, svg: Path, **cluster: Any) -> None:  # noqa: ANN401  # one for each option
    """Print sizes, a line of JSON each, and draw them."""
    encoder = load_encoder(model)
    with closing(open_client(cluster_connection(cluster))) as client:
        sizes = []
        for one in measured(client, encoder):
            sizes.append(one)
            click.echo(json.dumps({"kept": one.kept, "compact": one.is_compact, "b": one.bytes}))
    plot(svg, sizes)


if __name__ == "__main__":
    main()
