#!/usr/bin/env bash
# Makes the frames in ../dubbo2723 and ../dubbo3216 anew, with the encoder of that version of Apache Dubbo and Java 17.
# Fetches from Maven Central what is not in the local repository. The same bytes come out every time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_frames PROFILE VERSION SERIALIZATION...
make_frames() {
  local profile=$1
  mvn --batch-mode --quiet -Dstyle.color=never --no-transfer-progress -P"$profile" dependency:copy-dependencies -DoutputDirectory="$work/$profile"
  javac -cp "$work/$profile/*" -d "$work/$profile/classes" MakeRequests.java
  mkdir "$work/$profile/classes/security"
  echo MakeRequests >"$work/$profile/classes/security/serialize.allowlist"  # Dubbo 3 writes no class that isn't named
  rm -rf "../$profile"
  mkdir "../$profile"
  java -XX:TieredStopAtLevel=1 \
    --add-opens java.base/java.io=ALL-UNNAMED --add-opens java.base/java.lang=ALL-UNNAMED \
    --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.net=ALL-UNNAMED \
    --add-opens java.base/java.text=ALL-UNNAMED --add-opens java.base/java.time=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens java.sql/java.sql=ALL-UNNAMED \
    -cp "$work/$profile/classes:$work/$profile/*" MakeRequests "../$profile" "${@:2}" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

make_frames dubbo2723 2.7.23 hessian2 native-hessian fastjson gson protobuf-json protobuf java compactedjava nativejava \
  kryo kryo2 fst protostuff avro
make_frames dubbo3216 3.2.16 hessian2 fastjson2 nativejava fastjson
