from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import MappingError, ModelMismatchError
from splare_os.index import IngestOptions
from splare_os.layout.labels import keep_labels, kept_labels
from splare_os.search.labels import labelling as module
from splare_os.search.labels.held_out import hold_out
from splare_os.search.labels.labelling import LabelOptions, LabelRun
from splare_os.search.labels.vocabulary import Vocabulary
from tests.hashing import HashEncoder, WordEncoder

from ..filling import COMMON, fill, planted

pytestmark = pytest.mark.opensearch

ENCODER = WordEncoder()


@pytest.fixture
def filled(client: OpenSearch, index: str, tmp_path: Path) -> str:
    fill(client, ENCODER, IngestOptions(index, state_folder=tmp_path), planted(), tmp_path)
    return index


def options(index: str, **chosen: object) -> LabelOptions:
    return LabelOptions(label_index=f"{index}-labels", **chosen)  # type: ignore[arg-type]


def test_labels_say_what_was_planted_and_predict_it(client: OpenSearch, filled: str) -> None:
    run = LabelRun(client, ENCODER, filled, options(filled))
    labels = {label.latent: label for _, batch in run for label in batch}
    oil, bridge = labels[ENCODER.latent("oil")], labels[ENCODER.latent("bridge")]
    assert oil.label.split(", ")[:2] == ["oil", "embargo"]
    assert set(bridge.words[:2]) == {"bridge", "river"}
    assert (oil.trigger_words[0], bridge.trigger_words[0]) == ("oil", "bridge")
    assert (oil.document_frequency, oil.source) == (80, f"index {filled}, text")
    assert min(oil.score or 0, bridge.score or 0) > 0.85  # labels have other words too
    assert all("oil embargo" in example.excerpt for example in oil.examples)
    assert len(oil.examples) == 3
    baselines = [label.baseline for label in labels.values() if label.baseline is not None]
    assert sum(baselines) / len(baselines) == pytest.approx(0.5, abs=0.1)
    assert kept_labels(client, ENCODER, labels, f"{filled}-labels") == labels


def test_latents_of_fewer_documents_get_no_label(client: OpenSearch, filled: str) -> None:
    run = LabelRun(client, ENCODER, filled, options(filled, min_documents=60))
    assert set(run.todo) == {
        ENCODER.latent(word) for word in ("oil", "embargo", "river", "bridge")
    } | {latent for latent in run.todo if run.counts[latent] >= 60}
    everything = LabelRun(client, ENCODER, filled, options(filled, min_documents=1))
    shown = {ENCODER.latent(word) for text in planted().values() for word in text.split()}
    assert set(everything.todo) == shown
    counts = [everything.counts[latent] for latent in everything.todo]
    assert counts == sorted(counts, reverse=True)
    assert LabelRun(client, ENCODER, filled, options(filled, most=2)).todo == everything.todo[:2]


def test_no_label_is_made_of_what_it_is_tried_on(client: OpenSearch, filled: str) -> None:
    run = LabelRun(client, ENCODER, filled, options(filled))
    held_out = set(hold_out(run.reader, Vocabulary(client, filled, "text"), 160).ids)
    examples = {one.id for _, batch in run for label in batch for one in label.examples}
    assert examples
    assert not examples & held_out


def test_a_run_that_was_stopped_goes_on(
    client: OpenSearch, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    common = {"min_documents": 20}  # some are not held out, whichever those are
    whole = LabelRun(client, ENCODER, filled, options(filled, **common))
    n_done, labels = next(iter(whole))
    assert (n_done, len(labels)) == (3, 3)
    rest = LabelRun(client, ENCODER, filled, options(filled, **common))
    assert (rest.n_done_before, rest.todo) == (3, whole.todo[3:])
    assert sum(n for n, _ in rest) == len(rest.todo)
    again = LabelRun(client, ENCODER, filled, options(filled, **common))
    assert again.todo == []
    assert list(again) == []
    anew = LabelRun(client, ENCODER, filled, options(filled, anew=True, **common))
    assert anew.todo == whole.todo


def test_labels_of_another_source_are_made_anew(client: OpenSearch, filled: str) -> None:
    first = LabelRun(client, ENCODER, filled, options(filled, most=1))
    ((_, (label,)),) = first
    other = [type(label)(label.latent, "petroleum", "neuronpedia a/b")]
    keep_labels(client, ENCODER, other, f"{filled}-labels")
    assert LabelRun(client, ENCODER, filled, options(filled, most=1)).todo == [label.latent]


def test_single_latents_are_labelled_when_named(client: OpenSearch, filled: str) -> None:
    oil, nothing = ENCODER.latent("oil"), ENCODER.latent("zebra")
    assert LabelRun(client, ENCODER, filled, options(filled, latents=(nothing, oil))).todo == [oil]
    with pytest.raises(ValueError, match="latent 512: the model has latents 0 to 511"):
        LabelRun(client, ENCODER, filled, options(filled, latents=(512,)))


def test_an_index_without_impacts_or_of_another_model_is_refused(
    client: OpenSearch, filled: str, index: str
) -> None:
    client.indices.create(index=f"{index}-bare")
    with pytest.raises(MappingError, match="has impacts for no field"):
        LabelRun(client, ENCODER, f"{index}-bare", options(index))
    with pytest.raises(ModelMismatchError):
        LabelRun(client, HashEncoder(fingerprint="f" * 16), filled, options(index))


def test_a_text_that_cannot_be_searched_is_refused(
    client: OpenSearch, index: str, tmp_path: Path
) -> None:
    mapping = {"properties": {"text": {"type": "text", "index": False}}}
    client.indices.create(index=index, body={"mappings": mapping})
    fill(client, ENCODER, IngestOptions(index, state_folder=tmp_path), planted(), tmp_path)
    with pytest.raises(MappingError, match="cannot be asked for.*an indexed field"):
        list(LabelRun(client, ENCODER, index, options(index)))


@pytest.mark.parametrize("chosen", [{"min_documents": 0}, {"most": 0}, {"documents": 0}])
def test_nothing_to_look_at_is_a_mistake(chosen: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        LabelOptions(**chosen)


def test_common_words_are_no_part_of_what_was_planted() -> None:
    assert not {"oil", "embargo", "river", "bridge"} & set(COMMON)
