"""A job under faults: what it is given, and what has to be true when it is done."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from opensearchpy import OpenSearch

from splare_os.connection import Connection, open_client
from splare_os.errors import SplareError
from splare_os.index import BulkOptions, IngestOptions, ingest
from tests.hashing import HashEncoder
from tests.index.proxy import Proxy, Rule, passed

MOST_RUNS = 12
LONGEST_ERROR = 2000
CHUNK = 8


def corpus(n: int) -> list[object]:
    """Lines of all kinds: some documents twice, some empty, some refused, some not even JSON."""
    made: list[object] = []
    for k in range(n):
        made.append({"_id": f"d{k}", "text": f"ants {k} carry {k % 7}" if k % 11 else ""})
        if k % 9 == 4:  # an id comes again, in this chunk or in a later one
            made.append({"_id": f"d{max(0, k - k % 18)}", "text": f"bees {k}", "year": k})
        if k % 13 == 5:
            made.append(b'{"broken": ')
        if k % 17 == 6:
            made.append({"_id": f"bad{k}", "text": "wasps", "content": {"an": "object"}})
        if k % 23 == 9:  # refused, so what came before stays
            made.append({"_id": f"d{k}", "text": "wasps", "content": {"an": "object"}})
    return made


@dataclass(frozen=True)
class Done:
    """What a job leaves: contents by id, dead letters, counts."""

    contents: dict[str, object]
    letters: list[dict[str, object]]
    counts: dict[str, int]
    n_runs: int = 1
    errors: tuple[str, ...] = ()

    def without(self, name: str) -> "Done":
        """Return what it would be if nothing of an id had been stored."""
        rest = {other: source for other, source in self.contents.items() if other != name}
        return replace(self, contents=rest)


class Job:
    """One source into one index, through a proxy or not, as often as it takes."""

    def __init__(self, client: OpenSearch, source: str, folder: Path, index: str) -> None:
        self.client, self.source, self.folder, self.index = client, source, folder, index
        self.remedy: Callable[[SplareError], None] = lambda _: None

    def options(self, index: str, timeout_s: float = 1.0) -> IngestOptions:
        bulk = BulkOptions(max_actions=6, timeout_s=timeout_s)
        return IngestOptions(index, chunk_documents=CHUNK, bulk=bulk, state_folder=self.folder)

    def run(self, url: str, most_runs: int = MOST_RUNS) -> Done:
        """Run the same command until it ends, errors in between being ours alone."""
        errors: list[str] = []
        options = {"timeout": 1, "max_retries": 0, "pool_maxsize": 8}
        with open_client(Connection((url,)), **options) as through:
            for n_runs in range(1, most_runs + 1):
                run = ingest(through, HashEncoder(), [self.source], self.options(self.index))
                try:
                    for _ in run:
                        pass
                except SplareError as error:
                    errors.append(f"{type(error).__name__}: {error}")
                    self.remedy(error)
                else:
                    assert run.dead_letters is not None
                    counts = {str(status): n for status, n in run.counts.items()}
                    assert all(len(error) < LONGEST_ERROR for error in errors)
                    return self.done(run.dead_letters, counts, n_runs, errors)
        raise AssertionError(f"not done after {most_runs} runs: {errors}")

    def done(self, letters: Path, counts: dict[str, int], n_runs: int, errors: list[str]) -> Done:
        """Return what is there now."""
        lines = letters.read_bytes().splitlines() if letters.exists() else []
        return Done(self.contents(), [*map(json.loads, lines)], counts, n_runs, tuple(errors))

    def contents(self) -> dict[str, object]:
        self.client.indices.refresh(index=self.index)
        hits = self.client.search(index=self.index, body={"size": 10_000})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}


@contextmanager
def proxied(url: str, rule: Rule) -> Iterator[Proxy]:
    with Proxy(url, rule) as proxy:
        yield proxy
        proxy.rule = lambda _: passed


def assert_same(found: Done, true: Done, *, dead: int = 0) -> None:
    """Say that a job under faults left what the one in peace did, but for so many more dead."""
    names = found.contents.keys() | true.contents.keys()
    pairs = {name: (found.contents.get(name), true.contents.get(name)) for name in names}
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    more = [letter for letter in found.letters if letter not in true.letters]
    fewer = [letter for letter in true.letters if letter not in found.letters]
    assert (wrong, fewer, len(more)) == ({}, [], dead), (
        f"{wrong}\n{more}\n{fewer}\n{found.counts}\n{found.errors}"
    )
    assert len(found.letters) == len(true.letters) + dead == found.counts["dead"], found
    assert sum(found.counts.values()) == sum(true.counts.values()), found
