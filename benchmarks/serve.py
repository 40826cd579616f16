"""How fast a model is behind HTTP, against the same model called directly.

python -m benchmarks.serve FILE (JSON Lines with `title` and `text`; the shipped sample if absent)
starts `splare-os serve` twice, as it is and with a batch for each text, and prints a line of JSON
for each figure. Clients, servers and the direct calls share this machine's cores; of each pair one
begins by turns. `share_of_cpu` is CPU time of direct calls over that of the server: what clients
take, which would run elsewhere, and what others do on this machine, is no part of it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.resources import files
from statistics import median
from typing import NamedTuple

import click
import numpy as np

from splare_os.cli.options import model_option, opened_encoder, print_json
from splare_os.documents import Fields, read_documents
from splare_os.encoder import Encoder

from .clients import load, request_of
from .pairs import N_PAIRS, of_pairs, seconds
from .request_cost import cpu_us

SAMPLE = str(files("splare_os") / "samples" / "squad-dev.jsonl.gz")
CLIENTS = (1, 8, 64)
QUERY_CHARS = 60
"""A query is the end of a text, as long as a question."""
PROBES = 300
"""Queries of one client, each asked directly and of the server."""


class Served(NamedTuple):
    """A server that runs: its address and its process."""

    url: str
    pid: int


@contextmanager
def server(model: str, *options: str) -> Iterator[Served]:
    """Run a server, and give where it is."""
    command = [sys.executable, "-m", "splare_os", "serve", "--model", model, "--port", "0"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Served(told["url"], told["pid"])
    finally:
        process.terminate()
        process.wait(60)


def read_texts(path: str | None, n_texts: int) -> list[str]:
    """Return the first texts of a file."""
    texts = []
    for document in read_documents(path or SAMPLE, Fields()):
        texts.append(document.text)
        if len(texts) == n_texts:
            break
    return texts


def ends(texts: Sequence[str], n_queries: int) -> list[str]:
    """Return the ends of texts, then what stands before these, and so on.

    >>> QUERY_CHARS, [one[:2] for one in ends(["a" * 60 + "b" * 60, "c" * 60], 3)]
    (60, ['bb', 'cc', 'aa'])
    """
    found: list[str] = []
    for end in range(0, 10 * QUERY_CHARS, QUERY_CHARS):
        parts = (text[: len(text) - end][-QUERY_CHARS:] for text in texts if len(text) > end)
        found.extend(parts)
    return found[:n_queries]


def ratios(
    direct: Callable[[Sequence[str]], object],
    served: Callable[[Sequence[str]], object],
    slices: Sequence[Sequence[str]],
) -> list[float]:
    """Return for each slice how many times as long as the second the first call takes."""
    found = []
    for number, texts in enumerate(slices):
        calls = [partial(direct, texts), partial(served, texts)]
        if number % 2:
            calls.reverse()
        taken = [seconds(call) for call in calls]
        found.append(taken[number % 2] / taken[1 - number % 2])
    return found


def sliced(texts: Sequence[str]) -> list[Sequence[str]]:
    """Return a slice of texts for each pair."""
    size = len(texts) // N_PAIRS
    return [texts[at * size : (at + 1) * size] for at in range(N_PAIRS)]


class Spent:
    """Microseconds of CPU for a text: of direct calls, of a server and of its clients."""

    def __init__(self) -> None:
        self.us: dict[str, list[float]] = {"direct": [], "server": [], "clients": []}

    def add(self, who: str, seconds: float, n_texts: int) -> None:
        """Note what some texts took."""
        self.us[who].append(1e6 * seconds / n_texts)

    def told(self) -> dict[str, object]:
        """Return medians, and the share of the server's time that direct calls take."""
        pairs = zip(self.us["direct"][1:], self.us["server"][1:], strict=True)  # the first warms
        share = {"share_of_cpu": str(of_pairs([direct / server for direct, server in pairs]))}
        return share | {f"{who}_us": round(median(each[1:])) for who, each in self.us.items()}


def throughput(
    encode: Callable[[Sequence[str]], object],
    to: Served,
    path: str,
    texts: Sequence[str],
    *,
    clients: int,
    per_request: int,
) -> dict[str, object]:
    """Return the share of the direct rate that so many clients get of a server, and CPU time."""
    slices = sliced(texts)
    rates, spent = list[float](), Spent()

    def direct(part: Sequence[str]) -> None:
        start = time.process_time()
        encode(part)
        spent.add("direct", time.process_time() - start, len(part))

    def served(part: Sequence[str]) -> None:
        groups = [part[at : at + per_request] for at in range(0, len(part), per_request)]
        start = cpu_us(to.pid)
        done = load(to.url, [request_of(path, group) for group in groups], clients=clients)
        spent.add("server", (cpu_us(to.pid) - start) / 1e6, len(part))
        spent.add("clients", done.cpu_s, len(part))
        rates.append(len(part) / done.total_s)

    direct(slices[0])
    served(slices[0])
    told = {"share_of_direct": str(of_pairs(ratios(direct, served, slices)))} | spent.told()
    return told | {"texts_per_s": round(median(rates[1:]), 1)}


