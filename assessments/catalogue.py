"""The frameworks that teams are rated by: those that come with Assay, an organisation's own, and its adjustments.

Documents are YAML; every error names file, line, column and field.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from assessments.framework import (
    Adjustment,
    Criterion,
    Framework,
    Kind,
    Ladder,
    Rubric,
    ScoredTest,
    Statistic,
    Vocabulary,
)
from governance import yamldocuments
from governance.yamldocuments import BadDocument, Document, Error

OURS = Path(__file__).parent / "frameworks"
VOCABULARY = Path(__file__).parent / "vocabulary.yaml"
# The basis of a threshold that the source states or that only this criterion has.
STATED = "stated"


class BadCatalogue(Exception):
    """Frameworks that cannot be used, with everything found wrong as file:line:column: field: problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Frameworks by their slug, in the order of the slugs, and the words they are written in."""

    frameworks: Mapping[str, Framework]
    vocabulary: Vocabulary

    @property
    def ladders(self) -> list[Ladder]:
        return [framework for framework in self.frameworks.values() if isinstance(framework, Ladder)]

    @property
    def rubrics(self) -> list[Rubric]:
        return [framework for framework in self.frameworks.values() if isinstance(framework, Rubric)]


@lru_cache(maxsize=8)
def load(folder: Path | None = None) -> Catalogue:
    """Our frameworks with what the organisation's folder adds and adjusts. Remembered per folder.

    Raises BadCatalogue. A framework of the folder with a slug of ours is refused: history would mix the two.
    """
    words = vocabulary()
    problems: list[str] = []
    frameworks: dict[str, tuple[Path, Document, Framework]] = {}
    adjustments: list[tuple[Path, Document, Adjustment]] = []
    for path in _files(folder, problems):
        try:
            document = yamldocuments.read(path.read_text(encoding="utf-8"))
            read = _content(document, words)
            if isinstance(read, Adjustment):
                adjustments.append((path, document, read))
            elif read.framework in frameworks:
                first = frameworks[read.framework][0]
                raise BadDocument([document.error(("framework",), f"{first.name} has this name already")])
            else:
                frameworks[read.framework] = (path, document, read)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: cannot be read: {error}")
        except BadDocument as bad:
            problems += [f"{path}:{error}" for error in bad.errors]
    for path, document, adjustment in adjustments:
        try:
            place, original, framework = _adjusted(document, adjustment, frameworks)
            frameworks[adjustment.adjusts] = (place, original, framework)
        except BadDocument as bad:
            problems += [f"{path}:{error}" for error in bad.errors]
    problems += _dangling(frameworks.values())
    if problems:
        raise BadCatalogue(problems)
    return Catalogue(frameworks={slug: frameworks[slug][2] for slug in sorted(frameworks)}, vocabulary=words)


def parse(text: str) -> Framework | Adjustment:
    """What one document says. Raises BadDocument."""
    return _content(yamldocuments.read(text), vocabulary())


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    document = yamldocuments.read(VOCABULARY.read_text(encoding="utf-8"))
    return document.typed(Vocabulary, document.content)


def digest(framework: Framework) -> str:
    """The identity of everything a framework says, adjustments included."""
    return hashlib.sha256(msgspec.json.encode(framework)).hexdigest()


def _files(folder: Path | None, problems: list[str]) -> list[Path]:
    files = sorted(OURS.glob("*.yaml"))
    if folder is not None:
        if not folder.is_dir():
            problems.append(f"{folder}: is no folder")
        files += sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return files


def _content(document: Document, words: Vocabulary) -> Framework | Adjustment:
    content = document.content
    if not isinstance(content, dict) or not ({"framework", "adjusts"} & content.keys()):
        raise BadDocument([document.error((), "begins with 'framework:' or 'adjusts:'")])
    if "adjusts" in content:
        return document.typed(Adjustment, content)
    framework: Framework
    if "tests" in content:
        framework = document.typed(Rubric, content)
        errors = [*_rubric_errors(document, framework, words)]
    else:
        framework = document.typed(Ladder, content)
        errors = [*_ladder_errors(document, framework, words)]
    if errors:
        raise BadDocument(errors)
    return framework


def _ladder_errors(document: Document, ladder: Ladder, words: Vocabulary) -> Iterator[Error]:
    for number, level in enumerate(ladder.levels):
        if level.level != number:
            yield document.error(("levels", number, "level"), f"levels count up from 0, so this is {number}")
    yield from _twice(document, "criteria", ladder.criteria)
    rows = [row.row for row in ladder.rows]
    for number, criterion in enumerate(ladder.criteria):
        path = ("criteria", number)
        if criterion.level > ladder.top:
            yield document.error((*path, "level"), f"there is no level {criterion.level}")
        if rows and criterion.row not in rows:
            yield document.error((*path, "row"), _unknown("row", criterion.row, rows))
        if criterion.row and not rows:
            yield document.error((*path, "row"), "the framework has no rows")
        yield from _criterion_errors(document, path, criterion, ladder, words)


def _criterion_errors(
    document: Document, path: tuple[str | int, ...], criterion: Criterion, ladder: Ladder, words: Vocabulary
) -> Iterator[Error]:
    measure, threshold = criterion.measure, criterion.threshold
    populations = [population.population for population in words.populations]
    if criterion.kind is Kind.ATTESTED:
        if criterion.attestation is None:
            yield document.error((*path, "attestation"), "is missing: an attested criterion asks a question")
        if measure is not None or threshold is not None:
            yield document.error((*path, "measure"), "an attested criterion is not measured")
    elif measure is None or threshold is None:
        missing = "measure" if measure is None else "threshold"
        yield document.error((*path, missing), "is missing: a measured criterion has a measure and a threshold")
    else:
        if measure.population not in populations:
            yield document.error(
                (*path, "measure", "population"), _unknown("population", measure.population, populations)
            )
        yield from _fact_errors(document, (*path, "measure", "facts"), measure.facts, words)
        bases = {basis.basis: basis.value for basis in words.bases}
        if threshold.basis != STATED and bases.get(threshold.basis) != threshold.value:
            yield document.error(
                (*path, "threshold", "basis"),
                f"{threshold.basis} means {bases[threshold.basis]}, not {threshold.value}"
                if threshold.basis in bases
                else _unknown("basis", threshold.basis, [*bases, STATED]),
            )
        if measure.statistic is Statistic.SHARE and threshold.value > 1:
            yield document.error((*path, "threshold", "value"), "a share is at most 1")
    condition = criterion.applies_when
    if condition is None:
        return
    place = (*path, "applies_when")
    if (condition.exists is None) == (condition.known is None):
        yield document.error(place, "says either 'exists' or 'known'")
    if condition.exists is not None and condition.exists not in populations:
        yield document.error((*place, "exists"), _unknown("population", condition.exists, populations))
    measured = [other.id for other in ladder.criteria if other.kind is Kind.MEASURED and other.applies_when is None]
    if condition.known is not None and condition.known not in measured:
        yield document.error((*place, "known"), _unknown("measured criterion", condition.known, measured))


def _rubric_errors(document: Document, rubric: Rubric, words: Vocabulary) -> Iterator[Error]:
    yield from _twice(document, "tests", rubric.tests)
    sections = [section.section for section in rubric.sections]
    for number, test in enumerate(rubric.tests):
        path = ("tests", number)
        if test.section not in sections:
            yield document.error((*path, "section"), _unknown("section", test.section, sections))
        if test.kind is Kind.ATTESTED and test.attestation is None:
            yield document.error((*path, "attestation"), "is missing: an attested test asks for a report")
        yield from _fact_errors(document, (*path, "facts"), test.facts, words)
    for number, section in enumerate(sections):
        if not any(test.section == section for test in rubric.tests):
            yield document.error(("sections", number), "has no tests")
    ends = [band.up_to for band in rubric.bands]
    if ends != sorted(set(ends)):
        yield document.error(("bands",), "bands rise")


def _fact_errors(
    document: Document, path: tuple[str | int, ...], facts: Iterable[str], words: Vocabulary
) -> Iterator[Error]:
    known = [fact.fact for fact in words.facts]
    for number, fact in enumerate(facts):
        if fact not in known:
            yield document.error((*path, number), _unknown("fact", fact, known))


def _twice(document: Document, name: str, listed: Iterable[Criterion | ScoredTest]) -> Iterator[Error]:
    seen: set[str] = set()
    for number, one in enumerate(listed):
        if one.id in seen:
            yield document.error((name, number, "id"), f"{one.id} stands twice")
        seen.add(one.id)


def _adjusted(
    document: Document, adjustment: Adjustment, frameworks: Mapping[str, tuple[Path, Document, Framework]]
) -> tuple[Path, Document, Ladder]:
    path, original, framework = frameworks.get(adjustment.adjusts) or (None, None, None)
    if path is None or original is None or not isinstance(framework, Ladder):
        ladders = [slug for slug, (_, _, known) in frameworks.items() if isinstance(known, Ladder)]
        raise BadDocument([document.error(("adjusts",), _unknown("framework of levels", adjustment.adjusts, ladders))])
    if "+" in framework.version:
        raise BadDocument([document.error(("adjusts",), "another document adjusts this framework already")])
    ids = [criterion.id for criterion in framework.criteria]
    errors = [
        document.error((name, number), _unknown("criterion", listed, ids))
        for name, lists in (("gating", adjustment.gating), ("advisory", adjustment.advisory))
        for number, listed in enumerate(lists)
        if listed not in ids
    ]
    errors += [
        document.error(("advisory", number), "stands in gating as well")
        for number, listed in enumerate(adjustment.advisory)
        if listed in adjustment.gating
    ]
    if errors:
        raise BadDocument(errors)
    criteria = tuple(
        msgspec.structs.replace(
            criterion,
            gating=criterion.id in adjustment.gating or (criterion.gating and criterion.id not in adjustment.advisory),
        )
        for criterion in framework.criteria
    )
    version = f"{framework.version}+{adjustment.revision}"
    return path, original, msgspec.structs.replace(framework, version=version, criteria=criteria)


def _dangling(frameworks: Collection[tuple[Path, Document, Framework]]) -> list[str]:
    """Criteria of one framework may point to those of another, so that is looked at last."""
    known = {one.id for _, _, framework in frameworks for one in _listed(framework)}
    problems = []
    for path, document, framework in frameworks:
        name = "tests" if isinstance(framework, Rubric) else "criteria"
        for number, one in enumerate(_listed(framework)):
            for place, target in enumerate(one.maps_to):
                if target not in known:
                    error = document.error(
                        (name, number, "maps_to", place), _unknown("criterion", target, sorted(known))
                    )
                    problems.append(f"{path}:{error}")
    return problems


def _listed(framework: Framework) -> Sequence[Criterion | ScoredTest]:
    return framework.tests if isinstance(framework, Rubric) else framework.criteria


def _unknown(kind: str, said: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(said, known, n=1)
    return f"there is no {kind} {said!r}" + (f"; did you mean {near[0]!r}?" if near else "")
