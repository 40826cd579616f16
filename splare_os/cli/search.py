"""`splare-os search`: one query, a line a hit, or a table."""

import sys
import warnings
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .labels import with_labels
from .options import (
    SCORINGS,
    cluster_options,
    connect,
    model_option,
    names,
    opened_encoder,
    part,
    print_json,
)
from .steering import Steered, steering_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..search import Hit, Hybrid


@click.command()
@click.argument("query", required=False)
@index_option("Index, alias or pattern to search.", required=True)
@click.option("--text-field", help="Field whose impacts are searched; needed if there are several.")
@click.option("--impacts-field", help="Which of its impacts, if the model has made several.")
@click.option("--size", default=10, show_default=True, help="Number of hits.")
@click.option("--from", "start", default=0, help="Hits that are passed over.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    help="Only documents that match: field:value, or query DSL as JSON; several all hold.",
)
@click.option("--fields", callback=names, default="", help="Fields of hits, by comma: title,meta.*")
@click.option("--hybrid", is_flag=True, help="Search words too (BM25), and fuse both.")
@click.option(
    "--fusion",
    metavar="rrf|weighted|FILE",
    help="With --hybrid: by ranks, by a weighted sum, or as --fit-hybrid found.  [default: rrf]",
)
@click.option("--native", is_flag=True, help="With --hybrid: the cluster fuses (neural-search).")
@click.option("--two-step", is_flag=True, help="A cheap first pass, then exact scores of 500.")
@click.option("--explain", is_flag=True, help="Tell which latents, and which words, matched.")
@click.option("--highlight", is_flag=True, help="Show the passages and words that matched.")
@click.option("--scoring", type=click.Choice(SCORINGS), default="calibrated", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines also on a terminal.")
@steering_options
@cluster_options
@model_option
def search(
    query: str | None,
    index: str,
    filters: tuple[str, ...],
    as_json: bool,
    model: str,
    **chosen: Any,  # noqa: ANN401  # one for each option
) -> None:
    """Search INDEX for QUERY: one line a hit, a table on a terminal.

    No hits is no failure: nothing is printed, exit 0.
    """
    from ..search import SearchOptions, search
    from ..search.query.filters import find_filters, parse_filters

    asked = part(chosen, SearchOptions) | {
        "filter": parse_filters(filters),
        "hybrid": _hybrid(chosen),
        "steer": None,
        "explain": chosen["explain"] or chosen["highlight"],
    }
    plain, steered = SearchOptions(**asked), Steered.read(chosen, query)
    encoder = opened_encoder(model)  # first: no cluster is started for nothing
    options = steered.options(plain, encoder)
    with closing(connect(chosen)) as client:
        options = replace(options, filter=find_filters(client, index, filters))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            hits = search(client, encoder, index, steered.query, options)
        hits = with_labels(client, encoder, hits)
    for one in told:
        click.echo(str(one.message), err=True)
    as_table = sys.stdout.isatty() and not as_json
    (_draw if as_table else _print)(hits, chosen)


def _draw(hits: "Sequence[Hit]", chosen: "Mapping[str, Any]") -> None:
    from .show import console, hits_table

    told = {name: bool(chosen[name]) for name in ("explain", "highlight", "fields")}
    console().print(hits_table(hits, **told))


def _print(hits: "Sequence[Hit]", chosen: "Mapping[str, Any]") -> None:
    from ..search.hits.snippets import snippets

    for hit in hits:
        line: dict[str, Any] = {"_index": hit.index, "_id": hit.id, "_score": hit.score}
        line["_source"] = hit.source
        if chosen["highlight"]:
            line["highlight"] = snippets(hit)
        if chosen["explain"]:
            line |= {"text": hit.text, "matches": [asdict(match) for match in hit.matches]}
        print_json(line)


def _hybrid(chosen: "Mapping[str, Any]") -> "Hybrid | None":
    """Return what --hybrid, --fusion and --native ask for."""
    from ..search import Hybrid, read_fusion

    if not chosen["hybrid"]:
        for name in ("fusion", "native"):
            if chosen[name]:
                raise ValueError(f"--{name} is for --hybrid: add it")
        return None
    return Hybrid(read_fusion(chosen["fusion"] or "rrf"), native=chosen["native"])
