"""The backbone: a language model cut after layer l, with bidirectional attention.

Layer l of a model card or an SAE's hook means blocks 0..l; here `n_blocks` = l + 1 says how many
blocks are kept. Later blocks, the norm after the last one and the language-model head are never
loaded.
"""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from sentence_transformers.base.modules.transformer import Transformer, TransformerTask
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_MAPPING
from transformers.utils import logging

from ...errors import EncoderError
from ..card import CARD, Card, read_card, write_settings
from ..packing import Pack, filled_up, pack_padded
from ..unreadable import UNREADABLE
from .adapter import with_adapter
from .attention import SPLARE, packed
from .embedding import MappedEmbedding
from .quantized_embedding import (
    EMBEDDING,
    QuantizedEmbedding,
    embedding_names,
    rows_left_out,
    take_rows,
)

HUB_ARGUMENTS = ("token", "cache_folder", "revision", "local_files_only")

FINAL_NORMS: dict[str, str | None] = {
    "bert": None,
    "gemma2": "norm",
    "gemma3_text": "norm",
    "llama": "norm",
    "modernbert": "final_norm",
    "qwen2": "norm",
    "qwen3": "norm",
}
"""Supported model types, and where each keeps the norm that an SAE must not see."""

TEXT_KEYS = {r"^(?:model\.)?language_model\.(?:model\.)?": ""}
"""Where a model of text and images keeps the weights of its text model."""


class Backbone(Transformer):
    """A sentence-transformers module whose `token_embeddings` are the states after its last block.

    Attention is bidirectional also for decoders, and neither a final norm nor a sentence pooler
    is applied: SAEs are trained on the residual stream itself.
    """

    __module__ = "splare_os.encode"  # what model folders call it, see modules.py

    card: Card | None = None

    def _load_model(
        self,
        model_name_or_path: str,
        transformer_task: TransformerTask,
        config: PretrainedConfig,
        backend: str,
        is_peft_model: bool,  # noqa: FBT001  # the signature is sentence-transformers'
        **model_kwargs: Any,  # noqa: ANN401  # handed through unread
    ) -> PreTrainedModel:
        _make_bidirectional(config)
        dtype = _asked_dtype(model_kwargs)
        hub = {key: model_kwargs[key] for key in HUB_ARGUMENTS if key in model_kwargs}
        rows = self.load_file_path(model_name_or_path, EMBEDDING, **hub)
        with _quietly(), rows_left_out(config, if_=rows is not None):
            result: Any = super()._load_model(
                model_name_or_path,
                transformer_task,
                config,
                backend,
                is_peft_model,
                dtype="auto",  # nothing is converted yet: the weights stay mapped to the file
                attn_implementation=SPLARE,
                output_loading_info=True,
                **_without_pooler(config),
                **model_kwargs,
            )
        model: PreTrainedModel = result[0]
        norm = FINAL_NORMS[config.model_type]
        if norm is not None:
            setattr(model, norm, nn.Identity())
        saved_without = {f"{norm}.weight", f"{norm}.bias"}
        if rows is not None:
            saved_without |= embedding_names(model)
        _require_all(model_name_or_path, set(result[1]["missing_keys"]) - saved_without)
        convert(model, dtype)
        if rows is not None:
            take_rows(model, Path(rows), config.vocab_size)
        return model

    def round_embedding(self, bits: int) -> None:
        """Keep the token embedding in 8 or 4 bits from now on, also when it is saved."""
        if isinstance(embedding := self.model.get_input_embeddings(), MappedEmbedding):
            self.model.set_input_embeddings(QuantizedEmbedding.of(embedding, bits))

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write the model in one precision: what reads it takes the embedding's for all.

        The card of the encoder that it belongs to is written too, whoever saves the model.
        """
        embedding = self.model.get_input_embeddings()
        *_, last = self.model.parameters()
        if isinstance(embedding, QuantizedEmbedding):
            embedding.write(Path(output_path))
        else:
            embedding.weight.data = embedding.weight.data.to(last.dtype)
        super().save(output_path, *args, **kwargs)
        if self.card is not None:
            write_settings(Path(output_path), self.card)

    @classmethod
    def load(cls, model_name_or_path: str, *args: Any, **kwargs: Any) -> "Backbone":  # noqa: ANN401
        """Return the backbone of a model folder or hub repository, and its card with it."""
        backbone: Backbone = super().load(model_name_or_path, *args, **kwargs)
        hub = {key: kwargs[key] for key in HUB_ARGUMENTS if key in kwargs}
        if path := cls.load_file_path(model_name_or_path, CARD, **hub):
            backbone.card = read_card(Path(path).parent)
        return backbone

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return `features` with `token_embeddings` [text, token, state] added.

        In training the padding, whose states are zeros, is left out of the computation.
        """
        if not self.training:
            padded: dict[str, Any] = super().forward(features, **kwargs)
            return padded
        mask = features["attention_mask"].bool()
        states = self.packed_states(pack_padded(features["input_ids"], mask))
        embeddings = states.new_zeros(*mask.shape, states.shape[-1])
        features["token_embeddings"] = embeddings.masked_scatter(mask[..., None], states)
        return features

    def packed_states(self, pack: Pack) -> Tensor:
        """Return states [token, state] of the packed windows, on the model's device."""
        device = self.model.device
        whole = filled_up(pack) if device.type == "cpu" else pack
        ids, places = (one.to(device, non_blocking=True) for one in (whole.ids, whole.positions))
        with packed(whole.segments):
            states: Tensor = self.model(
                input_ids=ids[None], position_ids=places[None], **_without_cache(self.model)
            )[0]
        return states[0, : len(pack.ids)]


