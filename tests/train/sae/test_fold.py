from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.errors import TrainingError
from splare_os.train.sae import SaeOptions, States
from splare_os.train.sae import fold as module
from splare_os.train.sae.fold import Centring, centre, fold
from splare_os.train.sae.untrained import untrained

pytestmark = pytest.mark.filterwarnings("ignore")  # sae-lens and its dependencies warn at import


@pytest.mark.parametrize("subtracts_b_dec", [False, True])
@pytest.mark.parametrize("activation", ["batchtopk", "topk", "jumprelu"])
def test_the_folded_encoder_equals_sae_lens_after_its_own_conversion(
    tmp_path: Path, activation: str, *, subtracts_b_dec: bool
) -> None:
    from sae_lens import SAE

    torch.manual_seed(0)
    theirs = untrained(torch.randn(50, 24), SaeOptions(activation=activation, width=128, k=4))
    theirs.cfg.apply_b_dec_to_input = subtracts_b_dec
    for name, parameter in theirs.named_parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
        if name == "threshold":
            parameter.data.abs_().mul_(0.2)
    if activation == "batchtopk":
        theirs.topk_threshold.fill_(0.4)
    states = torch.randn(50, 24) + 2
    centring = Centring(mean=torch.randn(24), scale=0.7)
    ours = fold(theirs, centring)
    if activation == "jumprelu":
        theirs.fold_W_dec_norm()  # leaves what it gives, and ours has it done
    theirs.save_inference_model(tmp_path)
    converted = SAE.load_from_disk(tmp_path)
    centred = centring.apply(states)
    with torch.no_grad():
        expected = converted.encode(centred) / centring.scale
        decoded = converted.decode(converted.encode(centred)) / centring.scale + centring.mean
    assert (expected > 0).sum() >= (200 if activation == "topk" else 500)
    torch.testing.assert_close(ours.encode(states), expected, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(ours.decode(ours.encode(states)), decoded, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(ours.w_dec.norm(dim=1), torch.ones(128))


def test_states_are_centred_to_a_mean_square_of_one() -> None:
    rng = np.random.default_rng(0)
    states = States((rng.standard_normal((500, 8)) * 9 + 4).astype(np.float16), unit=64.0)
    centred = centre(states).apply(states.read(slice(None)))
    torch.testing.assert_close(centred.mean(dim=0), torch.zeros(8), atol=1e-4, rtol=0)
    assert float(centred.square().mean()) == pytest.approx(1, rel=1e-4)


def test_centring_by_chunks_equals_the_plain_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((500, 8)) + 30 * rng.standard_normal(8)).astype(np.float16)
    states = States(rows, unit=4.0)
    sample = states.read(slice(0, 450)).double()
    mean = sample.mean(dim=0)
    scale = (8 / float((sample - mean).square().sum(dim=1).mean())) ** 0.5
    monkeypatch.setattr(module, "CENTRING_STATES", 450)
    for chunk in (1, 64, 450, 4096):  # 450 is no multiple of 64
        monkeypatch.setattr(module, "CHUNK", chunk)
        found = centre(states)
        assert found.mean.dtype == torch.float32
        torch.testing.assert_close(found.mean, mean.float(), atol=0, rtol=1e-6)
        assert found.scale == pytest.approx(scale, rel=1e-12)


def test_states_of_one_value_or_none_are_refused() -> None:
    with pytest.raises(ValueError, match="3 states are all equal"):
        centre(States(np.ones((3, 2), dtype=np.float16)))
    with pytest.raises(TrainingError, match="NaN or infinity"):
        centre(States(np.full((3, 2), np.nan, dtype=np.float16)))
    halves = np.ones((3, 2), dtype=np.float16)
    halves[1] = np.inf
    with pytest.raises(TrainingError, match="NaN or infinity"):
        centre(States(halves))
