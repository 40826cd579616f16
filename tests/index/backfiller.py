"""A backfill to be killed: `python -m tests.index.backfiller URL INDEX STATE_FOLDER [--watch]`."""

import sys
from pathlib import Path

from opensearchpy import OpenSearch

from splare_os.index import BackfillOptions, backfill
from tests.index.victim import SlowEncoder


def main(url: str, index: str, state_folder: str, *rest: str) -> None:
    options = BackfillOptions(
        index, share=1.0, state_folder=Path(state_folder), watch="--watch" in rest
    )
    with OpenSearch(url, pool_maxsize=8) as client:
        for _ in backfill(client, SlowEncoder(), options):
            print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
