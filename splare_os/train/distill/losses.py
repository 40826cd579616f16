"""What is minimised: the divergence from a teacher, and the contrast with in-batch negatives.

Student scores are dot products of impacts, or calibrated ones. Both terms look at every query of a
batch against every document of it. Where the teacher knows a row's own documents only, the
divergence of dot products is sentence-transformers' `SparseDistillKLDivLoss` divided by τ²; where a
query has one relevant document in the batch, the contrast is its
`SparseMultipleNegativesRankingLoss` with scale 1/τ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import TrainingError
from .calibration import Calibration
from .pairs import TrainingSet

Places: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float32]

Teacher: TypeAlias = Callable[[Places, Places], Scores]
"""Queries and documents, by place in a training set, to scores [query, document]; NaN: unknown."""


@dataclass(frozen=True)
class Compared:
    """A batch: scores of student and teacher, and which documents answer, each [query, document].

    The student's are not divided by a temperature yet. Without a teacher `taught` is None.
    """

    scores: Tensor
    taught: Tensor | None
    relevant: Tensor

    def terms(self, temperature: float, weight: float) -> dict[str, Tensor]:
        """Return what is minimised: the divergence, and the contrast times its `weight`."""
        scores, terms = self.scores / temperature, {}
        if self.taught is not None:
            terms["divergence"] = divergence(scores, self.taught)
        if weight:
            terms["contrast"] = weight * contrast(scores, self.relevant)
        return terms


class DistillationLoss(nn.Module):
    """KL(softmax(teacher) ‖ softmax(student / τ)) + `contrast` · InfoNCE, for `SpladeLoss`.

    τ is `temperature`. Without a teacher the contrast is all there is, and without `calibration`
    scores are dot products.
    Source: SPLARE, arXiv 2603.13277.
    """

    def __init__(
        self,
        data: TrainingSet,
        teacher: Teacher | None,
        *,
        temperature: float,
        contrast: float,
        n_negatives: int = 0,
        top_k: tuple[int, int] | None = None,
        least_top_k: int = 0,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__()
        self.data, self.teacher = data, teacher
        self.temperature, self.contrast = temperature, contrast
        self.n_negatives, self.top_k, self.least_top_k = n_negatives, top_k, least_top_k
        self.calibration = calibration

    def compute_loss_from_embeddings(
        self, embeddings: list[Tensor], labels: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms for impacts of queries, positives, then negatives [row, latent].

        `labels` [row] are the places of the rows in the training set.
        """
        return self.compared(embeddings, labels).terms(self.temperature, self.contrast)

    def compared(self, embeddings: list[Tensor], labels: Tensor) -> Compared:
        """Return the scores that the terms are of; arguments as above."""
        queries, documents, relevant = self.candidates(labels.tolist())
        distinct = first_places(documents)
        asked, found = embeddings[0], torch.cat(embeddings[1:])[torch.from_numpy(distinct)]
        with torch.autocast(asked.device.type, enabled=False):  # bfloat16 keeps 8 bits of a score
            scores = self.scores(asked, found, seed=int(labels[0]))
        if not scores.any():
            raise TrainingError(
                "no query of the batch shares a latent with a document, so nothing can be learnt: "
                "take a lower lr, lower FLOPS weights, or another model"
            )
        documents, taught = documents[distinct], None
        if self.teacher is not None:
            taught = torch.from_numpy(self.teacher(queries, documents)).to(scores.device)
        known = [[place in answers for place in documents.tolist()] for answers in relevant]
        return Compared(scores, taught, torch.tensor(known, device=scores.device))

    def scores(self, asked: Tensor, found: Tensor, *, seed: int) -> Tensor:
        """Return scores [query, document] of impacts [query, latent] and [document, latent]."""
        if self.calibration is not None:
            asked = self.calibration.of_queries(asked)  # before they are cut, as in a search
        if self.top_k is not None:
            kept = self.top_k[1]
            if self.least_top_k and found.requires_grad:  # not where it is measured
                kept = drawn_between(self.least_top_k, kept, seed=seed)
            asked, found = heaviest(asked, self.top_k[0]), heaviest(found, kept)
        if self.calibration is not None:
            found = self.calibration.of_documents(found.float())
        return asked.float() @ found.float().T

    def candidates(self, places: list[int]) -> tuple[Places, Places, list[set[int]]]:
        """Return queries [row], documents [column · row] and each query's relevant documents."""
        rows = [self.data.rows[place] for place in places]
        columns = [[row.positive for row in rows]]
        columns += [[row.negatives[n] for row in rows] for n in range(self.n_negatives)]
        queries = np.array([row.query for row in rows])
        relevant = [self.data.relevant[row.query] for row in rows]
        return queries, np.concatenate(columns), relevant


def divergence(scores: Tensor, taught: Tensor) -> Tensor:
    """Return the mean over queries of KL(softmax(taught) ‖ softmax(scores)), [query, document].

    Documents that the teacher does not know (NaN) are no candidates.

    >>> float(divergence(torch.zeros(1, 2), torch.tensor([[0.0, float("nan")]])))
    0.0
    """
    unknown = taught.isnan()
    student = scores.masked_fill(unknown, -torch.inf).log_softmax(dim=1).masked_fill(unknown, 0)
    teacher = taught.masked_fill(unknown, -torch.inf).log_softmax(dim=1)
    gaps = torch.where(unknown, 0, teacher.exp() * (teacher.masked_fill(unknown, 0) - student))
    return gaps.sum(dim=1).mean()


def contrast(scores: Tensor, relevant: Tensor) -> Tensor:
    """Return the mean of -log of the share of softmax(scores) that falls on `relevant` documents.

    >>> round(float(contrast(torch.zeros(1, 2), torch.tensor([[True, False]]))), 4)
    0.6931
    """
    found = scores.masked_fill(~relevant, -torch.inf).logsumexp(dim=1)
    return (scores.logsumexp(dim=1) - found).mean()


def heaviest(impacts: Tensor, top_k: int) -> Tensor:
    """Return impacts [text, latent] with all but the `top_k` heaviest of each text set to 0.

    >>> heaviest(torch.tensor([[1.0, 3.0, 2.0]]), 2).tolist()
    [[0.0, 3.0, 2.0]]
    """
    values, latents = impacts.topk(min(top_k, impacts.shape[1]), dim=1)
    return torch.zeros_like(impacts).scatter(1, latents, values)


def drawn_between(least: int, most: int, *, seed: int) -> int:
    """Return a number from `least` to `most`, small ones as likely as their share of the logarithm.

    >>> drawn_between(50, 50, seed=1)
    50
    """
    share = float(np.random.default_rng(seed).random())
    return round(least * math.pow(most / least, share))


def first_places(values: Places) -> Places:
    """Return the places of the first occurrence of each value, ascending.

    >>> first_places(np.array([7, 5, 7])).tolist()
    [0, 1]
    """
    return np.sort(np.unique(values, return_index=True)[1])
