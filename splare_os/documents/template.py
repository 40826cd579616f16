"""The text that is encoded for a document: the same wherever documents are read."""

from collections.abc import Mapping
from string import Formatter

TEMPLATE = "{title} {text}"
"""How title and text are joined; a model's fingerprint holds it."""


def document_text(title: str | None, text: str | None) -> str:
    """Return the text that is encoded: the same in index, evaluate and backfill.

    >>> document_text("Ants", "They carry leaves. ")
    'Ants They carry leaves.'
    >>> document_text(None, None)
    ''
    """
    return TEMPLATE.format(title=title or "", text=text or "").strip()


def template_names(template: str) -> tuple[str, ...]:
    """Return the fields that a template names, in order, each once.

    `ValueError` for what is no template.

    >>> template_names("{brand} {name}: {specs.colour}, {name}")
    ('brand', 'name', 'specs.colour')
    """
    return tuple(dict.fromkeys(name for _, name in template_parts(template) if name))


def filled(template: str, texts: Mapping[str, str]) -> str:
    """Return a template with the text of each field, stripped; "" if no field has any.

    >>> filled("{name}: {text}", {"name": "Ants", "text": ""})
    'Ants:'
    >>> filled("{name}: {text}", {"name": " ", "text": ""})
    ''
    """
    if not any(text.strip() for text in texts.values()):
        return ""
    return "".join(told + texts.get(name, "") for told, name in template_parts(template)).strip()


def template_parts(template: str) -> list[tuple[str, str]]:
    """Return each field that a template names, behind the words that stand before it."""
    try:
        found = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"template {template!r}: {error}; write {{field}}, {{{{ for {{") from error
    for _, name, form, conversion in found:
        if name == "" or form or conversion:
            raise ValueError(f"template {template!r}: in each {{…}} stands a field, and it alone")
    return [(told, name or "") for told, name, _, _ in found]
