"""Small real models with random weights, built offline."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import (
    BertConfig,
    BertModel,
    Gemma2Config,
    Gemma2Model,
    Gemma3TextConfig,
    Gemma3TextModel,
    LlamaConfig,
    LlamaModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
    Qwen3Config,
    Qwen3Model,
)

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'?-"
WORDS = ["oil", "crisis", "price", "war", "the", "of", "embargo", "river"]


def save_tokenizer(folder: Path) -> int:
    """Write a word-piece tokenizer of letters and a few words; return its vocabulary's size."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)
    return len(pieces)


def save_bert(folder: Path, *, layers: int = 3, width: int = 16, positions: int = 128) -> None:
    """Write a BERT of `layers` blocks with its tokenizer."""
    n_pieces = save_tokenizer(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=n_pieces,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=positions,
    )
    BertModel(config).save_pretrained(folder)


FAMILIES = {
    "gemma2": (Gemma2Config, Gemma2Model),
    "gemma3_text": (Gemma3TextConfig, Gemma3TextModel),
    "llama": (LlamaConfig, LlamaModel),
    "modernbert": (ModernBertConfig, ModernBertModel),
    "qwen2": (Qwen2Config, Qwen2Model),
    "qwen3": (Qwen3Config, Qwen3Model),
}
"""Model types with rotary positions, as transformers names them."""


def save_model(
    folder: Path, family: str, *, layers: int = 4, width: int = 16, sliding_window: int = 4
) -> None:
    """Write a random model of `layers` blocks; Gemma's and ModernBERT's slide over few tokens."""
    if family == "bert":
        save_bert(folder, layers=layers, width=width)
        return
    config_class, model_class = FAMILIES[family]
    settings = {
        "vocab_size": save_tokenizer(folder),
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "max_position_embeddings": 128,
        **({} if family == "modernbert" else {"num_key_value_heads": 2, "head_dim": 8}),
        **({"sliding_window": sliding_window} if family.startswith("gemma") else {}),
        **({"attn_logit_softcapping": 0.5} if family == "gemma2" else {}),
        **({"local_attention": 2 * sliding_window} if family == "modernbert" else {}),
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        **({"cls_token_id": 2, "sep_token_id": 3} if family == "modernbert" else {}),
    }
    torch.manual_seed(0)
    model = model_class(config_class(**settings))
    for parameter in model.parameters():  # far from the near-zero start, so that errors show
        parameter.data.normal_(std=0.3)
    model.save_pretrained(folder)


def build_tiny(
    folder: Path, *, n_blocks: int = 2, n_latents: int = 300, window: int = 32, name: str = "tiny"
) -> SplareEncoder:
    """Return an encoder over a random BERT written to `folder`; not saved itself."""
    save_bert(folder)
    generator = torch.Generator().manual_seed(1)
    sae = SaeEncoder.from_tensors(
        torch.randn(n_latents, 16, generator=generator),
        torch.zeros(n_latents),
        torch.full((n_latents,), 1.0),
    )
    backbone = load_backbone(str(folder), n_blocks=n_blocks, window=window)
    return SplareEncoder.build(backbone, sae, Card(name, window=window, overlap=8))
