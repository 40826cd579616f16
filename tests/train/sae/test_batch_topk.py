from typing import Any

import pytest
import torch

pytestmark = pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import


def made(cls: type) -> Any:
    from sae_lens import BatchTopKTrainingSAEConfig

    torch.manual_seed(1)
    config = BatchTopKTrainingSAEConfig(d_in=32, d_sae=256, k=4, apply_b_dec_to_input=False)
    sae = cls(config)
    sae.W_dec.data *= torch.rand(256, 1) + 0.5
    sae.b_enc.data += 0.1 * torch.randn(256)
    return sae


def gradients(sae: Any, loss: torch.Tensor) -> list[torch.Tensor]:
    weights = (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec)
    return list(torch.autograd.grad(loss, weights, materialize_grads=True))


def step(cls: type, x: torch.Tensor, dead: torch.Tensor | None) -> tuple[Any, list[torch.Tensor]]:
    from sae_lens.saes.sae import TrainStepInput

    sae = made(cls)
    output = sae.training_forward_pass(TrainStepInput(x, {}, dead, 0, is_logging_step=False))
    return output, gradients(sae, output.loss)


@pytest.mark.parametrize("has_dead", [False, True])
def test_loss_and_gradients_equal_those_of_the_plain_step(
    *, has_dead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sae_lens import BatchTopKTrainingSAE

    from splare_os.train.sae import batch_topk

    monkeypatch.setattr(batch_topk, "REVIVAL_STRIDE", 1)
    torch.manual_seed(0)
    x = torch.randn(128, 32)
    dead = torch.arange(256) % 5 == 0 if has_dead else None
    plain, plain_grads = step(BatchTopKTrainingSAE, x, dead)
    fast, fast_grads = step(batch_topk.SparseBatchTopKSae, x, dead)
    torch.testing.assert_close(fast.loss, plain.loss)
    torch.testing.assert_close(fast.sae_out, plain.sae_out)
    torch.testing.assert_close(fast.feature_acts.to_dense(), plain.feature_acts)
    torch.testing.assert_close(fast.metrics, plain.metrics)
    for fast_grad, plain_grad in zip(fast_grads, plain_grads, strict=True):
        torch.testing.assert_close(fast_grad, plain_grad)


@pytest.mark.parametrize("n_dead", [7, 60])  # fewer than half the state's numbers, and more
def test_the_revival_loss_is_sae_lens_own_of_every_fourth_token(n_dead: int) -> None:
    from sae_lens import BatchTopKTrainingSAE

    from splare_os.train.sae.batch_topk import REVIVAL_STRIDE, SparseBatchTopKSae

    torch.manual_seed(0)
    x, dead = torch.randn(130, 32), torch.arange(256) < n_dead
    output, found = step(SparseBatchTopKSae, x, dead)
    _, of_the_rest = step(BatchTopKTrainingSAE, x, None)
    plain, fourth = made(BatchTopKTrainingSAE), x[::4]
    _, pre = plain.encode_with_hidden_pre(fourth)
    expected = plain.calculate_topk_aux_loss(fourth, output.sae_out[::4].detach(), pre, dead)
    assert REVIVAL_STRIDE == 4
    assert expected > 0
    torch.testing.assert_close(output.losses["auxiliary_reconstruction_loss"], expected)
    for ours, revival, rest in zip(found, gradients(plain, expected), of_the_rest, strict=True):
        torch.testing.assert_close(ours, revival + rest)


def test_the_heaviest_scores_are_those_of_a_full_sort() -> None:
    from splare_os.train.sae.batch_topk import heaviest

    torch.manual_seed(0)
    scores = torch.randn(500, 300)
    places, values = heaviest(scores, 2000)
    expected = scores.flatten().topk(2000)
    assert places.tolist() == sorted(expected.indices.tolist())
    assert values.tolist() == scores.flatten()[places].tolist()


def test_scores_below_zero_are_never_chosen() -> None:
    from splare_os.train.sae.batch_topk import heaviest

    places, values = heaviest(torch.tensor([[-1.0, 2.0], [0.0, -3.0]]), 3)
    assert (places.tolist(), values.tolist()) == ([1], [2.0])


def test_a_sample_that_misleads_changes_nothing() -> None:
    from splare_os.train.sae.batch_topk import SAMPLE_STRIDE, heaviest

    scores = torch.arange(1.0, 200.0 * SAMPLE_STRIDE + 1)
    scores[::SAMPLE_STRIDE] += 1e6  # only sampled places are large
    places, _ = heaviest(scores[None], 1000)
    assert places.tolist() == sorted(scores.topk(1000).indices.tolist())
