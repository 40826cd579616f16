import json
from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.encode.load import load_encoder
from splare_os.encoder import own_prior
from splare_os.evaluate import EvaluateOptions, evaluate
from splare_os.train.distill.job import DistillJob, distill_model
from splare_os.train.sae import SaeJob, SaeOptions, StateOptions, train_sae_model
from tests.evaluate.folders import write
from tests.models import save_model
from tests.train.distilling import OPTIONS, toy_rows

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # of sae-lens and the trainers
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of toy rows: 48 to train on, 12 more to search with."""
    folder, rows = tmp_path / "toy", toy_rows(60)
    documents = [{"_id": f"d{n}", "text": row["positive"]} for n, row in enumerate(rows)]
    write(folder / "corpus.jsonl", documents)
    queries = [{"_id": f"q{n}", "text": row["query"]} for n, row in enumerate(rows)]
    write(folder / "queries.jsonl", queries)
    (folder / "qrels").mkdir()
    for split, part in (("train", range(48)), ("test", range(48, 60))):
        lines = [f"q{n}\td{n}\t1\n" for n in part]
        (folder / "qrels" / f"{split}.tsv").write_text("".join(lines))
    return folder


def test_the_whole_recipe_from_texts_and_pairs_to_figures(folder: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "bert", "bert", layers=2)
    sae = SaeOptions(width=64, k=8, n_tokens=128 * 30, batch_tokens=128, autocast=False)
    states = StateOptions(n_states=800, held_out=100, window=32)
    made = SaeJob(
        backbone=str(tmp_path / "bert"), layer=1, out=tmp_path / "sae", states=states, sae=sae
    )
    train_sae_model([str(folder / "corpus.jsonl")], made)
    options = replace(OPTIONS, steps=45)
    job = DistillJob(str(made.out), ("bm25",), tmp_path / "distilled", options)
    report = distill_model([str(folder)], job)
    before, after = report.figures.before, report.figures.after
    assert after.divergence + after.contrast < 0.9 * (before.divergence + before.contrast)
    encoders = [load_encoder(str(path), device="cpu") for path in (made.out, job.out)]
    priors = [own_prior(encoder) for encoder in encoders]
    assert [prior and prior.documents for prior in priors] == [60, 60]
    names = tuple(encoder.name for encoder in encoders)
    found = list(evaluate([folder], encoders, None, EvaluateOptions(systems=names, in_memory=True)))
    assert [result.to_json()["system"] for result in found] == ["sae", "distilled"]
    for result in found:
        assert json.dumps(result.to_json())
        assert len(result.run) == 12
    assert {path.name for path in tmp_path.iterdir()} == {
        "toy", "bert", "sae", "sae.sae", "distilled"
    }  # fmt: skip
