#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A service with `mh` picks the same backend on both nodes without any record: two balancers that know nothing of each other,
# whose files list pools and backends in another order, so that all have other numbers.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/sync.sh"

NODES='nodes = ( { name = "lba"; }, { name = "lbb"; } );'
mh_rows() { # BACKEND...
	for family in 4 6; do
		pool kv$family $family 6379 "scheduler = \"mh\"; $CHECK" "$@"
		service kv$family $family 80 tcp kv$family
	done
}
sync_up
for b in b1 b2 b3; do start_kv $b 6379; done
conf_new
mh_rows b1 b2 b3
sync_lb lba "$NODES $(conf)"
conf_new
pool other 4 6379 "scheduler = \"rr\"; $CHECK" b3
service other 4 90 tcp other
mh_rows b3 b1 b2
sync_lb lbb "$NODES $(conf)"
wait_for 15 eval 'each_up lba && each_up lbb' > /dev/null || bail "the backends are not up"

cat > "$TMP/who.py" <<'END2'
import socket, struct, sys
for family, client, service in ((socket.AF_INET, "10.0.1.21", "10.0.1.100"), (socket.AF_INET6, "fd00:1::21", "fd00:1::100")):
    for port in range(30001, 30061):
        s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.settimeout(5)
        s.bind((client, port))
        s.connect((service, 80))
        s.sendall(b"WHOAMI\r\n")
        print(port, s.recv(100).split(b"\r\n")[1].decode())
        s.close()
END2
for node in lba lbb; do
	move_to $node
	ok "120 connections by $node" eval "in_ns c1 timeout 60 python3 '$TMP/who.py' > '$TMP/who.$node'"
done
is "... have the same backends at both nodes" "$(diff "$TMP/who.lba" "$TMP/who.lbb")" ""
is "... and all three" "$(awk '{ print $2 }' "$TMP/who.lbb" | sort -u | tr '\n' ' ')" "b1 b2 b3 "
done_testing
