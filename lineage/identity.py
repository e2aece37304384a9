"""UUIDs derived from identities, so that the same thing has the same UUID in every installation and after a rebuild."""

import hashlib
from enum import StrEnum
from functools import lru_cache
from uuid import UUID, uuid5

# Never changed: every stored UUID of the graph comes from it.
ROOT = UUID("8d1f5bb4-5b0e-5b8c-9a55-2f6f3f0c9a41")


class Family(StrEnum):
    """The space of names an asset lives in. Kinds may change with facets, the family never does."""

    DATASET = "dataset"
    JOB = "job"
    REPOSITORY = "repository"


class Kind(StrEnum):
    """What an asset is."""

    DATASET = "dataset"
    MODEL = "model"
    JOB = "job"
    DEPLOYMENT = "deployment"
    REPOSITORY = "repository"
    # Known only as another name of a dataset: nothing has read, written or described it by this name.
    NAME = "name"


@lru_cache(maxsize=65_536)
def asset(family: str, namespace: str, name: str) -> UUID:
    """The UUID of an asset. Names hold no NUL (events are normalised), so the joint text has one reading."""
    return uuid5(ROOT, f"{family}\0{namespace}\0{name}")


@lru_cache(maxsize=65_536)
def version(asset_uuid: UUID, key: str) -> UUID:
    """The UUID of one version of an asset."""
    return uuid5(asset_uuid, key)


def field(asset_uuid: UUID, name: str) -> UUID:
    """The UUID of a field of an asset; that of the asset itself for the empty name, which stands for all of it."""
    return uuid5(asset_uuid, f"field\0{name}") if name else asset_uuid


def mapping(target: UUID, job: UUID | None, links: bytes) -> UUID:
    """The UUID of what a job says of the fields of a dataset: the same words are the same mapping."""
    digest = hashlib.sha256(target.bytes + (job or ROOT).bytes + links).digest()
    return UUID(bytes=digest[:16])
