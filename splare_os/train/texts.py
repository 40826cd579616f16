"""The texts that a model is trained on, drawn at random from files of documents."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from random import Random

from ..documents.document import Document, encoded_text, text_reason
from ..documents.fields import Fields
from ..documents.sources import find_sources, read_documents

Reject = Callable[[Document], None]
"""Is told of each line that is no document; its `reason` says why."""


def draw_texts(
    sources: Sequence[str],
    fields: Fields,
    *,
    max_chars: int,
    seed: int = 0,
    reject: Reject = lambda _: None,
) -> list[str]:
    """Return texts of all sources: of each at most those that first reach `max_chars` characters.

    They are drawn at random, and stand in their files' order. A source is read once, and no more
    of it is held than is drawn. Documents need no id here; empty texts are passed over.
    """
    files = find_sources(sources)
    if max_chars < 1:
        raise ValueError(f"max_chars={max_chars}: take at least one character of a file")
    drawn: list[str] = []
    for number, source in enumerate(files):
        texts = _texts(source, fields, reject)
        drawn.extend(_draw(texts, max_chars, Random(f"{seed} {number}")))
    return drawn


def _texts(source: str, fields: Fields, reject: Reject) -> Iterator[str]:
    for document in read_documents(source, fields):
        if document.body is None:
            reject(document)
        elif reason := text_reason(document.body, fields):
            reject(Document(document.source, document.line, b"", reason=reason))
        else:
            text = encoded_text(document.body, fields)
            if text:
                yield text


def _draw(texts: Iterable[str], max_chars: int, random: Random) -> list[str]:
    """Return the texts that come first in a random order, until they hold `max_chars`."""
    kept: list[tuple[float, int, str]] = []  # a heap: the last of the random order on top
    total = 0
    for number, text in enumerate(texts):
        heappush(kept, (-random.random(), number, text))
        total += len(text)
        while total - len(kept[0][2]) >= max_chars:
            total -= len(heappop(kept)[2])
    return [text for _, _, text in sorted(kept, key=lambda entry: entry[1])]
