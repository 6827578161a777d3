"""The routes that the cases use, what each of them chooses, and the agent's configuration."""

import dataclasses
import re

from .lab import PIN_DIRECTORY
from .objects import guide

PORT = guide.PORT


@dataclasses.dataclass(frozen=True)
class Rules:
    """Routes with a mirror, in the agent's words and in those of the reports: `conditions` of each route, as guide.route
    takes them, and a pattern for the kinds of calls that meet them. No pattern: the first route takes everything."""

    conditions: tuple = (None,)
    chosen: str = ".*"
    otherwise: str = "not_sampled"  # under what name the ledger has the others

    def text(self, percent):
        with_mirror = [guide.route(percent=percent, name=f"rule-{number}", conditions=conditions)
                       for number, conditions in enumerate(self.conditions)]
        return guide.meta_router(*with_mirror, *self._last()) + guide.service()

    def chooses(self, kind):
        return re.fullmatch(self.chosen, kind) is not None

    def _last(self):
        return [guide.route(mirror=None, name="the-rest")] if self.otherwise == "no_route" else []


EVERYTHING = Rules()
_INTERFACE = {"interface": ("exact", guide.INTERFACE)}
_FIELDS = (_INTERFACE | {"method": ("exact", "sayHello"), "tenant": ("exact", "gray")},
           {"method": ("prefix", "rep"), "tenant": ("regex", "b.*e")},
           {"method": ("regex", "echo(Bytes|Text)"), "tenant": ("prefix", "grün-")})
# By the interface, the method and an attachment: the body has to be read up to its end.
BY_FIELDS = Rules(_FIELDS, "sayHello@gray|reprice@blue|echoBytes@grün-世界", "no_route")
# The same where an object among the arguments hides what is behind it.
BY_FIELDS_OF_TEXT = Rules(_FIELDS, "sayHello@gray|echoBytes@grün-世界", "no_route")
# Messages of protobuf, one call of each tenant.
BY_FIELDS_OF_MESSAGES = Rules((_INTERFACE | {"method": ("exact", "greet"), "tenant": ("prefix", "gr")},),
                              "greet@gray|greet@grün-世界", "no_route")
# The same for bodies that can't be read at all: the requests are not mirrored.
BY_FIELDS_UNREAD = Rules(_FIELDS, "", "undecodable")


def agent_config(routes_path, workers):
    return f"""\
node: interop
workers: {workers}
tap:
  interfaces: ["veth*"]
  direction: egress
  pin_directory: {PIN_DIRECTORY}
routes:
  files: ["{routes_path}"]
  reload: 1s
shutdown_grace: 20s
"""
