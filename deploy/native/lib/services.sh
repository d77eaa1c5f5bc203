# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# The services of deploy/services.list, run from the binaries built by cargo, and the jobs that run before them.

service_names() { sed -E '/^ *(#|$)/d; s/ .*//' "$repository/deploy/services.list"; }
service_needs() { sed -nE "s/^$1 +[0-9]+ +//p" "$repository/deploy/services.list"; }

# The folder of cargo's profile `dev` is called `debug`.
binary() {
  local profile=${PROFILE:-dev}
  [[ $profile != dev ]] || profile=debug
  printf '%s' "${CARGO_TARGET_DIR:-$repository/target}/$profile/$1"
}

need_binary() { [[ -x $(binary "$1") ]] || die "$(binary "$1") is missing: build it with cargo build --bins"; }

# port_variable SERVICE KIND: prints the name of the variable that holds the port; KIND is PORT or ADMIN_PORT.
port_variable() { printf 'FOLDLINE_STACK_%s_%s' "$(tr 'a-z-' 'A-Z_' <<<"$1")" "$2"; }
port_of() {
  local variable
  variable=$(port_variable "$1" "$2")
  printf '%s' "${!variable:?is the port of $1; run make generate}"
}

kafka_address() { printf 'FOLDLINE_KAFKA_BROKERS=127.0.0.1:%s\n' "$FOLDLINE_STACK_KAFKA_PORT"; }
registry_address() {
  printf 'FOLDLINE_REGISTRY_URL=http://127.0.0.1:%s/apis/ccompat/v7\n' "$FOLDLINE_STACK_REGISTRY_PORT"
}
# postgres_address USER: every user's password is its name.
postgres_address() { printf 'postgres://%s:%s@127.0.0.1:%s' "$1" "$1" "$FOLDLINE_STACK_POSTGRES_PORT"; }
# database_address USER@DATABASE
database_address() { printf 'FOLDLINE_DATABASE_URL=%s/%s\n' "$(postgres_address "${1%@*}")" "${1#*@}"; }

# Prints the settings of a service or job, one NAME=value per line.
service_environment() {
  local need
  case $1 in
    topics) kafka_address && return ;;
    schemas) registry_address && return ;;
    migrations) printf 'FOLDLINE_DATABASE_SERVER_URL=%s\n' "$(postgres_address migrator)" && return ;;
  esac
  printf 'FOLDLINE_ADMIN_ADDRESS=127.0.0.1:%s\n' "$(port_of "$1" ADMIN_PORT)"
  for need in $(service_needs "$1"); do
    case $need in
      http) printf 'FOLDLINE_HTTP_ADDRESS=127.0.0.1:%s\n' "$(port_of "$1" PORT)" ;;
      peers) printf 'FOLDLINE_ADVERTISED_ADDRESS=127.0.0.1:%s\n' "$(port_of "$1" PORT)" ;;
      kafka) kafka_address ;;
      registry) registry_address ;;
      database=*) database_address "${need#database=}" ;;
      *) die "deploy/services.list: $1 needs \"$need\", which is unknown" ;;
    esac
  done
}

# The jobs that run before the services. Each gets only the address it needs, and can be repeated.
run_job() {
  (cd "$repository" && env "$(service_environment "$1")" "$(binary foldline)" "$1" apply) ||
    die "foldline $1 apply failed; its message is above"
}

run_jobs() {
  need_binary foldline
  run_job topics
  run_job schemas
  run_job migrations
}

service_is_ready() { http_ok "$(port_of "$1" ADMIN_PORT)" /health/ready; }
service_stop() { end "$1" 12; }

service_start() {
  local name=$1 line variables=()
  need_binary "$name"
  # Restarts a service that is running an older build.
  if pid_of "$name" >/dev/null; then
    [[ $(binary "$name") -nt $(pid_file "$name") ]] || return 0
    service_stop "$name"
  fi
  need_free_port "$(port_variable "$name" ADMIN_PORT)"
  [[ " $(service_needs "$name") " != *' http '* ]] || need_free_port "$(port_variable "$name" PORT)"
  while IFS= read -r line; do variables+=("$line"); done <<<"$(service_environment "$name")"
  spawn "$name" env "${variables[@]}" "$(binary "$name")"
}

services_up() {
  local name
  run_jobs
  for name in $(service_names); do service_start "$name"; done
  for name in $(service_names); do await "$name" 60 service_is_ready "$name"; done
}

# Waits for services that docker compose started.
services_await() {
  local name deadline=$((SECONDS + 120))
  for name in $(service_names); do
    until service_is_ready "$name"; do
      ((SECONDS < deadline)) || die "$name is not ready: see its log"
      sleep 0.2
    done
  done
}

services_down() {
  local name names=()
  for name in $(service_names); do names=("$name" ${names[@]+"${names[@]}"}); done
  for name in ${names[@]+"${names[@]}"}; do service_stop "$name"; done
}

services_status() {
  local name
  for name in $(service_names); do
    status_line "$name" "$(port_of "$name" ADMIN_PORT)" "health and metrics"
  done
}
