"""The one seam between models and the cluster: the `Encoder` protocol and `load_encoder`."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Protocol, TypeAlias

from safetensors import SafetensorError

from .errors import EncoderError
from .impacts import Impacts

Spans: TypeAlias = dict[int, tuple[int, int]]
"""Latent to the character span [start, end) of the token with its largest activation."""

DTYPES = ("float32", "bfloat16", "float16")
"""Precisions an encoder can run in; docs/encoding.md tells how far their impacts agree."""


class Encoder(Protocol):
    """Turns texts into impacts.

    `name` tells people which model this is; `fingerprint` tells machines: two encoders with the
    same fingerprint may share an index field, others may not. `n_latents` is the row width.
    """

    @property
    def name(self) -> str:
        """The model's name, such as `mini`."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits over all that changes impacts."""

    @property
    def n_latents(self) -> int:
        """Number of latents: the width of every row of impacts."""

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of documents, in the order of `texts`."""

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        """Return impacts [text, latent] of queries, in the order of `texts`."""

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        """Return for each text where each of its impacts comes from; `EncoderError` if it can't."""


def load_encoder(name: str, *, device: str | None = None, dtype: str | None = None) -> Encoder:
    """Return the encoder `name`: `mini` (shipped), a model folder, or a model hub's id.

    `device` is torch's name for it, by default a GPU where there is one; several, by comma, make
    an encoder of as many processes. `dtype` is `float32`,
    `bfloat16` or `float16`; by default what the device is fastest in. A hub id is downloaded
    once. Raises `EncoderError` when there is no such model, or its folder names code of others.
    """
    if device is not None and not all(device.split(",")):
        raise ValueError(f"device={device!r}: name each device, such as cpu or cuda:0,cuda:1")
    if dtype not in {None, *DTYPES}:
        raise ValueError(f"dtype={dtype!r}: choose one of {', '.join(DTYPES)}")
    folder = model_folder(name)
    if not (folder / "modules.json").is_file():
        raise EncoderError(f"{folder} has no modules.json: it is not a SparseEncoder folder")
    if device is not None and "," in device:
        from .encode import ParallelEncoder  # torch, seconds

        return ParallelEncoder(folder, device.split(","), name=name, dtype=dtype)
    return load_folder(folder, name, device=device, dtype=dtype)


def load_folder(folder: Path, name: str, *, device: str | None, dtype: str | None) -> Encoder:
    """Return the encoder in `folder`, which people know as `name`; see `load_encoder`."""
    from .encode.precision import check_device  # torch, seconds

    if device is not None:
        check_device(device)
    try:
        return _load(folder, name, device, dtype)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise EncoderError(
            f"model folder {folder} cannot be read ({error}): fetch or save it again"
        ) from error


def _load(folder: Path, name: str, device: str | None, dtype: str | None) -> Encoder:
    from .encode import ForeignEncoder, SplareEncoder

    if "splare_os" in module_packages(folder):
        return SplareEncoder.load(folder, device=device, dtype=dtype)
    called = "" if Path(name).is_dir() else name
    return ForeignEncoder.load(folder, name=called, device=device, dtype=dtype)


def module_packages(folder: Path) -> set[str]:
    """Return the packages whose modules a model folder is made of: ours and theirs, no others."""
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    packages = {module["type"].split(".")[0] for module in modules}
    if foreign := packages - {"sentence_transformers", "splare_os"}:
        raise EncoderError(
            f"model {folder} would run code of {', '.join(sorted(foreign))}: "
            "only modules of sentence_transformers and splare_os are loaded"
        )
    return packages


def model_folder(name: str) -> Path:
    """Return the folder of `mini`, of a model folder, or of a hub id, which is downloaded once."""
    if name == "mini":
        return Path(str(files("splare_os"))) / "mini"
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise EncoderError(
            f"there is no model {name!r}: give mini, a model folder, or a hub id (owner/name)"
        )
    from huggingface_hub import snapshot_download  # imports an HTTP stack

    try:
        return Path(snapshot_download(name))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"model {name!r} is no folder, and fetching it failed: {error}"
        ) from error
