import pytest

from splare_os.encoder import PASS_TOKENS, Encoder, own_top_k, pass_tokens
from tests.hashing import CutEncoder, HashEncoder


@pytest.mark.parametrize(("encoder", "own"), [(CutEncoder(), 2), (HashEncoder(), None)])
def test_an_encoder_may_tell_how_many_impacts_it_gives(encoder: Encoder, own: int | None) -> None:
    assert own_top_k(encoder) == own


def test_an_encoder_that_knows_of_the_question_may_not_know_the_answer() -> None:
    encoder = HashEncoder()
    encoder.document_top_k = None  # type: ignore[attr-defined]
    assert own_top_k(encoder) is None


def test_the_tokens_of_a_pass_are_what_the_encoder_likes() -> None:
    class Telling(HashEncoder):
        pass_tokens = 77

    assert (pass_tokens(Telling()), pass_tokens(HashEncoder())) == (77, PASS_TOKENS)
