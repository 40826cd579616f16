"""Small real models with random weights, built offline."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'?-"
WORDS = ["oil", "crisis", "price", "war", "the", "of", "embargo", "river"]


def save_bert(folder: Path, *, layers: int = 3, width: int = 16) -> None:
    """Write a BERT of `layers` blocks with a word-piece tokenizer of letters and a few words."""
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
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)


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
