"""The objects of the Aeraki guide for the pods of scripts/lab.sh, as text: what the lab tests, the demo and tests/interop
give the agent as routes."""

INTERFACE = "org.apache.dubbo.samples.basic.api.DemoService"
HOST = INTERFACE.lower()
PORT = 20880
ADDRESSES = {"consumer": ("10.44.0.10", "fd44::10"), "v1": ("10.44.0.11", "fd44::11"), "v2": ("10.44.0.12", "fd44::12")}
NODE_ADDRESS = "10.44.0.1"


def mirror_to(subset, percent):
    if subset is None:
        return ""
    return f"""
      mirror:
        host: {HOST}
        subset: {subset}
      mirrorPercentage:
        value: {percent}"""


def attributes(conditions):
    """The match of a route: {attribute: (kind, text)}, such as {"method": ("exact", "sayHello")}."""
    if not conditions:
        return ""
    lines = "".join(f"\n          {name}: {{{kind}: '{text}'}}" for name, (kind, text) in conditions.items())
    return f"\n      match:\n        attributes:{lines}"


def route(mirror="v2", percent=100, destination="v1", name="traffic-mirroring", conditions=None):
    """One route of the MetaRouter."""
    return f"""
    - name: {name}{attributes(conditions)}
      route:
        - destination:
            host: {HOST}
            subset: {destination}{mirror_to(mirror, percent)}"""


def meta_router(*its_routes):
    """The guide's MetaRouter."""
    return f"""---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata:
  name: test-metaprotocol-dubbo-route
  namespace: meta-dubbo
spec:
  hosts:
    - {HOST}
  routes:{"".join(its_routes)}
"""


SERVICE_ENTRY = f"""---
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata:
  name: dubbo-demoservice
  namespace: meta-dubbo
  annotations:
    interface: {INTERFACE}
spec:
  hosts:
    - {HOST}
  ports:
    - number: {PORT}
      name: tcp-metaprotocol-dubbo
      protocol: TCP
  workloadSelector:
    labels:
      app: dubbo-sample-provider
  resolution: STATIC
"""


def subsets(*versions):
    """The DestinationRule that tells which labels make a subset."""
    text = f"""---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata:
  name: dubbo-sample-provider
  namespace: meta-dubbo
spec:
  host: {HOST}
  subsets:
"""
    return text + "".join(f"    - name: {version}\n      labels:\n        version: {version}\n" for version in versions)


def pod(version, addresses):
    """A running pod as `kubectl get pods -o yaml` shows it, with what rpctee reads of it."""
    ips = "".join(f"    - ip: {address}\n" for address in addresses)
    return f"""---
apiVersion: v1
kind: Pod
metadata:
  name: dubbo-sample-provider-{version}
  namespace: meta-dubbo
  labels:
    app: dubbo-sample-provider
    version: {version}
spec:
  containers:
    - name: dubbo-sample-provider
      image: aeraki/dubbo-sample-provider
      ports:
        - containerPort: {PORT}
status:
  phase: Running
  conditions:
    - type: Ready
      status: "True"
  podIP: {addresses[0]}
  podIPs:
{ips}"""


def service(pods=None):
    """The guide's service with v1 and v2, or other pods: {version: addresses}."""
    pods = pods or {"v1": ADDRESSES["v1"], "v2": ADDRESSES["v2"]}
    return (SERVICE_ENTRY + subsets(*pods)
            + "".join(pod(version, addresses) for version, addresses in pods.items()))


def routes(percent=100, mirror="v2", more_routers="", pods=None):
    """The whole file of the guide: v1 serves, v2 gets the copies."""
    return meta_router(route(mirror, percent)) + more_routers + service(pods)
