"""GitHub: a commit status, a check run, the answer to a deployment protection rule, and `repository_dispatch`."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from integrations.carriers.base import Answer, Carrier, Setting, Word, segment
from integrations.notices import Kind, Notice, Question, Request, State

MAX_DESCRIPTION_CHARS = 140


class GithubSetting(Setting, frozen=True, kw_only=True):
    """`how`: a status of the commit, or a check run (which needs a GitHub App).

    `dispatch_to`: owner/name of the repository whose workflows retrain; empty: that of the commit.
    """

    how: Literal["status", "check_run"] = "status"
    dispatch_to: str = ""
    dispatch_event: Word = "assay-retrain"


def carry(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    if not isinstance(setting, GithubSetting):
        return
    subject = notice.subject
    repository = repository_of(subject.repository, namespace)
    if notice.kind is Kind.RETRAIN:
        if target := _path(setting.dispatch_to) or repository:
            document = {"event_type": setting.dispatch_event, "client_payload": {"assay": notice.document()}}
            yield Request(method="POST", path=f"repos/{target}/dispatches", document=document)
    elif repository and subject.commit:
        compose = _check_run if setting.how == "check_run" else _status
        yield compose(notice, repository)


def _status(notice: Notice, repository: str) -> Request:
    document = {
        "state": "success" if notice.state is State.PASSED else "failure",
        "target_url": notice.url,
        "description": notice.headline[:MAX_DESCRIPTION_CHARS],
        "context": f"assay/{notice.subject.stage}/{notice.subject.model}",
    }
    return Request(
        method="POST", path=f"repos/{repository}/statuses/{segment(notice.subject.commit)}", document=document
    )


def _check_run(notice: Notice, repository: str) -> Request:
    listed = "\n".join(f"- **{one.title}** ({one.outcome}): {one.summary}" for one in notice.reasons)
    document = {
        "name": f"Assay: {notice.subject.model} to {notice.subject.stage}",
        "head_sha": notice.subject.commit,
        "status": "completed",
        "conclusion": "success" if notice.state is State.PASSED else "failure",
        "completed_at": notice.at.isoformat(),
        "external_id": notice.id,
        "details_url": notice.url,
        "output": {"title": notice.headline[:255], "summary": listed or notice.headline},
    }
    return Request(method="POST", path=f"repos/{repository}/check-runs", document=document)


def reply(question: Question, answer: Answer) -> Iterator[Request]:
    """To a deployment protection rule. Without a state GitHub goes on waiting and only shows the comment."""
    environment = question.about.get("environment_name") or question.stage
    document = {"environment_name": environment, "comment": f"{answer.headline} {answer.url}".strip()}
    if answer.state != "unknown":
        document["state"] = "approved" if answer.state == "passed" else "rejected"
    yield Request(method="POST", path=question.callback, document=document)


def repository_of(address: str, namespace: str) -> str:
    """owner/name of a repository of the connection's instance (`github://github.com`); empty for any other."""
    parts = urlsplit(address)
    if not parts.hostname or parts.hostname != urlsplit(namespace).hostname:
        return ""
    return _path(parts.path.strip("/").removesuffix(".git"))


def _path(repository: str) -> str:
    """owner/name as two segments of a path; empty when it is anything else."""
    names = repository.split("/")
    return "/".join(segment(name) for name in names) if len(names) == 2 and all(names) else ""


CARRIER = Carrier(
    slug="github",
    title="GitHub",
    kinds=frozenset({Kind.VERDICT, Kind.RETRAIN}),
    carry=carry,
    reply=reply,
    setting=GithubSetting,
    setup=(
        "The outgoing secret is a fine-grained token, or an installation token of a GitHub App, with *Commit statuses: "
        "write* (check runs and deployment protection rules: a GitHub App with *Checks* and *Deployments: write*; "
        "`repository_dispatch`: *Contents: write*). The address is that of GitHub's REST API."
    ),
)
