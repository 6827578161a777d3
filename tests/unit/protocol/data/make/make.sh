#!/usr/bin/env bash
# Makes the frames in ../dubbo2723 and ../dubbo3216 anew, with the encoder of that version of Apache Dubbo. The same
# bytes come out every time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./dubbo.sh

# make_frames PROFILE VERSION SERIALIZATION...
make_frames() {
  compile "$1" MakeRequests.java
  rm -rf "../$1"
  mkdir "../$1"
  run "$1" MakeRequests "../$1" "${@:2}"
}

make_frames dubbo2723 2.7.23 hessian2 native-hessian fastjson gson protobuf-json java compactedjava nativejava
make_frames dubbo3216 3.2.16 hessian2 fastjson2 nativejava fastjson
