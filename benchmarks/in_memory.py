"""The same search without a search engine: what the arithmetic alone takes, one thread."""

import time
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_array

from splare_os.impacts import Features, Impacts

from .timing import Found


class Exhaustive:
    """Adds up every posting of a query's latents, and takes the best: exact, by numpy."""

    def __init__(self, documents: Impacts) -> None:
        self.postings = csc_array(documents)
        self.scores = np.zeros(documents.shape[0], dtype=np.float32)

    def search(self, weights: Features, ids: Sequence[str], size: int) -> Found:
        """Return the best documents by dot product."""
        start, scores, postings = time.perf_counter(), self.scores, self.postings
        scores.fill(0)
        for latent, weight in weights.items():
            rows = slice(*postings.indptr[int(latent) : int(latent) + 2])
            scores[postings.indices[rows]] += np.float32(weight) * postings.data[rows]
        some = np.argpartition(-scores, size)[:size]
        best = some[np.argsort(-scores[some], kind="stable")]
        return Found(1000 * (time.perf_counter() - start), tuple(ids[row] for row in best))


class Seismic:
    """An inverted index of blocks with summaries, in memory: approximate, made for such vectors.

    Source: Seismic, arXiv 2404.18812, the wheel `pyseismic-lsr`, settings that its authors give.
    """

    CUT, HEAP_FACTOR = 10, 0.8

    def __init__(self, documents: Impacts, ids: Sequence[str]) -> None:
        from seismic import SeismicDataset, SeismicIndex, get_seismic_string

        self.string_type, made = get_seismic_string(), SeismicDataset()
        names = np.array([str(latent) for latent in range(documents.shape[1])])
        names = names.astype(self.string_type)
        for row, name in enumerate(ids):
            own = slice(*documents.indptr[row : row + 2])
            made.add_document(name, names[documents.indices[own]], documents.data[own])
        self.index = SeismicIndex.build_from_dataset(made, num_threads=2)

    def search(self, weights: Features, size: int) -> Found:
        """Return the best documents that it finds."""
        start = time.perf_counter()
        found = self.index.search(
            query_id="",
            query_components=np.array(list(weights), dtype=self.string_type),
            query_values=np.array(list(weights.values()), dtype=np.float32),
            k=size,
            query_cut=self.CUT,
            heap_factor=self.HEAP_FACTOR,
        )
        return Found(1000 * (time.perf_counter() - start), tuple(one[2] for one in found))
