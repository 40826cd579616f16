"""An examination of a cluster, its indices and a model: what fits, and what to do where not."""

from collections.abc import Callable, Iterator

from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection

from ...encoder import Encoder
from ...errors import SplareError
from .cluster_findings import cluster_findings
from .finding import Finding, failure, ok, warning
from .index_findings import index_findings

PROBE = "how do plants turn sunlight into food"


def examine(
    client: OpenSearch, load: Callable[[], Encoder] | None, index: str = "*"
) -> Iterator[Finding]:
    """Yield findings about the cluster, the indices behind a name, and the model that `load` gives.

    `load` None: no model is asked. Nothing is changed anywhere.
    """
    encoder: Encoder | None = None
    if load is not None:
        try:
            encoder = load()
            yield model_finding(encoder)
        except (SplareError, ValueError) as error:
            yield failure("model", str(error), "name another (--model), or install what it needs")
    try:
        client.info()
    except NoConnection as error:
        remedy = "check address, certificates and proxy (docs/connections.md)"
        yield failure("connection", f"the cluster does not answer: {error}", remedy)
        return
    except Exception as error:
        if type(error).__module__.split(".")[0] != "opensearchpy":
            raise
    yield from cluster_findings(client, encoder)
    yield from index_findings(client, index, encoder)


def model_finding(encoder: Encoder) -> Finding:
    """Return whether a model gives impacts of a plain question."""
    found = f"{encoder.name} ({encoder.fingerprint}), {encoder.n_latents} latents"
    count = encoder.encode_queries([PROBE]).nnz
    if not count:
        return warning(
            "model", f"{found}: {PROBE!r} has no latents", "use a model of this language"
        )
    return ok("model", f"{found}: loads, and gives {count} for a question")
