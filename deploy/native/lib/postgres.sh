# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# Postgres, with the settings of deploy/postgres. It refuses to run as root; root runs it as `postgres` or `nobody`.
#
# That user may be unable to enter the folder of the stack (a clone under /root, for example). In that case
# $FOLDLINE_STACK_DIR/postgres is a link to a folder in /var/lib/foldline, to which the server's programs are copied.

as_postgres=(env)
if ((EUID == 0)); then
  postgres_user=$(id -u postgres >/dev/null 2>&1 && printf postgres || printf nobody)
  as_postgres=(setpriv --reuid "$postgres_user" --regid "$(id -g "$postgres_user")" --clear-groups --)
fi

postgres_home() { cd "$FOLDLINE_STACK_DIR/postgres" 2>/dev/null && pwd -P; }
postgres_setting() { sed -n "s/^$1=//p" "$repository/deploy/postgres/postgres.env"; }

# Creates the folder of the stack's Postgres in a place that its user can access.
postgres_make_home() {
  local home=$FOLDLINE_STACK_DIR/postgres target
  [[ ! -d $home ]] || return 0
  if "${as_postgres[@]}" test -x "$FOLDLINE_STACK_DIR"; then
    mkdir "$home"
  else
    target=/var/lib/foldline/stack-$(cksum <<<"$FOLDLINE_STACK_DIR" | cut -d' ' -f1)
    install -d -m 755 /var/lib/foldline "$target"
    ln -sfn "$target" "$home"
  fi
  ((EUID != 0)) || chown "$postgres_user" "$home/."
}

# Prints the folder of the server's programs. If the server's user cannot access the cache, this is a copy.
postgres_programs() {
  local copy
  if "${as_postgres[@]}" test -x "$servers/postgres/bin/postgres"; then
    printf '%s' "$servers/postgres/bin"
    return
  fi
  copy=$(postgres_home)/$(basename "$servers")
  [[ -d $copy ]] || { cp -R "$servers/postgres" "$copy.new" && mv "$copy.new" "$copy"; }
  printf '%s' "$copy/bin"
}

# Creates the cluster and the registry's database in a folder that is renamed at the end, so that an existing folder is
# always complete.
postgres_create() {
  local home=$1 programs=$2 arguments
  read -r -a arguments <<<"$(postgres_setting POSTGRES_INITDB_ARGS)"
  rm -rf "$home/data.new"
  "${as_postgres[@]}" tee "$home/password" >/dev/null <<<"$(postgres_setting POSTGRES_PASSWORD)"
  "${as_postgres[@]}" "$programs/initdb" --pgdata "$home/data.new" --username "$(postgres_setting POSTGRES_USER)" \
    --pwfile "$home/password" "${arguments[@]}"
  "${as_postgres[@]}" "$programs/postgres" --single -D "$home/data.new" postgres \
    <<<"CREATE DATABASE $(postgres_setting POSTGRES_DB)"
  rm "$home/password"
  mv "$home/data.new" "$home/data"
}

# The files that `prepare` last ran, to determine whether it must run again.
postgres_preparation() { cat "$repository"/deploy/postgres/{prepare,*.sql}; }
postgres_is_prepared() { postgres_preparation | cmp -s - "$(postgres_home)/prepared"; }

# Creates the users. There is no client, so the server does this in single-user mode before it accepts connections.
postgres_prepare() {
  local home=$1 programs=$2
  "$repository/deploy/postgres/prepare" "${as_postgres[@]}" "$programs/postgres" --single -j -D "$home/data" \
    -c exit_on_error=true
  postgres_preparation >"$home/prepared"
}

postgres_spawn() {
  local home=$1 programs=$2
  spawn postgres "${as_postgres[@]}" "$programs/postgres" -D "$home/data" -c "config_file=$home/postgresql.conf" \
    -c listen_addresses=127.0.0.1 -c "port=$FOLDLINE_STACK_POSTGRES_PORT" -c unix_socket_directories=
}

# Waits until the server is ready or has ended. Succeeds if it ended because processes of a killed server still hold its
# lock and shared memory, which they soon release.
postgres_lock_is_held() {
  local deadline=$((SECONDS + 60))
  until postgres_is_ready; do
    ((SECONDS < deadline)) || return 1
    if ! pid_of postgres >/dev/null; then
      tail -n 4 "$(log_file postgres)" | grep -qE 'postmaster.pid" already exists|shared memory block .* in use'
      return
    fi
    sleep 0.1
  done
  return 1
}

postgres_start() {
  local home programs deadline=$((SECONDS + 15))
  postgres_make_home
  home=$(postgres_home)
  programs=$(postgres_programs)
  if [[ ! -d $home/data ]]; then
    (set -e; cd /; postgres_create "$home" "$programs") >>"$(log_file postgres)" 2>&1 &
    wait $! || die_with_log postgres "the Postgres cluster could not be created"
  fi
  if ! postgres_is_prepared; then
    (set -e; cd /; postgres_prepare "$home" "$programs") >>"$(log_file postgres)" 2>&1 &
    wait $! || die_with_log postgres "the users of Postgres could not be created"
  fi
  cp "$repository/deploy/postgres/postgresql.conf" "$home/postgresql.conf"
  chmod a+r "$home/postgresql.conf"
  postgres_spawn "$home" "$programs"
  while postgres_lock_is_held && ((SECONDS < deadline)); do
    sleep 0.2
    postgres_spawn "$home" "$programs"
  done
}

# The server records in its pid file that it accepts connections. There is no client that could test this over the port.
postgres_is_ready() {
  local pid state
  pid=$(pid_of postgres) || return 1
  state=$(sed -n '1p; 8s/ *$//p' "$(postgres_home)/data/postmaster.pid" 2>/dev/null)
  [[ $state == "$pid"$'\n'ready ]] && port_is_open "$FOLDLINE_STACK_POSTGRES_PORT"
}

postgres_await() { await postgres 60 postgres_is_ready; }

# postgres_stop [MODE]: `fast` first writes everything to disk, which may take a while; `immediate` leaves recovery to
# the next start.
postgres_stop() {
  local mode=${1:-fast} home programs pid
  pid=$(pid_of postgres) || return 0
  home=$(postgres_home)
  programs=$(postgres_programs)
  if ! (cd / && "${as_postgres[@]}" "$programs/pg_ctl" stop --silent -D "$home/data" --mode "$mode" --timeout 120) ||
    ! ended_within 5 "$pid"; then
    die_with_log postgres "Postgres did not stop within 120 s"
  fi
  rm -f "$(pid_file postgres)"
}

postgres_wipe() {
  local home
  home=$(postgres_home) || return 0
  rm -rf "$home" "$FOLDLINE_STACK_DIR/postgres"
  rmdir /var/lib/foldline 2>/dev/null || true
}
