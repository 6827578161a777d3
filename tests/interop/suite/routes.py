"""The guide's objects, with the pods of the lab, and the agent's configuration for them."""

from . import lab

PORT = 20880
HOST = "org.apache.dubbo.samples.basic.api.demoservice"
PIN_DIRECTORY = "/sys/fs/bpf/rpctee-interop"
INTERFACE = "org.apache.dubbo.samples.basic.api.DemoService"


def guide_routes(percent):
    return f"""\
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
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata:
  name: dubbo-demoservice
  namespace: meta-dubbo
spec:
  host: {HOST}
  subsets:
    - name: v1
      labels:
        version: v1
    - name: v2
      labels:
        version: v2
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata:
  name: test-metaprotocol-dubbo-route
  namespace: meta-dubbo
spec:
  hosts:
    - {HOST}
  routes:
    - name: traffic-mirroring
      route:
        - destination:
            host: {HOST}
            subset: v1
      mirror:
        host: {HOST}
        subset: v2
      mirrorPercentage:
        value: {percent}
---
apiVersion: v1
kind: List
items:
{_pod("v1", lab.V1_ADDRESS)}{_pod("v2", lab.V2_ADDRESS)}"""


def _pod(version, address):
    return f"""\
  - apiVersion: v1
    kind: Pod
    metadata:
      name: dubbo-sample-provider-{version}-0
      namespace: meta-dubbo
      labels:
        app: dubbo-sample-provider
        version: {version}
    status:
      phase: Running
      podIP: {address}
      conditions:
        - type: Ready
          status: "True"
"""


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
