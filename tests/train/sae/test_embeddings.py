import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from splare_os.steering import Steering
from splare_os.train.sae import SaeOptions, train_dense_sae
from tests.models import save_bert


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    folder = tmp_path_factory.mktemp("bert")
    save_bert(folder)
    modules = [Transformer(str(folder), max_seq_length=32), Pooling(16), Normalize()]
    return SentenceTransformer(modules=modules, device="cpu")


def test_an_sae_of_vectors_finds_the_directions_they_are_made_of(
    dense: SentenceTransformer,
) -> None:
    """Each vector is one or two of 16 hidden directions, the coordinates of a rotated space."""
    rng = np.random.default_rng(0)
    hidden = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    parts = np.zeros((4096, 16))
    for row in parts:
        row[rng.choice(16, 2, replace=False)] = rng.uniform(0.5, 1.0, 2)
    vectors = (parts @ hidden).astype(np.float32)
    options = SaeOptions(width=32, k=2, n_tokens=400_000, batch_tokens=256, device="cpu")
    encoder = train_dense_sae(dense, vectors, name="hidden", options=options)
    nearest = np.abs(encoder.sae.decoder.numpy() @ hidden.T).max(axis=0)
    assert np.median(nearest) > 0.95
    assert encoder.prior is not None
    assert encoder.prior.documents == 4096
    impacts = encoder.impacts_of(vectors)
    assert 1 <= impacts.nnz / 4096 <= 4
    one = int(impacts[[0]].indices[0])
    muted = encoder.steered(vectors[:1], Steering(mute=(one,)))
    assert encoder.impacts_of(muted)[0, one] < impacts[0, one] / 2


def test_vectors_of_another_width_and_too_few_are_refused(dense: SentenceTransformer) -> None:
    with pytest.raises(ValueError, match=r"shape \(5, 3\): give \[text, state\] with 16 numbers"):
        train_dense_sae(dense, np.zeros((5, 3), dtype=np.float32), name="x")
    with pytest.raises(ValueError, match="at least batch_tokens=1024 tokens"):
        train_dense_sae(dense, np.zeros((5, 16), dtype=np.float32), name="x")
