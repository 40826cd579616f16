import asyncio
import gzip

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from splare_os.serve.packed import MIN_BYTES, Packed, accepts_gzip


@pytest.mark.parametrize(
    ("told", "accepts"),
    [
        ("gzip", True),
        ("br;q=1.0, GZip;q=0.001", True),
        ("deflate,gzip", True),
        ("gzip;q=0", False),
        ("identity, gzip ; q=0.000", False),
        ("xgzipx", False),
        ("*", False),
        ("", False),
    ],
)
def test_gzip_is_accepted_where_it_is_named_and_not_refused(told: str, *, accepts: bool) -> None:
    assert accepts_gzip(Headers({"accept-encoding": told})) is accepts


def sent(*bodies: bytes, accepts: bytes = b"gzip") -> tuple[dict[bytes, bytes], bytes]:
    """Return headers and body of a reply that an application gives in so many parts."""
    told: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        length = str(sum(map(len, bodies))).encode()
        headers = [(b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, body in enumerate(bodies, start=1):
            more = number < len(bodies)
            await send({"type": "http.response.body", "body": body, "more_body": more})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        told.append(message)

    scope = {"type": "http", "headers": [(b"accept-encoding", accepts)]}
    asyncio.run(Packed(app)(scope, receive, send))
    return dict(told[0]["headers"]), b"".join(one["body"] for one in told[1:])


def test_a_long_reply_is_packed_for_those_who_take_that() -> None:
    headers, body = sent(b"a" * MIN_BYTES)
    assert (headers[b"content-encoding"], headers[b"vary"]) == (b"gzip", b"Accept-Encoding")
    assert int(headers[b"content-length"]) == len(body) < MIN_BYTES
    assert gzip.decompress(body) == b"a" * MIN_BYTES


def test_others_are_sent_as_they_are() -> None:
    long = b"a" * MIN_BYTES
    length = str(MIN_BYTES).encode()
    assert sent(long, accepts=b"br") == (
        {b"content-length": length, b"vary": b"Accept-Encoding"},
        long,
    )
    assert sent(long[1:]) == ({b"content-length": str(MIN_BYTES - 1).encode()}, long[1:])
    assert sent(long, b"b") == ({b"content-length": str(MIN_BYTES + 1).encode()}, long + b"b")
