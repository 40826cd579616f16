"""The fields of a mapping, and whether documents hold them under the names that it gives them."""

from collections.abc import Collection, Iterator, Mapping

from ..errors import MappingError


def mapped_fields(mappings: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield path and mapping of each field of an index, of those inside objects too.

    >>> [path for path, _ in mapped_fields({"properties": {"a": {"properties": {"b": {}}}}})]
    ['a', 'a.b']
    """
    inside = mappings.get("properties")
    for name, one in inside.items() if isinstance(inside, Mapping) else ():
        mapping = one if isinstance(one, Mapping) else {}
        yield name, mapping
        yield from ((f"{name}.{path}", within) for path, within in mapped_fields(mapping))


def field_paths(mappings: Mapping[str, object]) -> Iterator[str]:
    """Yield the paths of the fields of an index."""
    return (path for path, _ in mapped_fields(mappings))


def check_names(index: str, mappings: Mapping[str, object], names: Collection[str]) -> None:
    """Raise `MappingError` for a field that no document holds: its name is another one's alias."""
    for path, mapping in mapped_fields(mappings):
        if path in names and mapping.get("type") == "alias":
            raise MappingError(
                f"index {index!r}: {path!r} is an alias, and what documents hold is "
                f"{mapping.get('path')!r}: name that"
            )


def copied_from(mappings: Mapping[str, object], name: str) -> list[str]:
    """Return the fields that are copied to a field when they are indexed, by `copy_to`.

    >>> copied_from({"properties": {"a": {"copy_to": "all"}, "b": {"copy_to": ["all"]}}}, "all")
    ['a', 'b']
    """
    found = ((path, mapping.get("copy_to")) for path, mapping in mapped_fields(mappings))
    return [path for path, to in found if to == name or (isinstance(to, list) and name in to)]
