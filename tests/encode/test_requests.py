import base64
import os
import re
import time
from dataclasses import replace

import pytest

from splare_os.connection import Connection
from splare_os.encode.requests import Patience, Requests
from splare_os.errors import ModelServerError

from .answering import Answer, answering, speaking

SHORT = Patience(total_s=0.6, reply_s=0.5, first_pause_s=0.01)
LONG = Patience(total_s=20.0, reply_s=10.0, first_pause_s=0.01)


def requests(url: str, *, cooldown_s: float = 0.2, token: str | None = None) -> Requests:
    return Requests(Connection(urls=(url,), bearer_token=token), cooldown_s=cooldown_s)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_with_time_is_asked_again(status: int) -> None:
    with answering({"/x": [Answer(status), Answer(status, b"<html>"), Answer(200, [1])]}) as told:
        assert requests(told.url).post("/x", {}, {}, LONG) == [1]
    assert len(told.requests) == 3


def test_a_wait_that_is_asked_for_is_waited() -> None:
    with answering({"/x": [Answer(429, headers={"retry-after": "1"}), Answer(200, [1])]}) as told:
        start = time.monotonic()
        assert requests(told.url).post("/x", {}, {}, LONG) == [1]
        assert time.monotonic() - start >= 1.0


def test_a_wait_longer_than_patience_is_not_begun() -> None:
    with answering({"/x": [Answer(429, headers={"retry-after": "60"})]}) as told:
        start = time.monotonic()
        with pytest.raises(ModelServerError, match=r"answers 429"):
            requests(told.url).post("/x", {}, {}, SHORT)
        assert time.monotonic() - start < 10


def test_who_is_not_asked_again_as_that_would_be_too_late_is_told_so() -> None:
    busy = Answer(429, {"error": "full"}, {"retry-after": "Sat, 01 Jan 2199 00:00:00 GMT"})
    with (
        answering({"/x": [busy]}) as told,
        pytest.raises(ModelServerError, match=r"full \(it asks to come again in 300 s\)"),
    ):
        requests(told.url).post("/x", {}, {}, SHORT)


def test_the_last_try_has_no_more_time_than_is_left() -> None:
    answers = [Answer(503, after_s=0.4), Answer(200, [1], after_s=3.0)]
    patience = Patience(total_s=0.8, reply_s=0.8, first_pause_s=0.01)
    with answering({"/x": answers}) as told:
        start = time.monotonic()
        with pytest.raises(ModelServerError, match="does not answer"):
            requests(told.url).post("/x", {}, {}, patience)
        assert time.monotonic() - start < 2.0
    assert len(told.requests) == 2


def test_a_reply_that_drips_is_not_waited_for() -> None:
    with answering({"/x": [Answer(200, "a" * 40, drip_s=0.1)]}) as told:
        start = time.monotonic()
        with pytest.raises(
            ModelServerError, match="came too slowly|Read timed out"
        ):  # the last try is short
            requests(told.url).post("/x", {}, {}, SHORT)
        assert time.monotonic() - start < 3.0


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nx-a: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_head_that_drips_is_not_waited_for(said: bytes) -> None:
    with speaking(said * 10, gap_s=0.05) as told:
        start = time.monotonic()
        with pytest.raises(ModelServerError, match="Read timed out"):
            requests(told.url).post("/x", {}, {}, SHORT)
        assert time.monotonic() - start < 3.0


def test_a_line_that_breaks_while_tls_begins_is_tried_again() -> None:
    with speaking(b"") as told:
        asking = requests(told.url.replace("http:", "https:"))
        with pytest.raises(ModelServerError, match="does not answer"):
            asking.post("/x", {}, {}, SHORT)
    assert len(told.connections) > 1


@pytest.mark.parametrize("place", ["https://models.example/x", "http://[::1"])
def test_a_redirect_is_told_and_not_followed(place: str) -> None:
    moved = Answer(301, b"", {"location": place})
    with (
        answering({"/x": [moved]}) as told,
        pytest.raises(ModelServerError, match=f"answers 301: ask {re.escape(place)} instead"),
    ):
        requests(told.url).post("/x", {}, {}, LONG)
    assert len(told.requests) == 1


def test_half_of_a_surrogate_pair_is_the_texts_fault() -> None:
    with pytest.raises(ValueError, match="a text cannot be sent: .*surrogates"):
        requests("http://127.0.0.1:9").post("/x", {"texts": ["\ud800"]}, {}, SHORT)


@pytest.mark.parametrize("url", ["http://h:abc", "http://h:99999", "http://a b"])
def test_an_address_that_cannot_be_is_not_tried_again(url: str) -> None:
    start = time.monotonic()
    with pytest.raises(ValueError, match=f"address {url}: "):
        requests(url).get("/x", {}, LONG)
    assert time.monotonic() - start < 5.0


def test_a_server_has_one_address() -> None:
    with pytest.raises(ValueError, match="address 'http://a, http://b': a model server has one"):
        Requests(Connection(urls=("http://a", "http://b")), cooldown_s=1.0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 424])
