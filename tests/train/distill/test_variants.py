from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM

from splare_os.encode import SplareEncoder
from splare_os.train.distill.losses import Teacher
from splare_os.train.distill.pairs import TrainingSet
from splare_os.train.distill.teachers import lexical
from splare_os.train.distill.training import distill
from splare_os.train.distill.variants import merge, prepare
from tests.models import save_bert
from tests.train.distilling import OPTIONS, build, stop_at, weights

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # their trainer's own
]
SAE, HEAD = "1.sae.", "1.head."


def vocabulary_model(folder: Path) -> SplareEncoder:
    """A BERT with a vocabulary head, both of random weights."""
    save_bert(folder, layers=2)
    torch.manual_seed(0)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    model.bert.embeddings.word_embeddings.weight.data.normal_(std=0.5)
    model.save_pretrained(folder)
    return SplareEncoder.from_vocabulary(str(folder), window=128)


def trained(encoder: SplareEncoder) -> set[str]:
    return {name for name, p in encoder.model.named_parameters() if p.requires_grad}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in after.items() if not torch.equal(before[name], tensor)}


def run(encoder: SplareEncoder, data: TrainingSet, work: Path, **change: object) -> set[str]:
    """Train a few steps; return the names of the weights that changed, LoRA's aside."""
    options = replace(OPTIONS, steps=4, **change)
    before: dict[str, Tensor] = {}

    def note(_: object) -> None:
        if not before:
            before.update(weights(encoder))

    distill(encoder, data, lexical(data), options, work=work, watch=note)
    return changed(before, weights(encoder))


def test_splare_trains_lora_alone_and_leaves_the_sae_bit_by_bit(
    data: TrainingSet, tmp_path: Path
) -> None:
    encoder, plain = build(tmp_path / "bert"), build(tmp_path / "bert")
    found = run(encoder, data, tmp_path / "work")
    assert found
    assert all("lora_" in name for name in found)
    assert trained(encoder) == {n for n, _ in encoder.model.named_parameters() if "lora_" in n}
    sae, original = encoder.pooling.sae, plain.pooling.sae
    assert all(parameter.grad is None for parameter in sae.parameters())
    assert torch.equal(sae.weight, original.weight)
    assert torch.equal(sae.bias, original.bias - original.threshold)  # relu
    assert not sae.threshold.any()


def test_without_relu_thresholds_stay(data: TrainingSet, tmp_path: Path) -> None:
    encoder, plain = build(tmp_path / "bert"), build(tmp_path / "bert")
    run(encoder, data, tmp_path / "work", relu=False)
    for ours, theirs in zip(
        encoder.pooling.sae.parameters(), plain.pooling.sae.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_sae_splade_trains_the_sae_but_for_thresholds(data: TrainingSet, tmp_path: Path) -> None:
    found = run(build(tmp_path / "bert"), data, tmp_path / "work", variant="sae-splade")
    assert {name for name in found if "lora_" not in name} == {SAE + "weight", SAE + "bias"}


def test_splade_trains_head_and_bias_and_leaves_the_words(
    data: TrainingSet, tmp_path: Path
) -> None:
    encoder = vocabulary_model(tmp_path / "mlm")
    found = run(encoder, data, tmp_path / "work", variant="splade")
    head = {name for name in found if name.startswith(HEAD)}
    assert head == {n for n, _ in encoder.model.named_parameters() if n.startswith(HEAD)}
    assert {name for name in found if name.startswith(SAE)} == {SAE + "bias"}
    assert all("lora_" in name for name in found if not name.startswith((HEAD, SAE)))


def test_topk_trains_as_it_is(data: TrainingSet, tmp_path: Path) -> None:
    encoder = build(tmp_path / "bert", top_k=4)
    found = run(encoder, data, tmp_path / "work", relu=False)
    assert found
    assert all("lora_" in name for name in found)
    assert encoder.pooling.sae.top_k == 4


def test_an_adapter_begins_as_nothing_and_is_merged_to_the_same_impacts(tmp_path: Path) -> None:
    encoder = build(tmp_path / "bert")
    before = encoder.encode_documents(["oil war", "river"]).toarray()
    prepare(encoder, replace(OPTIONS, relu=False))
    assert abs(encoder.encode_documents(["oil war", "river"]).toarray() - before).max() == 0
    for name, parameter in encoder.model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1)
    adapted = encoder.encode_documents(["oil war", "river"]).toarray()
    assert abs(adapted - before).max() > 0.01
    merge(encoder)
    assert not any("lora" in name for name, _ in encoder.model.named_parameters())
    assert abs(encoder.encode_documents(["oil war", "river"]).toarray() - adapted).max() < 1e-5


def test_no_dropout_is_left(tmp_path: Path) -> None:
    encoder = build(tmp_path / "bert")
    prepare(encoder, OPTIONS)
    features = encoder.model.preprocess(["oil war", "river"])
    encoder.model.train()
    one, other = (encoder.model(dict(features))["sentence_embedding"] for _ in range(2))
    assert torch.equal(one, other)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    words, latents = vocabulary_model(tmp_path / "mlm"), build(tmp_path / "bert")
    with pytest.raises(ValueError, match="'splare': the model has a vocabulary head, so choose sp"):
        prepare(words, OPTIONS)
    with pytest.raises(ValueError, match="'splade': the model has an SAE, so choose splare or sae"):
        prepare(latents, replace(OPTIONS, variant="splade"))
    with pytest.raises(ValueError, match=r"a TopK SAE \(k=4\) can't become ReLU"):
        prepare(build(tmp_path / "bert", top_k=4), OPTIONS)
    latents.pooling.d_in = 24
    with pytest.raises(ValueError, match="the SAE reads states of 24 numbers, the backbone has 16"):
        prepare(latents, OPTIONS)


def test_an_interpolation_is_between_the_model_before_and_the_one_after(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    before, after, between = build(bert), build(bert), build(bert)
    learnt = distill(after, data, teacher, OPTIONS, work=tmp_path)
    half = replace(OPTIONS, interpolation=0.5)
    # it is trained already, and only ended anew
    figures = distill(between, data, teacher, half, work=tmp_path, watch=stop_at(1))
    assert figures.before == learnt.before
    assert figures.after.divergence != learnt.after.divergence
    merge(after)
    merge(between)
    ends = dict(before.backbone.named_parameters()), dict(after.backbone.named_parameters())
    for name, found in between.backbone.named_parameters():
        torch.testing.assert_close(found, (ends[0][name] + ends[1][name]) / 2)
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    options = replace(half, variant="sae-splade")
    with pytest.raises(ValueError, match="variant='sae-splade' trains more than LoRA"):
        distill(build(bert), data, teacher, options, work=tmp_path / "other")
