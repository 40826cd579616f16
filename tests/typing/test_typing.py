"""What a user's type checker sees: right uses pass, misuses are found, nothing is `Any`."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STAGES = (
    *("documents", "layout", "cluster", "index", "search", "encode", "evaluate"),
    *("train.sae", "train.adapt", "train.distill", "cli"),
)
OF_OTHERS = {
    *("AsyncSplareOpenSearch", "Backbone", "EmbeddingSae", "SaePooling", "SplareField"),
    "SplareOpenSearch",
}
"""Classes that keep the signatures of another library's."""


def test_mypy_takes_every_use_and_refuses_every_misuse() -> None:
    """A misuse that is not refused leaves its `type: ignore` unused, which is an error."""
    command = [sys.executable, "-m", "mypy", "--strict", str(Path(__file__).parent)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def order(name: str) -> tuple[bool, bool, str]:
    """Constants, classes, functions; each by the alphabet."""
    return not name.isupper(), not name[0].isupper(), name


def functions(exported: object) -> Iterator[Callable[..., object]]:
    """Yield a function, or what a class has for its users."""
    if inspect.isclass(exported) and exported.__name__ not in OF_OTHERS:
        for name, function in inspect.getmembers(exported, inspect.isfunction):
            is_public = name == "__init__" or not name.startswith("_")
            if is_public and function.__module__.startswith("splare_os"):
                yield function
    elif inspect.isfunction(exported):
        yield exported


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_exports_is_there_in_order_and_typed(stage: str) -> None:
    module = import_module(f"splare_os.{stage}")
    assert module.__all__ == sorted(module.__all__, key=order)
    for exported in (getattr(module, name) for name in module.__all__):
        for function in functions(exported):
            annotations = {str(a) for a in inspect.get_annotations(function).values()}
            assert not annotations & {"Any", str(Any)}, function
