"""A small BERT with a unigram tokenizer, as a folder of sentence-transformers."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = {
    **{"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
    **{"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"},
}
WORDS = {"▁the": -3.0, "▁oil": -5.0, "▁price": -6.0, "▁pri": -7.0, "ce": -7.5, "▁wa": -8.0}
LETTERS = {letter: -9.0 - number / 10 for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}


def save_unigram_model(folder: Path) -> None:
    """Write the model; its last row, 37, is `<mask>`."""
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [*WORDS.items(), *LETTERS.items(), ("<mask>", 0.0)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    plain = folder.with_name("plain")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    fast.save_pretrained(plain)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces) + 3,  # rows that no piece has, as multilingual-e5-small's
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        pad_token_id=1,
    )
    BertModel(config).save_pretrained(plain)
    modules = [Transformer(str(plain), max_seq_length=64), Pooling(16, "mean")]
    SentenceTransformer(modules=modules, prompts={"query": "query: "}, device="cpu").save(
        str(folder)
    )
