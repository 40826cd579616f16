"""Explanations of latents from Neuronpedia's exports, as they are downloaded.

    v1/MODEL/SOURCE/explanations/batch-0.jsonl.gz    lines, of its bucket of data sets
    explanation/export?modelId=…&saeId=…             one JSON array, of its API

Each has `modelId`, `layer`, `index` (the latent), `description`, `explanationModelName` and
`typeName`; other keys are passed over.
Source: `export-data.py` of github.com/hijohnnylin/neuronpedia.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from ...documents.compression import BrokenStreamError, decompressed
from ...documents.files import opened
from ...documents.sources import find_sources
from ...errors import LabelError


@dataclass(frozen=True, order=True, slots=True)
class Explanation:
    """One description of a latent: the model that wrote it, and by which method."""

    explainer: str
    method: str
    text: str

    @property
    def author(self) -> str:
        """Who wrote it, and how."""
        return " ".join(filter(None, (self.explainer, self.method)))


@dataclass(frozen=True)
class Export:
    """The explanations of each latent of one SAE, sorted; `source` names it."""

    source: str
    explanations: Mapping[int, Sequence[Explanation]]

    @property
    def n(self) -> int:
        """Number of explanations."""
        return sum(map(len, self.explanations.values()))


def read_export(sources: Sequence[str], n_latents: int, explainer: str | None = None) -> Export:
    """Return the explanations in files and folders, of `explainer` alone if that is given.

    Empty ones are left out, and equal ones are one. `LabelError` for what is no export, for
    several SAEs in one, for a latent beyond `n_latents`, and where nothing is left.
    """
    found: dict[int, set[Explanation]] = {}
    saes: dict[str, str] = {}
    for file in find_sources(sources):
        for where, record in _records(file):
            latent, explanation = _parse(record, where, n_latents)
            saes.setdefault(f"{record.get('modelId', '?')}/{record.get('layer', '?')}", where)
            if explanation.text and explainer in {None, explanation.explainer}:
                found.setdefault(latent, set()).add(explanation)
    if len(saes) > 1:
        told = ", ".join(f"{name} ({where})" for name, where in saes.items())
        raise LabelError(f"explanations of several SAEs: {told}. Give those of the model at hand")
    if not found:
        of = f" of {explainer!r}" if explainer else ""
        raise LabelError(f"{', '.join(sources)}: no explanation{of} is in there")
    ordered = {latent: sorted(found[latent]) for latent in sorted(found)}
    return Export(f"neuronpedia {next(iter(saes))}", ordered)


def _records(file: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the objects of a file, and where each stands: of an array, or of lines."""
    try:
        with opened(file) as source:
            content = decompressed(source.handle).read()
    except (OSError, BrokenStreamError) as error:
        raise LabelError(f"{file}: cannot be read: {error}") from error
    is_array = content.lstrip().startswith(b"[")
    parts = [(file, content)] if is_array else _lines(file, content)
    for where, part in parts:
        try:
            parsed = orjson.loads(part)
        except orjson.JSONDecodeError as error:
            raise LabelError(f"{where}: invalid JSON: {error}") from error
        for number, record in enumerate(parsed if is_array else [parsed], start=1):
            place = f"{where}, element {number}" if is_array else where
            if not isinstance(record, dict):
                raise LabelError(f"{place}: not an object but {str(record)[:80]!r}")
            yield place, record


def _lines(file: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield f"{file}, line {number}", line


def _parse(record: Mapping[str, object], where: str, n_latents: int) -> tuple[int, Explanation]:
    index, text = record.get("index"), record.get("description", "")
    if "description" not in record or not str(index).isdecimal():
        raise LabelError(
            f"{where}: no explanation, which has the number of a latent as its index, and a "
            f"description (index is {index!r}, keys are {', '.join(sorted(record))[:200]}): "
            "download the folder explanations/"
        )
    latent = int(str(index))
    if latent >= n_latents:
        raise LabelError(
            f"{where}: latent {latent}, and the model has {n_latents}: this export is of another "
            "SAE"
        )
    explainer, method = str(record.get("explanationModelName") or ""), record.get("typeName")
    return latent, Explanation(explainer, str(method or ""), " ".join(str(text or "").split()))
