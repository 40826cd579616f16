"""`splare-os index`: documents into an index."""

import sys
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from .index_option import index_option
from .interrupt import interruptible
from .letters import tell_dead
from .options import (
    CLUSTER,
    cluster_options,
    connect,
    impacts_options,
    model_option,
    opened_for_batches,
    part,
    print_json,
    text_fields,
)
from .progress import chosen_reports, draw, report_options

if TYPE_CHECKING:
    from ..encoder import Encoder
    from ..index import IngestOptions, IngestRun
    from ..index.jobs import JobStatus


def settings(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the settings that an option gives as KEY=VALUE."""
    pairs = [value.partition("=") for value in values]
    if wrong := [value for value in values if not all(value.partition("="))]:
        raise click.BadParameter(f"{wrong[0]!r}: give KEY=VALUE", param=option)
    return {key: value for key, _, value in pairs}


@click.command()
@click.argument("files", nargs=-1)
@index_option("Index to write to; made if it is not there.", required=True)
@impacts_options
@click.option("--id-field", default="_id", show_default=True)
@click.option(
    "--hash-sources",
    is_flag=True,
    help="Notice files written anew with the same size and time: all is read twice.",
)
@click.option("--status", is_flag=True, help="Only tell how far this job is.")
@click.option("--dry-run", is_flag=True, help="Only read, check and estimate; no cluster is asked.")
@click.option(
    "--replay",
    is_flag=True,
    help="No FILES: send what pipelines have put into splare-dead-letters once more.",
)
@click.option("--restart", "is_restarted", is_flag=True, help="Begin anew, not where it stopped.")
@click.option("--bulk-load", is_flag=True, help="No refresh and no replicas until it is done.")
@click.option(
    "--setting",
    "settings",
    multiple=True,
    callback=settings,
    metavar="KEY=VALUE",
    help="Of a new index, such as codec=best_compression or number_of_shards=3.",
)
@click.option(
    "--compact",
    is_flag=True,
    help="A new index keeps impacts out of _source: about half the disk, but updates by others "
    "lose them.",
)
@click.option("--force-merge", type=click.IntRange(min=1), help="Merge into so many segments.")
@report_options
@cluster_options
@model_option
def index(
    files: tuple[str, ...],
    index: str,
    model: str,
    status: bool,
    dry_run: bool,
    replay: bool,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Index documents from FILES, and print the counts.

    FILES are JSON Lines, CSV, TSV, Parquet or Arrow, folders and patterns ("data/**/*.csv.gz") of
    them, URLs (https://, s3://, gs://, hf://), another index (opensearch://HOST:9200/NAME), a
    folder of `splare-os encode --out`, or - for JSON Lines from stdin.

    Run the same command again after an interruption, and it goes on where it stopped.
    """
    if replay or not files:
        replay_letters(files, index, chosen, is_asked=replay)
    from ..documents import find_sources
    from ..index import IngestOptions, ingest
    from ..index.ingest import find_status

    sources = find_sources(files)  # before anything is started for them
    options = IngestOptions(index, text_fields(chosen), **part(chosen, IngestOptions))
    options, encoder = with_encoder(options, files, model)  # no cluster is started for nothing
    options.cut.check(encoder)
    if dry_run:
        rehearse(encoder, sources, options)
    with closing(connect(chosen)) as client:
        if status:
            tell_status(find_status(client, encoder, sources, options))
        run = ingest(client, encoder, sources, options)
        with interruptible():
            draw(run, index, chosen_reports(chosen))
    tell_counts(run)


def tell_counts(run: "IngestRun") -> None:
    """Print what became of the documents, and exit 1 if some are dead."""
    print_json(run.counts)
    if run.counts["dead"]:
        tell_dead(run.counts["dead"], list(filter(None, [run.dead_letters])))
        sys.exit(1)


def with_encoder(
    options: "IngestOptions", files: tuple[str, ...], model: str
) -> "tuple[IngestOptions, Encoder]":
    """Return the encoder of a job, and the options: encoded documents have settled some of them."""
    from ..documents.encoded import StoredEncoder, find_manifest

    manifest = find_manifest(files)
    if manifest is None:
        return options, opened_for_batches(model)
    given = given_options()
    for name in ("model", "text_field", "title_field", "template", "id_field"):
        if name in given:
            raise click.UsageError(
                f"{given[name]} was settled when the documents were encoded: omit it"
            )
    fields = replace(manifest.fields, impacts=options.fields.impacts)
    return replace(options, fields=fields), StoredEncoder(manifest)


def rehearse(encoder: "Encoder", sources: list[str], options: "IngestOptions") -> NoReturn:
    """Print what a run would do, and exit as it would."""
    from ..index.dry_run import dry_run

    found = dry_run(encoder, sources, options)
    print_json(asdict(found))
    sys.exit(1 if found.dead else 0)


def replay_letters(
    files: tuple[str, ...], index: str, chosen: dict[str, Any], *, is_asked: bool
) -> NoReturn:
    """Send the letters of an index once more, tell which failed again, and exit."""
    from ..index import replay

    if files or not is_asked:
        raise click.UsageError("give FILES, or --replay")
    for name, option in given_options().items():
        if name not in {"index", "replay", "model", *CLUSTER}:
            raise click.UsageError(f"{option} says nothing of letters to be sent again: omit it")
    n_indexed = n_dead = 0
    with closing(connect(chosen)) as client:
        for one in replay(client, index):
            if one.reason:
                click.echo(f"{one.id}: {one.reason}", err=True)
            n_dead, n_indexed = n_dead + bool(one.reason), n_indexed + (not one.reason)
    print_json({"indexed": n_indexed, "dead": n_dead})
    sys.exit(1 if n_dead else 0)


def given_options() -> dict[str, str]:
    """Return what stands on the command line: the name of each value, and the option's own."""
    context = click.get_current_context()
    return {
        name: option.opts[0]
        for option in context.command.params
        if (name := str(option.name))
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def tell_status(job: "JobStatus | None") -> NoReturn:
    """Print how far a job is, and exit."""
    if job is None:
        raise click.ClickException("no such job: it was not begun, or another user or state folder")
    print_json(asdict(job))
    sys.exit(0)
