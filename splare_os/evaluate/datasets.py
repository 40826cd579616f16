"""Data sets: BEIR folders, read whole but for the corpus, which may be large."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

from ..documents.document import Document
from ..documents.fields import Fields
from ..documents.sources import read_documents
from ..errors import EvaluationError
from ..paths import StrPath
from .languages import ENGLISH, analyzer_of

log = logging.getLogger(__name__)

Queries: TypeAlias = dict[str, str]
"""Query id to text."""

Qrels: TypeAlias = dict[str, dict[str, int]]
"""Query id to document id to grade; above 0 is relevant."""

QRELS = ("qrels/{split}.tsv", "qrels-{split}.tsv")
"""Where a split's judgements may be."""

MOST_GRADE = 2**31
"""ir_measures counts with smaller ones."""

LANGUAGE_DOCUMENTS = 500
"""So many of a corpus tell its language."""

DEFAULT_SPLIT = "test"
DEFAULT_QRELS = "qrels.tsv"
"""Where the default split's may be too."""


@dataclass(frozen=True)
class DataSet:
    """Judged queries and a corpus on disk.

    `fingerprint` changes with the corpus; `own` are the queries that are themselves documents of
    the corpus, under their own id: such a document is no answer to its query. `spaced_id` is an
    id with white space in it, if there is one: a TREC run file cannot hold it. `analyzer` is
    BM25's, for the language of the first documents.
    """

    name: str
    corpus: Path
    queries: Queries
    qrels: Qrels
    documents: int
    fingerprint: str
    own: frozenset[str]
    spaced_id: str | None = None
    analyzer: str = ENGLISH


def read_dataset(
    folder: Path, name: str, *, split: str = DEFAULT_SPLIT, limit: int | None = None
) -> DataSet:
    """Return the data set in a BEIR folder, its corpus checked line by line.

    Only judged queries are kept, in the order of the judgements, at most `limit` of them.
    `EvaluationError` for a file that is missing, or a line that cannot be read.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"queries={limit}: evaluate at least one")
    corpus, texts = find(folder, "corpus"), find(folder, "queries")
    judged = read_qrels(find_qrels(folder, split))
    qrels = dict(islice(judged.items(), limit))
    queries = _judged_queries(texts, qrels)
    ids, fingerprint, own = _scan(corpus, queries)
    _check_judged(folder, qrels, ids)
    spaced = next((id_ for id_ in chain(queries, ids) if len(id_.split()) != 1), None)
    analyzer = analyzer_of(one.text for one in islice(read_corpus(corpus), LANGUAGE_DOCUMENTS))
    return DataSet(name, corpus, queries, qrels, len(ids), fingerprint, own, spaced, analyzer)


def names(folders: Sequence[Path]) -> list[str]:
    """Return a name for each folder: its last part, with as many before it as tell all apart.

    >>> names([Path("data/scifact"), Path("data/xquad/de"), Path("data/ntrex/de")])
    ['scifact', 'xquad/de', 'ntrex/de']
    """
    parts = [folder.resolve().parts for folder in folders]
    if len(set(parts)) < len(parts):
        raise ValueError(f"a folder is given twice: {', '.join(map(str, folders))}")
    return [
        next(
            "/".join(own[-n:])
            for n in range(1, len(own) + 1)
            if sum(other[-n:] == own[-n:] for other in parts) == 1
        )
        for own in parts
    ]


def check_folders(folders: Sequence[StrPath], split: str = DEFAULT_SPLIT) -> None:
    """Raise `EvaluationError` for a folder that lacks a file of a data set."""
    for folder in map(Path, folders):
        find(folder, "corpus"), find(folder, "queries"), find_qrels(folder, split)


def find(folder: Path, stem: str) -> Path:
    """Return `stem`.jsonl or `stem`.jsonl.gz of a data set."""
    for suffix in (".jsonl", ".jsonl.gz"):
        if (folder / (stem + suffix)).is_file():
            return folder / (stem + suffix)
    raise EvaluationError(
        f"{folder} has no {stem}.jsonl and no {stem}.jsonl.gz: give a folder in BEIR form, "
        "with corpus, queries and qrels"
    )


def find_qrels(folder: Path, split: str) -> Path:
    """Return the file of a split's judgements."""
    tried = [pattern.format(split=split) for pattern in QRELS]
    if split == DEFAULT_SPLIT:
        tried.append(DEFAULT_QRELS)
    for name in tried:
        if (folder / name).is_file():
            return folder / name
    there = sorted(str(path.relative_to(folder)) for path in folder.glob("qrels*/*.tsv"))
    there += sorted(path.name for path in folder.glob("qrels*.tsv"))
    raise EvaluationError(
        f"{folder} has no judgements of the split {split!r}: none of {', '.join(tried)}; "
        f"it has {', '.join(there) or 'no qrels at all'}"
    )


