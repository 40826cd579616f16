"""What of an explanation is evidence: a model's latents beside those of a random dictionary.

python -m benchmarks.control DATA [--documents 1000] prints a JSON line for the model and one for
its control, over the same queries and documents: how well they rank, how shares are spread, and
how far the spans of query and document agree, for relevant documents and for others. Needs the
extras dense and train.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import click
import numpy as np
import Stemmer

from splare_os.encode import SplareEncoder
from splare_os.encode.load import load_encoder
from splare_os.encoder import Spans
from splare_os.evaluate.control import random_dictionary
from splare_os.evaluate.datasets import DataSet, read_corpus, read_dataset
from splare_os.evaluate.dense import load_dense
from splare_os.evaluate.exact import impacts_run
from splare_os.evaluate.measures import means, measure
from splare_os.impacts import Impacts, prune, stored, to_features
from splare_os.layout.field import FieldImpacts
from splare_os.scoring import Saturation, weighed
from splare_os.search import Match
from splare_os.search.explain.explain import explain, matched
from splare_os.statistics import Statistics

CALIBRATION_TEXTS = 100
RELATED = 0.5
"""Cosine of two words by the dense model above which they count as related."""

STEMMER = Stemmer.Stemmer("english")
Words = list[tuple[str, str]]


@dataclass(frozen=True)
class Sample:
    """Judged queries, documents that hold all that is relevant to them, and pairs of both."""

    data: DataSet
    ids: list[str]
    texts: list[str]
    relevant: list[tuple[str, int]]
    others: list[tuple[str, int]]


@dataclass(frozen=True)
class Encoded:
    """Weights of queries and impacts of documents as they score, calibrated by these documents."""

    queries: Impacts
    documents: Impacts
    query_spans: dict[str, Spans]
    document_spans: dict[int, Spans]


def read_sample(folder: Path, n_documents: int) -> Sample:
    """Return the relevant documents of a data set, and as many others as make `n_documents`."""
    data = read_dataset(folder, folder.name)
    documents = [(str(one.id), one.text) for one in read_corpus(data.corpus)]
    wanted = {name for judged in data.qrels.values() for name, grade in judged.items() if grade > 0}
    rest = [pair for pair in documents if pair[0] not in wanted]
    random.Random(0).shuffle(rest)
    kept = [pair for pair in documents if pair[0] in wanted]
    kept += rest[: max(0, n_documents - len(kept))]
    at = {name: row for row, (name, _) in enumerate(kept)}
    relevant = [
        (query, at[name])
        for query, judged in data.qrels.items()
        for name, grade in judged.items()
        if grade > 0
    ]
    draw = random.Random(1)
    others = [(query, draw.randrange(len(kept))) for query, _ in relevant]
    return Sample(data, [name for name, _ in kept], [text for _, text in kept], relevant, others)


def encode(encoder: SplareEncoder, sample: Sample) -> Encoded:
    """Return what scores, and where it comes from."""
    made = prune(encoder.encode_documents(sample.texts), encoder.document_top_k)
    statistics = Statistics.of(made)
    saturation = Saturation(b=0.4, mean_length=statistics.mean_length)
    texts = list(sample.data.queries.values())
    rows = sorted({row for _, row in (*sample.relevant, *sample.others)})
    spans = encoder.spans([sample.texts[row] for row in rows])
    whole = weighed(encoder.encode_whole_queries(texts), statistics.idf())
    return Encoded(
        prune(whole, encoder.query_top_k),
        stored(FieldImpacts.of(made, saturation).impacts),
        dict(zip(texts, encoder.spans(texts, query=True), strict=True)),
        dict(zip(rows, spans, strict=True)),
    )


def explained(
    encoded: Encoded, sample: Sample, pairs: Sequence[tuple[str, int]]
) -> Iterator[tuple[str, str, list[Match]]]:
    """Yield query, document and matches of pairs that share a latent."""
    rows = {name: row for row, name in enumerate(sample.data.queries)}
    for name, at in pairs:
        query, document = sample.data.queries[name], sample.texts[at]
        weights = encoded.queries[[rows[name]]]
        shared = explain(weights, to_features(encoded.documents, at))
        spans = (query, encoded.query_spans[query]), (document, encoded.document_spans[at])
        if shared:
            yield query, document, matched(*spans, shared)


def stem(word: str) -> str:
    """Return what BM25 with an English analyser would look up."""
    return str(STEMMER.stemWord(word.casefold()))


def stems(text: str) -> set[str]:
    """Return the stems of a text's words of more than three letters."""
    words = "".join(char if char.isalnum() else " " for char in text).split()
    return {stem(word) for word in words if len(word) > 3}


