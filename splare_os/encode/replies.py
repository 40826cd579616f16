"""Replies of a model server: each is checked as a whole before anything is made of it.

Between client and server stand proxies, and servers have versions. A value that cannot be is a
`ModelServerError`, never the fault of a text, and never an impact.
"""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..encoder import Spans
from ..errors import ModelServerError
from ..impacts import Impacts
from ..statistics import Statistics

Integers: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]

MOST_COUNTED = 2**31 - 1
"""Of latents and the like: sparse rows count in 32 bits."""
SHOWN = 80
"""Characters of a value that an error repeats."""


@dataclass(frozen=True)
class Reply:
    """The JSON that a model server answers at an address."""

    url: str
    content: Any

    def unfit(self, what: str) -> ModelServerError:
        """Return the error that says what is wrong with it."""
        return ModelServerError(
            f"{self.url} answers {what}. Is there a proxy between that answers itself, or a server "
            "of another version?"
        )

    def part(self, key: str) -> Any:  # noqa: ANN401  # JSON
        """Return what stands under a key."""
        if not isinstance(self.content, Mapping) or key not in self.content:
            raise self.unfit(f"{_shown(self.content)}, which has no {key!r}")
        return self.content[key]

    def rows(self, found: object, n_texts: int) -> list[list[Any]]:
        """Return a list for each text."""
        if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
            raise self.unfit(f"{_shown(found)} in place of a list for each text")
        self.require_texts(len(found), n_texts)
        return found

    def require_texts(self, n_found: int, n_texts: int) -> None:
        """Refuse rows for more texts than were asked about, or fewer."""
        if n_found != n_texts:
            raise self.unfit(f"rows of {n_found} texts, and {n_texts} were asked about")

    def column(self, rows: list[list[Any]], key: str) -> list[Any]:
        """Return what stands under a key of each object of each text."""
        try:
            return [one[key] for row in rows for one in row]
        except (KeyError, TypeError) as error:
            raise self.unfit(f"a row without {key!r}") from error

    def integers(self, found: object, name: str) -> Integers:
        """Return a list of whole numbers as an array."""
        return self._array(found, name, "q")

    def numbers(self, found: object, name: str) -> Numbers:
        """Return a list of numbers as an array."""
        return self._array(found, name, "d")

    def require(self, good: NDArray[np.bool_], values: Integers | Numbers, allowed: str) -> None:
        """Refuse the first of `values` that is not `good`; `allowed` says what is."""
        if not good.all():
            raise self.unfit(f"{values[np.argmin(good)].item()!r}: {allowed}")

    def _array(self, found: object, name: str, kind: str) -> NDArray[Any]:
        """Return a list as an array; true and false are no numbers."""
        if not isinstance(found, list):
            raise self.unfit(f"{name}={_shown(found)}, which is no list")
        try:
            made: NDArray[Any] = np.asarray(array(kind, found))  # NumPy reads "1", null and 1.9 too
        except (TypeError, OverflowError) as error:
            raise self.unfit(f"{_wrong(found, kind)} among its {name}") from error
        if any(type(found[at]) is bool for at in np.flatnonzero((made == 0) | (made == 1))):
            raise self.unfit(f"a truth value among its {name}")
        return made


@dataclass(frozen=True)
class Info:
    """What a server tells of its model; None: it does not.

    `is_ours` tells `splare-os serve` from text-embeddings-inference.
    """

    is_ours: bool
    name: str
    fingerprint: str
    n_latents: int | None
    document_top_k: int | None
    query_top_k: int | None
    has_prior: bool
    max_texts: int | None


def info(reply: Reply) -> Info:
    """Return what `/info` tells."""
    if not isinstance(reply.content, Mapping) or "model_id" not in reply.content:
        raise ModelServerError(f"{reply.url} tells no model: is it a model server?")
    is_ours, has_prior = "fingerprint" in reply.content, reply.content.get("has_prior", False)
    if not isinstance(has_prior, bool):
        raise reply.unfit(f"has_prior={_shown(has_prior)}, which is neither true nor false")
    name, n_latents = _word(reply, "model_id"), _count(reply, "n_latents")
    if is_ours and n_latents is None:
        raise reply.unfit("no n_latents")
    return Info(
        is_ours=is_ours,
        name=name,
        fingerprint=_fingerprint(reply) if is_ours else _of_tei(name, reply.content),
        n_latents=n_latents,
        document_top_k=_count(reply, "document_top_k"),
        query_top_k=_count(reply, "query_top_k"),
        has_prior=has_prior,
        max_texts=_count(reply, "max_client_batch_size"),
    )


def columns(reply: Reply, n_texts: int, n_latents: int) -> Impacts:
    """Return the impacts [text, latent] that `/encode` gives."""
    lengths = reply.integers(reply.part("lengths"), "lengths")
    latents = reply.integers(reply.part("latents"), "latents")
    values = reply.numbers(reply.part("impacts"), "impacts")
    reply.require_texts(len(lengths), n_texts)
    n_impacts = len(latents)
    allowed = f"a length is from 0 to {n_impacts}, the latents there are"
    reply.require((lengths >= 0) & (lengths <= n_impacts), lengths, allowed)
    if not lengths.sum() == n_impacts == len(values):
        raise reply.unfit(
            f"{n_impacts} latents and {len(values)} impacts, where lengths add up to "
            f"{lengths.sum()}"
        )
    return _impacts(reply, lengths, latents, values, n_latents)


