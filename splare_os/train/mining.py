"""Hard negatives: documents that a search of the cluster finds for a query, and that don't answer.

Source: ANCE, arXiv 2007.00808, for negatives from the model; BM25's are as old as the method.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import orjson
from opensearchpy import OpenSearch

from ..encoder import Encoder
from ..errors import TrainingError
from ..evaluate.datasets import DataSet, read_corpus
from ..evaluate.indexing import indexed, indexed_texts
from ..evaluate.msearch import BATCH, batched, bm25_run, encoder_run
from ..evaluate.runs import Hits, ranked
from .options import Options, limited


class MinedRow(TypedDict):
    """A line of a file of rows, which `read_pairs` reads."""

    query: str
    positive: str
    negatives: list[str]


@dataclass(frozen=True, kw_only=True)
class MineOptions(Options):
    """`negatives` of each query, of its best hits after the first `skip`.

    Documents known to be relevant don't count, nor do others with the same text. Where the
    search finds too few, texts drawn at random fill up, but none that was passed over. `keep`
    leaves the index for the next time.
    """

    negatives: int = 8
    skip: int = limited(0, may_be_0=True)
    seed: int = limited(0, may_be_0=True)
    keep: bool = True


def mine(
    client: OpenSearch, data: DataSet, encoder: Encoder | None, options: MineOptions
) -> Iterator[MinedRow]:
    """Yield a row for each judged pair, with negatives that BM25 or `encoder` ranks high.

    The corpus is indexed first, as for an evaluation, and its texts are held in memory.
    """
    texts = {str(document.id): document.text for document in read_corpus(data.corpus)}
    distinct = list(dict.fromkeys(filter(None, texts.values())))
    _require_enough(data, len(distinct), options)
    rng = random.Random(options.seed)
    place = indexed_texts(client, data, keep=options.keep)
    if encoder is not None:
        place = indexed(client, encoder, data, scoring="dot", keep=options.keep)
    with place as index:
        for query, hits in _runs(client, index, data, encoder, options):
            relevant = sorted(name for name, grade in data.qrels[query].items() if grade > 0)
            own = [query] if query in data.own else []
            excluded = {"", *(texts.get(name, "") for name in (*relevant, *own))}
            found = dict.fromkeys(texts[name] for name in ranked(hits))
            ranking = [text for text in found if text not in excluded]
            negatives = _filled(ranking, distinct, excluded, options, rng)
            for positive in (texts.get(name) for name in relevant):
                if positive:
                    asked = data.queries[query]
                    yield {"query": asked, "positive": positive, "negatives": negatives}


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
    ranking: list[str],
    texts: list[str],
    excluded: set[str],
    options: MineOptions,
    rng: random.Random,
) -> list[str]:
    """Return texts of the ranking after those passed over, filled up from `texts` at random."""
    end = options.skip + options.negatives
    chosen, barred = ranking[options.skip : end], excluded.union(ranking[:end])
    while len(chosen) < options.negatives:
        drawn = rng.choice(texts)
        if drawn not in barred:
            chosen.append(drawn)
            barred.add(drawn)
    return chosen


def _require_enough(data: DataSet, n_texts: int, options: MineOptions) -> None:
    most = max(sum(grade > 0 for grade in judged.values()) for judged in data.qrels.values())
    if n_texts < most + 1 + options.skip + options.negatives:  # 1: a query's own document
        raise TrainingError(
            f"{data.name} has {n_texts} different texts, up to {most} of them relevant to a "
            f"query: too few to mine negatives={options.negatives} from, skip={options.skip}"
        )


def check_place(path: Path) -> None:
    """Refuse a file in a folder that is not there."""
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent}; make it, or give another file")


def save_rows(rows: Iterable[MinedRow], path: Path) -> int:
    """Write rows as JSON Lines, all of them or no file, and return how many there are."""
    partial, n_rows = path.with_name(path.name + ".partial"), 0
    with partial.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")
            n_rows += 1
    partial.replace(path)
    return n_rows
