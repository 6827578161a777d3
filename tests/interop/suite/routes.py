"""The routes that the cases use, and the agent's configuration for them."""

from .lab import PIN_DIRECTORY
from .objects import guide

PORT = guide.PORT


def everything(percent):
    """Each request, by the guide's only route."""
    return guide.routes(percent)


def agent_config(routes_path):
    return f"""\
node: interop
tap:
  interfaces: ["veth*"]
  direction: egress
  pin_directory: {PIN_DIRECTORY}
routes:
  files: ["{routes_path}"]
  reload: 1s
shutdown_grace: 20s
"""
