"""What weights in oneDNN's blocked layout bring, and rows that are filled up to few numbers.

python -m benchmarks.blocked prints a line of JSON for each precision that this processor has, kind
of text, and number of texts in a call: how many times as fast `mini` is as it is loaded to encode,
compared with how it is loaded to train; compared with one whose rows are as many as they come; and
with one whose rows are filled up to a multiple of 64.
By interleaved pairs, on one thread. Before these, for each precision, what a product takes whose
number of rows has been met, and one whose number is new.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from statistics import median
from unittest.mock import patch

import click
import torch

from splare_os.encode import blocked
from splare_os.encode.backbone.precision import best_dtype
from splare_os.encode.folder import load_folder
from splare_os.encode.load import model_folder
from splare_os.encoder import Encoder

from .pairs import seconds, speed_up
from .serve import ends, read_texts

SIZES = {"queries": (1, 8, 64), "documents": (1, 16, 64)}
OUT_IN, ROWS, NEW_ROWS = (1536, 384), 500, 30
"""Of the products that are timed alone."""
LEAST_TEXTS = {"queries": 192, "documents": 24}
"""Of a pair."""


@click.command()
@click.option("--model", default="mini", show_default=True)
@click.option("--dtype", "dtypes", multiple=True, help="[default: float32 and the quickest]")
@click.option("--pairs", default=11, show_default=True)
def main(model: str, dtypes: Sequence[str], pairs: int) -> None:
    """Print how many times as fast the blocked layout and filled up rows are."""
    torch.set_num_threads(1)
    documents = read_texts(None, 1024)
    texts = {"queries": ends(documents, len(documents)), "documents": documents}
    quickest = str(best_dtype("cpu")).removeprefix("torch.")
    for dtype in dict.fromkeys(dtypes or (quickest, "float32")):
        click.echo(json.dumps({"dtype": dtype} | of_products(getattr(torch, dtype))))
        load = partial(load_folder, model_folder(model), model, device="cpu", dtype=dtype)
        plain, quick = load(trainable=True), load()
        for kind, sizes in SIZES.items():
            for size in sizes:
                slices = drawn(texts[kind], max(size, LEAST_TEXTS[kind]), pairs)
                call = partial(in_calls, quick, kind, size)
                others = {
                    "times_as_fast": partial(in_calls, plain, kind, size),
                    "filled_up": partial(as_they_come, call),
                    "by_16_not_64": partial(coarsely, call),
                }
                found = {name: str(speed_up(other, call, slices)) for name, other in others.items()}
                took = min(seconds(partial(call, one)) * size / len(one) for one in slices)
                told = {"dtype": dtype, kind: size} | found | {"ms_a_call": round(1e3 * took, 2)}
                click.echo(json.dumps(told))


def drawn(texts: Sequence[str], size: int, n_slices: int) -> list[list[str]]:
    """Return slices of so many texts, one after the other, from the first again after the last."""
    again = cycle(texts)
    return [list(islice(again, size)) for _ in range(n_slices)]


def of_products(dtype: torch.dtype) -> dict[str, object]:
    """Return the medians, in ms, of a product of `ROWS` rows, and of some others that are new."""
    rows = torch.randn(ROWS + NEW_ROWS, OUT_IN[1]).to(dtype)
    weight, bias = blocked.to_blocked(torch.randn(OUT_IN).to(dtype)), torch.zeros(OUT_IN[0])

    def taken(n_rows: int) -> float:
        product = partial(blocked.blocked_linear, rows[:n_rows], weight, bias.to(dtype))
        return 1e3 * seconds(product)

    taken(ROWS)
    met = median(taken(ROWS) for _ in range(NEW_ROWS))
    new = median(taken(ROWS + 1 + number) for number in range(NEW_ROWS))
    told = {"out_in": OUT_IN, "rows": ROWS, "met_ms": round(met, 2)}
    return told | {"new_ms": round(new, 2)}


def as_they_come(call: Callable[[Sequence[str]], None], texts: Sequence[str]) -> None:
    """Call with rows that are not filled up."""
    with patch.object(blocked, "FEW", 10**9):
        call(texts)


def coarsely(call: Callable[[Sequence[str]], None], texts: Sequence[str]) -> None:
    """Call with rows that are filled up to a multiple of 64."""
    with patch.object(blocked, "STEP", 64):
        call(texts)


def in_calls(encoder: Encoder, kind: str, size: int, texts: Sequence[str]) -> None:
    """Encode `texts`, so many a call."""
    encode = encoder.encode_queries if kind == "queries" else encoder.encode_documents
    for at in range(0, len(texts), size):
        encode(texts[at : at + size])


if __name__ == "__main__":
    main()
