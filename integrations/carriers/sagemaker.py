"""SageMaker: the approval status of a model package, on which its own pipelines deploy."""

from collections.abc import Iterator

from integrations.carriers.base import Carrier, Setting
from integrations.notices import Kind, Notice, Request, State

MAX_DESCRIPTION_CHARS = 1_024
TARGET = "SageMaker.UpdateModelPackage"


class SagemakerSetting(Setting, frozen=True, kw_only=True):
    """`packages`: the ARN before a package's name and version: `arn:aws:sagemaker:eu-central-1:123456789012`."""

    packages: str = ""


def carry(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    """For model packages of this connection; their version is the number of the package in its group."""
    subject = notice.subject
    if subject.namespace != namespace or not isinstance(setting, SagemakerSetting) or not setting.packages:
        return
    yield Request(
        method="POST",
        path="",
        headers={"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"},
        document={
            "ModelPackageArn": f"{setting.packages}:model-package/{subject.model}/{subject.version}",
            "ModelApprovalStatus": "Approved" if notice.state is State.PASSED else "Rejected",
            "ApprovalDescription": f"{notice.headline} {notice.url}"[:MAX_DESCRIPTION_CHARS],
        },
    )


CARRIER = Carrier(
    slug="sagemaker",
    title="Amazon SageMaker",
    kinds=frozenset({Kind.VERDICT}),
    carry=carry,
    setting=SagemakerSetting,
    setup=(
        "The outgoing secret is an access key with `sagemaker:UpdateModelPackage`, as `key id:secret key`; requests "
        "are signed with it (Signature Version 4). The address is the service's in your region."
    ),
)
