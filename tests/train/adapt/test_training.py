import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from splare_os.encode import load_backbone
from splare_os.errors import EncoderError, TrainingError
from splare_os.train.adapt.batches import windows_of
from splare_os.train.adapt.model import load_language_model, load_tokenizer
from splare_os.train.adapt.trainer import AdaptProgress
from splare_os.train.adapt.training import AdaptOptions, _batches, adapt
from tests.models import FAMILIES, save_model

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = ["oil", "crisis", "price", "war", "embargo", "river"]
TEXTS = [f"the {a} of the {b}, the {c}" for a in WORDS for b in WORDS for c in WORDS[:2]]
OPTIONS = AdaptOptions(
    steps=12,
    batch_tokens=128,
    window=32,
    lr=1e-2,
    mask_token="-",
    held_out_share=0.1,
    evaluate_every=4,
    autocast=False,
)
HEADS = {"bert": "cls.predictions.transform.dense.weight", "modernbert": "head.dense.weight"}
DECODERS = [family for family in FAMILIES if family != "modernbert"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bert")
    save_model(folder, "bert")
    return str(folder)


def save_decoder(folder: Path, family: str) -> str:
    """Write a random model of `family` with a head of its own."""
    save_model(folder, family)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.lm_head.weight.data.normal_(std=0.3)
    model.save_pretrained(folder)
    return str(folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForMaskedLM.from_pretrained(folder).state_dict()


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_an_encoder_and_its_fresh_head_learn_to_fill_masks(family: str, tmp_path: Path) -> None:
    save_model(tmp_path, family)
    out = tmp_path / "adapted"
    figures = adapt(TEXTS, str(tmp_path), out, replace(OPTIONS, steps=40, evaluate_every=20))
    assert figures.after < figures.before - 0.5
    assert figures.after == min(loss for _, loss in figures.curve)
    assert [step for step, _ in figures.curve] == [20, 40]
    trained, given = weights(out), weights(tmp_path)
    assert not torch.equal(trained[HEADS[family]], given[HEADS[family]])
    backbone = load_backbone(str(out), n_blocks=3, window=32).model.state_dict()
    prefix = {"bert": "bert.", "modernbert": "model."}[family]
    assert all(torch.equal(backbone[key], trained[prefix + key]) for key in backbone)
    assert not out.with_name(f"{out.name}.work").exists()


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_learns_with_lora_and_is_saved_merged(family: str, tmp_path: Path) -> None:
    name, out = save_decoder(tmp_path, family), tmp_path / "adapted"
    figures = adapt(TEXTS, name, out, replace(OPTIONS, steps=30, evaluate_every=10))
    assert figures.after < figures.before - 0.1
    assert not list(out.glob("adapter*"))
    load_backbone(str(out), n_blocks=2, window=32)
    trained, given = (AutoModelForCausalLM.from_pretrained(f).state_dict() for f in (out, name))
    assert trained.keys() == given.keys()
    changed = {key for key in given if not torch.equal(trained[key], given[key])}
    assert changed
    assert all("_proj" in key for key in changed)


def test_an_encoder_can_keep_its_weights_but_for_lora(bert: str, tmp_path: Path) -> None:
    out = tmp_path / "adapted"
    figures = adapt(TEXTS, bert, out, replace(OPTIONS, steps=40, lora_rank=4, evaluate_every=20))
    assert figures.after < figures.before
    trained, given = weights(out), weights(Path(bert))
    key = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(trained[key], given[key])
    key = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(trained[key], given[key])


@pytest.mark.parametrize(("lora_rank", "autocast"), [(0, False), (4, False), (4, True)])
def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(
    lora_rank: int, bert: str, tmp_path: Path, *, autocast: bool
) -> None:
    options = replace(OPTIONS, lora_rank=lora_rank, autocast=autocast)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"

    def stop_at_ten(progress: AdaptProgress) -> None:
        if progress.step == 10:
            raise KeyboardInterrupt

    seen: list[AdaptProgress] = []
    figures = adapt(TEXTS, bert, whole, options)
    with pytest.raises(KeyboardInterrupt):
        adapt(TEXTS, bert, resumed, options, watch=stop_at_ten)
    again = adapt(TEXTS, bert, resumed, options, watch=seen.append)
    assert [progress.step for progress in seen] == [9, 10, 11, 12]
    assert replace(again, tokens_per_s=0) == replace(figures, tokens_per_s=0)
    first, second = weights(whole), weights(resumed)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_run_goes_on_only_with_the_same_texts_and_options(bert: str, tmp_path: Path) -> None:
    def stop(progress: AdaptProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(TEXTS, bert, tmp_path / "out", OPTIONS, watch=stop)
    with pytest.raises(TrainingError, match=r"other options: lr=0\.01 there, 0\.001 now\. Give"):
        adapt(TEXTS, bert, tmp_path / "out", replace(OPTIONS, lr=1e-3))
    with pytest.raises(TrainingError, match="other options: texts='72, .* there, '71, .* now"):
        adapt(TEXTS[1:], bert, tmp_path / "out", OPTIONS)


def test_a_run_may_go_on_on_another_device(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splare_os.train.options.check_device", lambda _: None)

    def stop_at_ten(progress: AdaptProgress) -> None:
        if progress.step == 10:
            raise KeyboardInterrupt

    gone = replace(OPTIONS, device="cuda")
    with pytest.raises(KeyboardInterrupt):
        adapt(TEXTS, bert, tmp_path / "out", gone, watch=stop_at_ten)
    assert adapt(TEXTS, bert, tmp_path / "out", OPTIONS).steps == 12


def test_training_ends_where_the_held_out_loss_levels_off(bert: str, tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=100, evaluate_every=2, patience=3, min_delta=50)
    seen: list[AdaptProgress] = []
    figures = adapt(TEXTS, bert, tmp_path / "out", options, watch=seen.append)
    assert figures.levelled_off
    assert figures.steps == 6
    assert [progress.step for progress in seen] == list(range(7))
    measured = [p.step for p in seen if p.held_out_loss is not None]
    assert measured == [0, 2, 4, 6]


def test_a_run_that_had_levelled_off_and_was_stopped_is_not_trained_further(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, steps=100, evaluate_every=2, patience=3, min_delta=50)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    figures = adapt(TEXTS, bert, whole, options)
    seen: list[AdaptProgress] = []

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("splare_os.train.adapt.training.save_language_model", stop)
        patch.chdir(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            adapt(TEXTS, bert, stopped.name, options)
    again = adapt(TEXTS, bert, stopped, options, watch=seen.append)
    assert not seen
    assert replace(again, tokens_per_s=0) == replace(figures, tokens_per_s=0)
    first, second = weights(whole), weights(stopped)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_stop_while_the_model_is_saved_leaves_no_folder_and_no_hindrance(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def stop(_: str) -> None:  # the weights are written, the tokenizer is not
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("splare_os.train.adapt.model.load_tokenizer", stop)
        with pytest.raises(KeyboardInterrupt):
            adapt(TEXTS, bert, out, OPTIONS)
    assert not out.exists()
    adapt(TEXTS, bert, out, OPTIONS)
    assert weights(out)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_several_gpus_change_nothing(
    bert: str, tmp_path: Path, two_gpus: pytest.MonkeyPatch
) -> None:
    figures = adapt(TEXTS, bert, tmp_path / "two", OPTIONS)
    two_gpus.undo()
    alone = adapt(TEXTS, bert, tmp_path / "one", OPTIONS)
    assert replace(figures, tokens_per_s=0) == replace(alone, tokens_per_s=0)
    first, second = weights(tmp_path / "two"), weights(tmp_path / "one")
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_model_that_is_no_better_than_before_is_not_kept(bert: str, tmp_path: Path) -> None:
    adapt(TEXTS, bert, tmp_path / "good", replace(OPTIONS, steps=40, evaluate_every=20))
    options = replace(OPTIONS, lr=3.0, warmup_share=0)
    message = r"below (\d\.\d+), that before training; the best has (\d+\.\d+), .* \(lr=3\.0\)"
    with pytest.raises(TrainingError, match=message) as found:
        adapt(TEXTS, str(tmp_path / "good"), tmp_path / "out", options)
    before, best = map(float, re.search(message, str(found.value)).groups())
    assert best > before
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


def test_a_loss_that_is_no_number_ends_training_with_the_step_and_the_cause(
    bert: str, tmp_path: Path
) -> None:
    options = replace(OPTIONS, lr=1e30, warmup_share=0)
    with pytest.raises(TrainingError, match=r"step 2: the loss is nan.*lower lr"):
        adapt(TEXTS, bert, tmp_path / "out", options)


def test_bad_weights_are_found_before_training(bert: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(bert, broken)
    model = AutoModelForMaskedLM.from_pretrained(broken)
    model.bert.embeddings.LayerNorm.weight.data[0] = torch.nan
    model.save_pretrained(broken)
    with pytest.raises(TrainingError, match="not finite before training"):
        adapt(TEXTS, str(broken), tmp_path / "out", OPTIONS)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["", "war"], "none of 1 texts has 2 tokens"),
        (["the oil", "the oil"], "1 distinct texts"),
    ],
)
def test_texts_that_are_too_few_or_all_too_short_are_refused(
    texts: list[str], message: str, bert: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        adapt(texts, bert, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_short_texts_are_left_out_and_counted(
    bert: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = replace(OPTIONS, steps=4)
    tokenizer = load_tokenizer(bert)
    short = ["war", tokenizer.unk_token * 3]
    special = frozenset(tokenizer.all_special_ids)
    found = windows_of([*TEXTS[:5], *short, *TEXTS[5:]], tokenizer, special, 32)
    assert found.ids == windows_of(TEXTS, tokenizer, special, 32).ids
    assert caplog.messages == ["2 texts are left out: they have fewer than 2 tokens"]
    figures = adapt([*TEXTS, *short], bert, tmp_path / "out", options)
    assert figures.after < figures.before


def test_a_folder_that_is_there_is_not_written_over(bert: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for out in (Path(bert), tmp_path / "out"):
        with pytest.raises(ValueError, match="is there already: choose another folder"):
            adapt(TEXTS, bert, out, OPTIONS)


def test_a_mask_token_of_no_vocabulary_is_refused(bert: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mask_token='_'"):
        adapt(TEXTS, bert, tmp_path / "out", replace(OPTIONS, mask_token=""))


def test_tokens_without_an_embedding_are_never_drawn_nor_masks(tmp_path: Path) -> None:
    name = save_decoder(tmp_path, "gemma3_text")
    tokenizer = load_tokenizer(name)
    tokenizer.add_tokens(["<image>"])
    tokenizer.save_pretrained(name)
    model = load_language_model(name, seed=0)
    rows = model.get_input_embeddings().num_embeddings
    assert len(load_tokenizer(name)) == rows + 1
    batches, held_out = _batches(TEXTS, name, model, OPTIONS)
    assert batches.masking.vocabulary == held_out.masking.vocabulary == rows
    with pytest.raises(TrainingError, match=f"'<image>' has the id {rows}, and the model has"):
        adapt(TEXTS, name, tmp_path / "out", replace(OPTIONS, mask_token="<image>"))


def test_a_window_longer_than_the_positions_is_refused(bert: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="positions for 128 tokens"):
        adapt(TEXTS, bert, tmp_path / "out", replace(OPTIONS, window=129))


def test_other_kinds_of_models_are_refused(bert: str, tmp_path: Path) -> None:
    shutil.copytree(bert, tmp_path / "t5")
    (tmp_path / "t5" / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(EncoderError, match="'t5' model: choose one of bert"):
        adapt(TEXTS, str(tmp_path / "t5"), tmp_path / "out", OPTIONS)


def test_a_model_that_cannot_be_read_is_named(bert: str, tmp_path: Path) -> None:
    shutil.copytree(bert, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"half")
    for name in ("nowhere", str(tmp_path / "damaged")):
        with pytest.raises(EncoderError, match=f"backbone '{name}' cannot be read"):
            adapt(TEXTS, name, tmp_path / "out", OPTIONS)


def test_a_decoder_without_its_head_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, "llama")
    with pytest.raises(EncoderError, match=r"lacks 1 weights, lm_head\.weight first"):
        adapt(TEXTS, str(tmp_path), tmp_path / "out", OPTIONS)


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("lr", -1.0), ("masked_share", 1.0), ("lora_rank", -1)]
)
def test_options_no_training_can_use_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}"):
        replace(OPTIONS, **{name: value})
