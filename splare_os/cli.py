"""The command line: results on stdout, all else on stderr; exit 0 done, 1 some failed, 2 misuse."""

import logging
import shutil
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from . import __version__
from .cli_distill import distill, mine
from .cli_evaluate import evaluate
from .cli_options import (
    cluster_options,
    cluster_url,
    connect,
    errors_in_one_line,
    model_option,
    opened_encoder,
    print_json,
    quieten_transformers,
)
from .cli_train import train

if TYPE_CHECKING:
    from .index import IngestRun


class Commands(click.Group):
    """Commands whose errors are one line that says what to do."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # click's signature
        """Run a command; our errors, and the cluster's, end it with their message."""
        with errors_in_one_line():
            return super().invoke(ctx)


@click.group(cls=Commands)
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what happens.")
def main(verbose: bool) -> None:
    """Learned sparse retrieval with SAE latents, inside OpenSearch."""
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("splare_os").setLevel(logging.INFO if verbose else logging.WARNING)


@main.command()
@cluster_options
@model_option
def demo(model: str, **cluster: str | None) -> None:
    """Index a real sample, and compare BM25 with latents on it."""
    from .demo import INDEX, QUERIES, compare, index_sample
    from .show import comparison_panel, console

    url = cluster_url(cluster)
    encoder = opened_encoder(model)
    with closing(connect(url, cluster)) as client:
        for run in index_sample(client, encoder):
            _draw(run, "indexing the sample")
        screen = console()
        for query in QUERIES:
            screen.print(comparison_panel(compare(client, encoder, query)))
    called = "splare-os" if shutil.which("splare-os") else sys.argv[0]
    where = f" --url {url}" if cluster["url"] else ""
    where += f" --model {model}" if model != "mini" else ""
    click.echo(
        f"""
The index is {INDEX!r} at {url}. Try next:
  {called} search "your own question" --index {INDEX} --explain{where}
  {called} index your-documents.jsonl --index yours{where}
    (your documents are lines of {{"_id": "1", "title": "…", "text": "…"}})"""
    )
    if not cluster["url"]:
        click.echo(f"  {called} cluster stop")


@main.group()
def cluster() -> None:
    """The embedded OpenSearch."""


@cluster.command()
@click.option("--port", type=int, help="Port to listen on; a free one from 9200 if absent.")
@click.option("--heap-mb", type=int, help="Java heap; a quarter of the free memory if absent.")
def start(port: int | None, heap_mb: int | None) -> None:
    """Start it (fetching it the first time), and print where it is."""
    from .cluster import download_bar, start

    print_json(asdict(start(port=port, heap_mb=heap_mb, progress=download_bar)))


@cluster.command()
def stop() -> None:
    """Stop it; its data stay."""
    from .cluster import stop

    print_json(asdict(stop()))


@cluster.command()
def status() -> None:
    """Print where it is; `pid` is null when it does not run."""
    from .cluster import status

    print_json(asdict(status()))


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option("--query", is_flag=True, help="Encode as queries (fewer latents).")
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True)
@click.option("--id-field", default="_id", show_default=True)
@click.option("--benchmark", is_flag=True, help="Print how fast FILE is encoded, not the impacts.")
@model_option
def encode(
    file: BinaryIO,
    query: bool,
    text_field: str,
    title_field: str,
    id_field: str,
    benchmark: bool,
    model: str,
) -> None:
    """Print the impacts of each line of FILE (- is stdin): a JSON object, or a text as it is."""
    from .encode.lines import encode_lines, texts_of
    from .text import Fields

    fields = Fields(text=text_field, title=title_field or None, id=id_field)
    encoder = opened_encoder(model)
    if benchmark:
        from .encode.throughput import measure_throughput

        found = measure_throughput(encoder, list(texts_of(file, fields)), query=query)
        print_json(asdict(found))
        return
    failed = 0
    for line in encode_lines(encoder, file, query=query, fields=fields):
        if line.reason:
            failed += 1
            click.echo(f"{line.id}: {line.reason}", err=True)
        else:
            print_json({"_id": line.id, "impacts": line.impacts})
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("release")
@click.argument("sae_id", required=False)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--backbone", default="", help="Hub id or folder, for files that don't tell.")
@click.option(
    "--blocks", default=0, help="Blocks kept (layer l: l + 1), for files that don't tell."
)
@click.option("--window", default=512, show_default=True, help="Tokens read at once.")
def import_sae(
    release: str, sae_id: str | None, out: Path, backbone: str, blocks: int, window: int
) -> None:
    """Make a model folder of a published SAE and its backbone, for --model.

    RELEASE and SAE_ID are names in the registry of sae-lens (docs/saes.md); RELEASE alone is a
    folder or file of Gemma Scope, Llama Scope or sae-lens.
    """
    from .encode import SplareEncoder

    quieten_transformers()
    encoder = SplareEncoder.from_sae(
        release, sae_id, backbone=backbone, n_blocks=blocks, window=window
    )
    encoder.save(out)
    print_json(
        {"model": str(out), "fingerprint": encoder.fingerprint, "n_latents": encoder.n_latents}
    )


