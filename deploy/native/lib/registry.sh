# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# Apicurio Registry, with the settings of deploy/registry/registry.env. Its schemas are stored in Postgres.

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

# Subjects are read from the database, so this succeeds only if both the registry and Postgres are up.
registry_is_ready() { http_ok "$FOLDLINE_STACK_REGISTRY_PORT" /apis/ccompat/v7/subjects; }

registry_await() { await registry 90 registry_is_ready; }
registry_stop() { end registry 15; }
# There is nothing to delete, because its data is in Postgres.
registry_wipe() { :; }
