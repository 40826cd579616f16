import asyncio
from collections.abc import Sequence

import pytest
from haystack import Document
from haystack.dataclasses import SparseEmbedding

from splare_os.adapters.haystack import SplareDocumentEmbedder, SplareTextEmbedder
from splare_os.impacts import Impacts
from tests.hashing import HashEncoder


class OneLatentEncoder(HashEncoder):
    """A query keeps one latent of all it has."""

    query_top_k = 1

    def encode_whole_queries(self, texts: Sequence[str]) -> Impacts:
        return super().encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return super().encode_queries([text.split()[0] for text in texts])


def test_a_querys_embedding_is_whole_unless_it_is_cut() -> None:
    encoder = OneLatentEncoder()
    oil, war = encoder.latent("oil"), encoder.latent("war")
    whole = SplareTextEmbedder(encoder).run("oil oil war")["sparse_embedding"]
    assert (whole.indices, whole.values) == ([oil, war], [1.0, 0.5])
    cut = SplareTextEmbedder(encoder, cut=True).run("oil oil war")["sparse_embedding"]
    assert cut.indices == [oil]


def test_documents_get_embeddings_of_content_or_template(encoder: HashEncoder) -> None:
    given = [Document(content="oil", meta={"title": "war"}), Document(content=None)]
    plain = SplareDocumentEmbedder(encoder).run(given)["documents"]
    assert plain[0].sparse_embedding.indices == [encoder.latent("oil")]
    assert plain[1].sparse_embedding.indices == []
    assert given[0].sparse_embedding is None
    embedder = SplareDocumentEmbedder(encoder, template="{title} {content}")
    both = asyncio.run(embedder.run_async(given))["documents"][0].sparse_embedding
    assert set(both.indices) == {encoder.latent("oil"), encoder.latent("war")}


def test_an_embedding_is_serialised_as_haystacks_own(encoder: HashEncoder) -> None:
    (made,) = SplareDocumentEmbedder(encoder).run([Document(content="oil")])["documents"]
    assert made.sparse_embedding.fingerprint == encoder.fingerprint
    again = Document.from_dict(made.to_dict()).sparse_embedding
    assert again == SparseEmbedding([encoder.latent("oil")], [0.5])


def test_components_are_kept_by_their_options() -> None:
    text = SplareTextEmbedder("https://models.example", cut=True)
    again = SplareTextEmbedder.from_dict(text.to_dict())
    assert (again.model, again.cut) == ("https://models.example", True)
    documents = SplareDocumentEmbedder("mini", template="{title} {content}")
    assert SplareDocumentEmbedder.from_dict(documents.to_dict()).to_dict() == documents.to_dict()


def test_a_text_is_no_list_of_documents(encoder: HashEncoder) -> None:
    with pytest.raises(TypeError, match="SplareDocumentEmbedder"):
        SplareTextEmbedder(encoder).run(["oil"])
    with pytest.raises(TypeError, match="SplareTextEmbedder"):
        SplareDocumentEmbedder(encoder).run("oil")
