"""How fast texts become impacts, beside what people do today.

python -m benchmarks.encode DATA --work DIR [--table docs/encoding.md] measures, in one run and with
the same weights and texts: mini, then random weights of Gemma 2 2B's shape. One JSON line a figure.
DATA is a BEIR folder. On two CPU cores it takes about an hour, and 20 GB of disk in DIR.
"""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import click
import torch

from splare_os.encode import ParallelEncoder, SplareEncoder
from splare_os.encode.flops import backbone_flops, sae_flops
from splare_os.encode.folder import load_folder
from splare_os.evaluate.datasets import read_corpus, read_dataset
from splare_os.evaluate.dense import load_dense

from . import memory
from .equality import all_impacts, check
from .models import full_config, gemma_files, mini_files
from .pairs import N_PAIRS, of_pairs, seconds, speed_up
from .precision import compare
from .stages import shares
from .systems import Chunked, Files, Plain
from .table import write_table


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, its value, and the bar it should reach."""

    case: str
    figure: str
    value: str
    note: str = ""


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--work", required=True, type=click.Path(path_type=Path), help="Keeps models made.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--cases", default="mini,precision,gemma", show_default=True)
@click.option("--pairs", default=N_PAIRS, show_default=True)
@click.option(
    "--texts", "n_texts", default=2000, show_default=True, help="Of mini's share of peak."
)
@click.option("--window", type=int, help="Tokens of the Gemma shape: 128, on a GPU 512.")
@click.option("--table", type=click.Path(path_type=Path), help="Markdown page to rewrite.")
@click.option("--tiny", is_flag=True, help="A tiny Gemma shape: only to try the command.")
def main(
    data: Path,
    work: Path,
    device: str,
    cases: str,
    pairs: int,
    n_texts: int,
    window: int | None,
    table: Path | None,
    tiny: bool,
) -> None:
    """Measure encoding on the texts of DATA."""
    work.mkdir(parents=True, exist_ok=True)
    window = window or (512 if device.startswith("cuda") else 128)
    makers: dict[str, Callable[[], Iterator[Figure]]] = {
        "mini": lambda: mini_cases(data, work, device, pairs=pairs, n_texts=n_texts),
        "precision": lambda: precision_cases(data, device),
        "gemma": lambda: gemma_cases(data, work, device, pairs=pairs, window=window, tiny=tiny),
    }
    found = []
    for case in cases.split(","):
        for figure in makers[case]():
            click.echo(json.dumps(vars(figure), ensure_ascii=False))
            found.append(figure)
    if table:
        write_table(table, [vars(figure) for figure in found], device)


def mini_cases(
    data: Path, work: Path, device: str, *, pairs: int, n_texts: int
) -> Iterator[Figure]:
    """Yield the figures of mini: 256 tokens, against both others and against dense MiniLM."""
    files = mini_files(work)
    exact, fast = (_ours(files, device, dtype) for dtype in ("float32", "bfloat16"))
    texts = _cut(exact, _corpus(data, n_texts), files.window)
    slices = [texts[number::pairs] for number in range(pairs)]
    few = [part[:64] for part in slices]
    yield from _equality("mini", files, exact, few[0], device)
    yield from _mini_shares(exact, fast, slices)
    yield from _mini_ratios(files, exact, fast, few, device)
    yield from _mini_to_dense(data, fast, few, device)
    fast.spans(few[0])
    ratio = speed_up(fast.spans, fast.encode_documents, few)
    yield Figure("mini", "time of spans to encoding", str(ratio), "≤ 1.15")
    yield _processes(files, [part[:128] for part in slices])
    for system in ("plain", "chunked", "ours"):
        dtype = "bfloat16" if system == "ours" else "float32"
        peak = memory.peak(system, files, few[0], dtype, device)
        yield Figure("mini", f"peak memory of {system}, {dtype}", f"{peak / 2**20:.0f} MiB")


def _mini_shares(
    exact: SplareEncoder, fast: SplareEncoder, slices: list[list[str]]
) -> Iterator[Figure]:
    """Yield which part of the processor's best matrix products encoding reaches."""
    for dtype, encoder, bar in (("float32", exact, "≥ 0.75"), ("bfloat16", fast, "")):
        found = shares(encoder, slices)
        stage_bar = "≥ 0.80" if dtype == "bfloat16" else ""
        yield Figure(
            "mini", f"{dtype}: backbone + SAE of GEMM peak", str(found["backbone + SAE"]), bar
        )
        yield Figure(
            "mini", f"{dtype}: SAE + pooling of GEMM peak", str(found["SAE + pooling"]), stage_bar
        )


