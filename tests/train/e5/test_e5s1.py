import numpy as np
import pytest

from splare_os.errors import TrainingError
from splare_os.train.e5.e5s1 import dequantized, read_e5s1
from splare_os.train.e5.folder import Shape
from tests.train.e5.small import e5s1, tiny


def test_all_weights_come_back_under_transformers_names() -> None:
    weights = tiny()
    shape, found = read_e5s1(e5s1(weights))
    assert shape == Shape(32, 2, 2, 89, 64, 2, 1e-12)
    assert found.keys() == weights.keys()
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, weights[name], err_msg=name)


def test_a_block_is_a_scale_and_nibbles_low_bits_first() -> None:
    block = np.float16(2).tobytes() + bytes([0xF0] + [0x88] * 15)
    assert dequantized(block)[[0, 1, 16, 17]].tolist() == [-16, 0, 14, 0]


def test_other_files_are_refused() -> None:
    with pytest.raises(TrainingError, match="begins with b'PK"):
        read_e5s1(b"PK\x03\x04 and so on")
    whole = e5s1(tiny())
    for cut in (10, 60, 200, len(whole) - 5):
        with pytest.raises(TrainingError, match="cut off or damaged"):
            read_e5s1(whole[:cut])
    with pytest.raises(TrainingError, match="unknown tensor 'l0.zzz.w'"):
        read_e5s1(whole.replace(b"l0.aln.w", b"l0.zzz.w"))