def test_a_refusal_is_told_at_once(status: int) -> None:
    with (
        answering({"/x": [Answer(status, {"error": "because"})]}) as told,
        pytest.raises(ModelServerError, match=f"answers {status}: because"),
    ):
        requests(told.url).post("/x", {}, {}, LONG)
    assert len(told.requests) == 1


@pytest.mark.parametrize("status", [413, 422])
def test_a_text_that_cannot_be_read_is_the_callers_mistake(status: int) -> None:
    with (
        answering({"/x": [Answer(status, {"error": "text 3: no"})]}) as told,
        pytest.raises(ValueError, match=f"answers {status}: text 3: no"),
    ):
        requests(told.url).post("/x", {}, {}, LONG)


def test_who_gives_up_is_not_followed_at_once_by_others() -> None:
    with answering({"/x": [Answer(503)]}) as told:
        asking = requests(told.url, cooldown_s=30.0)
        with pytest.raises(ModelServerError, match="answers 503"):
            asking.post("/x", {}, {}, SHORT)
        n_asked = len(told.requests)
        assert n_asked > 1
        with pytest.raises(ModelServerError, match=r"answers 503.*not asked again for a moment"):
            asking.post("/x", {}, {}, SHORT)
        assert len(told.requests) == n_asked


def test_documents_wait_where_a_query_has_given_up() -> None:
    with answering({"/x": [Answer(503)], "/y": [Answer(200, [1])]}) as told:
        asking = requests(told.url, cooldown_s=1.0)
        with pytest.raises(ModelServerError, match="answers 503"):
            asking.post("/x", {}, {}, SHORT)
        start = time.monotonic()
        with pytest.raises(ModelServerError, match="not asked again for a moment"):
            asking.post("/y", {}, {}, LONG)
        assert asking.post("/y", {}, {}, replace(LONG, waits=True)) == [1]
        assert 0.5 < time.monotonic() - start < 10.0


def test_a_server_that_comes_back_is_asked_again() -> None:
    with answering({"/x": [Answer(503)], "/y": [Answer(200, [1])]}) as told:
        asking = requests(told.url, cooldown_s=0.1)
        with pytest.raises(ModelServerError):
            asking.post("/x", {}, {}, SHORT)
        time.sleep(0.15)
        assert asking.get("/y", {}, SHORT) == [1]
        assert asking.get("/y", {}, SHORT) == [1]


def test_nobody_at_an_address_is_told_with_what_to_look_at() -> None:
    with pytest.raises(
        ModelServerError, match=r"http://127\.0\.0\.1:9 does not answer .*Is it up, and its address"
    ):
        requests("http://127.0.0.1:9").get("/info", {}, SHORT)


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with (
        answering({"/x": [Answer(200, b"<html>login</html>")]}) as told,
        pytest.raises(ModelServerError, match="answers no JSON"),
    ):
        requests(told.url).post("/x", {}, {}, SHORT)


def test_connections_are_kept_and_the_token_is_sent() -> None:
    with answering({"/x": [Answer(200, [1])]}) as told:
        asking = requests(told.url, token="secret")  # noqa: S106  # of this test
        for _ in range(5):
            asking.post("/x", {"a": 1}, {"splare-fingerprint": "f"}, LONG)
        assert len(told.connections) == 1
        path, headers, content = told.requests[0]
        assert (path, content) == ("/x", {"a": 1})
        assert headers["authorization"] == "Bearer secret"
        assert headers["splare-fingerprint"] == "f"


def test_the_login_of_a_proxy_goes_to_it_and_one_that_is_missing_is_told() -> None:
    asked, there = "http://models.example/x", Answer(200, [1])
    with answering({asked: [there, Answer(407, b"")]}) as told:
        proxy = told.url.replace("://", "://ada:p%40ss@")
        connection = Connection(urls=("http://models.example",), proxy=proxy)
        asking = Requests(connection, cooldown_s=1.0)
        assert asking.get("/x", {}, LONG) == [1]
        with pytest.raises(ModelServerError, match="answers 407: . Give the proxy's user"):
            asking.get("/x", {}, LONG)
    login = {name.lower(): value for name, value in told.requests[0][1].items()}
    assert base64.b64decode(login["proxy-authorization"].removeprefix("Basic ")) == b"ada:p@ss"


def test_a_forked_process_has_connections_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"/x": [Answer(200, [1])]}) as told:
        asking = requests(told.url)
        asking.post("/x", {}, {}, LONG)
        monkeypatch.setattr(os, "getpid", lambda: -1)
        asking.post("/x", {}, {}, LONG)
        asking.post("/x", {}, {}, LONG)
        assert len(told.connections) == 2


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Patience(1, 1, first_pause_s=1.0, max_pause_s=3.0).pauses()
    for longest in (1.0, 2.0, 3.0, 3.0):
        assert longest / 2 <= next(pauses) <= longest
