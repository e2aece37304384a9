"""The facets that Assay reads as a document, made from their forms."""

import inspect
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from django.core.management.base import BaseCommand

from lineage import facetschemas
from lineage.facetschemas import Form

HEAD = """\
# Facets that Assay reads

Made from the code by `manage.py facets`; a test keeps it current. Facets are the named pieces of OpenLineage events
(`POST /api/v1/lineage`). Those that begin with `assay_` are ours, since the standard has none for what they say; give
them any `_producer` and a `_schemaURL` such as `urn:assay:facet:model-card:1`. The [checks](checks.md) say which of
them they read.

**Where to put them.** A model is a dataset with the standard facet `datasetType` of `MODEL` and the facet `version`
with its version in the registry. What is said of a dataset or model goes into its `facets`, `inputFacets` or
`outputFacets`, of a run event, or of a dataset event when no run says it; with the facet `version` beside it, it is
said of that version alone. What is said of a run goes into the run's facets. A later event of the same run replaces
the facet, as OpenLineage has it; facets of different runs stand beside each other. `{"_deleted": true}` takes one
back.

**What is wrong is told and never refused.** A facet that is not of its form below leaves a warning in the answer to
the sender and with the event; the event is kept, and checks do not read the facet: what it says is then unknown.
Fields that are not named here may stand beside those that are. Times are RFC 3339. Numbers that are not finite count
as null.

## Standard facets that are read as they are

| facet | on | read for |
|---|---|---|
| `version` | dataset | which version a run read or wrote; pinned inputs |
| `datasetType` | dataset | what is a model |
| `schema` | dataset | `schema-match` |
| `documentation` | dataset | `documentation`, by the headings of its Markdown |
| `tags` | dataset | `personal-data`; tags of fields by `field` |
| `columnLineage` | dataset | `personal-data`; the way of a field and whether it is masked |
| `sourceCodeLocation` | job | the commit: `lineage-complete`, `reproducible` |
| `jobType` | job | what is a deployment (`SERVICE`) |
| `parent` | run | which run belongs to which |
| `airflow` | run | assets that a task reads or writes and that are missing from its inputs and outputs |
| `tags` | run | shown with the run |

Facets that only measure the [maturity](maturity.md) of a team are told there.
"""


class Command(BaseCommand):
    help = "Print docs/facets.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")


def document() -> str:
    """The whole document."""
    places: dict[str, list[str]] = {}
    forms: dict[str, type[Form]] = {}
    for place, listed in (
        ("dataset or model", facetschemas.OF_DATASETS),
        ("run", facetschemas.OF_RUNS),
        ("job", facetschemas.OF_JOBS),
    ):
        for key, form in listed.items():
            forms[key] = form
            places.setdefault(key, []).append(place)
    ours = sorted(key for key in forms if key.startswith("assay_"))
    standard = sorted(set(forms) - set(ours))
    parts = [HEAD, "## Our own facets\n", *("\n\n".join(_facet(key, forms[key], places[key])) + "\n" for key in ours)]
    parts += ["## Standard facets whose form is checked\n"]
    parts += ["\n\n".join(_facet(key, forms[key], places[key])) + "\n" for key in standard]
    return "\n".join(parts)


def _facet(key: str, form: type[Form], places: list[str]) -> Iterator[str]:
    yield f"### `{key}`"
    yield f"On: {', '.join(places)}. {' '.join(inspect.cleandoc(form.__doc__ or '').split())}"
    if example := facetschemas.EXAMPLES.get(key):
        yield f"```json\n{json.dumps(example, indent=2)}\n```"
    yield f"<details><summary>JSON Schema</summary>\n\n```json\n{json.dumps(schema(form), indent=2)}\n```\n\n</details>"


def schema(form: type[Form]) -> dict[str, Any]:
    """The JSON Schema of a form, with those it is made of under `$defs`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(form)}
