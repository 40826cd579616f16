import numpy as np
import pytest
import torch

from splare_os.train.sae import States, TrainedSae, measure


def identity(d: int, *, threshold: float = 0.0, top_k: int | None = None) -> TrainedSae:
    eye = torch.eye(d)
    return TrainedSae(eye, torch.zeros(d), torch.full((d,), threshold), eye, torch.zeros(d), top_k)


def as_states(rows: list[list[float]]) -> States:
    return States(np.array(rows, dtype=np.float16))


def test_gains_scale_activations_and_leave_reconstructions() -> None:
    torch.manual_seed(0)
    w_enc, w_dec = torch.randn(24, 128), torch.randn(128, 24)
    sae = TrainedSae(w_enc, torch.randn(128), torch.rand(128), w_dec, torch.randn(24))
    gains, states = torch.linspace(0.5, 4.0, 128), torch.randn(100, 24)
    scaled, activations = sae.scaled(gains), sae.encode(states)
    torch.testing.assert_close(scaled.encode(states), activations * gains, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        scaled.decode(scaled.encode(states)), sae.decode(activations), atol=1e-4, rtol=1e-4
    )


def test_a_top_k_sae_lets_the_largest_through_and_is_scaled_as_a_whole_alone() -> None:
    sae = identity(3, top_k=2)
    states = torch.tensor([[3.0, 1.0, 2.0], [-1.0, -2.0, 4.0]])
    assert sae.encode(states).tolist() == [[3, 0, 2], [0, 0, 4]]
    with pytest.raises(ValueError, match="top_k=2"):
        sae.scaled(torch.tensor([1.0, 1.0, 2.0]))
    assert sae.scaled(torch.full((3,), 2.0)).encode(states).tolist() == [[6, 0, 4], [0, 0, 8]]


def test_figures_of_a_perfect_sae_by_hand() -> None:
    figures = measure(identity(2), as_states([[1, 0], [2, 0], [3, 0], [4, 0]]), batch_tokens=3)
    assert (figures.explained_variance, figures.mean_l0, figures.dead) == (1.0, 1.0, 1)


def test_an_sae_that_gives_the_mean_explains_nothing() -> None:
    sae = identity(1, threshold=9.0)
    sae.b_dec[:] = 2.5
    figures = measure(sae, as_states([[1], [2], [3], [4]]))
    assert (figures.explained_variance, figures.mean_l0, figures.dead) == (0.0, 0.0, 1)
