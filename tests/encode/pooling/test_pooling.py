import torch

from splare_os.encode import SaeEncoder, SaePooling, max_pool


def plain(states: torch.Tensor, pooled: torch.Tensor, sae: SaeEncoder) -> torch.Tensor:
    """Activate and saturate every token, then take the maximum: the definition."""
    activations = torch.log1p(sae.activate(sae.pre_activations(states)))
    return torch.where(pooled[:, :, None], activations, 0).amax(dim=1)


def random_sae(d_in: int = 12, n_latents: int = 50) -> SaeEncoder:
    generator = torch.Generator().manual_seed(0)
    return SaeEncoder.from_tensors(
        torch.randn(n_latents, d_in, generator=generator),
        torch.randn(n_latents, generator=generator),
        torch.randn(n_latents, generator=generator) * 2,
    )


def test_an_activation_at_the_threshold_does_not_pass() -> None:
    sae = SaeEncoder.from_tensors(torch.eye(1), torch.zeros(1), torch.tensor([2.0]))
    assert sae.activate(torch.tensor([[1.0], [2.0], [2.5], [-3.0]])).tolist() == [
        [0],
        [0],
        [2.5],
        [0],
    ]


def test_a_negative_threshold_acts_as_relu() -> None:
    sae = SaeEncoder.from_tensors(torch.eye(1), torch.zeros(1), torch.tensor([-5.0]))
    assert sae.activate(torch.tensor([[-3.0], [0.5]])).tolist() == [[0], [0.5]]


def test_pooling_before_saturation_equals_the_definition() -> None:
    sae = random_sae()
    generator = torch.Generator().manual_seed(1)
    states = torch.randn(6, 9, 12, generator=generator)
    pooled = torch.rand(6, 9, generator=generator) < 0.6
    torch.testing.assert_close(max_pool(states, pooled, sae), plain(states, pooled, sae))


def test_a_text_without_a_pooled_token_has_no_impacts() -> None:
    impacts = max_pool(torch.randn(1, 3, 12), torch.zeros(1, 3, dtype=torch.bool), random_sae())
    assert impacts.count_nonzero() == 0


def test_padding_and_special_tokens_are_not_pooled() -> None:
    pooling = SaePooling.from_sae(random_sae(), [101, 102])
    features = {
        "input_ids": torch.tensor([[101, 7, 8, 102, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 0]]),
    }
    assert pooling.pooled_mask(features).tolist() == [[False, True, True, False, False]]


def test_the_sae_has_no_gradients() -> None:
    assert not any(parameter.requires_grad for parameter in random_sae().parameters())


def test_a_bias_of_another_width_is_refused() -> None:
    import pytest

    with pytest.raises(ValueError, match=r"bias has shape \[3\], expected \[4\]"):
        SaeEncoder.from_tensors(torch.zeros(4, 2), torch.zeros(3), torch.zeros(4))
