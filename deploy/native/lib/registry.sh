# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# Apicurio Registry, with the settings of deploy/registry/registry.env; its schemas are in Postgres.

registry_start() {
  local line settings=()
  while IFS= read -r line; do
    [[ $line != [A-Z]* ]] || settings+=("$line")
  done <"$repository/deploy/registry/registry.env"
  spawn registry env "${settings[@]}" \
    "APICURIO_DATASOURCE_URL=jdbc:postgresql://127.0.0.1:$FOLDLINE_STACK_POSTGRES_PORT/registry" \
    QUARKUS_HTTP_HOST=127.0.0.1 "QUARKUS_HTTP_PORT=$FOLDLINE_STACK_REGISTRY_PORT" \
    java "-Xmx$FOLDLINE_STACK_REGISTRY_HEAP" "-Dfoldline.stack=$FOLDLINE_STACK_DIR" \
    -jar "$servers"/registry/apicurio-registry-app-*-runner.jar
}

# Subjects are read from its database, so this answer means that both are up.
registry_answers() { http_ok "$FOLDLINE_STACK_REGISTRY_PORT" /apis/ccompat/v7/subjects; }

registry_await() { await registry 90 registry_answers; }
registry_stop() { end registry 15; }
# Its data is in Postgres.
registry_wipe() { :; }
