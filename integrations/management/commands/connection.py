"""Connections at the command line, as the operator."""

import json
from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import selectors
from governance.errors import DomainError
from integrations import connections, systems
from integrations.connections import Settings
from integrations.models import Connection, Purpose
from integrations.selectors import hook_url


class Command(BaseCommand):
    help = "Make, list, rotate, pause, resume or retire connections to outside systems."

    def add_arguments(self, parser: CommandParser) -> None:
        below = parser.add_subparsers(dest="act", required=True)
        make = below.add_parser("create", help="Make one; prints its address and its secret as JSON, this once.")
        make.add_argument("slug")
        make.add_argument("--system", required=True)
        make.add_argument("--team", required=True, help="The slug of the team that answers for it.")
        make.add_argument("--namespace", required=True, help="Names the instance in the graph: mlflow://ml.example.")
        make.add_argument("--title", default="")
        make.add_argument("--scheme", default=None, help="How deliveries are proven; the system's first when absent.")
        make.add_argument("--secret", default="", help="The sender's; one is made when absent.")
        make.add_argument("--outgoing-secret", default="", help="What we prove ourselves with.")
        make.add_argument("--auth", default="{}", help='How we do so, as JSON: {"kind": "bearer"}.')
        make.add_argument("--options", default="{}", help="The system's options, as JSON.")
        make.add_argument("--scheme-options", default="{}", help="The scheme's options, as JSON.")
        make.add_argument("--address", default="", help="Where it is polled and told.")
        make.add_argument("--poll-every", type=int, default=None, metavar="SECONDS")
        make.add_argument("--window", type=int, default=None, metavar="SECONDS", help="0 is any age.")
        make.add_argument("--network", action="append", default=[], metavar="CIDR")
        make.add_argument(
            "--exist-ok", action=BooleanOptionalAction, default=False, help="Do nothing when there is one already."
        )
        below.add_parser("list", help="List them.")
        for act, says in (
            ("rotate", "Make a new incoming secret and print it."),
            ("pause", "Take and ask nothing until it is resumed."),
            ("resume", "Take and ask again."),
            ("retire", "End it for good."),
        ):
            below.add_parser(act, help=says).add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["act"]:
                case "create":
                    self._create(options)
                case "list":
                    for one in Connection.objects.select_related("team"):
                        state = "retired" if one.retired_at else "active" if one.is_active else "paused"
                        self.stdout.write(f"{one.slug}\t{one.system}\t{one.namespace}\t{one.team.slug}\t{state}")
                case "rotate":
                    made = connections.rotate(actor=None, connection=_find(options["slug"]), purpose=Purpose.INCOMING)
                    self._print(made)
                case "pause":
                    connections.pause(actor=None, connection=_find(options["slug"]))
                case "resume":
                    connections.resume(actor=None, connection=_find(options["slug"]))
                case _:
                    connections.retire(actor=None, connection=_find(options["slug"]))
        except DomainError as refusal:
            raise CommandError(refusal.message) from None

    def _create(self, options: dict[str, Any]) -> None:
        if options["exist_ok"] and Connection.objects.filter(slug=options["slug"]).exists():
            return
        system = systems.BY_SLUG.get(options["system"])
        scheme = options["scheme"]
        if scheme is None:
            scheme = next(iter(system.schemes), "") if system else ""
        made = connections.create(
            actor=None,
            team=selectors.team(options["team"]),
            slug=options["slug"],
            system=options["system"],
            namespace=options["namespace"],
            settings=Settings(
                title=options["title"] or (system.title if system else options["slug"]),
                options=_object("--options", options["options"]),
                scheme=str(scheme),
                scheme_options=_object("--scheme-options", options["scheme_options"]),
                window_s=options["window"],
                networks=options["network"],
                address=options["address"],
                auth=_object("--auth", options["auth"]),
                poll_interval_s=options["poll_every"],
            ),
            secret=options["secret"],
            outgoing_secret=options["outgoing_secret"],
        )
        self._print(made)

    def _print(self, made: connections.Made) -> None:
        document = {"connection": made.connection.slug, "url": hook_url(made), "secret": made.secret}
        self.stdout.write(json.dumps(document))


def _find(slug: str) -> Connection:
    found = Connection.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no connection {slug}.")
    return found


def _object(option: str, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{option}: no JSON: {error}.") from None
    if not isinstance(document, dict):
        raise CommandError(f"{option}: no JSON object.")
    return document
