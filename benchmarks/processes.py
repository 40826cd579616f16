"""A process for each of torch's threads, against one process that shares each product among them.

python -m benchmarks.processes [FILE] prints a line of JSON for each number of documents in a call,
on a processor that has nothing else to do, and on one that others want too (as many busy processes
as it has cores): how many times as fast `mini` is in processes, by interleaved pairs, and rates.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median

import click

from splare_os.cli.options import print_json
from splare_os.encode import ParallelEncoder, load_encoder
from splare_os.encode.load import model_folder
from splare_os.encode.parallel import devices_for_batches
from splare_os.encoder import Encoder

from .pairs import of_pairs, seconds
from .serve import read_texts

SIZES = (64,)


def spin() -> None:
    """Want a core, for ever."""
    while True:
        pass


@contextmanager
def neighbours(n_processes: int) -> Iterator[None]:
    """Have so many busy processes beside."""
    context = multiprocessing.get_context("spawn")
    busy = [context.Process(target=spin, daemon=True) for _ in range(n_processes)]
    for one in busy:
        one.start()
    try:
        yield
    finally:
        for one in busy:
            one.terminate()
            one.join()


def encode(encoder: Encoder, texts: Sequence[str], size: int) -> None:
    """Encode documents, so many a call."""
    for at in range(0, len(texts), size):
        encoder.encode_documents(texts[at : at + size])


def compared(
    one: Encoder, several: Encoder, slices: Sequence[Sequence[str]], size: int
) -> dict[str, object]:
    """Return how many times as fast processes are, and the rates of either."""
    ratios, rates = list[float](), {"one": list[float](), "several": list[float]()}
    for number, texts in enumerate(slices):
        order = [("one", one), ("several", several)]
        if number % 2:
            order.reverse()
        taken = {name: seconds(partial(encode, encoder, texts, size)) for name, encoder in order}
        ratios.append(taken["one"] / taken["several"])
        for name, found in taken.items():
            rates[name].append(len(texts) / found)
    per_s = {f"{name}_per_s": round(median(found), 1) for name, found in rates.items()}
    return {"times_as_fast": str(of_pairs(ratios))} | per_s


@click.command()
@click.argument("file", required=False)
@click.option("--texts", "n_texts", default=64, show_default=True, help="Of a pair.")
@click.option("--pairs", default=7, show_default=True)
def main(file: str | None, n_texts: int, pairs: int) -> None:
    """Print how many times as fast documents are encoded by processes."""
    texts = read_texts(file, n_texts * pairs)
    slices = [texts[at * n_texts : (at + 1) * n_texts] for at in range(pairs)]
    slices = [one for one in slices if len(one) == n_texts]
    one, devices = load_encoder("mini", device="cpu"), devices_for_batches("cpu")
    cores = os.cpu_count() or 1
    with ParallelEncoder(model_folder("mini"), devices, name="mini") as several:
        for n_busy in (0, cores):
            with neighbours(n_busy):
                encode(one, slices[0], n_texts)
                encode(several, slices[0], n_texts)
                for size in SIZES:
                    told = {"processes": len(devices), "cores": cores, "busy": n_busy}
                    print_json(told | {"texts_a_call": size} | compared(one, several, slices, size))


if __name__ == "__main__":
    main()
