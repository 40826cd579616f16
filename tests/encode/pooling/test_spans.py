from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.encode.pooling.rule import MAX_LOG1P, PoolingRule
from tests.models import save_bert

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "?" * 40, "oil " * 100]


def test_spans_name_the_token_that_gave_each_impact(tiny: SplareEncoder) -> None:
    text = "The oil Crisis"
    (spans,) = tiny.spans([text])
    impacts = tiny.encode_documents([text])
    assert sorted(spans) == impacts.indices.tolist()
    assert {text[start:end] for start, end in spans.values()} == {"The", "oil", "Crisis"}
    for latent, (start, end) in spans.items():
        ids = tiny.tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        offsets = ids.pop("offset_mapping")[0].tolist()
        with torch.inference_mode():
            states = tiny.backbone(dict(ids))["token_embeddings"][0]
        values = states @ tiny.pooling.sae.weight[latent]
        assert int(values[1:-1].argmax()) + 1 == offsets.index([start, end])


def test_spans_of_a_long_text_point_into_the_whole_text(tiny: SplareEncoder) -> None:
    text = "the price of oil, " * 12 + "embargo"
    (spans,) = tiny.spans([text])
    embargo = (text.index("embargo"), len(text))
    assert embargo in spans.values()
    assert sorted(spans) == tiny.encode_documents([text]).indices.tolist()


@pytest.mark.parametrize("rule", [MAX_LOG1P, PoolingRule("sum", "sqrt")])
@pytest.mark.parametrize("top_k", [None, 5])
def test_spans_of_some_latents_are_those_among_all(
    rule: PoolingRule, top_k: int | None, tmp_path: Path
) -> None:
    save_bert(tmp_path)
    torch.manual_seed(0)
    sae = SaeEncoder.from_tensors(torch.randn(99, 16), torch.randn(99), torch.ones(99), top_k=top_k)
    backbone = load_backbone(str(tmp_path), n_blocks=2, window=32)
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=32, overlap=8), rule=rule)
    words = np.random.default_rng(0).choice(["the", "oil", "crisis", "price", "river", "of"], 160)
    texts = [*TEXTS, " ".join(words), ""]  # no window is another's equal, which rounding decides
    whole = encoder.spans(texts)
    wanted = [[*list(spans)[::3], 1] for spans in whole]
    found = encoder.some_spans(texts, wanted)
    for spans, some, one in zip(whole, wanted, found, strict=True):
        assert one == {latent: spans[latent] for latent in some if latent in spans}
    assert any(whole)
    assert encoder.some_spans([], []) == []
    assert encoder.some_spans(["the oil"], [[]]) == [{}]


def test_spans_of_a_topk_sae_name_tokens_where_the_latent_is_active(tmp_path: Path) -> None:
    save_bert(tmp_path)
    torch.manual_seed(0)
    weights = torch.randn(99, 16), torch.zeros(99), torch.zeros(99)
    sae = SaeEncoder.from_tensors(*weights, top_k=3)
    backbone = load_backbone(str(tmp_path), n_blocks=1, window=32)
    encoder = SplareEncoder.build(backbone, sae, Card("tiny", window=32, overlap=4))
    text = "the oil crisis of 1973 " * 4
    (spans,) = encoder.spans([text])
    impacts = encoder.encode_documents([text])
    assert sorted(spans) == impacts.indices.tolist()
    windows = encoder._split([text], with_offsets=True)
    active: dict[int, dict[tuple[int, int], float]] = {}
    for ids, offsets in zip(windows.ids, windows.offsets, strict=True):
        inputs = {"input_ids": torch.tensor([ids])}
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        with torch.inference_mode():
            states = backbone(inputs)["token_embeddings"][0]
        for token, activations in enumerate(sae.activate(sae.pre_activations(states))[1:-1], 1):
            for latent in activations.nonzero()[:, 0].tolist():
                values = active.setdefault(latent, {})
                span = tuple(offsets[token])
                values[span] = max(values.get(span, 0.0), float(activations[latent]))
    for latent, span in spans.items():
        assert active[latent][span] == pytest.approx(max(active[latent].values()), rel=1e-5)
