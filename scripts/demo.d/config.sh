# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The config that the demos give tandem-lb: six pools (three services, two families) of three servers, on the
# INTERFACES ("a", "b").

config_pool() { # NAME PORT IPV4-OR-IPV6-PREFIX WEIGHT-OF-B1 [CHECK-EXTRA]
	local i
	cat <<-CONF
		{
			name = "$1"; scheduler = "wrr";
			check = {
				type = "tcp"; rise = 2; fall = $CHECK_FALL;
				interval_ms = $CHECK_INTERVAL_MS; timeout_ms = $CHECK_TIMEOUT_MS; ${5-}
			};
			backends = (
	CONF
	for i in 1 2 3; do
		printf '\t\t{ name = "b%d"; address = "%s%d"; port = %d; weight = %d; }%s\n' \
			$i "$3" $((10 + i)) "$2" $((i == 1 ? $4 : 1)) "$([ $i = 3 ] || echo ,)"
	done
	printf '\t);\n}'
}

config_service() { # NAME PORT PROTOCOL POOL: on both service addresses
	printf '{ name = "%s-ipv4"; address = "%s"; port = %d; protocol = "%s"; pool = "%s-ipv4"; },\n' \
		"$1" $SERVICE4 "$2" "$3" "$4"
	printf '{ name = "%s-ipv6"; address = "%s"; port = %d; protocol = "%s"; pool = "%s-ipv6"; }' \
		"$1" $SERVICE6 "$2" "$3" "$4"
}

config() { # WEIGHT-OF-KV-ON-B1 [MORE]: with MORE, kv is served on port 6380 as well
	# shellcheck disable=SC2016 # the escapes are tandem-lb's
	local family net comma='' ping='send = "PING\r\n"; expect = "+PONG";'
	echo '# The demo: three servers for each of three services, over IPv4 and IPv6. Every key is in docs/CONFIG.md.'
	echo 'pools = ('
	for family in ipv4 ipv6; do
		[ $family = ipv4 ] && net=10.0.2. || net=fd00:2::
		printf '%s' "$comma"; comma=$',\n'
		config_pool kv-$family 6379 $net "$1" "$ping"; echo ,
		config_pool time-$family 123 $net 1; echo ,
		config_pool echo-$family 7 $net 1
	done
	printf '\n);\nservices = (\n'
	config_service kv 6379 tcp kv; echo ,
	[ -z "${2-}" ] || { config_service kv-more 6380 tcp kv; echo ,; }
	config_service time-sntp 123 udp time; echo ,
	config_service time-rfc868 37 tcp time; echo ,
	config_service echo-tcp 7 tcp echo; echo ,
	config_service echo-udp 7 udp echo
	printf '\n);\ndataplane = { interfaces = [ %s ]; max_flows = 65536; };\n' "$INTERFACES"
}
