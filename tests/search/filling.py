"""Indices of hashed words, for tests of what reads documents."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from opensearchpy import OpenSearch

from splare_os.encoder import Encoder
from splare_os.index import IngestOptions, ingest

COMMON = ["price", "market", "year", "people", "city", "water", "law", "music"]


def fill(
    client: OpenSearch,
    encoder: Encoder,
    options: IngestOptions,
    texts: Mapping[str, str],
    folder: Path,
) -> None:
    """Index texts by id, with the impacts of an encoder."""
    path = folder / f"{options.index}.jsonl"
    lines = (json.dumps({"_id": name, "text": text}) for name, text in texts.items())
    path.write_text("".join(f"{line}\n" for line in lines))
    outcomes = list(ingest(client, encoder, [str(path)], options))
    assert {outcome.status for outcome in outcomes} <= {"indexed", "empty"}


def planted(n: int = 160) -> dict[str, str]:
    """Return texts of common words, of which the first half is about oil, the others about rivers.

    Each has an ending of its own, so that none is a duplicate.
    """
    rng = np.random.default_rng(0)
    texts = {}
    for at in range(n):
        own = "oil embargo" if at < n // 2 else "river bridge"
        texts[f"d{at}"] = f"{own} {' '.join(rng.choice(COMMON, 4))} {own.split()[0]} w{at}"
    return texts
