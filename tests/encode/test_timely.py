import io
import time

import pytest

from splare_os.encode.timely import TimelyHead

from .answering import speaking
from .test_requests import LONG, requests


def test_lines_are_those_of_the_stream() -> None:
    said = b"HTTP/1.1 200 OK\r\nabcdef\nrest"
    head = TimelyHead(io.BufferedReader(io.BytesIO(said)), time.monotonic() + 60)
    assert [head.readline(100), head.readline(4), head.readline(100)] == [
        b"HTTP/1.1 200 OK\r\n",
        b"abcd",
        b"ef\n",
    ]
    assert [head.readline(100), head.readline(100)] == [b"rest", b""]


def test_a_line_after_the_end_of_time_is_late() -> None:
    head = TimelyHead(io.BufferedReader(io.BytesIO(b"a\n")), time.monotonic() - 1)
    with pytest.raises(TimeoutError, match="head of a reply came too slowly"):
        head.readline(10)


def test_a_head_that_drips_but_comes_in_time_is_read() -> None:
    with speaking(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]", gap_s=0.005) as told:
        assert requests(told.url).get("/x", {}, LONG) == [1]
