import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from splare_os.encode import SplareEncoder
from splare_os.encode.load import load_encoder
from splare_os.encode.sae.files import read_sae
from splare_os.train.sae import SaeJob, train_sae_model
from splare_os.train.sae.level import gains_on

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # sae-lens and its dependencies warn at import
]


def test_without_relu_a_model_keeps_its_thresholds(texts: str, job: SaeJob) -> None:
    report = train_sae_model([texts], replace(job, relu=False))
    encoder = load_encoder(str(job.out), device="cpu", dtype="float32")
    assert isinstance(encoder, SplareEncoder)
    saved = read_sae(Path(report.sae)).sae
    assert not report.relu
    assert torch.equal(encoder.pooling.sae.threshold, saved.threshold)
    assert saved.threshold.max() > 0


def test_levelling_leaves_reconstructions(texts: str, job: SaeJob, tmp_path: Path) -> None:
    from sae_lens import SAE as SaeLens

    plain = train_sae_model([texts], replace(job, level=False))
    levelled = train_sae_model([texts], replace(job, out=tmp_path / "levelled"))
    assert plain.explained_variance == levelled.explained_variance
    states = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = (SaeLens.load_from_disk(made.sae)(states) for made in (plain, levelled))
    equal = torch.isclose(first, second, atol=1e-4, rtol=1e-4).all(dim=1)
    assert equal.float().mean() > 0.95  # a latent at its threshold may fall on either side


def test_a_folder_can_be_saved_in_half_precision(texts: str, job: SaeJob) -> None:
    train_sae_model([texts], replace(job, save_dtype="float16"))
    for path in job.out.rglob("*.safetensors"):
        kinds = {name: tensor.dtype for name, tensor in load_file(path).items()}
        halves = {name for name, dtype in kinds.items() if dtype == torch.float16}
        assert kinds.keys() - halves <= {"sae.bias", "sae.threshold"}
    assert load_encoder(str(job.out)).encode_documents(["oil"]).nnz


def test_a_model_of_sums_is_made_from_texts_alone(texts: str, job: SaeJob) -> None:
    job = replace(job, pooling="sum", query_top_k=3, level=False, keep_work=True)
    report = train_sae_model([texts], job)
    assert (report.options["pooling"], report.options["saturation"]) == ("sum", "sqrt")
    encoder = load_encoder(str(job.out), device="cpu", dtype="float32")
    assert isinstance(encoder, SplareEncoder)
    assert encoder.encode_queries(["war oil price embargo"]).nnz == encoder.query_top_k == 3
    once, thrice = encoder.encode_documents(["war", "war war war"]).sum(axis=1)
    assert thrice > 1.2 * once > 0  # one by the maximum, up to the context
    own = [json.loads(line)["text"] for line in Path(texts).read_text().splitlines()[:-1]]
    lengths = encoder.encode_documents(own).sum(axis=1)
    assert encoder.prior is not None
    assert encoder.prior.mean_length == pytest.approx(lengths.mean(), rel=1e-3)
    assert torch.allclose(gains_on(encoder, own, alike=True), torch.ones(64), rtol=1e-3)