def sparse_values(reply: Reply, asked: Sequence[int], n_texts: int, n_latents: int) -> Impacts:
    """Return impacts of `n_texts` texts, of which `/embed_sparse` was asked about some alone.

    What is 0 is no impact: others may list it.
    """
    rows = reply.rows(reply.content, len(asked))
    latents = reply.integers(reply.column(rows, "index"), "indices")
    values = reply.numbers(reply.column(rows, "value"), "values")
    texts, kept = np.repeat(asked, [len(row) for row in rows]), values != 0
    lengths = np.bincount(texts[kept], minlength=n_texts)
    return _impacts(reply, lengths, latents[kept], values[kept], n_latents)


def spans(reply: Reply, texts: Sequence[str], n_latents: int) -> list[Spans]:
    """Return the spans of each text that `/explain` gives."""
    rows = reply.rows(reply.part("response"), len(texts))
    latents, starts, ends = (reply.column(rows, key) for key in ("latent", "start", "end"))
    _require_latents(reply, reply.integers(latents, "latents"), n_latents)
    firsts, lasts = reply.integers(starts, "starts"), reply.integers(ends, "ends")
    counts = [len(row) for row in rows]
    sizes = np.repeat([len(text) for text in texts], counts)
    reply.require((lasts >= 0) & (lasts <= sizes), lasts, "an end is within its text")
    reply.require((firsts >= 0) & (firsts <= lasts), firsts, "a start is from 0 to its end")
    triples = zip(latents, starts, ends, strict=True)
    found = [{key: (start, end) for key, start, end in islice(triples, n)} for n in counts]
    if sum(map(len, found)) != len(latents):
        raise reply.unfit("a latent twice for one text")
    return found


def prior(reply: Reply, n_latents: int) -> Statistics:
    """Return the statistics that `/prior` gives."""
    frequencies = reply.numbers(reply.part("document_frequency"), "document_frequency")
    sums = reply.numbers([reply.part("documents"), reply.part("length")], "documents and length")
    if len(frequencies) != n_latents:
        raise reply.unfit(f"{len(frequencies)} numbers of documents of {n_latents} latents")
    for numbers in (frequencies, sums):
        reply.require(np.isfinite(numbers) & (numbers >= 0), numbers, "statistics are 0 or more")
    return Statistics(float(sums[0]), frequencies, float(sums[1]))


def _impacts(
    reply: Reply, lengths: Integers, latents: Integers, values: Numbers, n_latents: int
) -> Impacts:
    """Return rows of impacts; `lengths` [text] adds up to the number of latents and of values."""
    _require_latents(reply, latents, n_latents)
    with np.errstate(over="ignore", under="ignore"):
        impacts = values.astype(np.float32)
    good = (impacts > 0) & np.isfinite(impacts)
    reply.require(good, values, "an impact is more than 0, and finite in 32 bits")
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    made: Impacts = csr_array((impacts, latents, indptr), shape=(len(lengths), n_latents))
    made.sort_indices()
    if not made.has_canonical_format:
        raise reply.unfit("a latent twice for one text")
    return made


def _require_latents(reply: Reply, latents: Integers, n_latents: int) -> None:
    good = (latents >= 0) & (latents < n_latents)
    reply.require(good, latents, f"a latent is from 0 to {n_latents - 1} (is n_latents right?)")


def _count(reply: Reply, key: str) -> int | None:
    found = reply.content.get(key)
    if found is not None and (type(found) is not int or not 1 <= found <= MOST_COUNTED):
        raise reply.unfit(f"{key}={_shown(found)}: it is from 1 to {MOST_COUNTED}")
    return found


def _word(reply: Reply, key: str) -> str:
    found = reply.part(key)
    if not isinstance(found, str) or not found:
        raise reply.unfit(f"{key}={_shown(found)}, which is no name")
    return found


def _fingerprint(reply: Reply) -> str:
    found = _word(reply, "fingerprint")
    if not (found.isascii() and found.isalnum()):  # it is sent back as a header
        raise reply.unfit(f"fingerprint={_shown(found)}, which is not of letters and digits alone")
    return found


def _of_tei(name: str, told: Mapping[str, Any]) -> str:
    """Return a fingerprint of what text-embeddings-inference tells of its model."""
    told_of = f"text-embeddings-inference {name} {told.get('model_sha')}"
    return hashlib.sha256(told_of.encode()).hexdigest()[:16]


def _wrong(found: list[Any], kind: str) -> str:
    """Return what of a list makes no array of a kind: another type, or the largest number."""
    types = {int} if kind == "q" else {int, float}
    others = (one for one in found if type(one) not in types)
    return next(map(_shown, others), "") or _shown(max(found, key=abs))


def _shown(found: object) -> str:
    return repr(found)[:SHOWN]
