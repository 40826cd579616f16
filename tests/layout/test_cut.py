import numpy as np
import pytest
from scipy.sparse import csr_array

from splare_os.encoder import Encoder
from splare_os.layout import MAX_TOP_K, TOP_K
from splare_os.layout.cut import NO_CUT, DocumentCut, default_top_k
from tests.hashing import CutEncoder, HashEncoder


class Generous(HashEncoder):
    document_top_k = 100_000


@pytest.mark.parametrize(
    ("encoder", "kept"), [(CutEncoder(), 2), (HashEncoder(), TOP_K), (Generous(), MAX_TOP_K)]
)
def test_all_that_an_encoder_gives_is_kept_unless_a_cut_is_asked_for(
    encoder: Encoder, kept: int
) -> None:
    assert default_top_k(encoder) == kept
    for top_k in (None, 1, kept):
        DocumentCut(top_k).check(encoder)


def test_more_than_an_encoder_gives_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match="top_k=3: the model 'hash' gives at most 2 impacts"):
        DocumentCut(3).check(CutEncoder())
    DocumentCut(3).check(HashEncoder())  # it does not tell


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (NO_CUT, DocumentCut(200, 0.9)),
        (DocumentCut(100), DocumentCut(100, 0.9)),
        (DocumentCut(mass=0.8), DocumentCut(200, 0.8)),
        (DocumentCut(mass=1), DocumentCut(200)),
    ],
)
def test_what_is_not_asked_for_is_as_it_was(asked: DocumentCut, kept: DocumentCut) -> None:
    assert asked.over(DocumentCut(200, 0.9)) == kept


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        (NO_CUT, [1, 5, 3, 1]),
        (DocumentCut(2), [0, 5, 3, 0]),
        (DocumentCut(mass=0.8), [0, 5, 3, 0]),  # 8 of 10
        (DocumentCut(mass=0.81), [1, 5, 3, 0]),
        (DocumentCut(2, 0.6), [0, 5, 0, 0]),  # 5 of 8
        (DocumentCut(mass=1), [1, 5, 3, 1]),
    ],
)
def test_both_bounds_hold(cut: DocumentCut, kept: list[int]) -> None:
    impacts = csr_array(np.array([[1, 5, 3, 1]], dtype=np.float32))
    assert cut.of(impacts).toarray().tolist() == [kept]


@pytest.mark.parametrize("top_k", [0, 32_768])
def test_the_cut_fits_its_count(top_k: int) -> None:
    with pytest.raises(ValueError, match=f"top_k={top_k}: keep 1 to 32767"):
        DocumentCut(top_k)


@pytest.mark.parametrize("mass", [0, -0.1, 1.1])
def test_a_mass_is_a_share(mass: float) -> None:
    with pytest.raises(ValueError, match=f"mass={mass}: give a share"):
        DocumentCut(mass=mass)
