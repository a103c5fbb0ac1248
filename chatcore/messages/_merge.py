"""How the parts of a streamed message become one: strings join, lists merge by index, dicts merge by key.

Each function takes any number of parts and reads each of them once, so that joining n parts costs n, whatever they
hold. The rules are those of langchain-core 1.7 (`langchain_core.utils._merge`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatcore.messages._shapes import is_dict, is_list

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ContentJoin", "DictJoin", "merge_content", "merge_dicts", "merge_lists", "merge_obj", "texts_of"]

# Labels: a provider repeats them in every part, and they stay what they are.
_LABELS = frozenset({"id", "output_version", "model_provider", "format"})
# Of these numbers the last one said counts; others are counts, and are summed.
_LAST_WINS = frozenset({"index", "created", "timestamp"})


def merge_dicts(*parts: dict[Any, Any]) -> dict[Any, Any]:
    """Merge dicts key by key, in order; none of them is changed.

    None yields to any value. Strings join, dicts and lists merge, whole numbers that differ add up; labels (`id`,
    `model_provider`, …) that repeat stay, and of `index`, `created` and `timestamp` the last one counts.

    Raises TypeError if two values of one key have different types, or differ and cannot be merged.
    """
    join = DictJoin()
    for part in parts:
        join.add(part)
    return join.value()


def merge_lists(left: list[Any] | None, *others: list[Any] | None) -> list[Any] | None:
    """Merge lists: a dict with an `index` merges into the earlier one of that index, anything else is appended.

    Two dicts with the same index and different ids stay apart. None counts as no list; of nothing but None comes None.
    """
    lists = [part for part in (left, *others) if part is not None]
    if not lists:
        return None
    join = _ListJoin(lists[0])
    for part in lists[1:]:
        join.extend(part)
    return join.value()


def merge_content(first_content: str | list[Any] | None, *contents: str | list[Any]) -> str | list[Any]:
    """Join the `content` of several parts: strings to a string, and to a list as soon as one of them is a list."""
    join = ContentJoin()
    join.add("" if first_content is None else first_content)
    for content in contents:
        join.add(content)
    return join.value()


def merge_obj(left: Any, right: Any) -> Any:
    """Merge two values of one kind; None yields to the other.

    Raises TypeError if their types differ, ValueError if they differ and are neither strings, dicts nor lists.
    """
    if left is None or right is None:
        return right if left is None else left
    if type(left) is not type(right):
        msg = (
            f"left and right are of different types: a {type(left).__name__} and a {type(right).__name__} do not merge"
        )
        raise TypeError(msg)
    if isinstance(left, str):
        return left + right
    if is_dict(left):
        return merge_dicts(left, right)
    if is_list(left):
        return merge_lists(left, right)
    if left == right:
        return left
    msg = f"Unable to merge two different values of type {type(left).__name__}: only strings, dicts and lists join"
    raise ValueError(msg)


def texts_of(content: Iterable[Any]) -> list[str]:
    """The strings of a list of content, and the texts of its text blocks."""
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif part.get("type") == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return texts


class DictJoin:
    """Joins dicts: keeps the values of each key as they come, merges them once."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[Any, list[Any]] = {}

    def add(self, part: dict[Any, Any]) -> None:
        """Take the next part."""
        for key, value in part.items():
            values = self._values.get(key)
            if values is None:
                self._values[key] = [value]
            elif value is None:
                continue
            elif values[0] is None:
                values[0] = value
            else:
                values.append(value)

    def value(self) -> dict[Any, Any]:
        """What has come so far, merged, in a dict of its own."""
        return {
            key: values[0] if len(values) == 1 else _merge_values(key, values) for key, values in self._values.items()
        }


