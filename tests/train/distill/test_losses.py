import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers.sparse_encoder.losses import (
    SparseDistillKLDivLoss,
    SparseMultipleNegativesRankingLoss,
)
from sentence_transformers.util import dot_score
from torch import Tensor

from splare_os.errors import TrainingError
from splare_os.scoring import Saturation
from splare_os.train.distill.calibration import Calibration
from splare_os.train.distill.losses import (
    DistillationLoss,
    contrast,
    divergence,
    drawn_between,
    heaviest,
)
from splare_os.train.distill.pairs import Row, TrainingSet
from splare_os.train.distill.teachers import Listed
from tests.train.distilling import build, set_of

NAN = float("nan")


def impacts(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_divergence_of_hand_computed_shares() -> None:
    scores, taught = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3.0), 0.0]])
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(divergence(scores, taught)) == pytest.approx(expected, rel=1e-5)
    with_unknown = torch.tensor([[math.log(3.0), NAN, 0.0], [NAN, 1.0, NAN]])
    scores = torch.tensor([[0.0, 9.0, 0.0], [5.0, 1.0, 7.0]])
    assert float(divergence(scores, with_unknown)) == pytest.approx(expected / 2, rel=1e-5)


def test_unknown_documents_get_no_gradient() -> None:
    scores = torch.zeros(1, 3, requires_grad=True)
    divergence(scores, torch.tensor([[math.log(3.0), NAN, 0.0]])).backward()
    torch.testing.assert_close(scores.grad, torch.tensor([[-0.25, 0.0, 0.25]]))


def test_the_contrast_counts_every_relevant_document_as_an_answer() -> None:
    scores = torch.tensor([[math.log(2.0), 0.0, 0.0]], requires_grad=True)
    relevant = torch.tensor([[True, False, True]])
    loss = contrast(scores, relevant)
    assert loss.item() == pytest.approx(math.log(4 / 3))
    loss.backward()
    assert scores.grad is not None  # shares (1/2, 1/4, 1/4), aims (2/3, 0, 1/3)
    torch.testing.assert_close(scores.grad, torch.tensor([[-1 / 6, 1 / 4, -1 / 12]]))


def test_only_the_heaviest_impacts_score_and_learn() -> None:
    some = torch.tensor([[1.0, 3.0, 2.0], [0.0, 0.5, 0.0]], requires_grad=True)
    kept = heaviest(some, 2)
    assert kept.tolist() == [[0.0, 3.0, 2.0], [0.0, 0.5, 0.0]]
    kept.sum().backward()
    assert some.grad is not None
    assert some.grad[0].tolist() == [0.0, 1.0, 1.0]
    assert heaviest(some, 9).tolist() == some.tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_divergence_is_theirs_over_the_square_of_the_temperature(
    temperature: float, tmp_path: Path
) -> None:
    rows = [Row(n, 3 * n, (3 * n + 1, 3 * n + 2), (2.0 + n, 1.0, -n)) for n in range(3)]
    data = set_of(*rows)
    ours = DistillationLoss(
        data, Listed.of(data), temperature=temperature, contrast=0.0, n_negatives=2
    )
    embeddings = [impacts(3, 8, seed=n) for n in range(4)]
    terms = ours.compute_loss_from_embeddings(embeddings, torch.arange(3))
    theirs = SparseDistillKLDivLoss(build(tmp_path / "bert").model, temperature=temperature)
    labels = torch.tensor([row.scores for row in rows]) * temperature  # they divide the teacher too
    expected = theirs.compute_loss_from_embeddings(embeddings, labels)
    assert terms.keys() == {"divergence"}
    torch.testing.assert_close(terms["divergence"], expected / temperature**2)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_contrast_is_theirs_where_no_document_comes_twice(
    temperature: float, tmp_path: Path
) -> None:
    data = set_of(*(Row(n, 2 * n, (2 * n + 1,)) for n in range(4)))
    ours = DistillationLoss(data, None, temperature=temperature, contrast=0.7, n_negatives=1)
    embeddings = [impacts(4, 8, seed=n) for n in range(3)]
    terms = ours.compute_loss_from_embeddings(embeddings, torch.arange(4))
    theirs = SparseMultipleNegativesRankingLoss(
        build(tmp_path / "bert").model, scale=1 / temperature, similarity_fct=dot_score
    )
    expected = theirs.compute_loss_from_embeddings(embeddings, None)
    assert terms.keys() == {"contrast"}
    torch.testing.assert_close(terms["contrast"], 0.7 * expected)


