"""What stands in a document at the path of a field, as the cluster understands paths."""

from collections.abc import Iterator, Mapping


def values_at(body: object, path: str) -> Iterator[object]:
    """Yield what stands at `path`, one value after the other, those of arrays in their order.

    Dots lead into objects, an array stands for all that is in it, and null is nothing.

    >>> list(values_at({"a": [{"b": "x"}, {"b": ["y", "z"]}, {}], "a.b": "w"}, "a.b"))
    ['w', 'x', 'y', 'z']
    """
    left = [(body, path)]  # no recursion: arrays may stand in arrays as deep as a reader takes them
    while left:
        value, path = left.pop()
        if isinstance(value, list):
            left += [(one, path) for one in reversed(value)]
        elif not path:
            if value is not None:
                yield value
        elif isinstance(value, Mapping):
            left += reversed(_in_object(value, path))


def _in_object(body: Mapping[str, object], path: str) -> list[tuple[object, str]]:
    """Return what stands under each key that is a beginning of the path, and the rest of that.

    The longest first.
    """
    found, head = [], path
    while head:
        if head in body:
            found.append((body[head], path[len(head) + 1 :]))
        head = head.rpartition(".")[0]
    return found
