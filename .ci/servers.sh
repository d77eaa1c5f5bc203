# shellcheck shell=bash
# Servers for one run, on free ports, with data in target/test-stack. They are always stopped and wiped at the end.

# Allows only one run at a time in this folder, so that leftover servers always belong to a run that was killed.
lock_folder() {
  command -v flock >/dev/null || return 0
  mkdir -p target
  exec 9>target/test-stack.lock
  flock --nonblock 9 || { echo "another run is in progress in this folder" >&2; exit 1; }
}

stack() { deploy/native/stack "$@" 9>&-; }

start_servers() {
  local ports
  # shellcheck disable=SC2207 # numbers
  ports=($(.ci/free-ports 3))
  export FOLDLINE_STACK_DIR=$PWD/target/test-stack
  export FOLDLINE_STACK_KAFKA_PORT=${ports[0]} FOLDLINE_STACK_REGISTRY_PORT=${ports[1]} \
    FOLDLINE_STACK_POSTGRES_PORT=${ports[2]}
  export FOLDLINE_TEST_KAFKA_BROKERS=127.0.0.1:$FOLDLINE_STACK_KAFKA_PORT \
    FOLDLINE_TEST_REGISTRY_URL=http://127.0.0.1:$FOLDLINE_STACK_REGISTRY_PORT/apis/ccompat/v7 \
    FOLDLINE_TEST_DATABASE_SERVER_URL=postgres://foldline:foldline@127.0.0.1:$FOLDLINE_STACK_POSTGRES_PORT
  trap 'stack reset' EXIT
  trap 'exit 130' INT TERM
  stack reset && stack up
}
