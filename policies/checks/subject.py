"""What is promoted and what its owners say of it, as checks see it. Pure."""

import msgspec

from governance.criticality import Goal


class SubjectFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The model version, where it is to go, and its classification. The tier is empty while nobody has said it."""

    model: str = ""
    namespace: str = ""
    version: str = ""
    stage: str = ""
    teams: list[str] = []
    tier: str = ""
    tags: list[str] = []
    data_classes: list[str] = []
    evidence: list[str] = []
    goals: list[Goal] = []
    done_when: str = ""
