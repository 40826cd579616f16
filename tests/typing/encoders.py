"""An encoder by its name, and one of the user's own."""

from collections.abc import Sequence
from typing import Any, assert_type

from scipy.sparse import csr_array

from splare_os.encode import RemoteEncoder, RemoteOptions, load_encoder
from splare_os.encoder import Encoder, Spans
from splare_os.impacts import Impacts, empty, prune, to_features


class Mine:
    """An encoder by its shape alone: no base class, attributes for properties."""

    name = "mine"

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint, self.n_latents = fingerprint, 100

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        return empty(len(texts), self.n_latents)

    def encode_queries(self, texts: Sequence[str]) -> Impacts:
        return self.encode_documents(texts)

    def spans(self, texts: Sequence[str], *, query: bool = False) -> list[Spans]:
        return [{int(query): (0, len(text))} for text in texts]


class Half:
    """No encoder: it takes no queries."""

    name, fingerprint, n_latents = "half", "0" * 16, 100

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        return empty(len(texts), self.n_latents)


def use() -> None:
    mini = load_encoder("mini", device="cpu", dtype="float32")
    assert_type(mini, Encoder)
    assert_type(mini.name, str)
    impacts = mini.encode_documents(["oil"])
    assert_type(impacts, csr_array[Any, tuple[int, int]])
    assert_type(to_features(prune(impacts, 10)), dict[str, float])
    assert_type(mini.spans(["oil"], query=True), list[dict[int, tuple[int, int]]])
    encoder: Encoder = Mine("0" * 16)
    assert_type(encoder.encode_queries(["oil"]), csr_array[Any, tuple[int, int]])
    served: Encoder = RemoteEncoder("https://host:8080", options=RemoteOptions(queries_s=2.0))
    assert_type(served.spans(["oil"]), list[dict[int, tuple[int, int]]])


def misuse() -> None:
    RemoteEncoder("https://host:8080", RemoteOptions())  # type: ignore[call-arg, arg-type]
    load_encoder(5)  # type: ignore[arg-type]
    load_encoder("mini", "cpu")  # type: ignore[call-arg]
    half: Encoder = Half()  # type: ignore[assignment]
    half.name = "whole"  # type: ignore[misc]
    half.spans(["oil"], is_query=True)  # type: ignore[call-arg]
