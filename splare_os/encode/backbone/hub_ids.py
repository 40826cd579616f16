"""The backbones of published SAEs: the names that SAE metadata uses, as hub ids.

Metadata says `google/gemma-2-2b`, `gemma-2-2b` (TransformerLens) or `/models/gemma-2-2b`; only
the last part counts, in lower case.
"""

import re

from ...errors import EncoderError

BACKBONES = {
    "Llama": (
        "meta-llama/Llama-2-7b-hf",
        "meta-llama/Llama-2-13b-hf",
        "meta-llama/Llama-2-7b-chat-hf",
        "meta-llama/Llama-2-13b-chat-hf",
        "meta-llama/Meta-Llama-3-8B",
        "meta-llama/Meta-Llama-3-8B-Instruct",
        "meta-llama/Meta-Llama-3-70B",
        "meta-llama/Meta-Llama-3-70B-Instruct",
        "meta-llama/Llama-3.1-8B",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.1-70B",
        "meta-llama/Llama-3.1-70B-Instruct",
        "meta-llama/Llama-3.2-1B",
        "meta-llama/Llama-3.2-1B-Instruct",
        "meta-llama/Llama-3.2-3B",
        "meta-llama/Llama-3.2-3B-Instruct",
        "meta-llama/Llama-3.3-70B-Instruct",
        "deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
        "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
    ),
    "Gemma 2": (
        "google/gemma-2-2b",
        "google/gemma-2-2b-it",
        "google/gemma-2-9b",
        "google/gemma-2-9b-it",
        "google/gemma-2-27b",
        "google/gemma-2-27b-it",
    ),
    "Gemma 3": (
        "google/gemma-3-270m",
        "google/gemma-3-270m-it",
        "google/gemma-3-1b-pt",
        "google/gemma-3-1b-it",
        "google/gemma-3-4b-pt",
        "google/gemma-3-4b-it",
        "google/gemma-3-12b-pt",
        "google/gemma-3-12b-it",
        "google/gemma-3-27b-pt",
        "google/gemma-3-27b-it",
    ),
    "dense Qwen 2": (
        *(f"Qwen/Qwen2-{size}B" for size in ("0.5", "1.5", "7", "72")),
        *(f"Qwen/Qwen2-{size}B-Instruct" for size in ("0.5", "1.5", "7", "72")),
        *(f"Qwen/Qwen2.5-{size}B" for size in ("0.5", "1.5", "3", "7", "14", "32", "72")),
        *(f"Qwen/Qwen2.5-{size}B-Instruct" for size in ("0.5", "1.5", "3", "7", "14", "32", "72")),
        *(f"deepseek-ai/DeepSeek-R1-Distill-Qwen-{size}B" for size in ("1.5", "7", "14", "32")),
    ),
    "dense Qwen 3": (
        *(f"Qwen/Qwen3-{size}B" for size in ("0.6", "1.7", "4", "8", "14", "32")),
        *(f"Qwen/Qwen3-{size}B-Base" for size in ("0.6", "1.7", "4", "8", "14")),
    ),
}
"""Hub ids by family."""

ALIASES = {
    "llama-2-7b": "meta-llama/Llama-2-7b-hf",
    "llama-2-13b": "meta-llama/Llama-2-13b-hf",
    "llama-2-7b-chat": "meta-llama/Llama-2-7b-chat-hf",
    "llama-2-13b-chat": "meta-llama/Llama-2-13b-chat-hf",
    "llama-3-8b": "meta-llama/Meta-Llama-3-8B",
    "llama-3-8b-instruct": "meta-llama/Meta-Llama-3-8B-Instruct",
    "meta-llama-3.1-8b": "meta-llama/Llama-3.1-8B",
    "meta-llama-3.1-8b-instruct": "meta-llama/Llama-3.1-8B-Instruct",
    "gemma-3-270m-pt": "google/gemma-3-270m",
}
"""Names that are not the last part of their hub id."""

OTHERS = (
    (r"gpt2", "GPT-2"),
    (r"pythia", "GPT-NeoX"),
    (r"mistral", "Mistral"),
    (r"mixtral|gpt-oss|-a\d+b", "a mixture of experts"),
    (r"gemma-(1\.1-)?[27]b", "Gemma 1"),
    (r"qwen3\.5", "Qwen 3.5"),
)
"""Patterns of other families' names, tried in this order."""

HUB_IDS = {
    name.rpartition("/")[2].lower(): name for family in BACKBONES.values() for name in family
} | ALIASES


def hub_id(name: str) -> str:
    """Return the hub id of the model that metadata calls `name`; "" for a name not known.

    `EncoderError` for a model of a family that is none of `BACKBONES`.

    >>> hub_id("gemma-2-2b")
    'google/gemma-2-2b'
    """
    last = name.rstrip("/").rpartition("/")[2].lower()
    if last in HUB_IDS:
        return HUB_IDS[last]
    for pattern, family in OTHERS:
        if re.search(pattern, last):
            raise EncoderError(f"backbone {name} is {family}, none of {', '.join(BACKBONES)}")
    return ""
