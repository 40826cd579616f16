import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from splare_os.encode import ParallelEncoder, SplareEncoder
from splare_os.encoder import own_top_k
from splare_os.errors import EncoderError

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "?" * 40, "oil " * 100] * 5


@pytest.fixture(scope="module")
def parallel(tiny_folder: Path) -> Iterator[ParallelEncoder]:
    with ParallelEncoder(tiny_folder, ["cpu", "cpu"], dtype="float32") as encoder:
        yield encoder


def test_two_processes_give_what_one_gives_in_the_same_order(
    parallel: ParallelEncoder, tiny: SplareEncoder
) -> None:
    assert (parallel.name, parallel.fingerprint) == (tiny.name, tiny.fingerprint)
    assert (parallel.n_latents, parallel.dtype) == (tiny.n_latents, "torch.float32")
    assert own_top_k(parallel) == own_top_k(tiny) == 400
    for ours, plain in (
        (parallel.encode_documents(TEXTS), tiny.encode_documents(TEXTS)),
        (parallel.encode_queries(TEXTS[:3]), tiny.encode_queries(TEXTS[:3])),
    ):
        np.testing.assert_allclose(ours.toarray(), plain.toarray(), atol=1e-5)
    assert parallel.spans(TEXTS) == tiny.spans(TEXTS)
    assert parallel.spans(TEXTS[:2], query=True) == tiny.spans(TEXTS[:2], query=True)


def test_no_texts_have_no_impacts(parallel: ParallelEncoder) -> None:
    assert parallel.encode_documents([]).shape == (0, 300)
    assert parallel.spans([]) == []


def test_a_process_that_is_killed_is_an_error_and_not_a_hang(tiny_folder: Path) -> None:
    with ParallelEncoder(tiny_folder, ["cpu"], dtype="float32") as encoder:
        (process,) = encoder._pool._processes
        os.kill(process, signal.SIGKILL)
        with pytest.raises(EncoderError, match="has ended before its work"):
            encoder.encode_documents(["the oil crisis"])
        with pytest.raises(ValueError, match="this encoder is closed"):
            encoder.encode_documents(["the oil crisis"])


def test_a_device_that_is_not_there_is_named(tiny_folder: Path) -> None:
    with pytest.raises(ValueError, match="device='gpu': choose one such as cpu"):
        ParallelEncoder(tiny_folder, ["cpu", "gpu"])
