"""`splare-os label`: what latents stand for, in words, of an index or of Neuronpedia's exports."""

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .index_option import index_option
from .options import cluster_options, connect, model_option, opened_encoder, part, print_json

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from ..encoder import Encoder
    from ..search.labels.labelling import LabelOptions


@click.command()
@index_option("Index, alias or pattern with the model's impacts.")
@click.option("--neuronpedia", "exports", multiple=True, help="Export of explanations, or folder.")
@click.option("--explainer", help="Only explanations of this model, such as gpt-4o-mini.")
@click.option("--show", "shown", type=int, multiple=True, help="Print a latent's label, no more.")
@click.option("--find", "sought", help="Print labels that share words with this, no more.")
@click.option("--text-field", help="Field whose impacts are labelled; needed if there are several.")
@click.option("--latent", "latents", type=int, multiple=True, help="Only this one; repeatable.")
@click.option(
    "--min-documents",
    default=3,
    show_default=True,
    help="Label latents that so many documents show.",
)
@click.option("--most", type=int, help="Label so many latents, the most frequent ones.")
@click.option(
    "--documents", default=8, show_default=True, help="Heaviest documents looked at for a latent."
)
@click.option("--anew", is_flag=True, help="Also latents that this index has labelled already.")
@click.option("--label-index", default="splare-labels", show_default=True)
@cluster_options
@model_option
def label(model: str, **chosen: Any) -> None:  # noqa: ANN401  # one for each option
    """Label the model's latents, and print how many, and how well labels predict held-out texts.

    A run that was stopped goes on with the same command.
    """
    from ..search.labels.labelling import LabelOptions

    if chosen["shown"] or chosen["sought"]:
        _print_labels(model, chosen)
        return
    _check(chosen)
    latents = chosen.pop("latents") or None
    options = LabelOptions(**part(chosen, LabelOptions), latents=latents)
    encoder = opened_encoder(model)
    with closing(connect(chosen)) as client:
        if chosen["exports"]:
            print_json(_explained(client, encoder, chosen, options))
        else:
            print_json(_labelled(client, encoder, chosen["index"], options))


def _check(chosen: dict[str, Any]) -> None:
    """Refuse options that would say nothing."""
    if not chosen["index"] and not chosen["exports"]:
        raise click.UsageError("give --index, --neuronpedia, or both")
    if chosen["explainer"] and not chosen["exports"]:
        raise click.UsageError("--explainer chooses among explanations: give --neuronpedia too")
    if chosen["exports"] and (chosen["most"] or chosen["anew"]):
        raise click.UsageError(
            "--most and --anew are of labels made of an index: --neuronpedia labels all latents "
            "that are explained, each time"
        )


def _print_labels(model: str, chosen: dict[str, Any]) -> None:
    from ..search.labels.labels import Labels

    encoder = opened_encoder(model)
    with closing(connect(chosen)) as client:
        labels = Labels.of(client, encoder, chosen["label_index"])
        found = [*labels.look_up(chosen["shown"]).values()]
        if chosen["sought"]:
            found += labels.find(chosen["sought"])
    for one in found:
        print_json(asdict(one))


def _labelled(
    client: "OpenSearch", encoder: "Encoder", index: str, options: "LabelOptions"
) -> dict[str, object]:
    from tqdm import tqdm

    from ..search.labels.labelling import LabelRun
    from ..search.labels.scores import Scores

    run, scores = LabelRun(client, encoder, index, options), Scores()
    total = len(run.todo) + run.n_done_before
    title, before = f"labelling {index}", run.n_done_before
    with tqdm(desc=title, unit=" latents", total=total, initial=before, disable=None) as bar:
        for n_done, labels in run:
            scores.add(labels)
            bar.update(n_done)
            bar.set_postfix_str(scores.told(), refresh=False)
    return {"labelled": scores.labels, "before": before, **scores.figures()}


def _explained(
    client: "OpenSearch", encoder: "Encoder", chosen: dict[str, Any], options: "LabelOptions"
) -> dict[str, object]:
    from ..search.labels.explanations import label_by_explanations
    from ..search.labels.neuronpedia import read_export
    from ..search.labels.scores import Scores

    export = read_export(chosen["exports"], encoder.n_latents, chosen["explainer"])
    scores = Scores()
    for labels in label_by_explanations(client, encoder, export, chosen["index"], options):
        scores.add(labels)
    told = {"labelled": scores.labels, "source": export.source, "explanations": export.n}
    return told | scores.figures()
