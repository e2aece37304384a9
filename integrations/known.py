"""What the graph knows, as translations of one connection's messages ask it. Remembers answers for one batch."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from integrations import joins, systems
from integrations.joins import Candidate, Candidates, FileSides
from integrations.models import Connection, JoinRule
from integrations.systems import locations
from lineage import files, identity, serving
from lineage.files import Placed
from lineage.identity import Family

# A path with more parts names a file far below a model's folder.
MAX_PARTS = 30
# What is looked up; an index takes no longer names either.
MAX_BYTES = 2_000


class Graph:
    """`Known` on the graph of now. `unresolved` collects what was asked for in vain since `begin`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_registry = joins.is_registry(systems.BY_SLUG[connection.system])
        self._decided = joins.decided(connection)
        self._files_decided: dict[str, FileSides] | None = None
        self._hearsay: set[str] | None = None
        self._models: dict[str, tuple[str, str] | None] = {}
        self._artifacts: dict[str, tuple[str, str, str] | None] = {}
        self._served: dict[tuple[str, str], tuple[str, str, str] | None] = {}
        self._wanting: set[str] = set()
        self.found: dict[tuple[JoinRule, str], Candidates] = {}
        self.unresolved: set[str] = set()

    def begin(self) -> None:
        """Another message is translated from here on."""
        self.unresolved = set()

    def model(self, name: str, version: str) -> tuple[str, str] | None:
        """The model that the joins, or the graph without doubt, give for the name."""
        if name not in self._models:
            self._models[name] = self._model(name)
        if name in self._wanting:
            self.unresolved.add(joins.unresolved_model(name))
        return self._models[name]

    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        """The version that lies at the longest part of the URI at which any lies; None when two lie there."""
        if uri not in self._artifacts:
            self._artifacts[uri] = self._artifact(uri)
        if self._artifacts[uri] is None:
            self.unresolved.add(joins.unresolved_files(without_credentials(uri)))
        return self._artifacts[uri]

    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        """The one version that the deployment serves; None when that is not certain."""
        place = (namespace, name)
        if place not in self._served:
            self._served[place] = None if "\0" in namespace + name else serving.version_of(namespace, name)
        if self._served[place] is None:
            self.unresolved.add(f"deployment {namespace} {name}"[:MAX_BYTES])
        return self._served[place]

    def _model(self, name: str) -> tuple[str, str] | None:
        if not name or not _is_asked(name):
            return None
        sides = self._decided.get(name, joins.Sides())
        if sides.confirmed or self._is_registry:
            return sides.confirmed
        if self._hearsay is None:
            self._hearsay = joins.namespaces_of_hearsay()
        found = joins.candidates(name, other_than={*self._hearsay, self._connection.namespace})
        left = [asset for asset in found if asset.uuid not in sides.rejected]
        if left:
            self.found[JoinRule.NAME, name] = Candidates(
                rule=JoinRule.NAME,
                name=name,
                said=(self._connection.namespace, name),
                found=[Candidate(asset=one.uuid, namespace=one.namespace, name=one.name) for one in left],
            )
        if len(left) == 1:
            return left[0].namespace, left[0].name
        if left or not found:
            self._wanting.add(name)
        return None

    def _artifact(self, uri: str) -> tuple[str, str, str] | None:
        if not _is_asked(uri):
            return None
        if self._files_decided is None:
            self._files_decided = joins.decided_of_files()
        name = without_credentials(uri)
        sides = self._files_decided.get(name, FileSides())
        if sides.confirmed:
            return sides.confirmed
        longest_first = list(_parts(uri))
        found = files.at(longest_first)
        for place in longest_first:
            here = {_candidate(one) for one in found if one.place == place}
            if here:
                left = [one for one in here if (one.asset, one.version) not in sides.rejected]
                self._note_files(uri, name, place, left)
                return (left[0].namespace, left[0].name, left[0].version) if len(left) == 1 else None
        return None

    def _note_files(self, uri: str, name: str, place: tuple[str, str], found: list[Candidate]) -> None:
        if not found:
            return
        said = locations.place(uri)
        self.found[JoinRule.FILES, name] = Candidates(
            rule=JoinRule.FILES,
            name=name,
            said=(said.namespace, said.name),
            found=sorted(found, key=lambda one: (one.namespace, one.name, one.version)),
            found_at=f"{place[0]} {place[1]}",
        )


def _is_asked(name: str) -> bool:
    return "\0" not in name and len(name.encode(errors="replace")) <= MAX_BYTES


def _candidate(placed: Placed) -> Candidate:
    asset = identity.asset(Family.DATASET, placed.namespace, placed.name)
    return Candidate(asset=asset, namespace=placed.namespace, name=placed.name, version=placed.version)


def _parts(uri: str) -> Iterator[tuple[str, str]]:
    """The place, and each folder that it lies in, the longest first. The whole store is no place of one model."""
    place = locations.place(uri)
    name = place.name
    for _ in range(MAX_PARTS):
        yield place.namespace, name
        name = name.rpartition("/")[0]
        if not name.strip("/"):
            return


def without_credentials(uri: str) -> str:
    """The URI without user, password and what stands behind the question mark, where signatures stand."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().replace("\0", "")
