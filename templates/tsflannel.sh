# TSFLANNEL_... variables; a password belongs there, and not on the command line.
if [ -r /etc/tsflannel/tsflannel.env ]; then
  set -a
  . /etc/tsflannel/tsflannel.env
  set +a
fi
pidfile="${TSFLANNEL_RUN_DIR:-/run/tsflannel}/daemon.pid"

tsflannel_pid() {
  [ -r "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null && cat "$pidfile"
}

# Comes back when the subnet is leased and the routes are there: what starts after it can rely on them.
tsflannel_start() {
  tsflannel_pid >/dev/null && return 0
  {exec} up --detach --wait --timeout 300 {flags}
}

# Ends the daemon; the kernel forwards on.
tsflannel_stop() {
  pid=$(tsflannel_pid) || return 0
  kill -TERM "$pid"
  tries=0
  while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -gt 300 ] && return 1
    sleep 0.1
  done
}

tsflannel_status() {
  {exec} status
}
