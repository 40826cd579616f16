from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers.sparse_encoder.losses import SpladeLoss

from splare_os.errors import TrainingError
from splare_os.train.distill import training as module
from splare_os.train.distill.held_out import held_out
from splare_os.train.distill.losses import DistillationLoss, Teacher
from splare_os.train.distill.pairs import TrainingSet
from splare_os.train.distill.schedule import Schedule
from splare_os.train.distill.teachers import Embedded, Listed, lexical
from splare_os.train.distill.trainer import DistillProgress
from splare_os.train.distill.training import distill
from splare_os.train.prior import take_prior
from splare_os.train.work_folder import claim, last_checkpoint
from tests.train.distilling import OPTIONS, assert_same, build, stop_at, total

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # their trainer's own
]


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_the_held_out_loss_falls(
    family: str, data: TrainingSet, teacher: Teacher, tmp_path: Path
) -> None:
    encoder = build(tmp_path / family, family)
    seen: list[DistillProgress] = []
    options = replace(OPTIONS, steps=30)
    figures = distill(encoder, data, teacher, options, work=tmp_path / "work", watch=seen.append)
    assert total(figures, "after") < 0.8 * total(figures, "before")
    assert [progress.step for progress in seen] == list(range(1, 31))
    assert figures.steps == 30
    assert 0 < figures.after.query_latents <= 64
    assert encoder.backbone.max_seq_length == 32  # cut at 24 while it trained
    assert encoder.encode_queries(["oil war"]).nnz


MODES = {
    "plain": {},
    "accumulation": {"accumulation": 2},
    "cached": {"mini_batch": 4},
    "both": {"accumulation": 2, "mini_batch": 4},
}


