"""Real documents encoded before, and queries that people have judged them for."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from scipy.sparse import csr_array

from splare_os.documents.encoded import encoded_files
from splare_os.evaluate.datasets import Qrels, read_dataset
from splare_os.impacts import Impacts, stack

from .collection import Grown
from .results import folders_below


@dataclass(frozen=True)
class Real:
    """Documents: ids, texts, impacts [document, latent] as the model made them."""

    ids: list[str]
    texts: list[str]
    impacts: Impacts

    def of_size(self, n_documents: int, base: int, top_k: int) -> "Documents":
        """Return so many documents: the first ones, or else the `base` first and maxima of them."""
        n_real = n_documents if n_documents <= len(self.ids) else min(base, len(self.ids))
        ids = self.ids[:n_real] + [f"grown/{row}" for row in range(n_real, n_documents)]
        impacts = Grown(self.impacts[:n_real], n_documents, top_k)
        return Documents(ids, self.texts[:n_real], impacts)


@dataclass(frozen=True)
class Documents:
    """Documents: ids, impacts [document, latent], the texts of those that are real."""

    ids: list[str]
    texts: list[str]
    impacts: Grown

    def rows(self, first: int = 0) -> Iterator[dict[str, Any]]:
        """Yield documents from row `first` on, whose text is the number of their impacts' row."""
        for row in range(first, len(self.ids)):
            body = {"body": self.texts[row]} if row < len(self.texts) else {}
            yield {"_id": self.ids[row], "text": str(row), **body}


def read_real(folder: Path, n_latents: int) -> Real:
    """Return the documents of a folder that `splare-os encode --out` has made."""
    from pyarrow import parquet

    ids, texts, parts = list[str](), list[str](), list[Impacts]()
    for path in encoded_files(folder):
        table = parquet.read_table(path).combine_chunks()
        ids += table["_id"].to_pylist()
        documents = map(orjson.loads, table["document"].to_pylist())
        texts += [f"{one.get('title') or ''} {one['text']}".strip() for one in documents]
        latents, impacts = (table[name].chunk(0) for name in ("latents", "impacts"))
        arrays = impacts.values.to_numpy(), latents.values.to_numpy(), latents.offsets.to_numpy()
        parts.append(csr_array(arrays, shape=(table.num_rows, n_latents)))
    return Real(ids, texts, stack(parts))


@dataclass(frozen=True)
class Judged:
    """Queries by id, and the grades of the documents that are there."""

    queries: dict[str, str]
    qrels: Qrels


def read_judged(data: Path, real: Real, n_queries: int) -> Judged:
    """Return queries of the data sets that `real` has documents of, as many of each."""
    there, found = set(real.ids), list[tuple[str, str, dict[str, int]]]()
    sets = sorted({name.rpartition("/")[0] for name in there} & folders_below(data).keys())
    for name in sets:
        one = read_dataset(folders_below(data)[name], name)
        found += _of_one(name, one.queries, one.qrels, there, -(-n_queries // len(sets)))
    found = random.Random(0).sample(found, min(n_queries, len(found)))
    return Judged(
        {query: text for query, text, _ in found}, {query: grades for query, _, grades in found}
    )


def _of_one(
    name: str, queries: Mapping[str, str], qrels: Qrels, there: set[str], most: int
) -> Sequence[tuple[str, str, dict[str, int]]]:
    """Return id, text and grades of at most so many queries that have an answer there."""
    known = [
        (
            f"{name}/{query}",
            text,
            {
                f"{name}/{id_}": grade
                for id_, grade in qrels[query].items()
                if f"{name}/{id_}" in there
            },
        )
        for query, text in queries.items()
    ]
    answered = [one for one in known if any(grade > 0 for grade in one[2].values())]
    return random.Random(0).sample(answered, min(most, len(answered)))
