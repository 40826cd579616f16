from pathlib import Path

import pytest
import torch

from splare_os.encode import EmbeddingSae, SaeEncoder


def small() -> EmbeddingSae:
    """Latents 0 and 1 stand for the two directions, 2 for both."""
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    sae = SaeEncoder.from_tensors(weight, torch.tensor([0.0, 0.0, -1.0]), torch.full((3,), 0.1))
    return EmbeddingSae.of(sae, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))


def test_impacts_are_activations() -> None:
    features = {"sentence_embedding": torch.tensor([[0.6, 0.8], [0.05, 1.0]])}
    found = small()(features)["sentence_embedding"]
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8, 0.4], [0.0, 1.0, 0.0]]))


def test_a_vector_moves_by_what_changes_and_keeps_its_length() -> None:
    vectors = torch.tensor([[0.6, 0.8], [0.0, 5.0]])
    before = torch.tensor([[0.6, 0.8, 0.4], [0.0, 5.0, 4.0]])
    after = torch.tensor([[1.2, 0.8, 0.4], [0.0, 5.0, 4.0]])
    found = small().moved(vectors, before, after)
    length = (1.2**2 + 0.8**2) ** 0.5
    torch.testing.assert_close(found, torch.tensor([[1.2 / length, 0.8 / length], [0.0, 5.0]]))


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    module = small()
    module.save(str(tmp_path))
    loaded = EmbeddingSae.load(str(tmp_path))
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)
    assert loaded.get_embedding_dimension() == 3


def test_a_threshold_is_not_rounded_with_the_rest() -> None:
    assert small().to(torch.float16).sae.threshold.dtype == torch.float32


def test_a_decoder_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \[2, 3\], expected \[latent, state\] = \[3, 2\]"):
        EmbeddingSae.of(small().sae, torch.zeros(2, 3))
