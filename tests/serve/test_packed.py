import pytest
from starlette.datastructures import Headers

from splare_os.serve.packed import accepts_gzip


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
