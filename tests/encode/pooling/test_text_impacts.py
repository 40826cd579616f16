import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sentence_transformers import SparseEncoder

from splare_os.encode import Card, SaeEncoder, SplareEncoder, load_backbone
from splare_os.encode.load import load_encoder
from splare_os.encode.pooling.rule import PoolingRule
from splare_os.encode.pooling.text_impacts import TextImpacts, spans_of_impacts
from splare_os.encode.pooling.window_impacts import to_rows
from splare_os.impacts import stack
from tests.models import build_tiny, save_bert

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "?" * 40, "oil price war " * 40]
SUMS = PoolingRule("sum", "sqrt")

WINDOWS = torch.tensor([[9.0, 0.0, 0.25], [7.0, 4.0, 0.0], [0.0, 1.0, 1.0]])


def gathered(rule: PoolingRule, top_k: int) -> list[list[float]]:
    found = TextImpacts(rule, 3, top_k)
    found.add(WINDOWS[:1], np.array([1]))
    found.add(WINDOWS[1:], np.array([1, 0]))
    return found.impacts(3).toarray().tolist()


def test_sums_of_a_texts_windows_are_saturated_once() -> None:
    assert gathered(SUMS, 3) == [[0, 1, 1], [4, 2, 0.5], [0, 0, 0]]


def test_a_sum_is_cut_when_it_is_whole() -> None:
    found = TextImpacts(SUMS, 3, 1)
    found.add(torch.tensor([[5.0, 4.0, 0.0], [0.0, 4.0, 5.0]]), np.array([0, 0]))
    assert found.impacts(1).toarray().tolist() == [[0, np.float32(8**0.5), 0]]


def test_maxima_of_a_texts_windows_are_its_own() -> None:
    expected = [[0, 1, 1], [3, 2, 0.5], [0, 0, 0]]
    assert gathered(PoolingRule("max", "sqrt"), 3) == expected
    assert gathered(PoolingRule("max", "sqrt"), 2) == [[0, 1, 1], [3, 2, 0], [0, 0, 0]]


def test_spans_are_kept_of_impacts_alone() -> None:
    impacts = csr_array((np.float32([1, 2]), [2, 0], [0, 2, 2]), shape=(2, 3))
    spans = [{0: (0, 3), 1: (4, 6), 2: (4, 6)}, {1: (0, 1)}]
    assert list(spans_of_impacts(spans, impacts)) == [{0: (0, 3), 2: (4, 6)}, {}]


def build(folder: Path, *, top_k: int | None = None, kept: int = 400) -> SplareEncoder:
    """Return an encoder of sums over windows of 32 tokens, 8 of them shared."""
    save_bert(folder)
    draw = torch.Generator().manual_seed(1)
    parts = torch.randn(300, 16, generator=draw), torch.zeros(300), torch.full((300,), 1.0)
    sae = SaeEncoder.from_tensors(*parts, top_k=top_k)
    backbone = load_backbone(str(folder), n_blocks=2, window=32)
    card = Card("sums", window=32, overlap=8, document_top_k=kept)
    return SplareEncoder.build(backbone, sae, card, rule=SUMS)


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> SplareEncoder:
    return build(tmp_path_factory.mktemp("sums"))


def by_definition(encoder: SplareEncoder, text: str) -> torch.Tensor:
    """Return the impacts of a text, a window after another, each token's counted once."""
    windows = encoder._split([text], with_offsets=False)
    total = torch.zeros(encoder.n_latents)
    for ids, (first, end) in zip(windows.ids, windows.own_places().tolist(), strict=True):
        features = {"input_ids": torch.tensor([ids])}
        features["attention_mask"] = torch.ones_like(features["input_ids"])
        with torch.inference_mode():
            states = encoder.backbone(features)["token_embeddings"][0]
        own = [at for at in range(first, end) if ids[at] not in (2, 3)]
        sae = encoder.pooling.sae
        total += sae.activate(sae.pre_activations(states[own])).sum(dim=0)
    return total.sqrt()


@pytest.mark.parametrize("top_k", [None, 4])
def test_the_encoder_gives_the_sums_of_the_definition(tmp_path: Path, top_k: int | None) -> None:
    encoder = build(tmp_path, top_k=top_k)
    found = encoder.encode_documents(TEXTS).toarray()
    expected = np.stack([by_definition(encoder, text).numpy() for text in TEXTS])
    assert len(encoder.token_counts([TEXTS[-1]])) > 3  # a long one among them
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    whole = encoder.encode_whole_queries(TEXTS).toarray()
    np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-4)


