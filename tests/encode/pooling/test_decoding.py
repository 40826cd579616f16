from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder
from transformers import AutoModelForMaskedLM

from splare_os.encode import SplareEncoder
from tests.models import save_bert


def test_latents_are_decoded_to_their_names_in_the_index(tiny_folder: Path) -> None:
    model = SparseEncoder(str(tiny_folder), trust_remote_code=True, device="cpu")
    vectors = model.encode_document(["oil war", ""])
    first, empty = model.decode(vectors)
    values = vectors.to_dense().numpy()[0]
    assert [name for name, _ in first[:9]] == [str(n) for n in np.argsort(-values)[:9]]
    assert dict(first) == pytest.approx({str(n): values[n] for n in np.flatnonzero(values)})
    assert model.decode(vectors[0], top_k=2) == first[:2]
    assert empty == []
    with pytest.raises(ValueError, match="top_k"):
        model.decode(vectors, top_k=0)


def test_words_of_a_vocabulary_are_decoded_as_ever(tmp_path: Path) -> None:
    save_bert(tmp_path, layers=2)
    AutoModelForMaskedLM.from_pretrained(tmp_path).save_pretrained(tmp_path)
    encoder = SplareEncoder.from_vocabulary(str(tmp_path), window=32)
    row = torch.zeros(encoder.n_latents)
    row[7] = 2.0
    assert encoder.model.decode(row) == [(encoder.tokenizer.convert_ids_to_tokens(7), 2.0)]
