from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from splare_os.errors import EvaluationError
from splare_os.evaluate import EvaluateOptions, evaluate
from splare_os.evaluate import mteb as adapter
from splare_os.evaluate.mteb import MtebModel, load
from tests.evaluate.folders import CORPUS, QRELS, QUERIES
from tests.hashing import UNREADABLE, HashEncoder
from tests.models import build_tiny

mteb = pytest.importorskip("mteb", reason="mteb is not installed: pip install 'splare-os[mteb]'")
DOCUMENTS = Dataset.from_list(
    [{"id": row["_id"], "title": row["title"], "text": row["text"]} for row in CORPUS]
)
ASKED = Dataset.from_list([{"id": row["_id"], "text": row["text"]} for row in QUERIES[1:]])


def task() -> Any:
    """A retrieval task of the four documents, without a network."""
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    relevant: dict[str, dict[str, int]] = {}
    for query, document, grade in QRELS:
        relevant.setdefault(query, {})[document] = grade

    class Tiny(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="Tiny",
            type="Retrieval",
            description="Four documents.",
            reference=None,
            dataset={"path": "none", "revision": "none"},
            category="t2t",
            modalities=["text"],
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
        )

        def load_data(self, **_: object) -> None:
            split = {"corpus": DOCUMENTS, "queries": ASKED, "relevant_docs": relevant}
            self.dataset = {"default": {"test": split | {"top_ranked": None}}}
            self.data_loaded = True

    return Tiny()


def scores(model: MtebModel) -> Mapping[str, Any]:
    result = mteb.evaluate(model, task(), cache=None, show_progress_bar=False, co2_tracker=False)
    assert (result.model_name, result.model_revision) == ("splare-os/hash", "0123456789abcdef")
    (row,) = result.task_results[0].scores["test"]
    return row


@pytest.mark.filterwarnings("ignore")  # mteb's own
def test_mteb_finds_the_figures_of_evaluate(folder: Path) -> None:
    encoder = HashEncoder(1 << 16)
    options = EvaluateOptions(systems=("hash-dot",), in_memory=True)
    (ours,) = evaluate([folder], [encoder], None, options)
    theirs = scores(MtebModel(encoder, languages=["eng-Latn"]))
    for name, measure in (("ndcg_at_10", "ndcg@10"), ("recall_at_100", "recall@100")):
        assert theirs[name] == pytest.approx(ours.figures[measure], abs=1e-5)


def test_chunks_give_the_hits_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MtebModel(HashEncoder(1 << 16))
    model.index(DOCUMENTS, hf_split="test")
    whole = model.search(ASKED, top_k=10, hf_split="test")
    assert whole == {"q1": {"d1": 0.5}, "q2": {}, "q3": {"d4": 0.5, "d2": 0.25}}
    monkeypatch.setattr(adapter, "CHUNK_DOCUMENTS", 3)
    assert model.search(ASKED, top_k=10) == whole


def test_results_with_a_cut_are_told_apart_as_an_experiment() -> None:
    encoder = HashEncoder()
    assert MtebModel(encoder).mteb_model_meta.experiment_kwargs is None
    assert MtebModel(encoder, top_k=25).mteb_model_meta.experiment_kwargs == {"top_k": 25}


def test_a_text_that_cannot_be_encoded_is_told_and_the_others_are_found(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = MtebModel(HashEncoder(1 << 16))
    more = [{"id": "d5", "title": "", "text": ""}, {"id": "d6", "title": "", "text": UNREADABLE}]
    model.index(Dataset.from_list([*DOCUMENTS, *more]))
    assert model.search(ASKED, top_k=10)["q1"] == {"d1": 0.5}
    assert "mteb cannot encode 1 texts, the first: cannot be encoded" in caplog.text


def test_reranking_scores_the_given_documents_and_no_others() -> None:
    model = MtebModel(HashEncoder(1 << 16))
    model.index(DOCUMENTS)
    ranked = {"q1": ["d2", "d1"], "q2": ["d3"], "q3": ["d2", "d1", "d3"]}
    assert model.search(ASKED, top_k=1, top_ranked=ranked) == {
        "q1": {"d2": 0.0, "d1": 0.5},
        "q2": {"d3": 0.0},
        "q3": {"d2": 0.25, "d1": 0.0, "d3": 0.0},
    }


def test_a_model_is_loaded_by_name_if_it_is_the_one_that_was_evaluated(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "tiny")
    model = load(str(tmp_path / "tiny"), device="cpu")
    meta = model.mteb_model_meta
    assert (meta.name, meta.model_type, meta.loader) == ("splare-os/tiny", ["sparse"], load)
    assert load(str(tmp_path / "tiny"), meta.revision).encoder.fingerprint == meta.revision
    with pytest.raises(EvaluationError, match="not f00: fetch the revision that was evaluated"):
        load(str(tmp_path / "tiny"), "f00")


def test_what_cannot_be_searched_is_refused() -> None:
    model = MtebModel(HashEncoder())
    with pytest.raises(ValueError, match="nothing is indexed: call index before search"):
        model.search(ASKED, top_k=1)
    model.index(DOCUMENTS)
    turns = Dataset.from_list([{"id": "q", "text": [{"role": "user", "content": "oil"}]}])
    with pytest.raises(EvaluationError, match="query 'q' is list, not a text: conversations"):
        model.search(turns, top_k=1)
