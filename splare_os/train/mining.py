"""Hard negatives: documents that a search of the cluster finds for a query, and that don't answer.

Source: ANCE, arXiv 2007.00808, for negatives from the model; BM25's are as old as the method.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import orjson
from opensearchpy import OpenSearch

from ..encoders import Encoder
from ..errors import TrainingError
from ..evaluate.datasets import DataSet, read_corpus
from ..evaluate.indexing import indexed, indexed_texts
from ..evaluate.msearch import BATCH, batched, bm25_run, encoder_run
from ..evaluate.runs import Hits, ranked


class MinedRow(TypedDict):
    """A line of a file of rows, which `read_pairs` reads."""

    query: str
    positive: str
    negatives: list[str]


@dataclass(frozen=True, slots=True)
class MineOptions:
    """`negatives` of each query, of its best hits after the first `skip`.

    Documents known to be relevant don't count. Where the search finds too few, documents drawn
    at random fill up. `keep` leaves the index for the next time.
    """

    negatives: int = 8
    skip: int = 0
    seed: int = 0
    keep: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers that nothing can be mined with."""
        if self.negatives < 1 or self.skip < 0:
            raise ValueError(
                f"negatives={self.negatives}, skip={self.skip}: mine at least one, "
                "and skip none or more"
            )


def mine(
    client: OpenSearch, data: DataSet, encoder: Encoder | None, options: MineOptions
) -> Iterator[MinedRow]:
    """Yield a row for each judged pair, with negatives that BM25 or `encoder` ranks high.

    The corpus is indexed first, as for an evaluation, and its texts are held in memory.
    """
    texts = {str(document.id): document.text for document in read_corpus(data.corpus)}
    _require_enough(data, texts, options)
    rng = random.Random(options.seed)
    place = indexed_texts(client, data, keep=options.keep)
    if encoder is not None:
        place = indexed(client, encoder, data, keep=options.keep)
    with place as index:
        for query, hits in _runs(client, index, data, encoder, options):
            relevant = {name for name, grade in data.qrels[query].items() if grade > 0}
            excluded = relevant | ({query} if query in data.own else set())
            found = [name for name in ranked(hits) if name not in excluded and texts[name]]
            names = _filled(found[options.skip :], texts, excluded, options.negatives, rng)
            for positive in sorted(name for name in relevant if texts.get(name)):
                yield {
                    "query": data.queries[query],
                    "positive": texts[positive],
                    "negatives": [texts[name] for name in names],
                }


def _runs(
    client: OpenSearch,
    index: str,
    data: DataSet,
    encoder: Encoder | None,
    options: MineOptions,
) -> Iterator[tuple[str, Hits]]:
    for batch in batched(data.queries.items(), BATCH):
        relevant = max(len(data.qrels[name]) for name, _ in batch)
        depth = options.skip + options.negatives + relevant + 1
        if encoder is None:
            timed = bm25_run(client, index, dict(batch), depth=depth)
        else:
            impacts = encoder.encode_queries([text for _, text in batch])
            timed = encoder_run(client, index, [name for name, _ in batch], impacts, depth=depth)
        yield from timed.run.items()


def _filled(
    found: list[str],
    texts: Mapping[str, str],
    excluded: set[str],
    wanted: int,
    rng: random.Random,
) -> list[str]:
    names = found[:wanted]
    known = list(texts)
    while len(names) < wanted:
        drawn = rng.choice(known)
        if drawn not in excluded and drawn not in names and texts[drawn]:
            names.append(drawn)
    return names


def _require_enough(data: DataSet, texts: Mapping[str, str], options: MineOptions) -> None:
    most = max(len(judged) for judged in data.qrels.values())
    usable = sum(1 for text in texts.values() if text)
    if usable < most + 1 + options.negatives:
        raise TrainingError(
            f"{data.name} has {usable} documents with text, up to {most} of them relevant to a "
            f"query: too few to mine negatives={options.negatives} from"
        )


def save_rows(rows: Iterable[MinedRow], path: Path) -> int:
    """Write rows as JSON Lines, all of them or no file, and return how many there are."""
    partial, n_rows = path.with_name(path.name + ".partial"), 0
    with partial.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")
            n_rows += 1
    partial.replace(path)
    return n_rows
