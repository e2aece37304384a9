"""GitLab: a status of the commit, and a pipeline that retrains."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from integrations.carriers.base import Carrier, Setting, Word, segment
from integrations.notices import Kind, Notice, Request, State


class GitlabSetting(Setting, frozen=True, kw_only=True):
    """`retrain_project`: path of the project whose pipeline retrains, at `retrain_ref`; empty: none is started."""

    retrain_project: str = ""
    retrain_ref: Word = "main"


def carry(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    if not isinstance(setting, GitlabSetting):
        return
    subject = notice.subject
    if notice.kind is Kind.RETRAIN:
        if setting.retrain_project:
            variables = {"ASSAY_MODEL": subject.model, "ASSAY_VERSION": subject.version, "ASSAY_INCIDENT": notice.id}
            document = {
                "ref": setting.retrain_ref,
                "variables": [{"key": key, "value": value} for key, value in variables.items()],
            }
            path = f"api/v4/projects/{segment(setting.retrain_project)}/pipeline"
            yield Request(method="POST", path=path, document=document)
        return
    project = project_of(subject.repository, namespace)
    if project and subject.commit:
        document = {
            "state": "success" if notice.state is State.PASSED else "failed",
            "name": f"assay/{subject.stage}/{subject.model}",
            "target_url": notice.url,
            "description": notice.headline[:255],
        }
        path = f"api/v4/projects/{segment(project)}/statuses/{segment(subject.commit)}"
        # GitLab refuses to set a status that stands so already.
        yield Request(method="POST", path=path, document=document, accepts=((400, "Cannot transition status"),))


def project_of(address: str, namespace: str) -> str:
    """Path of a project of the connection's instance (`gitlab://gitlab.example`); empty for any other."""
    parts = urlsplit(address)
    if not parts.hostname or parts.hostname != urlsplit(namespace).hostname:
        return ""
    return parts.path.strip("/").removesuffix(".git")


CARRIER = Carrier(
    slug="gitlab",
    title="GitLab",
    kinds=frozenset({Kind.VERDICT, Kind.RETRAIN}),
    carry=carry,
    setting=GitlabSetting,
    setup="The outgoing secret is a project or group access token with the scope `api` and the role Developer.",
)
