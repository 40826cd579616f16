from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions
from splare_os.layout.labels import kept_labels
from splare_os.search.labels.explanations import label_by_explanations
from splare_os.search.labels.labelling import LabelOptions
from splare_os.search.labels.neuronpedia import Explanation, Export
from tests.hashing import WordEncoder

from ..filling import fill, planted

pytestmark = pytest.mark.opensearch

ENCODER = WordEncoder()
OIL, BRIDGE = sorted(map(ENCODER.latent, ("oil", "bridge")))
IS_OIL = ENCODER.latent("oil") == OIL
GOOD, BAD = ("references to oil", "mentions of a river") if IS_OIL else ("a river", "oil")
EXPORT = Export(
    "neuronpedia gemma/6",
    {
        OIL: [Explanation("a", "m", BAD), Explanation("b", "m", GOOD), Explanation("c", "m", GOOD)],
        BRIDGE: [Explanation("", "", BAD)],
    },
)


def options(index: str, **chosen: object) -> LabelOptions:
    return LabelOptions(label_index=f"{index}-labels", **chosen)  # type: ignore[arg-type]


def test_of_several_that_is_chosen_which_predicts_best(
    client: OpenSearch, index: str, tmp_path: Path
) -> None:
    fill(client, ENCODER, IngestOptions(index, state_folder=tmp_path), planted(), tmp_path)
    (labels,) = label_by_explanations(client, ENCODER, EXPORT, index, options(index))
    assert [label.latent for label in labels] == [OIL, BRIDGE]
    best, only = labels
    assert (best.label, best.explainer, best.explanations) == (GOOD, "b m", 3)
    assert (best.score, best.baseline, best.document_frequency) == (1.0, 0.0, 80)
    assert (only.label, only.explainer, only.explanations, only.score) == (BAD, "", 1, 1.0)
    assert best.source == "neuronpedia gemma/6"
    kept = kept_labels(client, ENCODER, [OIL, BRIDGE], f"{index}-labels")
    assert kept == {OIL: best, BRIDGE: only}


def test_without_an_index_the_first_author_by_name_is_chosen(
    client: OpenSearch, index: str
) -> None:
    (labels,) = label_by_explanations(client, ENCODER, EXPORT, None, options(index))
    assert [(label.label, label.score) for label in labels] == [(BAD, None), (BAD, None)]
    assert labels[0].explainer == "a m"
    one = label_by_explanations(client, ENCODER, EXPORT, None, options(index, latents=(BRIDGE,)))
    assert [label.latent for batch in one for label in batch] == [BRIDGE]
