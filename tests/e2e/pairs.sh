# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Many virtual routers at once, each shared by ours on node a and by another program's on node b: a table of pairings that
# go through the same fates together, so that 64 of them take no longer than one. Sourced after vrrp.sh.
#
#   row WINNER PREEMPT NAME KIND       WINNER ours|theirs: who has the higher priority; PREEMPT yes|no; KIND v2|v3|v6;
#       [KEY=VALUE...]                 the rest is for the file's own functions; its vrid is the number of the row
#   pair_vars ROW                      sets VRID NAME KIND WINNER PREEMPT ADDRESS PREFIX OURS THEIRS (priorities) and KEYs
#   settle SECONDS WHO WHAT            wait until every row is as WHO says; a check of each row, called WHAT.
#       WHO: ours theirs both one winner, or back-ours|back-theirs: that one returned, the other had all
#   all_answer WHAT                    a check of each row: the client's ping is answered
#   cut NODE   heal                    NODE's frames are dropped, in and out, by the switch: nobody sees a link go down,
#       and the switch learns nothing of them either (it learns after prerouting)
#
# "Has" is: the address is on an interface of the node that has carrier; of ours also that its state is active then, and only then.

PAIRS=()

row() { PAIRS+=("$*"); }

pair_vars() { # ROW, from 1
	local word fields
	read -r -a fields <<< "${PAIRS[$1 - 1]}"
	VRID=$1 WINNER=${fields[0]} PREEMPT=${fields[1]} NAME=${fields[2]} KIND=${fields[3]}
	case $KIND in
	v6) ADDRESS=$(printf 'fd00:1::1:%x' "$1") PREFIX=64 ;;
	*) ADDRESS=10.0.1.$((100 + $1)) PREFIX=24 ;;
	esac
	OURS=100 THEIRS=200
	[ "$WINNER" = theirs ] || OURS=200 THEIRS=100
	for word in "${fields[@]:4}"; do printf -v "${word%%=*}" %s "${word#*=}"; done
}

expected() { # WHO of the row in the variables
	case $1 in
	winner) echo "$WINNER" ;;
	back-ours | back-theirs)
		if [ "$WINNER-$PREEMPT" = "${1#back-}-yes" ]; then echo "$WINNER"
		elif [ "$1" = back-ours ]; then echo theirs
		else echo ours; fi ;;
	*) echo "$1" ;;
	esac
}

# VRID ADDRESS STATE-OF-OURS WANTED NAME, and what the nodes have; prints the rows that are not as they should be.
compare() {
	in_ns a ip -br addr show > "$TMP/addr.a" && in_ns b ip -br addr show > "$TMP/addr.b" || return 1
	: > "$TMP/vrrp.json"
	! alive vrrp-a || vctl a --json vrrp > "$TMP/vrrp.json" || return 1
	perl -MJSON::PP -e '
		my ($tmp) = @ARGV;
		sub slurp { local (@ARGV, $/) = @_; <> // "" }
		my %has;
		for my $node ("a", "b") {
			for (grep { !/^\S+ +\w*DOWN / } split /\n/, slurp("$tmp/addr.$node")) {
				$has{$node}{$_} = 1 for m{ ([0-9a-f:.]+)/}g;
			}
		}
		my $text = slurp("$tmp/vrrp.json");
		my %state = map { $_->{vrid} => $_->{state} } $text ? @{decode_json($text)} : ();
		my $bad = 0;
		open(my $in, "<", "$tmp/wanted");
		while (<$in>) {
			my ($vrid, $address, $want) = split;
			my ($ours, $theirs) = map { $has{$_}{$address} ? 1 : 0 } "a", "b";
			my $state = $state{$vrid} // "none";
			my $is = $ours ? $theirs ? "both" : "ours" : $theirs ? "theirs" : "none";
			next if ($ours == ($state eq "active" ? 1 : 0)) &&
				($want eq "one" ? $ours + $theirs == 1 : $is eq $want);
			print "$vrid: $address has $is, wanted $want; the state of ours is $state\n";
			$bad = 1;
		}
		exit $bad' "$TMP"
}

settle() {
	local i out
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		echo "$i $ADDRESS $(expected "$2")"
	done > "$TMP/wanted"
	out=$(wait_for "$1" compare)
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		if [[ $'\n'$out != *$'\n'"$i: "* ]]; then pass "$NAME: $3"
		else fail "$NAME: $3" "$(grep "^$i: " <<< "$out")"; fi
	done
	[ -z "$out" ] || [[ $out == *$'\n'[0-9]*:\ * ]] || fail "$3" "$out"
}

all_answer() {
	local i
	rm -f "$TMP"/answered.*
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		echo "ping -n -q -c 1 -W 1 $ADDRESS > /dev/null || ping -n -q -c 1 -W 2 $ADDRESS > $TMP/unanswered.$i && : > $TMP/answered.$i &"
	done > "$TMP/ping.sh"
	echo wait >> "$TMP/ping.sh"
	in_ns client sh "$TMP/ping.sh"
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		if [ -e "$TMP/answered.$i" ]; then pass "$NAME: $1"; else fail "$NAME: $1" "$ADDRESS: $(cat "$TMP/unanswered.$i")"; fi
	done
}

cut() {
	in_ns sw nft -f - <<-END || bail "the switch cannot drop frames"
		table bridge cut {
			chain in { type filter hook prerouting priority 0; iifname "to$1" drop; }
			chain out { type filter hook postrouting priority 0; oifname "to$1" drop; }
		}
	END
}
heal() { in_ns sw nft delete table bridge cut; }
