from pathlib import Path

import pytest
import torch

from splare_os.encode import SplareEncoder
from splare_os.evaluate.control import random_dictionary, token_states
from tests.models import build_tiny

TEXTS = ["the oil crisis of the war", "the price of oil", "the river", "embargo"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> SplareEncoder:
    folder: Path = tmp_path_factory.mktemp("bert")
    return build_tiny(folder)


def active(encoder: SplareEncoder, states: torch.Tensor) -> torch.Tensor:
    """Return at how many tokens each latent is active."""
    return (encoder.pooling.sae.activate(encoder.pooling.sae.pre_activations(states)) > 0).sum(0)


def test_each_random_latent_is_active_at_as_many_tokens_as_the_one_it_replaces(
    tiny: SplareEncoder,
) -> None:
    control = random_dictionary(tiny, TEXTS)
    states = token_states(tiny, TEXTS)
    counts = active(tiny, states)
    assert counts.max() > 0
    off = (active(control, states) - counts).abs()
    assert off.max() <= 1  # an edge may be rounded
    assert (off == 0).float().mean() > 0.9


def test_norms_and_thresholds_stay_and_directions_do_not(tiny: SplareEncoder) -> None:
    control = random_dictionary(tiny, TEXTS)
    old, new = tiny.pooling.sae, control.pooling.sae
    assert torch.allclose(old.weight.norm(dim=1), new.weight.norm(dim=1), rtol=1e-4)
    assert torch.equal(old.threshold, new.threshold)
    cosines = torch.nn.functional.cosine_similarity(old.weight, new.weight)
    assert cosines.abs().mean() < 0.5
    assert control.name == f"{tiny.name}-random"
    assert control.backbone is tiny.backbone


def test_a_seed_gives_the_same_dictionary_again(tiny: SplareEncoder) -> None:
    one, again = random_dictionary(tiny, TEXTS), random_dictionary(tiny, TEXTS)
    other = random_dictionary(tiny, TEXTS, seed=1)
    assert (one.encode_documents(TEXTS) != again.encode_documents(TEXTS)).nnz == 0
    assert (one.encode_documents(TEXTS) != other.encode_documents(TEXTS)).nnz > 0


def test_texts_without_a_token_are_refused(tiny: SplareEncoder) -> None:
    with pytest.raises(ValueError, match="1 texts have no token"):
        random_dictionary(tiny, [""])
