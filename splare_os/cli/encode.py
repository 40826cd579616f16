"""`splare-os encode`: impacts of texts, a line each, or of documents into a folder."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .interrupt import interruptible
from .options import (
    TEMPLATE,
    TEXT,
    C,
    added,
    chosen_place,
    model_option,
    opened_encoder,
    opened_for_batches,
    print_json,
    text_fields,
)

if TYPE_CHECKING:
    from ..documents.lines import Line
    from ..encode.stored import Shard, StoreOptions


def part_of(_: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return the part that I/N tells, from 0, and of how many."""
    if value is None:
        return None
    first, __, last = value.partition("/")
    if first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last):
        return int(first) - 1, int(last)
    raise click.BadParameter(f"{value!r}: give I/N, such as 1/4 to 4/4", param=option)


def document_options(command: C) -> C:
    """Add the options that say what of documents is encoded."""
    return added(
        command, *TEXT, TEMPLATE, click.option("--id-field", default="_id", show_default=True)
    )


def folder_options(command: C) -> C:
    """Add the options of encoding into a folder."""
    return added(
        command,
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder for documents and impacts, which `splare-os index` reads.",
        ),
        click.option(
            "--shard",
            callback=part_of,
            metavar="I/N",
            help="Of --out: encode the I-th of N parts only; another machine does another.",
        ),
        click.option(
            "--ray", "ray_address", help="Of --out: on a Ray cluster: local, auto, HOST:PORT."
        ),
        click.option(
            "--ray-actors",
            type=click.IntRange(min=1),
            help="How many encode; if absent, one for each GPU, or else for each core.",
        ),
        click.option(
            "--shard-documents",
            type=click.IntRange(min=1),
            help="Documents in a file of --out.  [default: 20000]",
        ),
    )


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--query", is_flag=True, help="Encode as queries (fewer latents).")
@click.option("--benchmark", is_flag=True, help="Print how fast they are encoded, not the impacts.")
@document_options
@folder_options
@model_option
def encode(
    files: tuple[str, ...],
    query: bool,
    benchmark: bool,
    out: Path | None,
    model: str,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Print the impacts of each line of FILES (- is stdin): a JSON object, or a text as it is.

    With --out, FILES are all that `splare-os index` reads, and go into a folder of Parquet files,
    to be indexed from there. Run the same command again after an interruption, and it goes on.
    """
    of_folder = ("shard", "ray_address", "ray_actors", "shard_documents")
    if out is not None:
        if query or benchmark:
            raise click.UsageError("--out holds documents: leave out --query and --benchmark")
        into_folder(files, out, model, chosen)
    elif given := next((name for name in of_folder if chosen[name]), None):
        option = "--ray" if given == "ray_address" else f"--{given.replace('_', '-')}"
        raise click.UsageError(f"{option} goes with --out")
    elif missing := [name for name in files if name != "-" and not is_there(Path(name))]:
        raise click.UsageError(f"{missing[0]}: no such file")
    elif benchmark:
        measure(files, model, chosen, query=query)
    else:
        print_lines(files, model, chosen, query=query)


def is_there(path: Path) -> bool:
    """Return whether a path can be read as a file; a pipe can."""
    return path.exists() and not path.is_dir()


def measure(files: Iterable[str], model: str, chosen: dict[str, Any], *, query: bool) -> None:
    """Print how fast the texts of files are encoded."""
    encoder = opened_encoder(model)  # its work is counted in this process
    from ..encode.lines import texts_of
    from ..encode.throughput import measure_throughput

    texts = [text for _, lines in opened(files) for text in texts_of(lines, text_fields(chosen))]
    print_json(asdict(measure_throughput(encoder, texts, query=query)))


def print_lines(files: Iterable[str], model: str, chosen: dict[str, Any], *, query: bool) -> None:
    """Print the impacts of each line, and exit 1 if there were lines without any to be had."""
    encoder = opened_for_batches(model)
    from ..encode.lines import encode_lines

    failed = 0
    for name, lines in opened(files):
        for line in encode_lines(encoder, lines, query=query, fields=text_fields(chosen)):
            if line.reason:
                failed += 1
                click.echo(f"{name}:{line.id}: {line.reason}", err=True)
            else:
                print_json({"_id": line.id, "impacts": line.impacts})
    sys.exit(1 if failed else 0)


def opened(files: Iterable[str]) -> "Iterator[tuple[str, Iterable[Line]]]":
    """Yield the lines of each file, with its name."""
    from ..documents.files import opened
    from ..documents.lines import read_lines

    for name in files:
        with opened(name) as file:
            yield name, read_lines(file)


def into_folder(files: tuple[str, ...], out: Path, model: str, chosen: dict[str, Any]) -> None:
    """Encode documents into a folder, print the counts, and exit 1 if some could not be."""
    from ..documents import find_sources
    from ..encode.stored import SHARD_DOCUMENTS, StoreOptions

    sources = find_sources(files)  # before a model is loaded for them
    part, parts = chosen["shard"] or (0, 1)
    most = chosen["shard_documents"] or SHARD_DOCUMENTS
    options = StoreOptions(out, text_fields(chosen), part, parts, most)
    counts = Counter(documents=0, dead=0, files=0, kept=0)
    with interruptible():
        for shard in encoded(sources, options, model, chosen):
            marker, name = shard.marker, shard.path.name
            counts.update(documents=marker.documents, dead=marker.dead, files=1)
            counts["kept"] += not shard.is_new
            dead = f", {marker.dead} dead" if marker.dead else ""
            kept = "" if shard.is_new else " (kept)"
            click.echo(f"{name}: {marker.documents} documents{dead}{kept}", err=True)
    print_json(counts)
    if counts["dead"]:
        click.echo(f"{counts['dead']} failed, with reasons in {out}/*.dead.jsonl", err=True)
        sys.exit(1)


def encoded(
    sources: list[str],
    options: "StoreOptions",
    model: str,
    chosen: dict[str, Any],
) -> "Iterator[Shard]":
    """Yield files as they become whole, made here or on Ray."""
    if chosen["ray_address"] is None:
        from ..encode.stored import encode_to

        yield from encode_to(opened_for_batches(model), sources, options)
        return
    from ..encode.on_ray import RayOptions, encode_on_ray

    ray = RayOptions(chosen["ray_address"], chosen["ray_actors"], **chosen_place())
    yield from encode_on_ray(model, sources, options, ray)
