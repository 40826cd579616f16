import logging
from pathlib import Path

import numpy as np
import pytest

from splare_os.encode.unknown import unreadable
from splare_os.encode.windows import Windows
from tests.models import build_tiny


def test_a_text_is_unreadable_by_its_share_of_unknown_pieces_over_all_windows() -> None:
    ids = [[2, 1, 1, 3], [2, 7, 7, 3], [2, 1, 8, 3], [2, 3], [2, 1, 1, 1, 5, 5, 5, 5, 5, 3]]
    windows = Windows(ids, [], np.array([0, 0, 1, 2, 3]), 4)
    # 2 of 8, 1 of 4, none of 2, and 3 of 10, which is not above it
    assert unreadable(windows, 1).tolist() == [False, False, False, False]
    assert unreadable(windows, 3).tolist() == [False, False, True, False]
    assert not unreadable(windows, None).any()
    assert unreadable(Windows([], [], np.array([], dtype=int), 0), 1).shape == (0,)


def test_an_encoder_tells_of_texts_that_it_cannot_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = build_tiny(tmp_path)
    encoder.encode_documents(["the oil crisis", "石"])
    assert "model=tiny cannot read 1 of 2 texts: more than 30 % of their pieces" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
    caplog.clear()
    encoder.encode_queries(["the oil crisis", "price"])
    assert not caplog.records
