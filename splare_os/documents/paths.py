"""What stands in a document at the path of a field, as the cluster understands paths."""

from collections.abc import Iterator, Mapping


def values_at(body: object, path: str) -> Iterator[object]:
    """Yield what stands at `path`, one value after the other, those of arrays in their order.

    Dots lead into objects, an array stands for all that is in it, and null is nothing.

    >>> list(values_at({"a": [{"b": "x"}, {"b": ["y", "z"]}, {}], "a.b": "w"}, "a.b"))
    ['w', 'x', 'y', 'z']
    """
    if isinstance(body, list):
        for one in body:
            yield from values_at(one, path)
    elif not path:
        if body is not None:
            yield body
    elif isinstance(body, Mapping):
        yield from _in_object(body, path)


def _in_object(body: Mapping[str, object], path: str) -> Iterator[object]:
    """Yield what stands under each key that is a beginning of the path, the longest first."""
    head = path
    while head:
        if head in body:
            yield from values_at(body[head], path[len(head) + 1 :])
        head = head.rpartition(".")[0]
