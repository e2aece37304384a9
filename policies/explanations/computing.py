"""Attributions from the file of a model, computed in a process of its own with bounds."""

import logging
from pathlib import Path

import msgspec

from governance import confinement
from governance.confinement import Limits, Reason, Stopped
from governance.errors import DomainError, Invalid, TooLarge, Unavailable
from governance.standing import Prepared
from policies.explanations import formats, orders
from policies.explanations.attributions import Attributions, Computed
from policies.explanations.formats import Format
from policies.explanations.orders import Answer, Order

logger = logging.getLogger(__name__)
# The address space, of which libraries and their threads reserve more than they use.
LIMITS = Limits(memory_mib=4_096, cpu_s=80, wall_s=45.0, written_mib=512)
TABLE_MIB = 512
INSTALL = "pip install --require-hashes -r requirements-explain.txt"


class NotInstalled(Unavailable):
    """The worker lacks the library that reads models of this format."""

    code = "explainer_not_installed"


def recognise(model: Path, asked: Computed) -> Format:
    """The format of the model. Raises Invalid for one that is refused, and NotInstalled when nothing here reads it."""
    format_ = formats.recognise(model, name=asked.model, said=asked.format)
    if package := orders.missing(format_):
        raise NotInstalled(f"This worker cannot explain {format_} models: it lacks {package}. Install it: {INSTALL}")
    return format_


def compute(model: Path, data: Path, asked: Computed, format_: Format, limits: Limits | None = None) -> Attributions:
    """The attributions on a sample of the data's rows. Takes seconds.

    Raises Invalid for a model or table that cannot be used as asked, and TooLarge for what takes more than the limits.
    """
    limits = limits or LIMITS
    order = Order(model=str(model), data=str(data), format=format_, asked=asked, memory_mib=TABLE_MIB)
    with confinement.scratch() as folder:
        try:
            done = confinement.run(
                "policies.explanations.explaining",
                [msgspec.json.encode(order).decode()],
                folder=folder,
                limits=limits,
                readable=[model, data],
                prepared=Prepared(function="policies.explanations.libraries:load", argument=format_),
            )
        except Stopped as stopped:
            raise _refusal(stopped, limits) from stopped
    answer = msgspec.json.decode(done.output, type=Answer)
    if answer.found is None:
        raise TooLarge(answer.refused) if answer.is_too_large else Invalid(answer.refused)
    return msgspec.structs.replace(answer.found, libraries=orders.versions(format_), enforced=list(done.enforced))


def _refusal(stopped: Stopped, limits: Limits) -> DomainError:
    match stopped.reason:
        case Reason.MEMORY:
            return TooLarge(
                f"Explaining the model needs more than {limits.memory_mib:,} MiB. Ask for a smaller sample, or send "
                "attributions that the pipeline computed."
            )
        case Reason.TIME:
            return TooLarge(
                f"Explaining the model takes longer than {limits.wall_s:g} seconds. Ask for a smaller sample or "
                "background, or send attributions that the pipeline computed."
            )
        case Reason.FAILED:
            logger.warning("Explaining a model failed: %s", stopped.said)
            return Invalid(
                "The library that reads the model broke down on its file. Send attributions that the pipeline computed."
            )
