import numpy as np
import pytest

from splare_os.errors import TrainingError
from splare_os.train.e5.quantized_onnx import read_quantized_onnx
from tests.train.e5.small import onnx, tiny


def test_all_weights_come_back_under_transformers_names() -> None:
    weights = tiny()
    found = read_quantized_onnx(onnx(weights))
    assert found.keys() == weights.keys()
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, weights[name], err_msg=name)


def test_other_files_are_refused() -> None:
    whole = onnx(tiny())
    for broken in (whole[:-5], b"", b"\x0b", whole[:1000]):
        with pytest.raises(TrainingError, match="damaged, or no quantized BERT"):
            read_quantized_onnx(broken)
    lost = whole.replace(b"word_embeddings.weight_scale", b"word_embeddings.weight_xcale")
    with pytest.raises(TrainingError, match="no tensor 'embeddings.word_embeddings.weight_scale'"):
        read_quantized_onnx(lost)
