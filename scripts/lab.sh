#!/usr/bin/env bash
# The lab: a node with pods, made of network namespaces.
#
#   lab.sh up                       make the lab (nothing to do if it is up)
#   lab.sh down                     take down what `up` and `add-pod` made, and nothing else
#   lab.sh status                   say what is there
#   lab.sh exec NS CMD...           run CMD in node, consumer, v1, v2 or a pod added later
#   lab.sh add-pod NAME NUMBER      one more pod: 10.44.0.NUMBER, fd44::NUMBER, host side vethNAME
#   lab.sh add-behind POD NAME NUMBER    one more pod, whose way to the node leads through POD (added before)
#   lab.sh remove-pod NAME
#   lab.sh link ID                  a wire to the node of the lab ID: pods of both reach each other, by IPv4
#
# LAB_ID=x makes a second lab beside the first: its namespaces end in -x. LAB_NET=1 gives it 10.44.1.0/24 (for `up`,
# `add-pod` and `add-behind`), so that the two may be linked. The wire goes with either lab.
#
#     rpctee-consumer          rpctee-v1            rpctee-v2
#     eth0 10.44.0.10          eth0 10.44.0.11      eth0 10.44.0.12        (and fd44::10, ::11, ::12)
#        |                        |                    |
#      vethc                   vethv1               vethv2                 rpctee-node: forwards between them;
#     ---------------------------- 10.44.0.1 ---------------------         the agent runs here
#
# Commands run through nsenter and not `ip netns exec`, which hides /sys/fs/bpf.
set -euo pipefail

readonly SUFFIX="${LAB_ID:+-$LAB_ID}"
readonly NODE="rpctee-node$SUFFIX"
readonly MARKS="/run/rpctee-lab"  # one file for each namespace that we made
readonly NET_V4="10.44.${LAB_NET:-0}"
readonly NODE_V4="$NET_V4.1" NODE_V6="fd44::1" GATEWAY_V6="fe80::1"
readonly WIRE="uplink"  # between two nodes: named unlike what pods hang on

die() { echo "lab.sh: $*" >&2; exit 1; }

namespace() { echo "rpctee-$1$SUFFIX"; }
ours() { [[ -e "$MARKS/$1" ]]; }
exists() { [[ -e "/run/netns/$1" ]]; }
inside() { local name=$1; shift; nsenter --net="/run/netns/$name" -- "$@"; }
# /proc/sys/net shows the namespace of the process that opens it.
write_setting() { inside "$1" sh -c 'echo "$2" > "/proc/sys/$1"' sh "$2" "$3"; }

# address_of NAMESPACE DEVICE
address_of() { ip -n "$1" -4 -o address show dev "$2" | sed -n 's/.* inet \(10[0-9.]*\).*/\1/p'; }

make_namespace() {
  local name=$1
  exists "$name" && die "namespace $name exists and is not ours; choose another LAB_ID"
  mkdir -p "$MARKS"
  : > "$MARKS/$name"
  ip netns add "$name"
  ip -n "$name" link set lo up
}

remove_namespace() {
  local name=$1
  if exists "$name"; then
    # A namespace goes some time after its name; its veths, at once, so that another pod or lab may have their names.
    ip -n "$name" link delete eth0 2> /dev/null || true
    ip -n "$name" link delete "$WIRE" 2> /dev/null || true
    ip netns delete "$name"
  fi
  rm -f "$MARKS/$name"
}

# make_pod NAME NUMBER HOST_SIDE ROUTER ROUTER_V4 ROUTER_V6, which are the router's namespace and its addresses
make_pod() {
  local pod number=$2 host=$3 router=$4 router_v4=$5 router_v6=$6
  pod=$(namespace "$1")
  make_namespace "$pod"
  ip link add "$host" netns "$router" type veth peer name eth0 netns "$pod"
  write_setting "$pod" net/ipv6/conf/eth0/accept_dad 0
  ip -n "$pod" address add "$NET_V4.$number/32" dev eth0
  ip -n "$pod" address add "fd44::$number/128" dev eth0 nodad
  ip -n "$router" address add "$GATEWAY_V6/64" dev "$host" nodad
  ip -n "$router" link set "$host" up
  ip -n "$pod" link set eth0 up
  ip -n "$pod" route add "$router_v4/32" dev eth0
  ip -n "$pod" route add default via "$router_v4" dev eth0
  ip -n "$pod" -6 route add default via "$GATEWAY_V6" dev eth0
  ip -n "$router" route add "$NET_V4.$number/32" dev "$host" src "$router_v4"
  ip -n "$router" -6 route add "fd44::$number/128" dev "$host" src "$router_v6"
}

# make_on_node NAME NUMBER HOST_SIDE
make_on_node() { make_pod "$@" "$NODE" "$NODE_V4" "$NODE_V6"; }

# make_behind ROUTER_POD NAME NUMBER
make_behind() {
  local router hop_v4 hop_v6
  router=$(namespace "$1")
  hop_v4=$(address_of "$router" eth0)
  hop_v6="fd44::${hop_v4##*.}"
  write_setting "$router" net/ipv4/ip_forward 1
  write_setting "$router" net/ipv6/conf/all/forwarding 1
  make_pod "$2" "$3" "veth$2" "$router" "$hop_v4" "$hop_v6"
  ip -n "$NODE" route replace "$NET_V4.$3/32" via "$hop_v4"
  ip -n "$NODE" -6 route replace "fd44::$3/128" via "$hop_v6"
}