@main.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--index", required=True, help="Index to write to; made if it is not there.")
@click.option("--text-field", default="text", show_default=True)
@click.option("--title-field", default="title", show_default=True, help="Empty: there is none.")
@click.option("--id-field", default="_id", show_default=True)
@click.option(
    "--top-k",
    type=click.IntRange(1, 400),
    default=400,
    show_default=True,
    help="Impacts kept per document; models give no more than 400.",
)
@click.option("--dead-letters", type=click.Path(path_type=Path), help="File for what failed.")
@cluster_options
@model_option
def index(
    files: tuple[str, ...],
    index: str,
    text_field: str,
    title_field: str,
    id_field: str,
    top_k: int,
    dead_letters: Path | None,
    model: str,
    **cluster: str | None,
) -> None:
    """Index documents from FILES of JSON Lines (.gz too; - is stdin), and print the counts.

    Run the same command again after an interruption, and it goes on where it stopped.
    """
    from .index import IngestOptions, check_sources, ingest
    from .text import Fields

    check_sources(files)  # before anything is started for them
    fields = Fields(text=text_field, title=title_field or None, id=id_field)
    options = IngestOptions(index=index, fields=fields, top_k=top_k, dead_letters=dead_letters)
    with closing(connect(cluster_url(cluster), cluster)) as client:
        run = ingest(client, opened_encoder(model), files, options)
        _draw(run, index)
    print_json(run.counts)
    if run.counts["dead"]:
        click.echo(f"{run.counts['dead']} failed, with reasons in {run.dead_letters}", err=True)
        sys.exit(1)


@main.command()
@click.argument("query")
@click.option("--index", required=True, help="Index, alias or pattern to search.")
@click.option("--text-field", help="Field whose impacts are searched; needed if there are several.")
@click.option("--size", default=10, show_default=True, help="Number of hits.")
@click.option("--two-step", is_flag=True, help="A cheap first pass, then exact scores of 500.")
@click.option("--explain", is_flag=True, help="Tell which latents, and which words, matched.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@cluster_options
@model_option
def search(
    query: str,
    index: str,
    text_field: str | None,
    size: int,
    two_step: bool,
    explain: bool,
    as_json: bool,
    model: str,
    **cluster: str | None,
) -> None:
    """Search INDEX for QUERY: one line a hit, a table on a terminal."""
    from .search import SearchOptions, search

    options = SearchOptions(text_field, size=size, two_step=two_step, explain=explain)
    with closing(connect(cluster_url(cluster), cluster)) as client:
        hits = search(client, opened_encoder(model), index, query, options)
    if sys.stdout.isatty() and not as_json:
        from .show import console, hits_table

        console().print(hits_table(hits))
        return
    for hit in hits:
        line = {"_id": hit.id, "_score": hit.score, "_source": hit.source}
        matches = {"matches": [asdict(match) for match in hit.matches]} if explain else {}
        print_json(line | matches)


for command in (distill, mine):
    train.add_command(command)
for command in (evaluate, train):
    main.add_command(command)


def _draw(run: "IngestRun", title: str) -> None:
    from tqdm import tqdm

    with tqdm(desc=title, unit=" docs", disable=None) as bar:
        for n_done, _ in enumerate(run, start=1):
            bar.update(run.n_done_before + n_done - bar.n)