def _mini_ratios(
    files: Files, exact: SplareEncoder, fast: SplareEncoder, few: list[list[str]], device: str
) -> Iterator[Figure]:
    """Yield the speed against the two others."""
    plain = Plain(files, torch.float32, device)
    chunked = Chunked(files, torch.float32, device)
    for warm in (plain.encode, chunked.encode, exact.encode_documents, fast.encode_documents):
        warm(few[0])
    ratio = speed_up(plain.encode, exact.encode_documents, few)
    yield Figure("mini", "against (a), both in float32", str(ratio))
    ratio = speed_up(plain.encode, fast.encode_documents, few)
    yield Figure("mini", "bfloat16 against (a) in float32", str(ratio), "≥ 2.3")
    work_ratio = _work_ratio(files, plain, fast, few[0])
    yield Figure("mini", "operations of (a) to ours × padding", work_ratio)
    ratio = speed_up(chunked.encode, fast.encode_documents, few)
    yield Figure("mini", "bfloat16 against (b) in float32", str(ratio), "≥ 2")


def _mini_to_dense(
    data: Path, fast: SplareEncoder, few: list[list[str]], device: str
) -> Iterator[Figure]:
    """Yield the speed against the dense model, of texts and of one query at a time."""
    dense = load_dense()
    dense.to(device)
    vectors = partial(dense.encode_document, show_progress_bar=False)
    vectors(few[0])
    ratio = speed_up(vectors, fast.encode_documents, few)
    yield Figure("mini", "texts/s against dense MiniLM", str(ratio), "≥ 1.4")
    queries = list(read_dataset(data, data.name).queries.values())[:200]
    vector = partial(dense.encode_query, show_progress_bar=False)
    times: dict[str, list[float]] = {"dense": [], "ours": []}
    for query in [*queries[:20], *queries]:  # the first ones are not counted
        times["dense"].append(seconds(partial(vector, [query])))
        times["ours"].append(seconds(partial(fast.encode_queries, [query])))
    halves = {name: median(took[20:]) for name, took in times.items()}
    pairs_of_times = zip(times["ours"][20:], times["dense"][20:], strict=True)
    ratio = of_pairs([one / other for one, other in pairs_of_times])
    note = f"≤ 1.2 (p50 {1000 * halves['ours']:.1f} ms to {1000 * halves['dense']:.1f} ms)"
    yield Figure("mini", "one query's time to dense MiniLM's", str(ratio), note)


def precision_cases(data: Path, device: str) -> Iterator[Figure]:
    """Yield how far bfloat16 agrees with float32 on all of DATA."""
    agreement = compare(data, "mini", device)
    bars = {"ndcg@10 bfloat16": "within 0.003", "top-10 overlap": "≥ 0.95"}
    for name in list(agreement)[2:]:
        yield Figure("precision", f"{data.name}: {name}", str(agreement[name]), bars.get(name, ""))