# lead NODE ADDRESS OTHER_ADDRESS: over the wire to the other node, and through it to its pods.
lead() {
  ip -n "$1" link set "$WIRE" up
  ip -n "$1" route add "$3/32" dev "$WIRE" src "$2"
  ip -n "$1" route add "${3%.*}.0/24" via "$3" src "$2"
}

# make_link OTHER_NODE
make_link() {
  local other=$1 other_v4 own_v4
  other_v4=$(address_of "$other" lo)
  own_v4=$(address_of "$NODE" lo)
  [[ "$other_v4" != "$own_v4" ]] || die "both nodes are $own_v4; make one lab with another LAB_NET"
  ip link add "$WIRE" netns "$NODE" type veth peer name "$WIRE" netns "$other"
  trap 'ip -n "$NODE" link delete "$WIRE"; echo "lab.sh: could not link the labs" >&2' EXIT
  lead "$NODE" "$own_v4" "$other_v4"
  lead "$other" "$other_v4" "$own_v4"
  trap - EXIT
}

lab_namespaces() {
  local name
  for name in "$MARKS"/rpctee-*; do
    name=${name##*/}
    # Without a LAB_ID, only the names that carry none.
    if [[ -n "$SUFFIX" && "$name" == *"$SUFFIX" ]] || [[ -z "$SUFFIX" && "$name" =~ ^rpctee-[a-z0-9]+$ ]]; then
      echo "$name"
    fi
  done
}

is_up() {
  local name
  for name in node consumer v1 v2; do
    ours "$(namespace "$name")" && exists "$(namespace "$name")" || return 1
  done
}

up() {
  if is_up; then
    echo "lab is up"
    return
  fi
  down > /dev/null
  trap 'down > /dev/null; echo "lab.sh: could not make the lab" >&2' EXIT
  make_namespace "$NODE"
  ip -n "$NODE" address add "$NODE_V4/32" dev lo
  ip -n "$NODE" address add "$NODE_V6/128" dev lo
  write_setting "$NODE" net/ipv4/ip_forward 1
  write_setting "$NODE" net/ipv6/conf/all/forwarding 1
  make_on_node consumer 10 vethc
  make_on_node v1 11 vethv1
  make_on_node v2 12 vethv2
  wait_for_path
  trap - EXIT
  echo "lab is up: $(namespace consumer) $NET_V4.10, $(namespace v1) $NET_V4.11, $(namespace v2) $NET_V4.12, node $NODE"
}

# IPv6 routes work a moment after the links are up.
wait_for_path() {
  local try
  for try in $(seq 50); do
    if ip -n "$NODE" -6 route get fd44::12 > /dev/null 2>&1 &&
      ! ip -n "$NODE" link show up | grep -q NO-CARRIER; then
      return
    fi
    sleep 0.1
  done
  die "links did not come up"
}

down() {
  local name
  for name in $(lab_namespaces); do
    remove_namespace "$name"
    echo "removed $name"
  done
}

status() {
  local name
  is_up && echo "lab is up" || echo "lab is down"
  for name in $(lab_namespaces); do
    echo "$name:"
    ip -n "$name" -brief address | sed 's/^/  /'
  done
}

main() {
  [[ $(id -u) -eq 0 ]] || die "needs root, to make network namespaces"
  [[ "${LAB_ID:-a}" =~ ^[a-z0-9]+$ ]] || die "LAB_ID is lower-case letters and digits"
  [[ "${LAB_NET:-0}" =~ ^(0|[1-9][0-9]?)$ ]] || die "LAB_NET is a number from 0 to 99"
  local command=${1:-}
  shift || true
  case "$command" in
    up | down | status) "$command" ;;
    exec)
      [[ $# -ge 2 ]] || die "usage: lab.sh exec NS CMD..."
      local name=$1
      shift
      exists "$(namespace "$name")" || die "no namespace $(namespace "$name"); is the lab up?"
      exec nsenter --net="/run/netns/$(namespace "$name")" -- "$@"
      ;;
    add-pod)
      [[ $# -eq 2 && "$1" =~ ^[a-z0-9]{1,8}$ && "$2" =~ ^[0-9]+$ ]] || die "usage: lab.sh add-pod NAME NUMBER"
      is_up || die "the lab is not up"
      make_on_node "$1" "$2" "veth$1"
      ;;
    add-behind)
      [[ $# -eq 3 && "$2" =~ ^[a-z0-9]{1,8}$ && "$3" =~ ^[0-9]+$ ]] || die "usage: lab.sh add-behind POD NAME NUMBER"
      ours "$(namespace "$1")" || die "no pod $1 that we made"
      make_behind "$@"
      ;;
    remove-pod)
      [[ $# -eq 1 ]] && ours "$(namespace "$1")" || die "no pod ${1:-} that we made"
      remove_namespace "$(namespace "$1")"
      ;;
    link)
      [[ $# -eq 1 ]] && ours "rpctee-node-$1" && is_up || die "usage: lab.sh link ID, with both labs up"
      make_link "rpctee-node-$1"
      ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
}

main "$@"
