"""The explorer as a server that listens until it is told to end."""

from collections.abc import Callable, Collection

from ..serve.server import Address, listen, run_app
from .app import LIMITS, make_app
from .place import Place


def explore(
    place: Place,
    address: Address,
    *,
    token: str | None = None,
    names: Collection[str] = (),
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Show a place in browsers until SIGTERM or SIGINT; `on_ready` is told the address.

    `ValueError` for an address that others reach, without a token; `ServerError` for one that is
    taken.
    """
    app = make_app(place, host=address.host, token=token, names=names)
    listener, url = listen(address)
    on_ready(url)
    run_app(app, listener, address, LIMITS)