def asked(path: str, clients: int, per_request: int) -> dict[str, object]:
    """Return what a figure of `throughput` is of."""
    asked = {"route": path, "clients": clients, "texts_per_request": per_request}
    return {"figure": "throughput"} | asked


def parts(
    encode: Callable[[Sequence[str]], object], kind: str, texts: Sequence[str], size: int
) -> dict[str, object]:
    """Return the share of the direct rate that the model itself has by so many texts a call."""

    def by_parts(part: Sequence[str]) -> None:
        for at in range(0, len(part), size):
            encode(part[at : at + size])

    length = len(texts) // N_PAIRS
    slices = [texts[at * length : (at + 1) * length] for at in range(N_PAIRS)]
    encode(slices[0])
    found = of_pairs(ratios(encode, by_parts, slices))
    return {"kind": kind, "texts_per_call": size, "share_of_direct": str(found)}


def latency(encoder: Encoder, url: str, queries: Sequence[str]) -> dict[str, object]:
    """Return the milliseconds of one client's queries, directly and by the server, in turns."""
    direct, served = [], []
    for query in queries:
        direct.append(seconds(partial(encoder.encode_queries, [query])))
        served.extend(load(url, [request_of("/queries", [query])], clients=1).request_s)
    ends = {
        f"{name}_{part}_ms": round(1e3 * float(np.percentile(values, at)), 2)
        for name, values in (("direct", direct), ("served", served))
        for part, at in (("p50", 50), ("p95", 95), ("p99", 99))
    }
    allowed = 1.5 * float(ends["direct_p99_ms"]) + 3
    return {"queries": len(queries)} | ends | {"p99_allowed_ms": round(allowed, 2)}


def gain(url: str, plain: str, path: str, texts: Sequence[str], clients: int) -> dict[str, object]:
    """Return how many times as fast clients are served with batches as without."""
    size = len(texts) // N_PAIRS
    slices = [texts[at * size : (at + 1) * size] for at in range(N_PAIRS)]

    def asked(address: str, part: Sequence[str]) -> None:
        load(address, [request_of(path, [text]) for text in part], clients=clients)

    found = of_pairs(ratios(partial(asked, plain), partial(asked, url), slices))
    return {"route": path, "clients": clients, "gain_of_batches": str(found)}


@click.command()
@click.argument("file", required=False)
@click.option("--texts", "n_texts", default=448, show_default=True, help="Documents.")
@click.option("--queries", "n_queries", default=7168, show_default=True)
@click.option("--clients", "numbers", multiple=True, default=CLIENTS, show_default=True)
@model_option
def main(
    file: str | None, n_texts: int, n_queries: int, numbers: tuple[int, ...], model: str
) -> None:
    """Print figures of a server, a line of JSON each."""
    queries = ends(read_texts(file, n_queries), n_queries)
    texts = read_texts(file, n_texts)
    encoder = opened_encoder(model)
    told = {"documents": len(texts), "queries": len(queries), "cores": os.cpu_count()}
    print_json({"model": encoder.name} | told)
    with ExitStack() as stack:
        ours = stack.enter_context(server(model))
        plain = stack.enter_context(server(model, "--max-batch-tokens", "1")).url
        print_json({"figure": "latency"} | latency(encoder, ours.url, queries[:PROBES]))
        for clients in numbers:
            for path, part, encode in (
                ("/queries", queries, encoder.encode_queries),
                ("/documents", texts, encoder.encode_documents),
            ):
                found = throughput(encode, ours, path, part, clients=clients, per_request=1)
                print_json(asked(path, clients, 1) | found)
        found = throughput(
            encoder.encode_documents, ours, "/documents", texts, clients=8, per_request=16
        )
        print_json(asked("/documents", 8, 16) | found)
        for size in (CLIENTS[-1], CLIENTS[-1] // 2):
            print_json({"figure": "parts"} | parts(encoder.encode_queries, "query", queries, size))
        for path, part in (("/queries", queries), ("/documents", texts)):
            print_json({"figure": "batching"} | gain(ours.url, plain, path, part, CLIENTS[-1]))


if __name__ == "__main__":
    main()
