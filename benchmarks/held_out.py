"""Data sets in BEIR form of what was held out of training, beside those that have that form.

python -m benchmarks.held_out DATA OUT [--queries 300] reads DATA/texts/NAME.jsonl.gz and
NAME.pairs.jsonl.gz of the held-out files, and of DATA/data fairytaleqa's validation split and
squad-dev, and writes OUT/NAME for each, at most so many queries drawn at random, all documents.
"""

import json
import shutil
from pathlib import Path
from random import Random

import click

from splare_os.documents import Fields
from splare_os.documents.document import encoded_text
from splare_os.documents.sources import read_documents
from splare_os.evaluate.datasets import Qrels, find, find_qrels, read_corpus, read_qrels
from splare_os.train.distill.pairs import read_pairs

from .groups import FROM_TEXTS

JUDGED = {"fairytaleqa-val": ("fairytaleqa", "val"), "squad-dev": ("squad-dev", "test")}
"""A name to a data set and its split; of fairytaleqa only documents of that split are kept."""


def from_texts(texts: Path, name: str, out: Path, *, queries: int) -> None:
    """Write the set of a file of passages and its pairs; equal texts are one document."""
    pairs = read_pairs(str(texts / f"{name}.pairs.jsonl.gz"))
    fields = Fields(title=None)  # as in pairs, which have no titles
    lines = read_documents(str(texts / f"{name}.jsonl.gz"), fields)
    passages = [encoded_text(line.body, fields) for line in lines if line.body is not None]
    known = {text: str(place) for place, text in enumerate(dict.fromkeys(passages))}
    for text in pairs.documents:
        known.setdefault(text, str(len(known)))
    asked = Random(0).sample(sorted(pairs.relevant), min(queries, len(pairs.relevant)))
    qrels = {f"q{q}": {known[pairs.documents[d]]: 1 for d in pairs.relevant[q]} for q in asked}
    texts_of = {f"q{q}": pairs.queries[q] for q in asked}
    write(out, {key: text for text, key in known.items() if text}, texts_of, qrels)


def from_judged(folder: Path, split: str, out: Path, *, queries: int) -> None:
    """Write queries of a split, with the documents that it judges."""
    judged = read_qrels(find_qrels(folder, split))
    drawn = Random(0).sample(sorted(judged), min(queries, len(judged)))
    kept = {name for grades in judged.values() for name in grades}
    documents = {str(one.id): one.text for one in read_corpus(find(folder, "corpus"))}
    texts = {
        str(one.id): one.text
        for one in read_documents(str(find(folder, "queries")), Fields(title=None))
    }
    corpus = {name: text for name, text in documents.items() if name in kept}
    write(out, corpus, {name: texts[name] for name in drawn}, {n: judged[n] for n in drawn})


def write(out: Path, corpus: dict[str, str], queries: dict[str, str], qrels: Qrels) -> None:
    """Write a folder in BEIR form, whole or not at all."""
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, texts in (("corpus", corpus), ("queries", queries)):
        lines = (json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items())
        (part / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    lines = (f"{q}\t{d}\t{grade}\n" for q, grades in qrels.items() for d, grade in grades.items())
    (part / "qrels.tsv").write_text("".join(lines), encoding="utf-8")
    part.rename(out)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--queries", default=300, show_default=True, type=click.IntRange(min=1))
def main(data: Path, out: Path, queries: int) -> None:
    """Write the sets that are not there yet."""
    for name in (*FROM_TEXTS, *JUDGED):
        if (out / name).exists():
            continue
        if name in JUDGED:
            folder, split = JUDGED[name]
            from_judged(data / "data" / folder, split, out / name, queries=queries)
        else:
            from_texts(data / "texts", name, out / name, queries=queries)
        click.echo(name, err=True)


if __name__ == "__main__":
    main()
