# One throw-away PostgreSQL cluster, alive as long as this script's standard input is open.
# Arguments: the directory of PostgreSQL's programs; the directory to work in, which is removed at the end; "keep" for one that lasts: it
# begins where it ended, and is given memory as a server of a city has.
#
# The test process holds the other end of that input. However it ends, by returning, by a panic, by a timeout or by
# kill -9, the system closes the pipe, and this script stops the server and removes its files.
bin=$1
dir=$2
keep=$3

stop() {
	trap - EXIT
	if [ -n "$keep" ]; then
		"$bin/pg_ctl" -D "$dir/data" -m fast -w -t 120 -s stop >/dev/null 2>&1
		return
	fi
	"$bin/pg_ctl" -D "$dir/data" -m immediate -w -s stop >/dev/null 2>&1
	cd / && rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

start() {
	# Locale C: strings sort by their bytes on every machine. --no-sync spares the files of a fresh cluster only;
	# what tests commit later is as durable as the settings below say, and they keep PostgreSQL's default: durable.
	if [ -z "$keep" ] || [ ! -e "$dir/data/PG_VERSION" ]; then
		settle || return 1
	fi
	"$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 -s start
}

settle() {
	"$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync || return 1
	cat >>"$dir/data/postgresql.conf" <<-SETTINGS || return 1
		listen_addresses = ''
		unix_socket_directories = '$dir'
		port = 5432
		max_connections = 200
		timezone = 'UTC'
	SETTINGS
	[ -z "$keep" ] || cat >>"$dir/data/postgresql.conf" <<-SETTINGS || return 1
		shared_buffers = 1GB
		effective_cache_size = 4GB
		max_wal_size = 4GB
	SETTINGS
}
cd "$dir" || exit 1
if ! start >"$dir/start.log" 2>&1; then
	cat "$dir/start.log"
	[ -e "$dir/server.log" ] && cat "$dir/server.log"
	exit 1
fi

# Whoever waited may be gone already; writing to nobody must not keep the server from being stopped.
trap '' PIPE
echo ready
while read -r _; do :; done