def read_qrels(path: Path) -> Qrels:
    """Return the judgements of a file: query, document and grade between tabs, maybe a header.

    Where a pair is judged twice, the later line counts.
    """
    qrels: Qrels = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not line.strip() or (number == 1 and _is_header(cells)):
            continue
        if len(cells) != 3 or not _is_grade(cells[2]) or not all(cells):
            raise EvaluationError(
                f"{path}, line {number}: {line[:200]!r} is not query id, document id and a whole "
                "number between tabs"
            )
        qrels.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    if not qrels:
        raise EvaluationError(f"{path} judges nothing: it needs at least one line")
    return qrels


def read_corpus(path: Path) -> Iterator[Document]:
    """Yield the documents of a corpus; `EvaluationError` for a line that is none."""
    return _checked(path, Fields())


def corpus_ids(data: DataSet) -> list[str]:
    """Return the ids of all documents, in the order of the corpus."""
    return [str(document.id) for document in read_corpus(data.corpus)]


def _judged_queries(path: Path, qrels: Qrels) -> Queries:
    texts: Queries = {}
    for query in _checked(path, Fields(title=None)):
        name = str(query.id)
        if name not in qrels:
            continue
        if name in texts:
            raise EvaluationError(f"{path}, line {query.line}: the id {name!r} came before")
        if not query.text:
            raise EvaluationError(f"{path}, line {query.line}: no text; {_keys(query)}")
        texts[name] = query.text
    if missing := [name for name in qrels if name not in texts]:
        raise EvaluationError(
            f"{path} lacks {len(missing)} of {len(qrels)} judged queries, such as "
            f"{missing[0]!r}: take queries and qrels of the same data set"
        )
    return {name: texts[name] for name in qrels}


def _checked(path: Path, fields: Fields) -> Iterator[Document]:
    for document in read_documents(str(path), fields):
        if document.reason:
            raise EvaluationError(f"{path}, line {document.line}: {document.reason}")
        yield document


def _scan(corpus: Path, queries: Queries) -> tuple[set[str], str, frozenset[str]]:
    """Return the ids of documents, a fingerprint, and the queries that are documents."""
    ids: set[str] = set()
    own: set[str] = set()
    content = sha256()
    document, has_text = None, False
    for document in read_corpus(corpus):
        name = str(document.id)
        if name in ids:
            raise EvaluationError(f"{corpus}, line {document.line}: the id {name!r} came before")
        ids.add(name)
        content.update(document.raw + b"\n")
        has_text = has_text or bool(document.text)
        if name in queries and _is_own(document, queries[name]):
            own.add(name)
    if document is None:
        raise EvaluationError(f"{corpus} holds no documents")
    if not has_text:
        raise EvaluationError(f"{corpus}: no document has a text; {_keys(document)}")
    return ids, content.hexdigest()[:16], frozenset(own)


def _keys(line: Document) -> str:
    return f"it has {', '.join(map(repr, line.body or {}))}, its text belongs under 'text'"


def _check_judged(folder: Path, qrels: Qrels, ids: set[str]) -> None:
    """Refuse judgements of none of the documents, and warn of some that are not there."""
    judged = {name for grades in qrels.values() for name in grades}
    missing = judged - ids
    if missing == judged:
        raise EvaluationError(
            f"{folder}: none of {len(judged)} judged documents, such as {min(missing)!r}, is in "
            "the corpus: take corpus and qrels of the same data set"
        )
    if missing:
        log.warning(
            "%s: %d of %d judged documents, such as %r, are not in the corpus: nobody finds them",
            *(folder, len(missing), len(judged), min(missing)),
        )


def _is_own(document: Document, query: str) -> bool:
    text = (document.body or {}).get("text")
    return query in (document.text, str(text).strip())


def _is_grade(cell: str) -> bool:
    return cell.removeprefix("-").isdecimal() and abs(int(cell)) < MOST_GRADE


def _is_header(cells: list[str]) -> bool:
    """Return whether cells are names of columns: ids and grades have digits."""
    return len(cells) == 3 and all(cells) and not any(map(str.isdigit, "".join(cells)))