def test_sums_do_not_hang_on_what_is_encoded_beside(sums: SplareEncoder) -> None:
    together = sums.encode_documents(TEXTS).toarray()
    alone = stack([sums.encode_documents([text]) for text in TEXTS]).toarray()
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_the_module_of_sentence_transformers_gives_the_same(
    sums: SplareEncoder, tmp_path: Path
) -> None:
    sums.save(tmp_path / "model")
    model = SparseEncoder(str(tmp_path / "model"), trust_remote_code=True, device="cpu")
    theirs = model.encode_document(TEXTS[:4]).to_dense().numpy()
    expected = sums.encode_documents(TEXTS[:4]).toarray()
    np.testing.assert_allclose(theirs, expected, rtol=1e-4, atol=1e-4)


def test_a_training_goes_through_sums(sums: SplareEncoder) -> None:
    states = torch.randn(1, 3, 16, requires_grad=True)
    features = {
        "token_embeddings": states,
        "input_ids": torch.tensor([[2, 9, 3]]),
        "attention_mask": torch.ones(1, 3, dtype=torch.long),
    }
    pooling = sums.pooling.train()
    pooling(features)["sentence_embedding"].sum().backward()
    pooling.eval()
    assert states.grad is not None
    assert states.grad[0, 1].isfinite().all()
    assert states.grad[0].count_nonzero(dim=1).tolist() == [0, 16, 0]


def test_spans_of_sums_are_of_the_impacts_that_are_kept(tmp_path: Path) -> None:
    encoder = build(tmp_path, kept=20)
    spans, impacts = encoder.spans(TEXTS), encoder.encode_documents(TEXTS)
    kept = [sorted(impacts.indices[a:b]) for a, b in zip(*_bounds(impacts), strict=True)]
    assert [list(one) for one in spans] == kept
    latent, (start, end) = next(iter(spans[0].items()))
    ids = encoder.tokenizer(TEXTS[0], return_tensors="pt", return_offsets_mapping=True)
    offsets = ids.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        states = encoder.backbone(dict(ids))["token_embeddings"][0]
    values = states @ encoder.pooling.sae.weight[latent]
    assert int(values[1:-1].argmax()) + 1 == offsets.index([start, end])


def test_every_sum_of_16_bits_has_a_span(sums: SplareEncoder, tmp_path: Path) -> None:
    sums.save(tmp_path / "model")
    rounded = SplareEncoder.load(tmp_path / "model", device="cpu", dtype="bfloat16")
    texts = [*TEXTS, *(f"oil {n} war {n * 7}" for n in range(100))]
    spans, impacts = rounded.spans(texts), rounded.encode_documents(texts)
    kept = [sorted(impacts.indices[a:b]) for a, b in zip(*_bounds(impacts), strict=True)]
    assert [list(one) for one in spans] == kept


def test_rows_may_tell_other_numbers_of_the_same_latents() -> None:
    found = to_rows(torch.tensor([[0.0, 2.0], [3.0, 1.0]]), torch.tensor([[9.0, 0.0], [7.0, 8.0]]))
    assert found.data.tolist() == [0, 7, 8]
    assert (found.indices.tolist(), found.indptr.tolist()) == ([1, 0, 1], [0, 1, 3])


def _bounds(impacts: csr_array) -> tuple[list[int], list[int]]:
    return impacts.indptr[:-1].tolist(), impacts.indptr[1:].tolist()


def test_the_rule_is_kept_in_the_folder_and_part_of_the_fingerprint(
    sums: SplareEncoder, tiny: SplareEncoder, tmp_path: Path
) -> None:
    sums.save(tmp_path / "model")
    loaded = load_encoder(str(tmp_path / "model"), device="cpu", dtype="float32")
    assert isinstance(loaded, SplareEncoder)
    assert loaded.pooling.rule == SUMS
    assert loaded.fingerprint == sums.fingerprint != tiny.fingerprint
    difference = loaded.encode_documents(TEXTS) - sums.encode_documents(TEXTS)
    assert abs(difference).max() == 0


def test_a_folder_of_maxima_names_no_rule(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    path = next((tmp_path / "model").glob("*SaePooling")) / "config.json"
    assert not {"pooling", "saturation"} & json.loads(path.read_text(encoding="utf-8")).keys()
