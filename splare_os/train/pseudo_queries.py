"""Pseudo-queries: pairs to distill on, made from texts that nobody has asked anything of.

A title stands for its text, a first sentence for what follows it, a crop for the whole, as
unsupervised retrievers are trained (ICT, arXiv 1906.00300; crops: Contriever, arXiv 2112.09118).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random

from ..documents.document import Document, text_reason
from ..documents.fields import Fields
from ..documents.sources import find_sources, read_documents
from ..errors import TrainingError
from .options import Options, limited
from .texts import Reject

KINDS = ("title", "sentence", "crop")
"""What asks for a text: its title; its first sentence, for the rest; words from its middle."""

LEAST_WORDS = 3
"""Words of a query; a document has at least three times as many."""

MOST_SENTENCE_WORDS = 40

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\s])")


@dataclass(frozen=True, kw_only=True)
class PseudoOptions(Options):
    """How pairs are drawn: at most `pairs` of each file, of one kind for each text.

    A crop has `least_crop` to `most_crop` words, but no more than a quarter of its text's. With
    `keep_crop` (a share) of its texts the crop stays in the document, so that exact words count;
    else it is cut out of it.
    """

    pairs: int = 4000
    least_crop: int = 4
    most_crop: int = 16
    keep_crop: float = limited(0.5, may_be_0=True, share=True)
    seed: int = limited(0, may_be_0=True)

    def __post_init__(self) -> None:
        """Refuse also a least crop above the most."""
        super().__post_init__()
        if self.least_crop > self.most_crop:
            raise ValueError(
                f"least_crop={self.least_crop}: give at most most_crop={self.most_crop}"
            )


Pair = tuple[str, str]
"""A query and the document that answers it."""


def pseudo_pairs(
    sources: Sequence[str],
    fields: Fields,
    options: PseudoOptions,
    *,
    reject: Reject = lambda _: None,
) -> list[Pair]:
    """Return pairs of all sources, in their files' order, no query twice.

    Every kind that a text has is as likely as the others. A query that several texts have (a
    heading such as "Introduction") tells none of them apart: it is left out. `TrainingError` if
    nothing is left.
    """
    files = find_sources(sources)
    found = []
    for number, source in enumerate(files):
        random = Random(f"{options.seed} {number}")
        pairs = list(_pairs(_documents(source, fields, reject), options, random))
        found.append(_drawn(_unique(pairs), options.pairs, random))
    pairs = _unique(list(chain.from_iterable(found)))
    if not pairs:
        raise TrainingError(
            f"no pseudo-query in {len(files)} files: texts need {4 * LEAST_WORDS} words or more, "
            "and not all the same title"
        )
    return pairs


def _documents(source: str, fields: Fields, reject: Reject) -> Iterator[tuple[str, str]]:
    """Yield title and text of each document."""
    for document in read_documents(source, fields):
        if document.body is None:
            reject(document)
        elif reason := text_reason(document.body, fields):
            reject(Document(document.source, document.line, b"", reason=reason))
        else:
            yield _field(document.body, fields.title), _field(document.body, fields.text)


def _field(body: Mapping[str, object], name: str | None) -> str:
    value = body.get(name) if name else None
    return " ".join(value.split()) if isinstance(value, str) else ""


def _pairs(
    documents: Iterator[tuple[str, str]], options: PseudoOptions, random: Random
) -> Iterator[Pair]:
    for title, text in documents:
        offered = {
            "title": (title, text),
            "sentence": first_sentence(text),
            "crop": crop(text, options, random),
        }
        fit = [pair for kind in KINDS if _is_fit(pair := offered[kind], kind)]
        if fit:
            yield random.choice(fit)


def _is_fit(pair: Pair, kind: str) -> bool:
    """Return whether a query says something, and its document more."""
    query, document = (len(part.split()) for part in pair)
    least = 1 if kind == "title" else LEAST_WORDS
    return least <= query <= MOST_SENTENCE_WORDS and document >= 3 * max(query, LEAST_WORDS)


def first_sentence(text: str) -> Pair:
    """Return the first sentence of a text, and the rest.

    >>> first_sentence("Ants carry leaves. They cut them. They eat fungi.")
    ('Ants carry leaves.', 'They cut them. They eat fungi.')
    """
    first, *rest = SENTENCE_END.split(text, maxsplit=1)
    return first, "".join(rest)


def crop(text: str, options: PseudoOptions, random: Random) -> Pair:
    """Return words in a row from a text, and the text with them or without."""
    words = text.split()
    most = max(options.least_crop, min(options.most_crop, len(words) // 4))
    length = random.randint(options.least_crop, most)
    start = random.randint(0, max(0, len(words) - length))
    query = words[start : start + length]
    if random.random() < options.keep_crop:
        return " ".join(query), text
    return " ".join(query), " ".join(words[:start] + words[start + length :])


def _unique(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs whose query, whatever its case, no other document has."""
    documents: dict[str, set[str]] = {}
    for query, document in pairs:
        documents.setdefault(query.casefold(), set()).add(document)
    first = {query.casefold(): (query, document) for query, document in reversed(pairs)}
    return [first[key] for key in documents if len(documents[key]) == 1]


def _drawn(pairs: list[Pair], n: int, random: Random) -> list[Pair]:
    """Return at most `n` pairs, in their order."""
    if len(pairs) <= n:
        return pairs
    return [pairs[place] for place in sorted(random.sample(range(len(pairs)), n))]


def save_pairs(pairs: Sequence[Pair], out: Path) -> None:
    """Write the file that `train distill` reads; it appears when it is whole."""
    part = out.with_name(f"{out.name}.part")
    with part.open("w", encoding="utf-8") as file:
        for query, positive in pairs:
            line = {"query": query, "positive": positive}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    part.replace(out)