class ContentJoin:
    """Joins the contents of parts: appends as they come, joins once.

    A string stays a string until the first list comes; from then on it is the list's first element.
    """

    __slots__ = ("_blocks", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._blocks: _ListJoin | None = None

    def add(self, content: str | list[Any]) -> None:
        """Take the next part's content."""
        if self._blocks is None and type(content) is str:
            self._texts.append(content)
        elif self._blocks is not None:
            if isinstance(content, str):
                self._blocks.add_text(content)
            else:
                self._blocks.extend(content)
        elif isinstance(content, str):
            self._texts.append(content)
        elif self._texts:
            self._blocks = _ListJoin(["".join(self._texts), *content])
        else:
            self._blocks = _ListJoin(content)

    def value(self) -> str | list[Any]:
        """What has come so far, joined."""
        if self._blocks is not None:
            return self._blocks.value()
        return self._text()

    def text(self) -> str:
        """The text of what has come so far: the string, or the list's strings and text blocks."""
        return self._text() if self._blocks is None else "".join(texts_of(self._blocks.value()))

    def _text(self) -> str:
        if len(self._texts) > 1:
            self._texts = ["".join(self._texts)]
        return self._texts[0] if self._texts else ""


class _Entry:
    """One element of a list that grows: the parts that merge into it."""

    __slots__ = ("id", "index", "parts", "type")

    def __init__(self, first: Any) -> None:
        self.parts: list[Any] = [first]
        self.index: Any = None
        self.id: Any = None
        self.type: Any = None
        if is_dict(first):
            self.index = first.get("index")
            self.id = first.get("id")
            self.type = first.get("type")

    def takes(self, other_id: Any) -> bool:
        return _is_unsaid(self.id) or _is_unsaid(other_id) or self.id == other_id

    def value(self) -> Any:
        first, *rest = self.parts
        if not rest:
            return first
        return "".join(self.parts) if isinstance(first, str) else merge_dicts(first, *rest)


class _ListJoin:
    """Joins lists, element by element."""

    __slots__ = ("_by_index", "_entries", "_same_type")

    def __init__(self, first: Iterable[Any], *, same_type: bool = False) -> None:
        # The first list's own elements stay apart, whatever their index.
        self._entries: list[_Entry] = []
        self._by_index: dict[Any, list[_Entry]] = {}
        self._same_type = same_type
        for element in first:
            self._append(element)

    def extend(self, elements: Iterable[Any]) -> None:
        for element in elements:
            entry = self._entry_for(element)
            if entry is None:
                self._append(element)
            else:
                entry.parts.append(_addition(entry.type, element))
                if _is_unsaid(entry.id):
                    entry.id = element.get("id")

    def add_text(self, text: str) -> None:
        if not text:
            return
        if self._entries and isinstance(self._entries[-1].parts[0], str):
            self._entries[-1].parts.append(text)
        else:
            self._append(text)

    def value(self) -> list[Any]:
        return [entry.value() for entry in self._entries]

    def _append(self, element: Any) -> None:
        entry = _Entry(element)
        self._entries.append(entry)
        if _has_index(element):
            self._by_index.setdefault(entry.index, []).append(entry)

    def _entry_for(self, element: Any) -> _Entry | None:
        if not _has_index(element):
            return None
        for entry in self._by_index.get(element["index"], ()):
            if entry.takes(element.get("id")) and not (self._same_type and entry.type != element.get("type")):
                return entry
        return None


def _is_unsaid(given: Any) -> bool:
    # Not by a set: an id that a provider sends may be of any type.
    return given is None or given == ""


def _has_index(element: Any) -> bool:
    if not is_dict(element):
        return False
    index: Any = element.get("index")
    return isinstance(index, int) or (isinstance(index, str) and index.startswith("lc_"))


def _addition(left_type: Any, element: dict[str, Any]) -> dict[str, Any]:
    """What a list's dict adds to the earlier one of its index: everything but its type."""
    if left_type and element.get("type") == "non_standard" and "value" in element:
        value = {key: part for key, part in element["value"].items() if key != "type"}
        if left_type != "non_standard":
            return {"extras": value}
        return {"value": value, "index": element["index"]}
    return {key: part for key, part in element.items() if key != "type"}


def _merge_values(key: Any, values: list[Any]) -> Any:
    first = values[0]
    kinds: set[type[Any]] = {type(value) for value in values}
    if len(kinds) > 1:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        msg = f"{key!r} already exists in this message, but with a different type: its parts hold {found}"
        raise TypeError(msg)
    if isinstance(first, str):
        return _merge_strings(key, values)
    if is_dict(first):
        return merge_dicts(*values)
    if is_list(first):
        # One reasoning step may come as text and as its encrypted form under the same index: two things to send back.
        join = _ListJoin(first, same_type=key == "reasoning_details")
        for value in values[1:]:
            join.extend(value)
        return join.value()
    return _merge_scalars(key, values)


def _merge_strings(key: Any, values: list[str]) -> str:
    if key == "index" and values[0].startswith("lc_"):
        return values[0]
    if key in _LABELS:
        merged = values[0]
        for value in values[1:]:
            if value != merged:
                merged += value
        return merged
    return "".join(values)


def _merge_scalars(key: Any, values: list[Any]) -> Any:
    merged = values[0]
    for value in values[1:]:
        if merged == value:
            continue
        if type(merged) is not int:
            kind = type(merged).__name__
            msg = (
                f"{key!r} already exists and its value has unsupported type {kind}: {merged!r} and {value!r} differ,"
                " and neither join nor add up"
            )
            raise TypeError(msg)
        merged = value if key in _LAST_WINS else merged + value
    return merged
