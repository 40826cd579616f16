"""A server for measurements, started by its path in any checkout: what stands behind HTTP is cheap.

python -P benchmarks/served.py ours|constant listens at a free port and prints its address as JSON.
`ours` serves impacts that are looked up, as many as a query of mini has, `constant` an application
that answers always the same: what the server, the socket and the parser cost without ours.
"""

import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import numpy as np

from splare_os.impacts import Impacts
from splare_os.serve import Address, Limits, serve
from splare_os.serve.server import listen, run_app

N_LATENTS, N_KEPT, ROWS = 8192, 40, 1024
Message = MutableMapping[str, Any]


class Ready:
    """An encoder whose impacts are there already; a text is a row by its length."""

    name, fingerprint, n_latents, pass_tokens = "ready", "0123456789abcdef", N_LATENTS, 2048

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        latents = [np.sort(draw.choice(N_LATENTS, N_KEPT, replace=False)) for _ in range(ROWS)]
        values = np.log1p(draw.gamma(2.0, 1.0, ROWS * N_KEPT)).astype(np.float32)
        triples = values, np.concatenate(latents).astype(np.int32), np.arange(ROWS + 1) * N_KEPT
        self.rows = Impacts(triples, shape=(ROWS, N_LATENTS))

    def encode_documents(self, texts: Sequence[str]) -> Impacts:
        """Return so many rows."""
        return self.rows[: len(texts)].copy()

    encode_queries = encode_documents


async def constant(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Awaitable[None]]
) -> None:
    """Answer every request with as many bytes as a query's impacts have."""
    if scope["type"] == "lifespan":
        for told in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{told}.complete"})
        return
    while (await receive()).get("more_body", False):
        pass
    body = b" " * 640
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def told(url: str) -> None:
    """Print where the server is."""
    print(json.dumps({"url": url}), flush=True)


def main(kind: str) -> None:
    """Serve until SIGTERM."""
    address = Address(port=0)
    if kind == "ours":
        serve(Ready, address, Limits(), on_ready=lambda url, _: told(url))  # type: ignore[arg-type]
        return
    listener, url = listen(address)
    told(url)
    run_app(constant, listener, address, Limits())


if __name__ == "__main__":
    main(sys.argv[1])
