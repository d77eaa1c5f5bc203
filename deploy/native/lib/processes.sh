# shellcheck shell=bash
# shellcheck disable=SC2154 # shared between the files of this folder
# Starts, finds, awaits and ends processes by their pid files, $FOLDLINE_STACK_DIR/run/NAME.pid.

pid_file() { printf '%s' "$FOLDLINE_STACK_DIR/run/$1.pid"; }
log_file() { printf '%s' "$FOLDLINE_STACK_DIR/log/$1.log"; }

command_line() {
  if [[ -d /proc/self ]]; then
    tr '\0' ' ' <"/proc/$1/cmdline"
  else
    ps -o args= -p "$1"
  fi 2>/dev/null
}

# The text that the command line of a process must contain. Without this check, a reused pid would be taken for the
# process.
mark_of() {
  case $1 in
    kafka) printf '%s' "$FOLDLINE_STACK_DIR/kafka/server.properties" ;;
    registry) printf '%s' "-Dfoldline.stack=$FOLDLINE_STACK_DIR" ;;
    postgres) printf '%s' "$(postgres_home)/data" ;;
    *) printf '/%s' "$1" ;;
  esac
}

# Prints the pid of a running server or service; fails if it is not running.
pid_of() {
  local pid
  pid=$(cat "$(pid_file "$1")" 2>/dev/null) || return 1
  [[ "$(command_line "$pid")" == *"$(mark_of "$1")"* ]] && printf '%s' "$pid"
}

port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# need_free_port VARIABLE: fails if the port in VARIABLE is in use.
need_free_port() {
  ! port_is_open "${!1}" || die "port ${!1} is in use by another process: set $1 to a free port"
}

# Logs are appended to after a restart, so that the last lines of a killed server can be read. A large log is renamed.
rotate_log() { [[ -z $(find "$1" -size +20000k 2>/dev/null) ]] || mv "$1" "$1.1"; }

# spawn NAME COMMAND...: starts a process in its own session if the system has setsid, so that neither Ctrl-C nor
# closing the terminal ends it.
spawn() {
  local name=$1 detach=nohup log
  shift
  log=$(log_file "$name")
  rotate_log "$log"
  command -v setsid >/dev/null && detach=setsid
  (cd "$FOLDLINE_STACK_DIR" && exec "$detach" "$@") >>"$log" 2>&1 </dev/null &
  printf '%s\n' $! >"$(pid_file "$name")"
}

# await NAME SECONDS COMMAND...: repeats the command until it succeeds.
await() {
  local name=$1 deadline=$((SECONDS + $2)) seconds=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || die_with_log "$name" "$name was not ready within $seconds s"
    sleep 0.1
    pid_of "$name" >/dev/null || "$@" || die_with_log "$name" "$name ended while it was starting"
  done
}

die_with_log() {
  tail -n 20 "$(log_file "$1")" >&2 || true
  die "$2; the end of $(log_file "$1") is above"
}

# A zombie has also ended; its parent has only not collected its status yet.
has_ended() {
  if [[ -d /proc/self ]]; then
    ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"
  else
    ! kill -0 "$1" 2>/dev/null
  fi
}

# ended_within SECONDS PID: waits until the process has ended, because it holds its ports until then.
ended_within() {
  local deadline=$((SECONDS + $1))
  until has_ended "$2"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# end NAME SECONDS: sends SIGTERM, and SIGKILL if the process has not ended after that time.
end() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  if ended_within "$2" "$pid"; then
    rm -f "$(pid_file "$1")"
  else
    say "$1 did not stop within $2 s: killed"
    end_at_once "$1"
  fi
}

# end_at_once NAME: sends SIGKILL.
end_at_once() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -KILL "$pid" 2>/dev/null || true
  ended_within 10 "$pid" || die "$1 (pid $pid) cannot be killed"
  rm -f "$(pid_file "$1")"
}

# http_ok PORT PATH: succeeds if the response to a GET has the status 200. Does not need curl.
http_ok() {
  local status
  status=$(
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    IFS= read -r -t 2 line <&3 && printf '%s' "$line"
  ) 2>/dev/null
  [[ $status == HTTP/1.?' 200'* ]]
}
