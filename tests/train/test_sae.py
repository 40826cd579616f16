from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.train import SaeOptions, TrainedSae, level, measure, train_sae
from splare_os.train.sae import Centring, fold

pytestmark = pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import


def sparse_states(n_states: int = 6000, *, d: int = 24, n_causes: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((n_causes, d))
    strengths = rng.exponential(size=(n_states, n_causes)) * (
        rng.random((n_states, n_causes)) < 0.05
    )
    return (strengths @ causes + 3.0).astype(np.float16)


OPTIONS = SaeOptions(width=128, k=4, n_tokens=40_000, batch_tokens=256, dead_window=20, lr=3e-3)


@pytest.fixture(scope="module")
def trained() -> TrainedSae:
    return train_sae(sparse_states(), OPTIONS)


@pytest.mark.parametrize("subtracts_b_dec", [False, True])
def test_the_folded_encoder_equals_sae_lens_after_its_own_conversion(
    tmp_path: Path, *, subtracts_b_dec: bool
) -> None:
    from sae_lens import SAE, BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    torch.manual_seed(0)
    config = BatchTopKTrainingSAEConfig(
        d_in=24, d_sae=128, k=4, apply_b_dec_to_input=subtracts_b_dec
    )
    theirs = BatchTopKTrainingSAE(config)
    for parameter in theirs.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    theirs.topk_threshold.fill_(0.4)
    states = torch.randn(50, 24) + 2
    centring = Centring(mean=torch.randn(24), scale=0.7)
    ours = fold(theirs, centring)
    theirs.save_inference_model(tmp_path)
    converted = SAE.load_from_disk(tmp_path)
    centred = (states - centring.mean) * centring.scale
    with torch.no_grad():
        expected = converted.encode(centred) / centring.scale
        decoded = converted.decode(converted.encode(centred)) / centring.scale + centring.mean
    assert (expected > 0).sum() > 500
    torch.testing.assert_close(ours.encode(states), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.decode(ours.encode(states)), decoded, atol=1e-4, rtol=1e-5)


def test_training_explains_variance_at_about_k_latents_a_token(trained: TrainedSae) -> None:
    states = sparse_states()
    before = measure(
        train_sae(states, SaeOptions(width=128, k=4, n_tokens=256, batch_tokens=256)), states
    )
    after = measure(trained, states)
    assert after.explained_variance > max(0.7, before.explained_variance + 0.2)
    assert 2 < after.mean_l0 < 8
    assert after.dead_share < 0.5


def test_equal_seeds_give_equal_weights(trained: TrainedSae) -> None:
    again = train_sae(sparse_states(), OPTIONS)
    torch.testing.assert_close(again.w_enc, trained.w_enc, atol=0, rtol=0)
    torch.testing.assert_close(again.threshold, trained.threshold, atol=0, rtol=0)


def test_decoder_rows_have_norm_one(trained: TrainedSae) -> None:
    torch.testing.assert_close(trained.w_dec.norm(dim=1), torch.ones(128))


def test_gains_scale_activations_and_leave_reconstructions(trained: TrainedSae) -> None:
    gains = torch.linspace(0.5, 4.0, 128)
    states = torch.from_numpy(sparse_states(100).astype(np.float32))
    scaled = trained.scaled(gains)
    activations = trained.encode(states)
    torch.testing.assert_close(scaled.encode(states), activations * gains, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        scaled.decode(scaled.encode(states)), trained.decode(activations), atol=1e-4, rtol=1e-4
    )


def test_levelling_gives_every_latent_the_same_peak() -> None:
    eye = torch.eye(3)
    sae = TrainedSae(eye, torch.zeros(3), torch.zeros(3), eye, torch.zeros(3))
    states = np.array([[4, 0, 0.5], [1, 8, 0.0]], dtype=np.float16)
    levelled = level(sae, states, peak=2.0)
    # peaks 4, 8 and 0.5; the last is below 0.3 of the median 4, so it counts as 1.2
    expected = torch.tensor([[2.0, 0.0, 0.5 * 2 / 1.2], [0.5, 2.0, 0.0]])
    torch.testing.assert_close(levelled.encode(torch.from_numpy(states)), expected)


def test_levelling_on_states_that_wake_no_latent_is_refused() -> None:
    eye = torch.eye(2)
    sae = TrainedSae(eye, torch.zeros(2), torch.full((2,), 9.0), eye, torch.zeros(2))
    with pytest.raises(ValueError, match="no latent is active on 1 states"):
        level(sae, np.ones((1, 2), dtype=np.float16))


def test_figures_of_a_perfect_sae_by_hand() -> None:
    eye = torch.eye(2)
    sae = TrainedSae(eye, torch.zeros(2), torch.zeros(2), eye, torch.zeros(2))
    figures = measure(sae, np.array([[1, 0], [2, 0], [3, 0], [4, 0]], dtype=np.float16))
    assert (figures.explained_variance, figures.mean_l0, figures.dead_share) == (1.0, 1.0, 0.5)


@pytest.mark.parametrize(("name", "value"), [("width", 0), ("k", -1), ("lr", 0.0)])
def test_options_without_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}"):
        SaeOptions(**{name: value})


def test_more_latents_a_token_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="k=20"):
        SaeOptions(width=10, k=20)


def test_too_few_states_for_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="batch_tokens=256"):
        train_sae(sparse_states(100), OPTIONS)