def gemma_cases(
    data: Path, work: Path, device: str, *, pairs: int, window: int, tiny: bool
) -> Iterator[Figure]:
    """Yield the figures of Gemma 2 2B's shape over 64 queries and 64 abstracts, in bfloat16."""
    files = gemma_files(work, window, tiny=tiny)
    ours = _ours(files, device, "bfloat16")
    queries = list(read_dataset(data, data.name).queries.values())[:64]
    texts = _cut(ours, queries + _corpus(data, 64), window)
    case = f"Gemma 2 2B's shape, {window} tokens"
    yield from _equality(case, files, _ours(files, device, "float32"), texts[:4], device)
    gc.collect()
    ours.encode_documents(texts)
    found = shares(ours, [texts] * pairs)
    on_gpu = device.startswith("cuda")
    for name, bar in (("SAE + pooling", "≥ 0.60"), ("backbone + SAE", "≥ 0.45")):
        yield Figure(
            case, f"bfloat16: {name} of GEMM peak", str(found[name]), bar if on_gpu else ""
        )
    plain = Plain(files, torch.bfloat16, device)
    plain.encode(texts[-32:])
    ratio = speed_up(plain.encode, ours.encode_documents, [texts] * pairs)
    yield Figure(case, "against (a), both in bfloat16", str(ratio), "≥ 5" if on_gpu else "")
    expected = _work_ratio(files, plain, ours, texts)
    yield Figure(case, "operations of (a) to ours × padding", expected, "speed-up ≥ 0.9 of it")
    del plain, ours
    gc.collect()
    peaks = {
        system: memory.peak(system, files, texts[-32:], "bfloat16", device)
        for system in ("plain", "ours")
    }
    note = f"≤ 0.5 ({peaks['ours'] / 2**20:.0f} MiB to {peaks['plain'] / 2**20:.0f} MiB)"
    yield Figure(case, "peak memory to (a)'s", f"{peaks['ours'] / peaks['plain']:.2f}", note)


def _equality(
    case: str, files: Files, exact: SplareEncoder, texts: Sequence[str], device: str
) -> Iterator[Figure]:
    """Yield how far the systems agree in float32; of (a) and (b), one is loaded at a time."""
    expected = Plain(files, torch.float32, device).impacts(texts)
    found = {"(b)": Chunked(files, torch.float32, device).impacts(texts)}
    found["ours"] = all_impacts(exact, texts)
    gaps = check(expected, found, exact.pooling.sae.threshold)
    for name in found:
        yield Figure(case, f"{name}: largest difference to (a)", f"{gaps[name]:.1e}", "≤ 1e-4")
    yield Figure(case, "latents too near their threshold", f"{gaps['left out']:.4%}", "≤ 0.01 %")


def _work_ratio(files: Files, plain: Plain, ours: SplareEncoder, texts: Sequence[str]) -> str:
    """Return how many times the operations a system like (a) does, as its two factors."""
    d_in, n_latents = ours.pooling.sae.weight.shape[::-1]
    lengths, padded = ours.token_counts(texts), plain.padded_lengths(texts)
    full = full_config(files)
    whole, cut = (
        backbone_flops(model, lengths) + sae_flops(sum(lengths), d_in, n_latents)
        for model in (full, ours.backbone.model)
    )
    with_padding = backbone_flops(full, padded) + sae_flops(sum(padded), d_in, n_latents)
    depth, padding = whole / cut, with_padding / whole
    return f"{depth:.2f} × {padding:.2f} = {depth * padding:.2f}"


def _processes(files: Files, slices: Sequence[Sequence[str]]) -> Figure:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one = load_folder(files.ours, "mini", device="cpu", dtype="bfloat16")
    with ParallelEncoder(files.ours, ["cpu", "cpu"], dtype="bfloat16") as two:
        one.encode_documents(slices[0])
        ratio = speed_up(one.encode_documents, two.encode_documents, slices)
    torch.set_num_threads(threads)
    return Figure("mini", "two processes of a thread to one", str(ratio), "≥ 1.8")


def _ours(files: Files, device: str, dtype: str) -> SplareEncoder:
    return SplareEncoder.load(files.ours, device=device, dtype=dtype)


def _corpus(data: Path, n_texts: int) -> list[str]:
    corpus = read_corpus(read_dataset(data, data.name).corpus)
    return [document.text for document, _ in zip(corpus, range(n_texts), strict=False)]


def _cut(encoder: SplareEncoder, texts: Sequence[str], window: int) -> list[str]:
    """Return texts shortened to one window, so that all systems read the same tokens."""
    tokens = encoder.tokenizer(
        list(texts), truncation=True, max_length=window, return_offsets_mapping=True
    )
    ends = [max(end for _, end in offsets) for offsets in tokens["offset_mapping"]]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


if __name__ == "__main__":
    main()