def spread(found: Sequence[tuple[str, str, list[Match]]]) -> dict[str, float]:
    """Return how many latents pairs share, and how the score is spread over them."""
    shares = [[match.share for match in matches] for _, _, matches in found]
    return {
        "latents shared": mean([len(one) for one in shares]),
        "share of the heaviest": mean([one[0] for one in shares]),
        "share of the five heaviest": mean([sum(one[:5]) for one in shares]),
    }


def agreement(found: Sequence[tuple[str, str, list[Match]]]) -> dict[str, float]:
    """Return how far spans of query and document agree, and with the words that BM25 matches."""
    same = [
        sum(one.share for one in matches if stem(one.query_text) == stem(one.document_text))
        for _, _, matches in found
    ]
    heaviest = [(m[0].query_text, m[0].document_text) for _, _, m in found]
    differ = [pair for pair in heaviest if stem(pair[0]) != stem(pair[1])]
    common, marked = [], []
    for query, document, matches in found:
        both = stems(query) & stems(document)
        ours = {stem(match.document_text) for match in matches[:5]}
        marked.append(len(ours & both) / len(ours))
        if both:
            common.append(len(both & {stem(one.document_text) for one in matches}) / len(both))
    return {
        "score from the same word": mean(same),
        "heaviest: same word": 1 - len(differ) / len(heaviest),
        "heaviest: related of the rest": mean(related(differ)),
        "by chance": mean(related(shuffled(differ))),
        "marked words that BM25 matches": mean(marked),
        "words that BM25 matches marked": mean(common),
    }


def shuffled(pairs: Words) -> Words:
    """Return words of queries with those of other pairs' documents."""
    others = [document for _, document in pairs]
    random.Random(2).shuffle(others)
    return [(query, other) for (query, _), other in zip(pairs, others, strict=True)]


def related(pairs: Words) -> list[float]:
    """Return 1 for each pair of words that the dense model takes for related, else 0."""
    return [float(vector(one) @ vector(other) >= RELATED) for one, other in pairs]


@cache
def vector(word: str) -> np.ndarray:
    """Return the unit vector of a word by itself."""
    return np.asarray(dense().encode(word, normalize_embeddings=True, show_progress_bar=False))


dense = cache(load_dense)


def mean(values: Sequence[float]) -> float:
    """Return a mean to three digits; 0 of nothing."""
    return round(float(np.mean(values)), 3) if len(values) else 0.0


def figures(encoder: SplareEncoder, sample: Sample) -> dict[str, object]:
    """Return the figures of one dictionary."""
    encoded = encode(encoder, sample)
    top_k = encoder.document_top_k
    run = impacts_run(
        list(sample.data.queries),
        encoded.queries,
        sample.ids,
        [encoded.documents],
        top_k=top_k,
        depth=100,
    )
    measured = means(measure(sample.data.qrels, run))
    parts = {"relevant": sample.relevant, "others": sample.others}
    found = {name: [*explained(encoded, sample, pairs)] for name, pairs in parts.items()}
    return {
        "dictionary": encoder.name,
        "documents": len(sample.ids),
        "queries": len(sample.data.queries),
        "ndcg@10": round(measured["ndcg@10"], 3),
        "impacts of a document": mean(np.diff(encoded.documents.indptr)),
        **{name: {"pairs": len(one)} | spread(one) | agreement(one) for name, one in found.items()},
    }


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", default="mini", show_default=True)
@click.option("--documents", default=1000, show_default=True, help="Taken of the data set.")
@click.option("--seeds", default=1, show_default=True, help="Random dictionaries.")
def main(folder: Path, model: str, documents: int, seeds: int) -> None:
    """Compare the explanations of MODEL with those of random dictionaries on a BEIR folder."""
    sample = read_sample(folder, documents)
    encoder = load_encoder(model, device="cpu")
    if not isinstance(encoder, SplareEncoder):
        raise click.UsageError(f"{model} has no SAE whose directions could be drawn at random")
    click.echo(json.dumps(figures(encoder, sample)))
    texts = list(islice(sample.texts, CALIBRATION_TEXTS))
    for seed in range(seeds):
        control = random_dictionary(encoder, texts, seed=seed)
        click.echo(json.dumps(figures(control, sample)))


if __name__ == "__main__":
    main()
