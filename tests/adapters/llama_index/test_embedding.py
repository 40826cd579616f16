from splare_os.adapters.llama_index import sparse_doc_fn, sparse_query_fn
from tests.hashing import HashEncoder


def test_vectors_are_latents_and_impacts_heaviest_first(encoder: HashEncoder) -> None:
    oil, war = encoder.latent("oil"), encoder.latent("war")
    for make in (sparse_doc_fn, sparse_query_fn):
        assert make(encoder)(["war oil oil", ""]) == ([[oil, war], []], [[1.0, 0.5], []])