class Seen:
    """A teacher that notes what it is asked."""

    def __call__(self, queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
        self.asked = queries.tolist(), documents.tolist()
        return np.zeros((len(queries), len(documents)), dtype=np.float32)


def test_a_document_counts_once_in_a_batch() -> None:
    data = set_of(Row(0, 0, (2,)), Row(1, 1, (0,)), Row(2, 0, (2,)))
    teacher = Seen()
    goal = DistillationLoss(data, teacher, temperature=1.0, contrast=1.0, n_negatives=1)
    embeddings = [impacts(3, 4, seed=n) for n in range(3)]
    terms = goal.compute_loss_from_embeddings(embeddings, torch.arange(3))
    assert teacher.asked == ([0, 1, 2], [0, 1, 2])
    documents = torch.stack([embeddings[1][0], embeddings[1][1], embeddings[2][0]])
    scores = embeddings[0] @ documents.T
    relevant = torch.tensor([[1, 0, 0], [0, 1, 0], [1, 0, 0]]).bool()
    torch.testing.assert_close(terms["contrast"], contrast(scores, relevant))
    torch.testing.assert_close(terms["divergence"], divergence(scores, torch.zeros(3, 3)))


def test_further_answers_of_a_query_in_the_batch_are_answers() -> None:
    data = set_of(Row(0, 0), Row(0, 1), Row(1, 2))
    goal = DistillationLoss(data, None, temperature=1.0, contrast=1.0)
    embeddings = [impacts(3, 4), impacts(3, 4, seed=1)]
    terms = goal.compute_loss_from_embeddings(embeddings, torch.arange(3))
    relevant = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]).bool()
    scores = embeddings[0] @ embeddings[1].T
    torch.testing.assert_close(terms["contrast"], contrast(scores, relevant))


def test_labels_are_places_of_rows_in_any_order() -> None:
    data = TrainingSet.of([*set_of(Row(0, 0), Row(1, 1), Row(2, 2)).sources])
    goal = DistillationLoss(data, None, temperature=1.0, contrast=1.0)
    queries, documents, relevant = goal.candidates([2, 0])
    assert (queries.tolist(), documents.tolist(), relevant) == ([2, 0], [2, 0], [{2}, {0}])


def test_impacts_beyond_the_cut_do_not_score() -> None:
    data = set_of(Row(0, 0), Row(1, 1))
    embeddings = [impacts(2, 8), impacts(2, 8, seed=1)]
    terms = [
        DistillationLoss(
            data, None, temperature=1.0, contrast=1.0, top_k=cut
        ).compute_loss_from_embeddings(texts, torch.arange(2))["contrast"]
        for cut, texts in (
            ((2, 3), embeddings),
            (None, [heaviest(embeddings[0], 2), heaviest(embeddings[1], 3)]),
        )
    ]
    torch.testing.assert_close(*terms)


def test_scores_keep_their_precision_under_autocast() -> None:
    data = set_of(Row(0, 0), Row(1, 1))
    goal = DistillationLoss(data, None, temperature=1.0, contrast=1.0)
    embeddings = [20 * impacts(2, 64), 20 * impacts(2, 64, seed=1)]
    exact = goal.compute_loss_from_embeddings(embeddings, torch.arange(2))["contrast"]
    with torch.autocast("cpu", torch.bfloat16):
        found = goal.compute_loss_from_embeddings(embeddings, torch.arange(2))["contrast"]
    assert float(found) == float(exact)


def test_a_batch_in_which_nothing_can_be_learnt_is_refused() -> None:
    goal = DistillationLoss(set_of(Row(0, 0)), None, temperature=1.0, contrast=1.0)
    apart = [torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])]
    with pytest.raises(TrainingError, match="no query of the batch shares a latent"):
        goal.compute_loss_from_embeddings(apart, torch.arange(1))


def test_cuts_are_drawn_while_training_and_not_while_measuring() -> None:
    data = set_of(Row(0, 0), Row(1, 1))
    goal = DistillationLoss(data, None, temperature=1.0, contrast=1.0, top_k=(8, 8), least_top_k=2)
    texts = [impacts(2, 8), impacts(2, 8, seed=1)]
    whole = DistillationLoss(data, None, temperature=1.0, contrast=1.0, top_k=(8, 8))
    exact = whole.compute_loss_from_embeddings(texts, torch.arange(2))["contrast"]
    measured = goal.compute_loss_from_embeddings(texts, torch.arange(2))["contrast"]
    assert float(measured) == float(exact)
    trained = [text.clone().requires_grad_() for text in texts]
    goal.compute_loss_from_embeddings(trained, torch.arange(2))["contrast"].backward()
    learning = (trained[1].grad != 0).sum(dim=1)
    assert learning.tolist() == [drawn_between(2, 8, seed=0)] * 2
    assert 2 <= int(learning[0]) < 8


def test_cuts_are_as_often_in_either_half_of_the_logarithm() -> None:
    cuts = [drawn_between(50, 200, seed=seed) for seed in range(2000)]
    assert (min(cuts), max(cuts)) == (50, 200)
    assert sum(cut < 100 for cut in cuts) == pytest.approx(1000, abs=60)


def test_calibrated_scores_are_those_of_weighed_queries_and_saturated_documents() -> None:
    calibration = Calibration(torch.tensor([2.0, 0.5]), Saturation(1.0, 0.0, 1.0))
    data = set_of(Row(0, 0), Row(1, 1))
    goal = DistillationLoss(data, None, temperature=1.0, contrast=1.0, calibration=calibration)
    queries, documents = torch.tensor([[1.0, 4.0], [0.0, 1.0]]), torch.tensor([[1.0, 0], [3, 1]])
    found = goal.compute_loss_from_embeddings([queries, documents], torch.arange(2))
    scores = torch.tensor([[2.0, 5.0], [0.0, 0.5]])  # such as 2 · 1.5 + 2 · 1
    torch.testing.assert_close(found["contrast"], contrast(scores, torch.eye(2).bool()))