def load_backbone(
    name: str,
    *,
    n_blocks: int,
    window: int,
    dtype: torch.dtype | None = torch.float32,
    adapter: Path | None = None,
    keep_adapter: bool = False,
) -> Backbone:
    """Return the first `n_blocks` blocks of the model folder or hub id `name`.

    `window` is the longest input in tokens, special tokens included. The weights are converted to
    `dtype`, if there is one; embedding rows stay in the file in its own. The PEFT folder `adapter`
    is merged into the weights, or with `keep_adapter` left beside them, to be trained on.
    """
    config = read_config(name)
    text_config = config.get_text_config()
    depth: int = text_config.num_hidden_layers
    if not 1 <= n_blocks <= depth:
        raise ValueError(f"n_blocks={n_blocks}: {name} has blocks 1 to {depth}")
    positions = text_config.max_position_embeddings
    if window > positions and config.model_type == "bert":
        raise ValueError(f"window={window}: {name} has positions for {positions} tokens")
    with told_of(name), TemporaryDirectory(prefix="splare-os-") as folder:
        backbone: Backbone = Backbone(
            name if text_config is config else _save_text_model(name, n_blocks, folder),
            max_seq_length=window,
            model_kwargs={"dtype": dtype},
            config_kwargs={"num_hidden_layers": n_blocks},
        )
    if adapter is not None:
        backbone.model = with_adapter(backbone.model, adapter, keep=keep_adapter)
    return backbone


def read_config(name: str) -> PretrainedConfig:
    """Return the configuration of a model folder or hub id whose text model is a supported one."""
    with told_of(name):
        config: PretrainedConfig = AutoConfig.from_pretrained(name)
    _require_supported(config.get_text_config())
    return config


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """Say of a model that cannot be loaded which one it is."""
    try:
        yield
    except UNREADABLE as error:
        raise EncoderError(
            f"backbone {name!r} cannot be read ({error}): give a model folder or a hub id, or "
            "fetch it again"
        ) from error


def _require_supported(config: PretrainedConfig) -> None:
    if config.model_type not in FINAL_NORMS:
        raise EncoderError(
            f"the backbone is a {config.model_type!r} model: choose one of {', '.join(FINAL_NORMS)}"
        )


def _make_bidirectional(config: PretrainedConfig) -> None:
    _require_supported(config)
    config.is_causal = False
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[: config.num_hidden_layers]


def _save_text_model(name: str, n_blocks: int, folder: str) -> str:
    """Write the text half of a model of text and images, and return its folder.

    sentence-transformers would otherwise ask for the means to read images.
    """
    config = AutoConfig.from_pretrained(name).get_text_config()
    config.num_hidden_layers = n_blocks
    _make_bidirectional(config)
    with _quietly():
        model, loaded = AutoModel.from_pretrained(
            name, config=config, dtype="auto", key_mapping=TEXT_KEYS, output_loading_info=True
        )
    _require_all(name, loaded["missing_keys"])
    model.save_pretrained(folder, save_original_format=False)
    AutoTokenizer.from_pretrained(name).save_pretrained(folder)
    return folder


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep transformers from listing the weights that are left out: most of a model."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _require_all(name: str, missing: Iterable[str]) -> None:
    if names := sorted(missing):
        raise EncoderError(
            f"model {name} lacks {len(names)} weights, {names[0]} first: fetch or save it again"
        )


def _without_pooler(config: PretrainedConfig) -> dict[str, bool]:
    architecture: Any = MODEL_MAPPING[type(config)]
    has_pooler = "add_pooling_layer" in inspect.signature(architecture).parameters
    return {"add_pooling_layer": False} if has_pooler else {}


def _without_cache(model: PreTrainedModel) -> dict[str, bool]:
    """Return the argument that keeps a decoder from storing keys for tokens to come."""
    return {"use_cache": False} if hasattr(model.config, "use_cache") else {}


def _asked_dtype(model_kwargs: dict[str, Any]) -> torch.dtype | None:
    """Take the precision out of a loader's arguments, by either of its names; None: as saved."""
    named = [model_kwargs.pop(name) for name in ("torch_dtype", "dtype") if name in model_kwargs]
    asked = named[-1] if named else torch.float32
    if asked in {None, "auto"}:
        return None
    found = asked
    if isinstance(asked, str):
        found = getattr(torch, asked.removeprefix("torch."), None)
    if not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ValueError(f"dtype={asked!r}: give float32, bfloat16 or float16, or auto")
    return found


def convert(model: PreTrainedModel, dtype: torch.dtype | None) -> None:
    """Convert all weights but the token embedding; buffers such as RoPE's keep their precision."""
    dtype = dtype or model.dtype
    embedding = cast(nn.Embedding, model.get_input_embeddings())
    for module in model.modules():
        if module is embedding:
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.to(dtype)
    model.set_input_embeddings(MappedEmbedding(embedding, dtype))
    model.config.dtype = dtype
