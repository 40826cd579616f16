import bz2
import contextlib
import gzip
import io
import os

import pytest

from splare_os.documents.compression import BrokenStreamError, decompressed

CONTENT = b"".join(b"%d %s\n" % (n, os.urandom(30).hex().encode()) for n in range(5000))


def zstd(content: bytes) -> bytes:
    from zstandard import ZstdCompressor

    return ZstdCompressor(write_checksum=True).compress(content)


KINDS = [
    pytest.param(gzip.compress, id="gzip"),
    pytest.param(bz2.compress, id="bzip2"),
    pytest.param(zstd, id="zstd", marks=pytest.mark.sources),
]


def opened(data: bytes) -> io.BufferedReader:
    return decompressed(io.BufferedReader(io.BytesIO(data)))


@pytest.mark.parametrize("compress", KINDS)
def test_a_stream_is_decoded_whatever_it_is(compress):
    assert opened(compress(CONTENT)).read() == CONTENT
    assert opened(compress(b"")).read() == b""
    assert b"".join(opened(compress(CONTENT))) == CONTENT


class Dripping(io.RawIOBase):
    """A pipe that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        data, self.left = self.left[:1], self.left[1:]
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("compress", [*KINDS, pytest.param(bytes, id="plain")])
@pytest.mark.parametrize("content", [b"", b"short", CONTENT[:2000]])
def test_a_pipe_that_has_only_begun_is_told_by_its_first_bytes_too(compress, content):
    pipe = io.BufferedReader(Dripping(compress(content)))
    assert decompressed(pipe).read() == content


@pytest.mark.sources
def test_a_zstandard_stream_may_look_far_back():
    from zstandard import ZstdCompressionParameters, ZstdCompressor

    far = ZstdCompressionParameters.from_level(1, window_log=28)  # as `zstd --long=28`
    made = ZstdCompressor(compression_params=far).compressobj()
    assert opened(made.compress(b"ants") + made.flush()).read() == b"ants"


@pytest.mark.parametrize("compress", KINDS)
def test_members_follow_one_another(compress):
    assert opened(compress(b"one") + compress(b"") + compress(b"two")).read() == b"onetwo"


@pytest.mark.parametrize("compress", KINDS)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_stream_that_breaks_off_is_noticed(compress, share):
    data = compress(CONTENT)
    with pytest.raises(BrokenStreamError, match="stream broken off"):
        opened(data[: int(len(data) * share)]).read()


@pytest.mark.parametrize("compress", KINDS)
def test_damage_in_the_middle_is_noticed_once_a_checksum_is_there(compress):
    data = bytearray(compress(CONTENT))
    data[len(data) // 2] ^= 255
    with pytest.raises(BrokenStreamError, match="stream broken"):
        opened(bytes(data)).read()


@pytest.mark.parametrize("compress", KINDS)
def test_what_follows_a_member_has_to_be_one(compress):
    with pytest.raises(BrokenStreamError):
        opened(compress(b"one") + b"rest").read()


def test_a_tapes_padding_is_no_member():
    assert opened(gzip.compress(b"one") + bytes(600)).read() == b"one"


@pytest.mark.sources
def test_frames_of_zstandard_that_hold_no_data_are_passed_over():
    empty = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    assert opened(empty + zstd(b"one")).read() == b"one"


@pytest.mark.parametrize("data", [b"", b"B", b'{"a": 1}', b"BZh,1\n", b"(\xb5"])
def test_what_is_not_compressed_stays(data):
    assert opened(data).read() == data


@pytest.mark.parametrize("compress", KINDS)
def test_what_was_decoded_before_its_checksum_failed_is_given(compress):
    data = bytearray(compress(CONTENT))
    data[-5 if compress is gzip.compress else -2] ^= 255
    stream, given = opened(bytes(data)), b""
    with contextlib.suppress(BrokenStreamError):
        while piece := stream.read1():
            given += piece
        pytest.fail("nothing was noticed")
    assert given == CONTENT
