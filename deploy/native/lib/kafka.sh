# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# A Kafka node, both broker and controller, with the settings of deploy/kafka/broker.env. It is alone, or one of three in
# a cluster: then FOLDLINE_STACK_KAFKA_VOTERS names all three (id@host:controller port, separated by commas) and
# FOLDLINE_STACK_KAFKA_NODE the id of this one.

# At the default level, log messages would hide the output of the tools.
kafka_tool() { java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$servers/kafka/*" "$@"; }

# Translates the shared settings as the apache/kafka image does, and adds what differs between the two stacks.
kafka_properties() {
  awk -F= '/^KAFKA_/ {
    key = tolower(substr($1, length("KAFKA_") + 1))
    gsub(/_/, ".", key); gsub(/\.\.\./, "-", key); gsub(/\.\./, "_", key)
    print key substr($0, length($1) + 1)
  }' "$repository/deploy/kafka/broker.env"
  cat <<PROPERTIES
listeners=HOST://127.0.0.1:$FOLDLINE_STACK_KAFKA_PORT,CONTROLLER://127.0.0.1:$FOLDLINE_STACK_KAFKA_CONTROLLER_PORT
advertised.listeners=HOST://127.0.0.1:$FOLDLINE_STACK_KAFKA_PORT
inter.broker.listener.name=HOST
log.dirs=$FOLDLINE_STACK_DIR/kafka/log
PROPERTIES
  if [[ -n ${FOLDLINE_STACK_KAFKA_VOTERS:-} ]]; then
    kafka_cluster_properties
  else
    printf 'controller.quorum.bootstrap.servers=127.0.0.1:%s\n' "$FOLDLINE_STACK_KAFKA_CONTROLLER_PORT"
  fi
}

# As in production: three replicas, of which two must have a record before it is acknowledged.
kafka_cluster_properties() {
  cat <<PROPERTIES
node.id=$FOLDLINE_STACK_KAFKA_NODE
controller.quorum.voters=$FOLDLINE_STACK_KAFKA_VOTERS
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
PROPERTIES
}

kafka_format() {
  local cluster_id quorum=--standalone
  # The voters of a cluster are in its settings.
  [[ -z ${FOLDLINE_STACK_KAFKA_VOTERS:-} ]] || quorum=
  cluster_id=$(sed -n 's/^CLUSTER_ID=//p' "$repository/deploy/kafka/broker.env")
  # shellcheck disable=SC2086 # no argument if it is empty
  kafka_tool kafka.tools.StorageTool format $quorum --cluster-id "$cluster_id" \
    --config "$FOLDLINE_STACK_DIR/kafka/server.properties" >>"$(log_file kafka)" 2>&1 ||
    die_with_log kafka "Kafka's log folder could not be formatted"
}

kafka_start() {
  mkdir -p "$FOLDLINE_STACK_DIR/kafka"
  kafka_properties >"$FOLDLINE_STACK_DIR/kafka/server.properties"
  [[ -f $FOLDLINE_STACK_DIR/kafka/log/meta.properties ]] || kafka_format
  # The flags of Kafka's own start script, with a heap of fixed size, so that runs are comparable.
  spawn kafka java -server "-Xms$FOLDLINE_STACK_KAFKA_HEAP" "-Xmx$FOLDLINE_STACK_KAFKA_HEAP" -XX:+UseG1GC \
    -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent \
    -Djava.awt.headless=true -Dorg.slf4j.simpleLogger.showDateTime=true \
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS" \
    -cp "$servers/kafka/*" kafka.Kafka "$FOLDLINE_STACK_DIR/kafka/server.properties"
}

kafka_is_ready() {
  local brokers=1
  [[ -z ${FOLDLINE_STACK_KAFKA_VOTERS:-} ]] || brokers=3
  "$repository/deploy/kafka/is-ready" "$FOLDLINE_STACK_KAFKA_PORT" "$brokers"
}
kafka_await() { await kafka 60 kafka_is_ready; }
kafka_stop() { end kafka 30; }
kafka_wipe() { rm -rf "${FOLDLINE_STACK_DIR:?}/kafka"; }
