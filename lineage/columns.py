"""What facets say of the fields of a dataset: which there are, which come from which, how they are tagged. Pure.

Read are `schema`, `columnLineage` in both of its shapes (with `transformations` for each input, and the older one with
a word for the whole field), `lineage` on datasets and jobs, and `tags`. Whatever is not of the form of its schema is
left out, as with every facet: the document is kept, and shows what was said.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# A whole dataset, where a field is asked for: indirect influence on all columns, or a source without a field.
WHOLE = ""
# Nested fields are named by their path.
SEPARATOR = "."
MAX_DEPTH = 32
MAX_FIELD_CHARS = 10_000
MAX_TRANSFORMATIONS = 50
LONGEST_TEXT = 2_000
# Values of a tag that say that it does not hold.
NO = frozenset({"false", "no", "0"})


class Dataset(NamedTuple):
    namespace: str
    name: str


class Transformation(NamedTuple):
    """How a value is made of another; empty where the sender did not say."""

    type: str
    subtype: str
    description: str
    is_masking: bool


class Link(NamedTuple):
    """One field depends on another. Direct: its value is made of it; otherwise only which rows, or their order, are.

    Masking when every one of the transformations hides the value. One dependency that is direct and indirect is two.
    """

    source: Dataset
    source_field: str
    target_field: str
    is_direct: bool
    is_masking: bool
    transformations: tuple[Transformation, ...]


class Field(NamedTuple):
    """A column, or a part of one; `name` is its path."""

    name: str
    type: str
    description: str
    depth: int


class Tag(NamedTuple):
    """Without a field it is of the whole dataset, job or run."""

    key: str
    value: str
    field: str
    source: str


def column_lineage(facet: Any) -> list[Link]:
    """The links that a `columnLineage` facet tells, each once, in no order."""
    links: dict[Link, None] = {}
    for target, said in _object(_object(facet).get("fields")).items():
        said = _object(said)
        if not _is_field(target):
            continue
        older = _older(said)
        for source in _list(said.get("inputFields")):
            links |= dict.fromkeys(_links(source, target, older, is_direct=True))
    for source in _list(_object(facet).get("dataset")):
        links |= dict.fromkeys(_links(source, WHOLE, None, is_direct=False))
    return list(links)


def explicit(facet: Any) -> list[Link]:
    """The links that a `lineage` facet of a dataset tells, or one entry of a job's. Jobs as sources have no fields."""
    links: dict[Link, None] = {}
    for source in _list(_object(facet).get("inputs")):
        if _is_dataset(source):
            links |= dict.fromkeys(_links(source, WHOLE, None, is_direct=not source.get("field"), may_be_whole=True))
    for target, said in _object(_object(facet).get("fields")).items():
        if not _is_field(target):
            continue
        for source in _list(_object(said).get("inputs")):
            if _is_dataset(source):
                links |= dict.fromkeys(_links(source, target, None, is_direct=True, may_be_whole=True))
    return list(links)


class Entry(NamedTuple):
    """What a `lineage` facet says of one dataset or job: what it is made of. Without a target: of the event's job."""

    target: Dataset | None
    is_job: bool
    datasets: list[Dataset]
    jobs: list[Dataset]
    links: list[Link]


def entries(facet: Any) -> Iterator[Entry]:
    """The entries of the `lineage` facet of a job."""
    for said in _list(_object(facet).get("entries")):
        target = _dataset(_object(said))
        if target is not None or not _is_dataset(said):
            yield _entry(said, target, is_job=not _is_dataset(said))


def entry(facet: Any, target: Dataset) -> Entry:
    """The `lineage` facet of a dataset."""
    return _entry(facet, target, is_job=False)


def _entry(said: Any, target: Dataset | None, *, is_job: bool) -> Entry:
    links = [] if is_job else explicit(said)
    listed = [_object(one) for one in _list(_object(said).get("inputs"))]
    jobs = [job for one in listed if not _is_dataset(one) and (job := _dataset(one))]
    datasets = [dataset for one in listed if _is_dataset(one) and (dataset := _dataset(one))]
    datasets += [link.source for link in links]
    return Entry(target, is_job, list(dict.fromkeys(datasets)), list(dict.fromkeys(jobs)), links)


