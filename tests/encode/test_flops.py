import torch
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

from splare_os.encode.flops import backbone_flops


def test_a_berts_operations_are_its_products() -> None:
    config = BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    # a block has 4 · 8² weights in attention and 2 · 8 · 16 after it; scores and values: 4 · n² · 8
    expected = 2 * 2 * (256 + 256) * (3 + 5) + 2 * 4 * (9 + 25) * 8
    assert backbone_flops(model, [3, 5]) == expected


def test_fewer_key_heads_and_wider_heads_are_counted() -> None:
    config = LlamaConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=6,
        intermediate_size=16,
    )
    with torch.device("meta"):
        model = LlamaModel(config)
    weights = 8 * 24 * 2 + 8 * 12 * 2 + 3 * 8 * 16  # query and output, key and value, three after
    assert backbone_flops(model, [3]) == 2 * weights * 3 + 4 * 9 * 24
