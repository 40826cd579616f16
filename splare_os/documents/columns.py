"""The columns of a table, which become the keys of its documents."""

from collections import Counter
from collections.abc import Sequence

from ..errors import JobError
from .fields import Fields


def check_columns(source: str, columns: Sequence[str], fields: Fields) -> None:
    """Raise `JobError` unless columns can be told apart and one of them holds the text."""
    for number, name in enumerate(columns, 1):
        if not name:
            raise JobError(f"{source}: column {number} has no name; give it one, or take it out")
    repeated = [name for name, n in Counter(columns).items() if n > 1]
    if repeated:
        raise JobError(f"{source}: two columns are called {repeated[0]!r}; rename one")
    wanted = [fields.text] if fields.template is None else fields.text_fields
    for path in wanted:
        if path not in columns and path.partition(".")[0] not in columns:
            raise JobError(f"{source}: no column {path!r}; {_remedy(columns)}")


def _remedy(columns: Sequence[str]) -> str:
    if len(columns) == 1 and (found := next(filter(columns[0].count, ";\t|"), None)):
        return (
            f"its header is a single column, {columns[0]!r}: part cells by commas, or by tabs in "
            f".tsv, not by {found!r}"
        )
    return f"name the text field (--text-field), one of {', '.join(map(repr, columns))}"
