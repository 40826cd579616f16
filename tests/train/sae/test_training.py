from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from splare_os.errors import TrainingError
from splare_os.train.sae import Progress, SaeOptions, States, TrainedSae, measure, train_sae
from splare_os.train.sae.checkpoints import Checkpoints
from splare_os.train.sae.options import ACTIVATIONS

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # sae-lens and its dependencies warn at import
]

OPTIONS = SaeOptions(width=128, k=4, n_tokens=40_000, batch_tokens=256, dead_window=20, lr=3e-3)
SHORT = replace(OPTIONS, n_tokens=256 * 60)


@pytest.fixture(scope="module")
def states() -> States:
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((60, 24))
    strengths = rng.exponential(size=(6000, 60)) * (rng.random((6000, 60)) < 0.05)
    return States((strengths @ causes + 3.0).astype(np.float16))


def assert_equal(one: TrainedSae, other: TrainedSae) -> None:
    for name in ("w_enc", "b_enc", "threshold", "w_dec", "b_dec"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_training_explains_variance_at_about_k_latents_a_token(
    states: States, activation: str
) -> None:
    options = replace(OPTIONS, activation=activation)
    before = measure(train_sae(states, replace(options, n_tokens=256)), states)
    assert 2 < before.mean_l0 < 8  # after one step
    after = measure(train_sae(states, options), states)
    assert after.explained_variance > max(0.7, before.explained_variance + 0.1)
    assert 2 < after.mean_l0 < 8
    assert after.dead < 64


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    states: States, activation: str, tmp_path: Path
) -> None:
    options = replace(SHORT, activation=activation)
    whole = train_sae(states, options)
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 45:  # within the second pass
            raise KeyboardInterrupt

    checkpoints = Checkpoints(tmp_path, every_steps=20)
    with pytest.raises(KeyboardInterrupt):
        train_sae(states, options, checkpoints=checkpoints, watch=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["step-40"]
    again = train_sae(states, options, checkpoints=checkpoints, watch=seen.append)
    assert (seen[45].done, seen[-1].done, seen[-1].total) == (41, 60, 60)
    assert_equal(again, whole)


def test_equal_seeds_give_equal_weights_and_leave_torchs_generator(states: States) -> None:
    torch.manual_seed(5)
    one = train_sae(states, SHORT)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert drawn == torch.rand(1)
    assert_equal(one, train_sae(states, SHORT))
    other = train_sae(states, replace(SHORT, seed=1))
    assert not torch.equal(one.w_enc, other.w_enc)


def test_a_half_written_checkpoint_counts_for_nothing(states: States, tmp_path: Path) -> None:
    (tmp_path / "step-99.part").mkdir()
    checkpoints = Checkpoints(tmp_path, every_steps=20)
    assert_equal(train_sae(states, SHORT, checkpoints=checkpoints), train_sae(states, SHORT))


def test_states_that_are_no_numbers_stop_training_with_the_step(states: States) -> None:
    rows = states.rows.copy()
    bad = np.random.default_rng((0, 0)).permutation(len(rows))[256 * 2]  # the third batch's first
    rows[bad] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("splare_os.train.sae.fold.CENTRING_STATES", min(int(bad), 256))
        patch.setattr("splare_os.train.sae.training.SAMPLE", min(int(bad), 256))
        with pytest.raises(TrainingError, match="step 3, where the loss is nan: the states of its"):
            train_sae(States(rows), SHORT)


def test_a_training_that_diverges_says_so(states: States) -> None:
    with pytest.raises(TrainingError, match=r"diverged: lower the learning rate \(lr=1e\+30\)"):
        train_sae(states, replace(SHORT, lr=1e30))


def test_too_few_states_for_a_batch_are_refused(states: States) -> None:
    with pytest.raises(ValueError, match="batch_tokens=256"):
        train_sae(states.part(0, 100), OPTIONS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("width", 0), ("k", -1), ("lr", 0.0), ("lr", float("nan")), ("l0_coefficient", 0.0)],
)
def test_options_without_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}"):
        SaeOptions(**{name: value})


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="k=20: keep at most width=10"):
        SaeOptions(width=10, k=20)
    with pytest.raises(ValueError, match="n_tokens=100: give at least one batch of 1024"):
        SaeOptions(n_tokens=100)
    with pytest.raises(ValueError, match="activation='relu': choose one of batchtopk, topk, jum"):
        SaeOptions(activation="relu")


def test_weights_that_are_no_numbers_are_never_kept(states: States, tmp_path: Path) -> None:
    class Trainer:
        n_training_steps = 7
        sae = torch.nn.Linear(1, 1)

    Trainer.sae.bias.data.fill_(float("nan"))
    with pytest.raises(TrainingError, match="step 7: bias holds NaN"):
        Checkpoints(tmp_path).save(Trainer)
    assert not [*tmp_path.iterdir()]
