# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# The settings of the stack: folders, ports and memory. Every setting is a FOLDLINE_STACK_* variable; .env has the
# defaults.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# Exports each variable of .env that is not set in the environment.
export_defaults() {
  local name value
  while IFS='=' read -r name value; do
    [[ $name == FOLDLINE_STACK_* && -z ${!name:-} ]] && export "$name=$value"
  done <"$repository/.env"
  return 0
}

# Creates a folder and prints its absolute path. The path must be absolute because servers run in other folders.
absolute_folder() {
  mkdir -p "$1"
  (cd "$1" && pwd -P)
}

export_defaults
export FOLDLINE_STACK_KAFKA_CONTROLLER_PORT=${FOLDLINE_STACK_KAFKA_CONTROLLER_PORT:-$((FOLDLINE_STACK_KAFKA_PORT + 1))}
FOLDLINE_STACK_DIR=$(absolute_folder "${FOLDLINE_STACK_DIR:-$repository/.stack}")
# The fetched servers, which data folders share and `reset` does not delete.
FOLDLINE_STACK_CACHE=$(absolute_folder "${FOLDLINE_STACK_CACHE:-$repository/.stack/cache}")
export FOLDLINE_STACK_DIR FOLDLINE_STACK_CACHE
mkdir -p "$FOLDLINE_STACK_DIR/run" "$FOLDLINE_STACK_DIR/log"

say() { printf '%s\n' "$*"; }

die() {
  printf 'stack: %s\n' "$*" >&2
  exit 1
}
