"""A BEIR folder of four documents and three judged queries."""

import gzip
import json
from pathlib import Path

CORPUS = [
    {"_id": "d1", "title": "Oil", "text": "The embargo raised the price", "metadata": {}},
    {"_id": "d2", "title": "", "text": "Rivers carry water to the sea"},
    {"_id": "d3", "title": "Cars", "text": "An automobile burns petrol"},
    {"_id": "d4", "title": "Bread", "text": "Flour and water and salt and water"},
]
QUERIES = [
    {"_id": "q0", "text": "nobody judged this one"},
    {"_id": "q1", "text": "price of oil"},
    {"_id": "q2", "text": "car"},
    {"_id": "q3", "text": "water"},
]
QRELS = [("q3", "d4", 2), ("q3", "d2", 1), ("q1", "d1", 1), ("q1", "d2", 0), ("q2", "d3", 1)]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def save_folder(
    folder: Path, *, qrels: str = "qrels/test.tsv", header: bool = True, suffix: str = ".jsonl"
) -> Path:
    write(folder / f"corpus{suffix}", CORPUS)
    write(folder / f"queries{suffix}", QUERIES)
    path = folder / qrels
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["query-id\tcorpus-id\tscore"] if header else []
    lines += ["\t".join(map(str, judgement)) for judgement in QRELS]
    path.write_text("\n".join(lines) + "\n")
    return folder
