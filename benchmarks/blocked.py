"""What weights in oneDNN's blocked layout bring: `mini` as it is loaded to encode and to train.

python -m benchmarks.blocked prints a line of JSON for each precision that this processor has, kind
of text, and number of texts in a call: how many times as fast the blocked layout is, by interleaved
pairs, on one thread.
"""

import json
from collections.abc import Sequence
from functools import partial

import click
import torch

from splare_os.encode.backbone.precision import best_dtype
from splare_os.encode.folder import load_folder
from splare_os.encode.load import model_folder
from splare_os.encoder import Encoder

from .pairs import of_pairs, seconds
from .serve import QUERY_CHARS, read_texts

SIZES = {"queries": (1, 8, 64), "documents": (1, 16, 64)}
LEAST_TEXTS = 192
"""Of a pair."""


@click.command()
@click.option("--model", default="mini", show_default=True)
@click.option("--dtype", "dtypes", multiple=True, help="[default: float32 and the quickest]")
@click.option("--pairs", default=11, show_default=True)
def main(model: str, dtypes: Sequence[str], pairs: int) -> None:
    """Print how many times as fast the blocked layout is."""
    torch.set_num_threads(1)
    texts = read_texts(None, 1024)
    kinds = {"queries": [text[-QUERY_CHARS:] for text in texts], "documents": texts}
    quickest = str(best_dtype("cpu")).removeprefix("torch.")
    for dtype in dict.fromkeys(dtypes or (quickest, "float32")):
        load = partial(load_folder, model_folder(model), model, device="cpu", dtype=dtype)
        plain, blocked = load(trainable=True), load()
        for kind, sizes in SIZES.items():
            for size in sizes:
                found = compared(plain, blocked, kind, kinds[kind], size, pairs)
                click.echo(json.dumps({"dtype": dtype, kind: size} | found))


def compared(
    plain: Encoder, blocked: Encoder, kind: str, texts: Sequence[str], size: int, pairs: int
) -> dict[str, str | float]:
    """Return the ratio of rates, and the milliseconds of a call with `size` texts."""
    n_texts = max(size, LEAST_TEXTS if kind == "queries" else LEAST_TEXTS // 8)
    quotients, shortest = [], float("inf")
    for number in range(-1, pairs):  # the first warms up
        part = [texts[(number * n_texts + at) % len(texts)] for at in range(n_texts)]
        calls = [partial(in_calls, one, kind, part, size) for one in (plain, blocked)]
        taken = [seconds(calls[(at + number) % 2]) for at in range(2)]
        slow, fast = taken[number % 2], taken[(1 + number) % 2]
        shortest = min(shortest, fast * size / n_texts)
        if number >= 0:
            quotients.append(slow / fast)
    return {"times_as_fast": str(of_pairs(quotients)), "ms_a_call": round(1e3 * shortest, 2)}


def in_calls(encoder: Encoder, kind: str, texts: Sequence[str], size: int) -> None:
    """Encode `texts`, so many a call."""
    encode = encoder.encode_queries if kind == "queries" else encoder.encode_documents
    for at in range(0, len(texts), size):
        encode(texts[at : at + size])


if __name__ == "__main__":
    main()
