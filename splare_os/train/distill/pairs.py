"""Training pairs: queries, documents, and which belong together; read from files and checked."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import isfinite
from pathlib import Path

import orjson

from ...documents.compression import BrokenStreamError, decompressed
from ...documents.fields import Fields
from ...documents.sources import read_documents
from ...errors import TrainingError
from ...evaluate.datasets import find, find_qrels, read_corpus, read_qrels

TRAIN_SPLIT = "train"
ROW_KEYS = {"query", "positive", "negatives", "scores"}


@dataclass(frozen=True, slots=True)
class Row:
    """A query, a document that answers it, and documents that don't, as places in `Pairs`.

    `scores` are a teacher's: of the positive, then of each negative; empty if there are none.
    """

    query: int
    positive: int
    negatives: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """The pairs of one source. `documents` may hold more texts than there are rows for.

    `relevant` are all documents known to answer a query, by the query's place.
    """

    name: str
    queries: list[str]
    documents: list[str]
    rows: list[Row]
    relevant: dict[int, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse rows that cannot be trained on, before anything is."""
        if not self.rows:
            raise TrainingError(f"{self.name} has no pairs: give at least one")
        for number, row in enumerate(self.rows, 1):
            if not self.queries[row.query]:
                raise TrainingError(f"{self.name}, pair {number}: the query has no text")
            for place in (row.positive, *row.negatives):
                if not self.documents[place]:
                    raise TrainingError(f"{self.name}, pair {number}: a document has no text")
            if row.scores and len(row.scores) != 1 + len(row.negatives):
                raise TrainingError(
                    f"{self.name}, pair {number}: {len(row.scores)} teacher scores for "
                    f"{1 + len(row.negatives)} documents; give one each, the positive's first"
                )
            self.relevant.setdefault(row.query, set()).add(row.positive)

    def sampled(self, n_rows: int, *, seed: int = 0) -> "Pairs":
        """Return at most `n_rows` pairs, drawn at random; queries, documents and answers stay."""
        if n_rows >= len(self.rows):
            return self
        drawn = random.Random(seed).sample(self.rows, n_rows)
        return replace(self, rows=drawn)


def read_pairs(source: str) -> Pairs:
    """Return the pairs of a file of rows, compressed or not, or of a folder in BEIR form.

    A line of a file is `{"query", "positive"}` with, where there are some, `"negatives"` (texts)
    and `"scores"` (of the positive and each negative). A negative that answers the query in
    another line counts as an answer. A folder is read with the judgements of its split `train`;
    `FOLDER:SPLIT` names another. `TrainingError` says what is wrong and where.
    """
    path = Path(source)
    if path.is_file():
        return _from_rows(path)
    folder, _, split = source.partition(":") if not path.is_dir() else (source, "", "")
    if not Path(folder).is_dir():
        raise TrainingError(f"{source}: no such file or folder; give pairs to train on")
    return _from_folder(Path(folder), split or TRAIN_SPLIT)


def _from_folder(folder: Path, split: str) -> Pairs:
    qrels = read_qrels(find_qrels(folder, split))
    queries = _queries(find(folder, "queries"))
    corpus = _documents(find(folder, "corpus"))
    asked: dict[str, int] = {}
    documents: dict[str, int] = {}
    for text in corpus.values():  # equal texts are one, whatever their ids
        documents.setdefault(text, len(documents))
    rows = []
    for name, judged in qrels.items():
        query = asked.setdefault(queries.get(name, ""), len(asked))
        for answer in (answer for answer, grade in judged.items() if grade > 0):
            for kind, known, wanted in (("query", queries, name), ("document", corpus, answer)):
                if wanted not in known:
                    raise TrainingError(f"{folder}: {kind} {wanted!r} is judged, but not there")
            rows.append(Row(query, documents[corpus[answer]]))
    return Pairs(folder.name, list(asked), list(documents), rows)


