import pytest

from splare_os.encoder import Encoder
from splare_os.layout import MAX_TOP_K, TOP_K
from splare_os.layout.cut import check_top_k, default_top_k
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
    check_top_k(encoder, None)
    check_top_k(encoder, 1)
    check_top_k(encoder, kept)


def test_more_than_an_encoder_gives_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match="top_k=3: the model 'hash' gives at most 2 impacts"):
        check_top_k(CutEncoder(), 3)
    check_top_k(HashEncoder(), 3)  # it does not tell
