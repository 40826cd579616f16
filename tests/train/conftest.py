from collections.abc import Iterator
from functools import cached_property

import pytest
import torch
from transformers import TrainingArguments


@pytest.fixture
def one_thread() -> Iterator[None]:
    """More threads may add up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Has transformers count two GPUs, as on a machine that has them."""
    found = TrainingArguments._setup_devices.func

    def count(args: TrainingArguments) -> torch.device:
        device: torch.device = found(args)
        args._n_gpu = 2
        return device

    counted = cached_property(count)
    counted.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", counted)
    return monkeypatch
