"""What requests and replies hold, as their OpenAPI description says.

Replies are written by `replies`, these models only describe them.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

FINGERPRINT = "splare-fingerprint"
"""The header that names the model that is meant."""

Strings: TypeAlias = Annotated[list[str], Field(fail_fast=True)]
"""Millions of wrong elements are one error, not millions."""


class Message(BaseModel):
    """A request; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Texts(Message):
    """Texts to be encoded."""

    texts: Strings = Field(examples=[["who lost money when stocks fell"]])


class Native(Texts):
    """Texts of an index: `index` is its name, or an alias, `field` the field of the texts."""

    index: str = Field(examples=["facts"])
    field: str = Field(examples=["text"])


class Encoding(Texts):
    """Texts, and what they are to be encoded as."""

    kind: Literal["document", "query", "whole_query"] = "document"


class Explaining(Texts):
    """Texts whose impacts are to be explained, and what they are."""

    kind: Literal["document", "query"] = "document"


class SparseInputs(BaseModel):
    """A request as clients of text-embeddings-inference send it; more keys are passed over.

    Long texts are encoded in windows, whatever `truncate` says.
    """

    model_config = ConfigDict(strict=True)

    inputs: str | Strings = Field(examples=["who lost money when stocks fell"])
    prompt_name: Literal["document", "query"] | None = None
    truncate: bool | None = None


class Features(BaseModel):
    """Impacts by latent, for each text: what OpenSearch's `sparse_encoding` takes."""

    response: list[dict[str, float]]


class Columns(BaseModel):
    """Impacts of all texts: `lengths` says how many each has."""

    lengths: list[int]
    latents: list[int]
    impacts: list[float]


class SparseValue(BaseModel):
    """One impact, as text-embeddings-inference writes it."""

    index: int
    value: float


class Explanation(BaseModel):
    """One impact, and the characters [start, end) of the token that it comes from.

    Characters are code points of Unicode; `token` is what stands there.
    """

    latent: int
    impact: float
    start: int
    end: int
    token: str


class Explained(BaseModel):
    """For each text its impacts, heaviest first."""

    response: list[list[Explanation]]


class Prior(BaseModel):
    """Statistics of the model's own texts: how many show each latent."""

    documents: float
    length: float
    document_frequency: list[float]


class Info(BaseModel):
    """The model that is served, and the limits of a request."""

    model_id: str
    fingerprint: str
    n_latents: int
    document_top_k: int | None
    query_top_k: int | None
    has_prior: bool
    max_client_batch_size: int
    max_body_bytes: int
    max_characters: int
    max_concurrent_requests: int
    max_batch_tokens: int
    version: str


class State(BaseModel):
    """How the server is."""

    status: Literal["ready", "loading", "alive"]


class Problem(BaseModel):
    """Why a request was refused."""

    error: str
    error_type: str
