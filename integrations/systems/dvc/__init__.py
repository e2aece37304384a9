"""DVC: stages of pipelines with the data that they read and wrote, models with their metrics, from files in Git.

DVC tells nobody anything. What it knows stands in `dvc.lock`, `dvc.yaml` and `*.dvc`; of which commit they are, and
which tags it has (`loans@v1.2.0` is a version, `loans#production` a stage), stands in the repository around them.
"""

from collections.abc import Iterable, Iterator

from integrations.notices import Claim
from integrations.openlineage import Event
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, System, Tested
from integrations.systems.dvc import checkout, stages
from integrations.systems.dvc.stages import DvcOptions
from integrations.systems.reading import Reader

LOCK, EXPERIMENTS, TRACKED = "dvc.lock", "exp_show", "dvc_file"


def type_of(message: Message) -> str:
    """The document alone tells what it is."""
    document, said = message.document, Reader(message.document)
    if isinstance(document, list):
        return EXPERIMENTS
    if said.at("lock") or said.at("tracked"):
        return checkout.REPOSITORY
    if said.text("schema") and said.at("stages"):
        return LOCK
    if said.at("stages") or said.at("artifacts"):
        return "dvc.yaml"
    if said.at("outs") or said.at("deps"):
        return TRACKED
    raise Refused("stages", "is missing: this is no file of DVC.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    if message.type == EXPERIMENTS:
        yield from stages.experiments(said, context, message)
    elif message.type == LOCK:
        yield from stages.repository(Reader({"lock": message.document}), context, message)
    elif message.type == TRACKED:
        yield from stages.repository(Reader({"tracked": {"": message.document}}), context, message)
    else:
        yield from stages.repository(said, context, message)


def claims(message: Message, context: Context) -> Iterable[Claim]:
    return stages.claims(Reader(message.document), context, message) if message.type == checkout.REPOSITORY else ()


SYSTEM = System(
    slug="dvc",
    title="DVC",
    group=Group.DATA,
    mechanisms=(Mechanism.IMPORT,),
    tested=Tested.REAL,
    handled={
        checkout.REPOSITORY: "stages of a commit: data by hashes, parameters, models, metrics; tags that claim stages",
        LOCK: "stages with data by their hashes, without the commit",
        TRACKED: "a file that is tracked, or imported from another repository",
        EXPERIMENTS: "parameters, metrics and data of commits and experiments",
    },
    ignored={
        "dvc.yaml": "what stages are to be; what they were stands in dvc.lock, which is read together with it",
        "params": "parameters stand in dvc.lock",
        "metrics_show": "read together with the lock file, or as exp show, which say of which commit they are",
        "data_status": "what is not committed yet is nothing that others could find",
    },
    brings=frozenset(
        {Fact.JOB, Fact.RUN, Fact.DATASET, Fact.COMMIT, Fact.MODEL, Fact.MODEL_VERSION, Fact.KPI, Fact.APPROVAL}
    ),
    setup=(
        "In CI, after `dvc repro` or on each push, import the checkout:\n\n"
        "```sh\nmanage.py import_from dvc path/to/checkout\n```\n\n"
        "One connection is one repository; name its instance `dvc://host/owner/name`, so that imports from other "
        "repositories (`dvc import`) find their sources. Models are the `artifacts` of the type `model` in "
        "`dvc.yaml`; Git tags `name@v1.2.0` are their versions and `name#stage` says what is live."
    ),
    options=DvcOptions,
    type_of=type_of,
    translate=translate,
    read_files=checkout.read_files,
    claims=claims,
)
