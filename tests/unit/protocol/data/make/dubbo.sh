# Programs with the encoders and decoders of a version of Apache Dubbo, and Java 17. The scripts beside it source it, in
# this folder. Fetches from Maven Central what is not in the local repository.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile PROFILE SOURCE...
compile() {
  local profile=$1
  # It prints colours even so.
  mvn --batch-mode --quiet -Dstyle.color=never --no-transfer-progress -P"$profile" dependency:copy-dependencies \
    -DoutputDirectory="$work/$profile" >&2
  javac -cp "$work/$profile/*" -d "$work/$profile/classes" "${@:2}"
  mkdir "$work/$profile/classes/security"
  # Dubbo 3 takes no other class.
  printf 'MakeRequests\nReadEdited\n' > "$work/$profile/classes/security/serialize.allowlist"
}

# run PROFILE MAIN ARGUMENT...
run() {
  java -XX:TieredStopAtLevel=1 \
    --add-opens java.base/java.io=ALL-UNNAMED --add-opens java.base/java.lang=ALL-UNNAMED \
    --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.net=ALL-UNNAMED \
    --add-opens java.base/java.text=ALL-UNNAMED --add-opens java.base/java.time=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens java.sql/java.sql=ALL-UNNAMED \
    -cp "$work/$1/classes:$work/$1/*" "${@:2}" 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
}
