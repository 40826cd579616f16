"""The encoder in a model folder, whoever's modules it is made of."""

from pathlib import Path

from ..encoder import Encoder
from ..errors import EncoderError
from ..extras import require
from .backbone.precision import check_device
from .dense import DenseEncoder
from .encoder import SplareEncoder
from .foreign import ForeignEncoder
from .modules import module_packages, require_sparse
from .one_thread import one_thread_in_children
from .unreadable import UNREADABLE


def load_folder(
    folder: Path,
    name: str,
    *,
    device: str | None,
    dtype: str | None,
    trainable: bool = False,
) -> Encoder:
    """Return the encoder in `folder`, which people know as `name`; see `load_encoder`.

    Only if it is `trainable` may its weights be changed.
    """
    if device is not None:
        check_device(device)
    one_thread_in_children()
    if any(folder.rglob("adapter_config.json")):
        require("train", f"the LoRA adapter in {folder}")
    try:
        encoder = _load(folder, name, device, dtype)
        if isinstance(encoder, SplareEncoder) and not trainable:
            encoder.freeze()
        return encoder
    except UNREADABLE as error:
        reason = " ".join(str(error).split())  # transformers' fill several lines
        raise EncoderError(
            f"model folder {folder} cannot be read ({reason}): fetch or save it again"
        ) from error


def _load(folder: Path, name: str, device: str | None, dtype: str | None) -> Encoder:
    packages = module_packages(folder)
    require_sparse(folder)
    if "splare_os" in packages:
        if DenseEncoder.is_in(folder):
            return DenseEncoder.load(folder, device=device, dtype=dtype)
        return SplareEncoder.load(folder, device=device, dtype=dtype)
    called = "" if Path(name).is_dir() else name
    return ForeignEncoder.load(folder, name=called, device=device, dtype=dtype)
