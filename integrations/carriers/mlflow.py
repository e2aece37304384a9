"""MLflow: the verdict as tags of the model version, and the alias of the stage once it has passed."""

from collections.abc import Iterator

import msgspec

from integrations.carriers.base import Carrier, Setting, Word
from integrations.notices import Claim, Kind, Notice, Request, State

API = "api/2.0/mlflow"


class MlflowSetting(Setting, frozen=True, kw_only=True):
    """`aliases`: stage -> alias that is set after a pass; a stage that is not named gets no alias."""

    aliases: dict[Word, Word] = msgspec.field(default_factory=lambda: {"production": "champion"})


def carry(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    subject = notice.subject
    if subject.namespace != namespace:
        return
    for key, value in (("assay.verdict", notice.state or ""), ("assay.url", notice.url)):
        yield Request(
            method="POST",
            path=f"{API}/model-versions/set-tag",
            document={
                "name": subject.model,
                "version": subject.version,
                "key": f"{key}.{subject.stage}",
                "value": value,
            },
        )
    if notice.state is State.PASSED and isinstance(setting, MlflowSetting):
        alias = setting.aliases.get(subject.stage)
        if alias:
            yield _alias(subject.model, subject.version, alias)


def restore(claim: Claim, version: str, setting: Setting) -> Iterator[Request]:
    """Only an alias that we set ourselves is ours to move back."""
    if isinstance(setting, MlflowSetting) and (alias := setting.aliases.get(claim.stage)):
        yield _alias(claim.model, version, alias)


def _alias(model: str, version: str, alias: str) -> Request:
    document = {"name": model, "version": version, "alias": alias}
    return Request(method="POST", path=f"{API}/registered-models/alias", document=document)


CARRIER = Carrier(
    slug="mlflow",
    title="MLflow",
    kinds=frozenset({Kind.VERDICT}),
    carry=carry,
    restore=restore,
    setting=MlflowSetting,
    setup=(
        "The account of the outgoing secret needs the permission EDIT on the registered models. The tags "
        "`assay.verdict.<stage>` and `assay.url.<stage>` are set on the version; the alias of the stage is moved only "
        "after a pass."
    ),
)
