"""LoRA adapters in PEFT folders: merged into a backbone's weights, or kept for training."""

import warnings
from pathlib import Path
from typing import cast

from transformers import PreTrainedModel

from ...errors import EncoderError
from ...extras import require

OF_HEAD_MODELS = {r"^model\.": ""}
"""Adapters trained on a model with a language-model head name its blocks one level deeper."""


def with_adapter(model: PreTrainedModel, folder: Path, *, keep: bool) -> PreTrainedModel:
    """Return `model` with the PEFT adapter in `folder` merged, or kept and trainable.

    What the adapter holds for blocks that the model has not is left out; a block without its
    share raises `EncoderError`.
    """
    if not (folder / "adapter_config.json").is_file():
        raise EncoderError(f"{folder} has no adapter_config.json: it is not a PEFT adapter folder")
    require("train", f"the LoRA adapter {folder}")
    from peft import PeftModel  # seconds

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        try:
            adapted = PeftModel.from_pretrained(
                model, str(folder), is_trainable=keep, key_mapping=OF_HEAD_MODELS
            )
        except (UserWarning, ValueError, RuntimeError, OSError) as error:
            raise EncoderError(
                f"adapter {folder} does not fit {type(model).__name__}: {error}"
            ) from error
    return cast(PreTrainedModel, adapted if keep else adapted.merge_and_unload())