@pytest.mark.parametrize("mode", MODES)
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    mode: str, data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, negatives=1, **MODES[mode])
    whole, stopped, resumed = build(bert), build(bert), build(bert)
    figures = distill(whole, data, teacher, options, work=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        distill(stopped, data, teacher, options, work=tmp_path / "work", watch=stop_at(7))
    assert Path(str(last_checkpoint(tmp_path / "work"))).name == "checkpoint-4"
    seen: list[DistillProgress] = []
    again = distill(resumed, data, teacher, options, work=tmp_path / "work", watch=seen.append)
    assert seen[0].step == 5
    assert again == figures
    assert_same(whole, resumed)


def test_a_training_that_had_ended_is_not_trained_again(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    first, second = build(bert), build(bert)
    figures = distill(first, data, teacher, OPTIONS, work=tmp_path)
    assert distill(second, data, teacher, OPTIONS, work=tmp_path, watch=stop_at(1)) == figures
    assert_same(first, second)


def test_a_models_prompts_are_before_the_texts_it_is_trained_and_measured_on(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    prompted, plain = build(bert), build(bert)
    prompted.model.prompts = {"query": "oil ", "document": "river war "}
    queries = [f"oil {text}" for text in data.queries]
    longer = replace(data, queries=queries, documents=[f"river war {t}" for t in data.documents])
    options = replace(OPTIONS, negatives=1)
    figures = distill(prompted, data, teacher, options, work=tmp_path / "prompted")
    assert distill(plain, longer, teacher, options, work=tmp_path / "plain") == figures
    assert_same(prompted, plain)


def test_calibrated_scores_are_trained_by_the_models_prior(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, scoring="calibrated")
    with pytest.raises(ValueError, match="no prior; `splare-os train prior` makes it"):
        distill(build(bert), data, teacher, options, work=tmp_path / "without")
    encoder = build(bert)
    encoder.prior = take_prior(encoder, data.documents)
    figures = distill(encoder, data, teacher, options, work=tmp_path / "with")
    assert figures.steps == OPTIONS.steps
    dots = distill(build(bert), data, teacher, OPTIONS, work=tmp_path / "dot")
    assert figures.before.divergence != dots.before.divergence


def test_flops_make_impacts_sparser(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    found = []
    for weight in (0.0, 10.0):
        options = replace(OPTIONS, steps=20, query_flops=weight, document_flops=weight)
        work = tmp_path / str(weight)
        found.append(distill(build(bert), data, teacher, options, work=work).after)
    assert found[1].document_latents < 0.9 * found[0].document_latents
    assert found[1].query_latents < 0.9 * found[0].query_latents


def test_flops_weights_grow_quadratically_over_the_ramp_and_resume_where_they_were(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, steps=8, ramp=0.5, query_flops=0.32, document_flops=0.16)
    losses = []
    monkeypatch.setattr(
        module, "SpladeLoss", lambda *args: losses.append(SpladeLoss(*args)) or losses[-1]
    )
    seen: list[tuple[float, float]] = []

    def note(progress: DistillProgress) -> None:
        loss = losses[-1]
        seen.append((loss.query_regularizer_weight, loss.document_regularizer_weight))
        if progress.step == 6 and len(losses) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill(build(bert), data, teacher, options, work=tmp_path, watch=note)
    share = np.array([0, 1, 4, 9, 16, 16]) / 16
    np.testing.assert_allclose(seen, np.stack([0.32 * share, 0.16 * share], axis=1))
    seen.clear()
    distill(build(bert), data, teacher, options, work=tmp_path, watch=note)
    np.testing.assert_allclose(seen, [(0.32, 0.16)] * 4)


def test_a_training_needs_no_teacher(data: TrainingSet, bert: Path, tmp_path: Path) -> None:
    figures = distill(build(bert), data, None, replace(OPTIONS, steps=20), work=tmp_path)
    assert figures.before.divergence == figures.after.divergence == 0
    assert figures.after.contrast < figures.before.contrast


def test_scores_of_rows_teach(data: TrainingSet, bert: Path, tmp_path: Path) -> None:
    seen: list[DistillProgress] = []
    options = replace(OPTIONS, steps=30, negatives=2, contrast=0.0)
    figures = distill(build(bert), data, Listed.of(data), options, work=tmp_path, watch=seen.append)
    losses = [progress.loss for progress in seen]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert figures.after.contrast == 0


def test_a_work_folder_of_another_training_is_refused(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        distill(build(bert), data, teacher, OPTIONS, work=tmp_path, watch=stop_at(1))
    fewer = TrainingSet.of([data.sources[0].sampled(40)])
    for changed, rows, said, what in (
        (replace(OPTIONS, lr=2e-2), data, teacher, r"other options: lr=0\.01 there, 0\.02 now"),
        (OPTIONS, fewer, lexical(fewer), "other options: pairs='48, .*' there, '40, .*' now"),
        (OPTIONS, data, Listed.of(data), "of a training with another teacher: give the same"),
        (OPTIONS, data, None, "of a training with another teacher"),
    ):
        with pytest.raises(TrainingError, match=f"{tmp_path} .*{what}"):
            distill(build(bert), rows, said, changed, work=tmp_path)
    other = build(bert)
    other.pooling.sae.bias.data += 0.1
    with pytest.raises(TrainingError, match="other options: model='"):
        distill(other, data, teacher, OPTIONS, work=tmp_path)


def test_a_training_may_go_on_on_another_device_with_other_checkpoints(
    data: TrainingSet, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.train.options.check_device", lambda _: None)
    begun = replace(OPTIONS, device="cuda:1", checkpoint_steps=2)
    claim(tmp_path, module._begun_with(build(bert), data, begun))
    module.check(build(bert), data, OPTIONS, tmp_path)


def test_what_is_refused_leaves_no_work_folder(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    refused = {"batch_size": 49}, {"variant": "splade"}, {"negatives": 3}, {"max_tokens": 33}
    for change in refused:
        with pytest.raises((ValueError, TrainingError)):
            distill(build(bert), data, teacher, replace(OPTIONS, **change), work=tmp_path / "work")
    assert not [*tmp_path.iterdir()]


def test_a_model_that_is_not_finite_is_refused_before_the_first_step(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    encoder = build(bert)
    encoder.backbone.model.encoder.layer[0].output.dense.bias.data[3] = torch.nan
    with pytest.raises(
        TrainingError, match=r"layer\.0\.output\.dense\.bias is not finite after step 0: make the"
    ):
        distill(encoder, data, teacher, OPTIONS, work=tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("top_k", [None, 3])
@pytest.mark.parametrize("steps", [1, 6])
def test_weights_that_become_nan_end_the_training(
    steps: int, top_k: int | None, data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    encoder = build(bert, top_k=top_k)

    def poison(progress: DistillProgress) -> None:
        if progress.step == min(steps, 2):
            trained = [p for p in encoder.model.parameters() if p.requires_grad]
            trained[-1].data[:] = torch.nan

    options = replace(OPTIONS, steps=steps, relu=top_k is None)
    after = rf"lora_B.* is not finite after step {min(steps, 2)}: take a lower lr"
    with pytest.raises(TrainingError, match=after):
        distill(encoder, data, teacher, options, work=tmp_path / "work", watch=poison)


@pytest.mark.parametrize("lr", [1e6, 1e18, 1e38])
def test_an_absurd_learning_rate_ends_the_training(
    lr: float, data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, lr=lr, warm_up=0.0, variant="sae-splade")
    with pytest.raises(TrainingError, match=r"step \d+.* take a lower lr"):
        distill(build(bert), data, teacher, options, work=tmp_path / "work")


def test_the_figures_before_are_of_the_model_as_it_came(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, relu=False, max_tokens=None)
    figures = distill(build(bert), data, teacher, options, work=tmp_path)
    top_k = options.query_top_k, options.document_top_k
    goal = DistillationLoss(data, teacher, temperature=1.0, contrast=0.5, top_k=top_k)
    fresh = held_out(build(bert), goal, Schedule.draw(data, options).held_out, options)
    assert asdict(figures.before) == pytest.approx(asdict(fresh), rel=1e-6)
    assert figures.after.divergence < fresh.divergence


def test_vectors_decide_what_is_in_a_batch(
    data: TrainingSet, teacher: Teacher, bert: Path, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(data.queries), 4)).astype(np.float32)
    cosines = Embedded(vectors, np.zeros((len(data.documents), 4), dtype=np.float32))
    found = [
        distill(build(bert), data, teacher, OPTIONS, work=tmp_path / str(n), vectors=topics)
        for n, topics in enumerate((None, cosines.queries))
    ]
    assert found[0].before != found[1].before
