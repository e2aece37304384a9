"""Facts of what a training would be repeated from, and of runs that did."""

import hashlib
from typing import Any

import msgspec

from lineage import evidence, facetschemas, remarks, repeats
from lineage.evidence import RunEvidence
from lineage.facetschemas import Environment, TrainingParameters
from policies.checks.facts import RecipeFact, RepeatFact
from policies.checks.reproducible import ReproducibleParameters
from policies.measured import facts as measured
from policies.models import Promotion


def gather(promotion: Promotion, parameters: ReproducibleParameters) -> dict[str, Any]:
    """The recipe of the newest run that wrote the version, with repeats of it if the rule asks for them."""
    runs = evidence.producing_runs(promotion.model_version)
    if not runs:
        return {}
    found: dict[str, Any] = {"recipe": _recipe(runs[0])}
    if parameters.second_run is not None:
        found["repeats"] = [
            RepeatFact(
                recipe=_recipe(repeat.run),
                version=repeat.version,
                measurements=measured(repeat.measurements),
                own=measured(repeat.own),
            )
            for repeat in repeats.of(runs[0], model=promotion.model, version=promotion.model_version)
        ]
    return found


def _recipe(run: RunEvidence) -> RecipeFact:
    said = remarks.of_runs([run.uuid], [facetschemas.TRAINING_PARAMETERS, facetschemas.ENVIRONMENT])
    bodies = {remark.key: remark.body for remark in said}
    training = facetschemas.read(TrainingParameters, bodies.get(facetschemas.TRAINING_PARAMETERS))
    environment = facetschemas.read(Environment, bodies.get(facetschemas.ENVIRONMENT))
    pinned = {f"{one.namespace} {one.name}": one.version for one in run.inputs if one.is_pinned and one.version}
    return RecipeFact(
        run=run.external_id,
        commit=run.commit,
        environment=_environment(environment) if environment else None,
        parameters=_digest(training.parameters) if training else None,
        seed=str(training.seed) if training and training.seed is not None else None,
        data=pinned if run.inputs and len(pinned) == len(run.inputs) else None,
    )


def _environment(said: Environment) -> str | None:
    """None where only names are known that may mean another thing tomorrow, such as an image by its tag."""
    if "@sha256:" in said.image:
        return said.image.partition("@")[2]
    if said.lock_digest:
        return said.lock_digest
    return _digest({"packages": said.packages, "python": said.python}) if said.packages else None


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
