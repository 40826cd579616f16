from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from splare_os.encode import SplareEncoder
from splare_os.encode.pooling.rule import PoolingRule
from splare_os.train.sae.level import TYPICAL, gains, gains_on
from tests.models import build_tiny

TEXTS = ["oil crisis", "the price of war and of oil", "an embargo", "war", ""]


def test_gains_by_hand() -> None:
    found = gains(csr_array([[4.0, 0.0, 0.5, 0.0], [1.0, 8.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]]))
    # medians 2, 5 and 0.5 of those that show them; the middle one is 2, so 0.5 counts as 0.6, and
    # what nobody shows as 2
    np.testing.assert_allclose(found, TYPICAL / np.array([2.0, 5.0, 0.6, 2.0]))


def test_alike_keeps_the_ratios_of_latents() -> None:
    found = gains(csr_array([[4.0, 0.0, 1.0, 0.0], [1.0, 8.0, 0.0, 0.0]]), alike=True)
    np.testing.assert_allclose(found, [TYPICAL / 2.5] * 4)  # medians 2.5, 8 and 1


def test_texts_that_show_no_latent_are_refused() -> None:
    with pytest.raises(ValueError, match="no latent is active in 2 texts"):
        gains(csr_array((2, 5)))


@pytest.mark.parametrize("rule", [PoolingRule(), PoolingRule("sum", "sqrt")])
def test_a_levelled_encoder_shows_typical_amounts(rule: PoolingRule, tmp_path: Path) -> None:
    encoder = levelled_once(tmp_path, rule)
    again = gains_on(encoder, TEXTS)
    shown = torch.from_numpy(np.unique(encoder.encode_documents(TEXTS).indices))
    plenty = again[shown].median()
    assert float(plenty) == pytest.approx(1.0, rel=1e-3)
    assert encoder.card.document_top_k == 3  # the cut is the encoder's again


def levelled_once(folder: Path, rule: PoolingRule) -> SplareEncoder:
    encoder = build_tiny(folder)
    encoder.pooling.rule, encoder.card = rule, replace(encoder.card, document_top_k=3)
    found = gains_on(encoder, TEXTS)
    sae = encoder.pooling.sae
    sae.weight.data *= found[:, None]
    sae.bias.data *= found
    sae.threshold.data *= found
    return encoder
