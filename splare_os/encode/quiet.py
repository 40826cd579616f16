"""Transformers without its bars."""

from importlib.util import find_spec


def quieten_transformers() -> None:
    """Keep transformers, if it is installed, from drawing bars and listing weights left out."""
    if find_spec("transformers") is None:
        return
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
