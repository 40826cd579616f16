"""`load_encoder`: an encoder by its name. Torch is imported once there is a model to load."""

from collections.abc import Callable
from importlib.resources import files
from os import fspath
from pathlib import Path

from ..encoder import Encoder
from ..errors import EncoderError
from ..extras import require
from ..paths import StrPath

DTYPES = ("float32", "bfloat16", "float16")
"""Precisions an encoder can run in; docs/encoding.md tells how far their impacts agree."""


MULTI = "multi"
"""The multilingual model, and the extra that brings it."""


def load_encoder(name: StrPath, *, device: str | None = None, dtype: str | None = None) -> Encoder:
    """Return the encoder `name`: `mini` or `multi`, a model folder, a hub's id, or an address.

    `device` is torch's name for it, by default a GPU where there is one; several, by comma, make
    an encoder of as many processes. `dtype` is `float32`, `bfloat16` or `float16`; by default what
    the device is fastest in. A hub id is downloaded once. At an address (http, https) a model
    server is asked, which has a device and a precision of its own. Raises `EncoderError` when there
    is no such model, or its folder names code of others; `MissingExtraError` without torch.
    """
    _check(device, dtype)
    name = fspath(name)
    if is_address(name):
        if device is not None or dtype is not None:
            raise ValueError(
                f"device={device!r}, dtype={dtype!r}: the server at {name} has its own, leave both "
                "out"
            )
        from .remote import RemoteEncoder  # an HTTP stack

        return RemoteEncoder(name)
    folder = _whole_folder(name)
    if device is not None and "," in device:
        from .parallel import ParallelEncoder

        return ParallelEncoder(folder, device.split(","), name=name, dtype=dtype)
    from .folder import load_folder  # torch, seconds

    return load_folder(folder, name, device=device, dtype=dtype)


def load_for_batches(
    name: str, *, device: str | None, dtype: str | None, before: Callable[[], None]
) -> Encoder:
    """Return the encoder `name`, as `load_encoder` does, for who has many batches.

    On a processor it is in a process for each of torch's threads (`parallel`), and this one needs
    no torch; `before` is called before a model is loaded in this one.
    """
    _check(device, dtype)
    if device in {None, "cpu"} and not is_address(name):
        folder = _whole_folder(name)
        from .parallel import ParallelEncoder, devices_for_batches

        if set(devices := devices_for_batches(device)) == {"cpu"}:
            return ParallelEncoder(folder, devices, name=name, dtype=dtype)
    before()
    return load_encoder(name, device=device, dtype=dtype)


def _whole_folder(name: str) -> Path:
    """Return the folder of a model that can be loaded."""
    folder = model_folder(name)
    if not (folder / "modules.json").is_file():
        raise EncoderError(f"{folder} has no modules.json: it is not a SparseEncoder folder")
    require("encode", f"the model {name!r}")
    return folder


def _check(device: str | None, dtype: str | None) -> None:
    """Raise `ValueError` for a device or a precision that cannot be."""
    if device is not None and not all(device.split(",")):
        raise ValueError(f"device={device!r}: name each device, such as cpu or cuda:0,cuda:1")
    if dtype not in {None, *DTYPES}:
        raise ValueError(f"dtype={dtype!r}: choose one of {', '.join(DTYPES)}")


def is_address(name: str) -> bool:
    """Return whether a model is a server's, which has a device of its own."""
    return name.startswith(("http://", "https://"))


def model_folder(name: str) -> Path:
    """Return the folder of a shipped model or of a hub id, which is downloaded once, or `name`.

    `mini` comes with this package, `multi` with a distribution of its own.
    """
    if name == "mini":
        return Path(str(files("splare_os"))) / "mini"
    if name == MULTI:
        require(MULTI, f"the model {name!r}")
        return Path(str(files("splare_os_multi"))) / "model"
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise EncoderError(
            f"there is no model {name!r}: give mini, multi, a model folder, a hub id (owner/name), "
            "or the address of a model server"
        )
    require("encode", f"the model {name!r}")  # before it is fetched for nothing
    from huggingface_hub import snapshot_download  # imports an HTTP stack

    try:
        return Path(snapshot_download(name))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"model {name!r} is no folder, and fetching it failed: {error}"
        ) from error