def schema(facet: Any) -> list[Field]:
    """The fields that a `schema` facet lists, nested ones after the one they are part of."""
    return list(_fields(_list(_object(facet).get("fields")), "", 0))


def tags(facet: Any) -> list[Tag]:
    """The tags of a `tags` facet, each once. One whose value says no is none."""
    found: dict[Tag, None] = {}
    for said in _list(_object(facet).get("tags")):
        said = _object(said)
        key, value = said.get("key"), _text(said.get("value"))
        if isinstance(key, str) and 0 < len(key) <= LONGEST_TEXT and holds(value):
            found[Tag(key, value, _text(said.get("field")), _text(said.get("source")))] = None
    return list(found)


def holds(value: str) -> bool:
    """Whether a tag of this value holds; `pii=false` says that it does not."""
    return value.strip().lower() not in NO


def concern(left: str, right: str) -> bool:
    """Whether two fields are the same, one is part of the other, or one is the whole dataset."""
    if WHOLE in (left, right) or left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    return longer.startswith(shorter + SEPARATOR)


def ancestry(field: str) -> list[str]:
    """What a field is part of, from the outermost on, and last itself: `a`, `a.b`, `a.b.c`."""
    parts = field.split(SEPARATOR)
    return [SEPARATOR.join(parts[:count]) for count in range(1, len(parts) + 1)]


def _links(
    source: Any, target: str, older: Transformation | None, *, is_direct: bool, may_be_whole: bool = False
) -> Iterator[Link]:
    """The links of one input field: one for what is direct about it and one for what is not."""
    source = _object(source)
    dataset, name = _dataset(source), source.get("field")
    if may_be_whole and name is None:
        name = WHOLE
    elif not _is_field(name):
        return
    if dataset is None:
        return
    said = [_transformation(one) for one in _list(source.get("transformations"))[:MAX_TRANSFORMATIONS]]
    said = [one for one in said if one.type] or ([older] if older else [])
    if not said:
        yield Link(dataset, name, target, is_direct, False, ())
        return
    for is_kind in (True, False):
        kind = tuple(one for one in said if (one.type != "INDIRECT") == is_kind)
        if kind:
            yield Link(dataset, name, target, is_kind, all(one.is_masking for one in kind), kind)


def _transformation(said: Any) -> Transformation:
    said = _object(said)
    return Transformation(
        _text(said.get("type")).upper(),
        _text(said.get("subtype")).upper(),
        _text(said.get("description")),
        said.get("masking") is True,
    )


def _older(said: Mapping[str, Any]) -> Transformation | None:
    """IDENTITY or MASKED for all inputs of a field, as the facet had it until 1-0-2."""
    word, description = _text(said.get("transformationType")).upper(), _text(said.get("transformationDescription"))
    if not word and not description:
        return None
    return Transformation("DIRECT", word, description, word == "MASKED")


def _fields(listed: Iterable[Any], prefix: str, depth: int) -> Iterator[Field]:
    for said in listed:
        said = _object(said)
        name = said.get("name")
        if not (isinstance(name, str) and _is_field(name)):
            continue
        path = prefix + name
        yield Field(path, _text(said.get("type")), _text(said.get("description")), depth)
        if depth < MAX_DEPTH:
            yield from _fields(_list(said.get("fields")), path + SEPARATOR, depth + 1)


def _dataset(said: Mapping[str, Any]) -> Dataset | None:
    namespace, name = said.get("namespace"), said.get("name")
    return Dataset(namespace, name) if _is_field(namespace) and _is_field(name) else None  # type: ignore[arg-type]


def _is_dataset(said: Any) -> bool:
    return bool(_object(said).get("type", "DATASET") == "DATASET")


def _is_field(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_FIELD_CHARS


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else "" if value is None else str(value)[:LONGEST_TEXT]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