def _documents(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in read_corpus(path):
        name = str(document.id)
        if name in found:
            raise TrainingError(f"{path}, line {document.line}: the id {name!r} came before")
        found[name] = document.text
    return found


def _queries(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for query in read_documents(str(path), Fields(title=None)):
        if query.reason:
            raise TrainingError(f"{path}, line {query.line}: {query.reason}")
        if str(query.id) in found:
            raise TrainingError(f"{path}, line {query.line}: the id {query.id!r} came before")
        found[str(query.id)] = query.text
    return found


def _from_rows(path: Path) -> Pairs:
    queries: dict[str, int] = {}
    documents: dict[str, int] = {}
    rows = []
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        query, texts, scores = _checked(line, where)
        asked = queries.setdefault(query, len(queries))
        first, *others = (documents.setdefault(text, len(documents)) for text in texts)
        rows.append(Row(asked, first, tuple(others), scores))
    return Pairs(path.name, list(queries), list(documents), rows)


def _lines(path: Path) -> Iterator[tuple[int, object]]:
    with path.open("rb") as file, decompressed(file) as lines:
        number = 0
        try:
            for number, raw in enumerate(lines, 1):
                if raw.strip():
                    yield number, orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise TrainingError(f"{path}, line {number}: invalid JSON: {error}") from error
        except BrokenStreamError as error:
            raise TrainingError(f"{path}, after line {number}: {error}; fetch it again") from error


def _checked(line: object, where: str) -> tuple[str, list[str], tuple[float, ...]]:
    if not isinstance(line, dict) or not ROW_KEYS >= line.keys() >= {"query", "positive"}:
        raise TrainingError(
            f"{where}: not an object with query and positive, and maybe negatives and scores"
        )
    negatives, scores = line.get("negatives", []), line.get("scores", [])
    for key, value in (("negatives", negatives), ("scores", scores)):
        if not isinstance(value, list):
            raise TrainingError(f"{where}: {key} is {value!r}: give a list, or leave it out")
    given = [line["query"], line["positive"], *negatives]
    for text in given:
        if not isinstance(text, str) or not text.strip():
            raise TrainingError(f"{where}: {text!r} is no text; leave the pair out, or mend it")
    query, *texts = (text.strip() for text in given)
    if texts[0] in texts[1:]:
        raise TrainingError(f"{where}: the positive is among the negatives: leave it out there")
    if scores and len(scores) != len(texts):
        raise TrainingError(
            f"{where}: {len(scores)} teacher scores for {len(texts)} documents; "
            "give one each, the positive's first"
        )
    if not all(type(score) in (int, float) and isfinite(score) for score in scores):
        raise TrainingError(f"{where}: scores {scores!r} are not all numbers")
    return query, texts, tuple(map(float, scores))


@dataclass(frozen=True)
class TrainingSet:
    """The pairs of several sources, renumbered: places count through all of them.

    `starts[i]` are the places of source i's first query, document and row.
    """

    sources: tuple[Pairs, ...]
    queries: list[str]
    documents: list[str]
    rows: list[Row]
    relevant: dict[int, set[int]]
    starts: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, sources: Sequence[Pairs]) -> "TrainingSet":
        """Return the union of `sources`."""
        starts = [(0, 0, 0)]
        rows: list[Row] = []
        relevant: dict[int, set[int]] = {}
        for pairs in sources:
            query, document, row = starts[-1]
            rows += [_moved(one, query, document) for one in pairs.rows]
            relevant |= {
                query + asked: {document + answer for answer in answers}
                for asked, answers in pairs.relevant.items()
            }
            sizes = len(pairs.queries), len(pairs.documents), len(pairs.rows)
            starts.append((query + sizes[0], document + sizes[1], row + sizes[2]))
        return cls(
            tuple(sources),
            list(chain.from_iterable(pairs.queries for pairs in sources)),
            list(chain.from_iterable(pairs.documents for pairs in sources)),
            rows,
            relevant,
            tuple(starts),
        )


def _moved(row: Row, query: int, document: int) -> Row:
    negatives = tuple(place + document for place in row.negatives)
    return Row(row.query + query, row.positive + document, negatives, row.scores)
