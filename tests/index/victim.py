"""A worker to be killed: `python -m tests.index.victim URL INDEX STATE_FOLDER SOURCE…`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from opensearchpy import OpenSearch

from splare_os.impacts import Impacts
from splare_os.index import IngestOptions, ingest
from tests.hashing import HashEncoder


class SlowEncoder(HashEncoder):
    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        time.sleep(0.02)
        return super().encode_documents(texts)


def main(url: str, index: str, state_folder: str, *sources: str) -> None:
    options = IngestOptions(index, chunk_documents=8, state_folder=Path(state_folder))
    with OpenSearch(url) as client:
        for _ in ingest(client, SlowEncoder(), sources, options):
            print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
