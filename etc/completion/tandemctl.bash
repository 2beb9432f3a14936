# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for tandemctl: commands, options, and names asked of the running daemons (over the socket that
# only looks, if that is all this user may open; silently none when none runs).

# Prints the names: KIND is services, pools, backends or instances (and groups); the rest are words of the command line for -r.
_tandemctl_names() {
	local kind=$1
	shift
	case $kind in
	services) timeout 2 "$@" services 2>/dev/null | awk 'NR > 1 && NF > 5 { print $1 }' ;;
	pools) timeout 2 "$@" backends 2>/dev/null | awk 'NR > 1 && NF > 5 { sub("/.*", "", $1); print $1 }' | sort -u ;;
	backends) timeout 2 "$@" backends 2>/dev/null | awk 'NR > 1 && NF > 5 { print $1 }' ;;
	instances) timeout 2 "$@" --json vrrp 2>/dev/null | sed -nE 's/^    "(name|group)": "(.+)",$/\2/p' | sort -u ;;
	esac
}

_tandemctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="status services backends flows counters events drain enable disable weight vrrp peers sockets failover reload check keygen"
	local globals="-r --rundir --json -h --help -V --version"
	local ask=("${COMP_WORDS[0]}") command="" place=0 word i
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-r | --rundir)
			i=$((i + 1))
			[ $i -lt "$COMP_CWORD" ] && ask+=(-r "${COMP_WORDS[i]}")
			;;
		-n | --service | --backend | --client | --limit | --since | --daemon) i=$((i + 1)) ;;
		-*) ;;
		*) if [ -z "$command" ]; then command=$word; else place=$((place + 1)); fi ;;
		esac
	done

	case $prev in
	-r | --rundir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--service)
		mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names services "${ask[@]}")" -- "$cur")
		return
		;;
	--backend)
		mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names backends "${ask[@]}")" -- "$cur")
		return
		;;
	--daemon)
		mapfile -t COMPREPLY < <(compgen -W "lb vrrp" -- "$cur")
		return
		;;
	-n | --client | --limit | --since) return ;;
	esac

	if [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands $globals" -- "$cur")
		return
	fi
	if [[ $cur == -* ]]; then
		case $command in
		flows) globals="$globals --service --backend --client --limit" ;;
		events) globals="$globals -f --follow --since --daemon" ;;
		status | counters | peers | reload | sockets) globals="$globals --daemon" ;;
		check) globals="$globals -n" ;;
		keygen) globals="$globals --add" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$globals" -- "$cur")
		return
	fi
	[ $place -eq 0 ] || return
	case $command in
	backends) mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names pools "${ask[@]}")" -- "$cur") ;;
	drain | enable | disable | weight)
		mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names backends "${ask[@]}")" -- "$cur")
		;;
	vrrp | failover) mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_names instances "${ask[@]}")" -- "$cur") ;;
	check | keygen) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}

complete -F _tandemctl tandemctl
