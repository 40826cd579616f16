import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from splare_os.connection import Connection
from splare_os.encode import RemoteEncoder, RemoteOptions, load_encoder
from splare_os.encoder import GivesWholeQueries, own_prior, own_top_k
from splare_os.errors import EncoderError, ModelServerError
from splare_os.impacts import prune
from tests.hashing import WordEncoder
from tests.serve.serving import Server, running

from .answering import Answer, answering

TEXTS = ["the oil crisis", "", "oil oil 1973", "  "] * 50
SOON = RemoteOptions(documents_s=1.0, queries_s=1.0, cooldown_s=0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


def test_a_remote_encoder_gives_what_the_model_gives(server: Server) -> None:
    remote, plain = load_encoder(server.url), WordEncoder()
    assert isinstance(remote, RemoteEncoder)
    assert (remote.name, remote.fingerprint, remote.n_latents) == ("hash", "0123456789abcdef", 512)
    for ours, theirs in (
        (remote.encode_documents(TEXTS), plain.encode_documents(TEXTS)),
        (remote.encode_queries(TEXTS), plain.encode_queries(TEXTS)),
        (remote.encode_whole_queries(TEXTS), plain.encode_documents(TEXTS)),
    ):
        np.testing.assert_array_equal(ours.toarray(), theirs.toarray())
    assert remote.encode_documents([]).shape == (0, 512)
    assert remote.spans(TEXTS) == plain.spans(TEXTS)
    assert remote.spans(TEXTS[:2], query=True) == plain.spans(TEXTS[:2])


def test_what_a_model_tells_besides_is_told(server: Server) -> None:
    remote = RemoteEncoder(server.url)
    assert isinstance(remote, GivesWholeQueries)
    assert (own_top_k(remote), remote.query_top_k, own_prior(remote)) == (400, 2, None)


def test_a_text_that_cannot_be_read_is_a_value_error(server: Server) -> None:
    remote = RemoteEncoder(server.url)
    with pytest.raises(ValueError, match="text 1: a word that nobody can read"):
        remote.encode_documents(["fine", "xyzzy"])
    with pytest.raises(ValueError, match="at most 1000000"):
        remote.encode_documents(["a" * 1_000_001])


def test_many_texts_go_in_several_requests_at_a_time(server: Server) -> None:
    name = 'splare_requests_total{route="/encode",status="200"}'
    before = server.metric(name)
    texts = [f"word{number}" for number in range(200)]
    remote = RemoteEncoder(server.url)
    plain = WordEncoder().encode_documents(texts)
    np.testing.assert_array_equal(remote.encode_documents(texts).toarray(), plain.toarray())
    server.wait_for(name, before + 4)
    large = ["x" * 200_000] * 3
    assert remote.encode_documents(large).shape == (3, 512)
    server.wait_for(name, before + 7)


def test_threads_share_an_encoder(server: Server) -> None:
    remote, found = RemoteEncoder(server.url), {}

    def ask(number: int) -> None:
        found[number] = remote.encode_queries([f"word{number}", "same"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, impacts in found.items():
        plain = WordEncoder().encode_queries([f"word{number}", "same"])
        np.testing.assert_array_equal(impacts.toarray(), plain.toarray())
    assert len(found) == 20


def test_a_token_is_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, token="s3cret") as guarded:  # noqa: S106  # of this test
        with pytest.raises(ModelServerError, match=r"answers 401: .*SPLARE_SERVER_BEARER_TOKEN"):
            load_encoder(guarded.url)
        (tmp_path / "token").write_text("s3cret\n")
        monkeypatch.setenv("SPLARE_SERVER_BEARER_TOKEN_FILE", str(tmp_path / "token"))
        assert load_encoder(guarded.url).encode_queries(["oil"]).nnz == 1


def test_a_server_that_was_restarted_is_asked_again_and_another_model_refused(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as first:
        remote = RemoteEncoder(first.url)
        assert remote.encode_documents(["oil"]).nnz == 1
        port = int(first.url.rpartition(":")[2])
        assert first.end() == 0
    address = {"port": port}
    restarted: list[float] = []

    def restart() -> None:
        with running(tmp_path, address=address) as second:
            restarted.append(second.metric("splare_open_requests"))
            done.wait(60)

    done = threading.Event()
    thread = threading.Thread(target=restart)
    thread.start()
    try:
        assert remote.encode_documents(["oil"]).nnz == 1  # waits for it
        assert restarted
    finally:
        done.set()
        thread.join()
    with (
        running(tmp_path, address=address, encoder={"fingerprint": "f" * 16}),
        pytest.raises(ModelServerError, match=r"'0123456789abcdef' is asked for, and 'hash'"),
    ):
        remote.encode_documents(["oil"])


def test_a_server_that_is_down_fails_soon_and_then_at_once() -> None:
    info = {"model_id": "m", "fingerprint": "f" * 16, "n_latents": 8}
    with answering({"/info": [Answer(200, info)]}) as told:
        remote = RemoteEncoder(told.url, options=SOON)
    with pytest.raises(ModelServerError, match="does not answer"):
        remote.encode_queries(["oil"])
    with pytest.raises(ModelServerError, match="not asked again for a moment"):
        remote.encode_queries(["oil"])


def test_what_is_no_model_server_is_told() -> None:
    with (
        answering({"/info": [Answer(404, {"error": "Not Found"})]}) as told,
        pytest.raises(ModelServerError, match="answers 404"),
    ):
        RemoteEncoder(told.url)
    with (
        answering({"/info": [Answer(200, {"version": {"number": "3.6.0"}})]}) as told,
        pytest.raises(ModelServerError, match="tells no model: is it a model server?"),
    ):
        RemoteEncoder(told.url)


def test_an_answer_that_does_not_fit_the_texts_is_no_fault_of_theirs() -> None:
    info = {"model_id": "m", "fingerprint": "f" * 16, "n_latents": 8, "has_prior": True}
    answers = {
        "/info": [Answer(200, info)],
        "/encode": [Answer(200, {"lengths": [-1, 1], "latents": [], "impacts": []})],
        "/explain": [Answer(200, {"response": [[]]})],
        "/prior": [Answer(404, {"error": "Not Found"})],
    }
    with answering(answers) as told:
        remote = RemoteEncoder(told.url)
        with pytest.raises(ModelServerError, match="/encode answers -1: a length"):
            remote.encode_documents(["a", "b"])
        with pytest.raises(ModelServerError, match="/explain answers rows of 1 texts"):
            remote.spans(["a", "b"])
        with pytest.raises(ModelServerError, match="answers 404: Not Found"):
            _ = remote.prior
    path, headers, _ = told.requests[-1]
    assert (path, headers["splare-fingerprint"]) == ("/prior", "f" * 16)  # of no other model


TEI = {
    "model_id": "naver/splade-v3",
    "model_sha": "0a1b",
    "model_dtype": "float16",
    "model_type": {"embedding": {"pooling": "splade"}},
    "max_client_batch_size": 2,
    "version": "1.8.0",
}
"""What text-embeddings-inference tells at /info, the keys that count."""


def test_text_embeddings_inference_is_asked_in_its_own_words() -> None:
    rows = [[{"index": 3, "value": 1.5}, {"index": 1, "value": 0.25}]]
    answers = {"/info": [Answer(200, TEI)], "/embed_sparse": [Answer(200, rows)]}
    with answering(answers) as told:
        remote = load_encoder(f"{told.url}?n_latents=8")
        found = remote.encode_documents(["", "oil", " "])
    assert found.toarray()[1].tolist() == [0, 0.25, 0, 1.5, 0, 0, 0, 0]
    assert found.nnz == 2
    asked = [content for path, _, content in told.requests if path == "/embed_sparse"]
    assert asked == [{"inputs": ["oil"], "truncate": True}]  # at most two, and no empty one
    assert (remote.name, remote.n_latents, own_top_k(remote)) == ("naver/splade-v3", 8, None)
    assert len(remote.fingerprint) == 16
    with pytest.raises(EncoderError, match="served by others, who tell no spans"):
        remote.spans(["oil"])


@pytest.mark.parametrize("other", [{"model_id": "other"}, {"model_sha": "0" * 40}])
def test_what_others_made_once_their_model_is_another_is_refused(other: dict[str, str]) -> None:
    rows = [[{"index": 3, "value": 1.5}]]
    infos = [Answer(200, TEI), Answer(200, TEI), Answer(200, TEI | other)]
    with answering({"/info": infos, "/embed_sparse": [Answer(200, rows)]}) as told:
        remote = load_encoder(f"{told.url}?n_latents=8")
        assert remote.encode_documents(["oil"]).nnz == 1
        name = other.get("model_id", TEI["model_id"])
        with pytest.raises(ModelServerError, match=f"serves '{name}' now .* Load the encoder anew"):
            remote.encode_queries(["oil"])


def test_the_width_that_others_do_not_tell_has_to_be_told() -> None:
    rows = [[{"index": 8, "value": 1.5}]]
    answers = {"/info": [Answer(200, TEI)], "/embed_sparse": [Answer(200, rows)]}
    with answering(answers) as told:
        with pytest.raises(EncoderError, match=r"add \?n_latents=…"):
            load_encoder(told.url)
        with pytest.raises(ModelServerError, match="8: a latent is from 0 to 7"):
            load_encoder(f"{told.url}?n_latents=8").encode_queries(["oil"])
        for wrong in ("many", "0", ""):
            with pytest.raises(ValueError, match=f"n_latents='{wrong}': give a number from 1"):
                load_encoder(f"{told.url}?n_latents={wrong}")
        with pytest.raises(ValueError, match="other unknown"):
            load_encoder(f"{told.url}?other=1")


def test_our_server_answers_as_text_embeddings_inference_does(server: Server) -> None:
    ours = RemoteEncoder(server.url)
    theirs = RemoteEncoder(f"{server.url}?n_latents=512")
    theirs.is_ours = False
    texts = ["the oil crisis", "", "oil oil"]
    np.testing.assert_array_equal(
        theirs.encode_documents(texts).toarray(), ours.encode_documents(texts).toarray()
    )


def test_a_remote_model_has_its_own_device() -> None:
    with pytest.raises(ValueError, match="has its own, leave both out"):
        load_encoder("https://localhost:8080", device="cpu")


def test_a_certificate_that_is_not_trusted_is_told_at_once(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with running(tmp_path, address={"certificate": str(tmp_path / "server.pem")}) as server:
        with pytest.raises(ModelServerError, match="CERTIFICATE_VERIFY_FAILED"):
            RemoteEncoder(server.url)
        trusted = Connection(urls=(server.url,), ca_certs=str(tmp_path / "ca.pem"))
        remote = RemoteEncoder(server.url, connection=trusted)
        assert prune(remote.encode_documents(["oil"]), 1).nnz == 1
