"""Sources at a URL, read by fsspec: `https://`, `s3://`, `gs://`, `hf://` and what it knows."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import MissingExtraError
from ..extras import require

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STAMPS = (
    *("ETag", "etag", "md5Hash", "Content-MD5", "content_md5", "Digest", "blob_id", "version_id"),
    *("generation", "LastModified", "Last-Modified", "last_modified", "updated", "mtime"),
    *("modified", "created"),
)
"""What file systems call that which changes with a file's content; the first one counts."""


HTTP_BYTES = 5 * 2**20
"""That a server is asked for at once."""


class _Readable(Protocol):
    def read(self, n: int, /) -> bytes: ...
    def seek(self, offset: int, whence: int, /) -> int: ...
    def tell(self) -> int: ...
    def seekable(self) -> bool: ...
    def close(self) -> None: ...


def is_remote(source: str) -> bool:
    """Return whether a source is a URL.

    >>> is_remote("s3://bucket/docs.jsonl"), is_remote("docs.jsonl")
    (True, False)
    """
    return "://" in source


def name_of(url: str) -> str:
    """Return the path of a URL: what its suffix is told by.

    >>> name_of("https://example.org/docs.csv.gz?key=1.2")
    'https://example.org/docs.csv.gz'
    """
    return url.partition("::")[0].partition("?")[0].partition("#")[0]


def expand(url: str) -> list[tuple[str, str]]:
    """Return the files that a URL stands for, sorted, each with its path in it if it is a folder.

    As a shell has it, no wildcard stands for a name that begins with a dot.
    """
    files, path = _file_system(url)
    is_pattern = "*" in path
    if not is_pattern and _is_file(_info(url)):
        return [(url, "")]
    try:
        found = files.glob(path, detail=True) if is_pattern else files.find(path, detail=True)
    except Exception as error:  # a backend raises what it likes
        raise _as_os_error(error) from error
    names = sorted(at for at, info in found.items() if _is_file(info))
    if is_pattern:
        names = [at for at in names if "/." in path or "/." not in at]
    below = ("" if is_pattern else at.removeprefix(path).strip("/") for at in names)
    return list(zip(map(files.unstrip_protocol, names), below, strict=True))


def size_and_stamp(url: str) -> tuple[int, str] | None:
    """Return a file's bytes and what changes with its content; None if that isn't told."""
    info = _info(url)
    stamp = next((f"{key} {info[key]}" for key in STAMPS if info.get(key)), None)
    size = info.get("size")
    return (int(size), stamp) if stamp and size is not None else None


def open_buffered(url: str) -> io.BufferedReader:
    """Return a file, open to be read."""
    files, path = _file_system(url)
    # where a range comes short, fsspec's cache for http loses its place
    is_http = url.startswith("http")
    options, n_bytes = ({"cache_type": "none"}, HTTP_BYTES) if is_http else ({}, 2**16)
    try:
        return io.BufferedReader(_Raw(files.open(path, "rb", **options)), n_bytes)
    except Exception as error:  # a backend raises what it likes
        raise _as_os_error(error) from error


class _Raw(io.RawIOBase):
    """A file of fsspec whose errors are those of files."""

    def __init__(self, file: _Readable) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.file.seekable()

    def tell(self) -> int:
        return self.file.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return self.file.seek(offset, whence)
        except Exception as error:  # such as a stream's, which has no other place
            raise _as_os_error(error) from error

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        try:
            data = self.file.read(len(room))
        except Exception as error:  # a backend raises what it likes
            raise _as_os_error(error) from error
        if room and not data:
            self._require_end()
        room[: len(data)] = data
        return len(data)

    def _require_end(self) -> None:
        """Raise `OSError` where a server has nothing more to say before a file's end."""
        size, at = getattr(self.file, "size", None), self.file.tell()
        if isinstance(size, int) and at < size:
            raise OSError(errno.EIO, f"of {size} bytes only {at} are sent")

    def close(self) -> None:
        if not self.closed:
            self.file.close()
        super().close()


def _file_system(url: str) -> tuple[Any, str]:
    require("sources", f"the source {url}")
    from fsspec.core import url_to_fs

    try:
        options = {"client_kwargs": _patient()} if url.startswith("http") else {}
        return url_to_fs(url, **options)  # type: ignore[no-any-return]
    except ImportError as error:
        raise MissingExtraError(
            f"{url} needs a backend of fsspec that splare-os does not bring: {error}"
        ) from error


def _patient() -> dict[str, Any]:
    """Return limits of single reads: documents are encoded more slowly than they could come."""
    from aiohttp import ClientTimeout

    return {"timeout": ClientTimeout(total=None, sock_connect=30, sock_read=120)}


def _info(url: str) -> dict[str, Any]:
    """Return what the file system tells of a file now, not what it told before."""
    files, path = _file_system(url)
    try:
        files.invalidate_cache()
        return dict(files.info(path))
    except Exception as error:  # a backend raises what it likes
        raise _as_os_error(error) from error


def _is_file(info: dict[str, Any]) -> bool:
    return bool(info.get("type") != "directory")


def _as_os_error(error: Exception) -> OSError:
    """Return an error of reading, which has a number: one of decoding has none."""
    told = error.__cause__ or error  # of a server that does not answer, too, no file is found
    if isinstance(told, OSError) and (told.errno or isinstance(told, FileNotFoundError)):
        return told
    return OSError(errno.EIO, f"{type(told).__name__}: {told}")
