# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Completion for bash. As bash-completion's it is
# /usr/share/bash-completion/completions/bumpwire, with links to it that are
# called bumpctl, bumpreplay and bumpinject; without that package, source it in
# ~/.bashrc.

# tables: begin (make docs prints this)
_bumpwire_options() {
	case $1 in
	bumpwire)
		echo '--log --stats --json --duration --count --name
		--no-control --user --no-sandbox --fix --tap-folder
		--metrics-file --metrics-interval --metrics-listen
		--events-file --drop --left-drop --right-drop
		--pass-only --left-pass-only --right-pass-only
		--drop-file --left-drop-file --right-drop-file
		--one-way --tx --rx-slots --left-rx-slots
		--right-rx-slots --slot-bytes --left-slot-bytes
		--right-slot-bytes --tx-slots --spin --left-spin
		--right-spin --cpu --left-cpu --right-cpu
		--qdisc-bypass --wait --force --isolate --on-fail
		--on-stop --hang-after --bypass-filter
		--link-propagation --vlan-pop --left-vlan-pop
		--right-vlan-pop --vlan-map --left-vlan-map
		--right-vlan-map --vlan-set --left-vlan-set
		--right-vlan-set --vlan-push --left-vlan-push
		--right-vlan-push --src-mac --left-src-mac
		--right-src-mac --dst-mac --left-dst-mac
		--right-dst-mac --loss --left-loss --right-loss
		--corrupt --left-corrupt --right-corrupt --bit-errors
		--left-bit-errors --right-bit-errors --duplicate
		--left-duplicate --right-duplicate --reorder
		--left-reorder --right-reorder --delay --left-delay
		--right-delay --jitter --left-jitter --right-jitter
		--jitter-shape --left-jitter-shape --right-jitter-shape
		--jitter-reorder --left-jitter-reorder
		--right-jitter-reorder --rate --left-rate --right-rate
		--rate-layer --left-rate-layer --right-rate-layer
		--burst --left-burst --right-burst --queue
		--left-queue --right-queue --ageing --left-ageing
		--right-ageing --seed --hold --tap --left-tap
		--right-tap --tap-to --tap-filter --tap-snap
		--tap-queue --tap-rotate-bytes --tap-rotate-time
		--tap-rotate-frames --tap-files -c --config --check
		--doctor --unbypass --list --dump-config
		--example-config --dump-filter -h --help -V --version' ;;
	bumpctl)
		echo '-s --socket -j --json -i --interval -c --count
		--side --at --filter --snap --queue --rotate-bytes
		--rotate-time --rotate-frames --files -h --help
		-V --version' ;;
	bumpreplay)
		echo '-i --interface --tx --qdisc-bypass --cpu --split
		-w --write -n --dry-run --mtu -p --pps -M --mbps --layer
		--gap --ramp -t --topspeed --late --at --spin
		-L --limit --duration -x --factor --max-gap -l --loop
		--loop-delay -K --preload --strict --only --skip
		--frames --pad --oversize --src-mac --dst-mac
		--vlan-push --vlan-pop --vlan-set --map-ip --map-src
		--map-dst --unique-ip --ttl --fix-checksums --stats
		--json --no-progress --log -h --help -V --version' ;;
	bumpinject)
		echo '-i --interface --tx --qdisc-bypass --cpu --eth
		--vlan --arp --ip --ip6 --udp --tcp --icmp
		--payload --hex --size --frame --seed --stamp
		-p --pps -M --mbps --layer --gap --ramp -t --topspeed
		--late --at --spin -L --limit --duration -c --count
		--burst --engine --verify --expect --idle --stats
		--json --no-progress --log -h --help -V --version' ;;
	esac
}

_bumpwire_value() {
	case $1:$2 in
	bumpwire:--log) echo 'words error warning info debug' ;;
	bumpwire:--stats) echo text ;;
	bumpwire:--duration) echo text ;;
	bumpwire:--count) echo text ;;
	bumpwire:--name) echo text ;;
	bumpwire:--user) echo user ;;
	bumpwire:--tap-folder) echo text ;;
	bumpwire:--metrics-file) echo file ;;
	bumpwire:--metrics-interval) echo text ;;
	bumpwire:--metrics-listen) echo text ;;
	bumpwire:--events-file) echo file ;;
	bumpwire:--drop) echo text ;;
	bumpwire:--left-drop) echo text ;;
	bumpwire:--right-drop) echo text ;;
	bumpwire:--pass-only) echo text ;;
	bumpwire:--left-pass-only) echo text ;;
	bumpwire:--right-pass-only) echo text ;;
	bumpwire:--drop-file) echo file ;;
	bumpwire:--left-drop-file) echo file ;;
	bumpwire:--right-drop-file) echo file ;;
	bumpwire:--one-way) echo 'words left right no' ;;
	bumpwire:--tx) echo 'words auto ring direct' ;;
	bumpwire:--rx-slots) echo text ;;
	bumpwire:--left-rx-slots) echo text ;;
	bumpwire:--right-rx-slots) echo text ;;
	bumpwire:--slot-bytes) echo text ;;
	bumpwire:--left-slot-bytes) echo text ;;
	bumpwire:--right-slot-bytes) echo text ;;
	bumpwire:--tx-slots) echo text ;;
	bumpwire:--spin) echo text ;;
	bumpwire:--left-spin) echo text ;;
	bumpwire:--right-spin) echo text ;;
	bumpwire:--cpu) echo text ;;
	bumpwire:--left-cpu) echo text ;;
	bumpwire:--right-cpu) echo text ;;
	bumpwire:--isolate) echo 'words auto yes no' ;;
	bumpwire:--on-fail) echo 'words block bypass' ;;
	bumpwire:--on-stop) echo 'words block bypass' ;;
	bumpwire:--hang-after) echo text ;;
	bumpwire:--vlan-pop) echo text ;;
	bumpwire:--left-vlan-pop) echo text ;;
	bumpwire:--right-vlan-pop) echo text ;;
	bumpwire:--vlan-map) echo text ;;
	bumpwire:--left-vlan-map) echo text ;;
	bumpwire:--right-vlan-map) echo text ;;
	bumpwire:--vlan-set) echo text ;;
	bumpwire:--left-vlan-set) echo text ;;
	bumpwire:--right-vlan-set) echo text ;;
	bumpwire:--vlan-push) echo text ;;
	bumpwire:--left-vlan-push) echo text ;;
	bumpwire:--right-vlan-push) echo text ;;
	bumpwire:--src-mac) echo text ;;
	bumpwire:--left-src-mac) echo text ;;
	bumpwire:--right-src-mac) echo text ;;
	bumpwire:--dst-mac) echo text ;;
	bumpwire:--left-dst-mac) echo text ;;
	bumpwire:--right-dst-mac) echo text ;;
	bumpwire:--loss) echo text ;;
	bumpwire:--left-loss) echo text ;;
	bumpwire:--right-loss) echo text ;;
	bumpwire:--corrupt) echo text ;;
	bumpwire:--left-corrupt) echo text ;;
	bumpwire:--right-corrupt) echo text ;;
	bumpwire:--bit-errors) echo text ;;
	bumpwire:--left-bit-errors) echo text ;;
	bumpwire:--right-bit-errors) echo text ;;
	bumpwire:--duplicate) echo text ;;
	bumpwire:--left-duplicate) echo text ;;
	bumpwire:--right-duplicate) echo text ;;
	bumpwire:--reorder) echo text ;;
	bumpwire:--left-reorder) echo text ;;
	bumpwire:--right-reorder) echo text ;;
	bumpwire:--delay) echo text ;;
	bumpwire:--left-delay) echo text ;;
	bumpwire:--right-delay) echo text ;;
	bumpwire:--jitter) echo text ;;
	bumpwire:--left-jitter) echo text ;;
	bumpwire:--right-jitter) echo text ;;
	bumpwire:--jitter-shape) echo text ;;
	bumpwire:--left-jitter-shape) echo text ;;
	bumpwire:--right-jitter-shape) echo text ;;
	bumpwire:--jitter-reorder) echo text ;;
	bumpwire:--left-jitter-reorder) echo text ;;
	bumpwire:--right-jitter-reorder) echo text ;;
	bumpwire:--rate) echo text ;;
	bumpwire:--left-rate) echo text ;;
	bumpwire:--right-rate) echo text ;;
	bumpwire:--rate-layer) echo text ;;
	bumpwire:--left-rate-layer) echo text ;;
	bumpwire:--right-rate-layer) echo text ;;
	bumpwire:--burst) echo text ;;
	bumpwire:--left-burst) echo text ;;
	bumpwire:--right-burst) echo text ;;
	bumpwire:--queue) echo text ;;
	bumpwire:--left-queue) echo text ;;
	bumpwire:--right-queue) echo text ;;
	bumpwire:--ageing) echo text ;;
	bumpwire:--left-ageing) echo text ;;
	bumpwire:--right-ageing) echo text ;;
	bumpwire:--seed) echo text ;;
	bumpwire:--hold) echo text ;;
	bumpwire:--tap) echo 'words no in out' ;;
	bumpwire:--left-tap) echo 'words no in out' ;;
	bumpwire:--right-tap) echo 'words no in out' ;;
	bumpwire:--tap-to) echo text ;;
	bumpwire:--tap-filter) echo text ;;
	bumpwire:--tap-snap) echo text ;;
	bumpwire:--tap-queue) echo text ;;
	bumpwire:--tap-rotate-bytes) echo text ;;
	bumpwire:--tap-rotate-time) echo text ;;
	bumpwire:--tap-rotate-frames) echo text ;;
	bumpwire:--tap-files) echo text ;;
	bumpwire:-c | bumpwire:--config) echo file ;;
	bumpwire:--dump-filter) echo text ;;
	bumpctl:-s | bumpctl:--socket) echo socket ;;
	bumpctl:-i | bumpctl:--interval) echo text ;;
	bumpctl:-c | bumpctl:--count) echo text ;;
	bumpctl:--side) echo 'words left right both' ;;
	bumpctl:--at) echo 'words in out' ;;
	bumpctl:--filter) echo text ;;
	bumpctl:--snap) echo text ;;
	bumpctl:--queue) echo text ;;
	bumpctl:--rotate-bytes) echo text ;;
	bumpctl:--rotate-time) echo text ;;
	bumpctl:--rotate-frames) echo text ;;
	bumpctl:--files) echo text ;;
	bumpreplay:-i | bumpreplay:--interface) echo interface ;;
	bumpreplay:--tx) echo 'words auto ring direct' ;;
	bumpreplay:--cpu) echo text ;;
	bumpreplay:--split) echo text ;;
	bumpreplay:-w | bumpreplay:--write) echo file ;;
	bumpreplay:--mtu) echo text ;;
	bumpreplay:-p | bumpreplay:--pps) echo text ;;
	bumpreplay:-M | bumpreplay:--mbps) echo text ;;
	bumpreplay:--layer) echo 'words 1 2' ;;
	bumpreplay:--gap) echo text ;;
	bumpreplay:--ramp) echo text ;;
	bumpreplay:--late) echo 'words catch-up slip' ;;
	bumpreplay:--at) echo text ;;
	bumpreplay:--spin) echo text ;;
	bumpreplay:-L | bumpreplay:--limit) echo text ;;
	bumpreplay:--duration) echo text ;;
	bumpreplay:-x | bumpreplay:--factor) echo text ;;
	bumpreplay:--max-gap) echo text ;;
	bumpreplay:-l | bumpreplay:--loop) echo text ;;
	bumpreplay:--loop-delay) echo text ;;
	bumpreplay:--only) echo text ;;
	bumpreplay:--skip) echo text ;;
	bumpreplay:--frames) echo text ;;
	bumpreplay:--oversize) echo 'words skip fail segment' ;;
	bumpreplay:--src-mac) echo text ;;
	bumpreplay:--dst-mac) echo text ;;
	bumpreplay:--vlan-push) echo text ;;
	bumpreplay:--vlan-set) echo text ;;
	bumpreplay:--map-ip) echo text ;;
	bumpreplay:--map-src) echo text ;;
	bumpreplay:--map-dst) echo text ;;
	bumpreplay:--ttl) echo text ;;
	bumpreplay:--stats) echo text ;;
	bumpreplay:--log) echo 'words error warn info debug' ;;
	bumpinject:-i | bumpinject:--interface) echo interface ;;
	bumpinject:--tx) echo 'words auto ring direct' ;;
	bumpinject:--cpu) echo text ;;
	bumpinject:--eth) echo text ;;
	bumpinject:--vlan) echo text ;;
	bumpinject:--arp) echo text ;;
	bumpinject:--ip) echo text ;;
	bumpinject:--ip6) echo text ;;
	bumpinject:--udp) echo text ;;
	bumpinject:--tcp) echo text ;;
	bumpinject:--icmp) echo text ;;
	bumpinject:--payload) echo text ;;
	bumpinject:--hex) echo text ;;
	bumpinject:--size) echo text ;;
	bumpinject:--frame) echo text ;;
	bumpinject:--seed) echo text ;;
	bumpinject:-p | bumpinject:--pps) echo text ;;
	bumpinject:-M | bumpinject:--mbps) echo text ;;
	bumpinject:--layer) echo 'words 1 2' ;;
	bumpinject:--gap) echo text ;;
	bumpinject:--ramp) echo text ;;
	bumpinject:--late) echo 'words catch-up slip' ;;
	bumpinject:--at) echo text ;;
	bumpinject:--spin) echo text ;;
	bumpinject:-L | bumpinject:--limit) echo text ;;
	bumpinject:--duration) echo text ;;
	bumpinject:-c | bumpinject:--count) echo text ;;
	bumpinject:--burst) echo text ;;
	bumpinject:--engine) echo 'words auto ring direct xdp' ;;
	bumpinject:--expect) echo text ;;
	bumpinject:--idle) echo text ;;
	bumpinject:--stats) echo text ;;
	bumpinject:--log) echo 'words error warn info debug' ;;
	esac
}

_bumpwire_request() {
	case $1 in
	'') echo 'words status stats links config check reload filter set unset tap' \
		'pause resume reset log stop commands top' ;;
	'check') echo file ;;
	'filter') echo 'words list add del set' ;;
	'filter add') echo 'words left right both drop pass-only' ;;
	'filter add left') echo 'words drop pass-only' ;;
	'filter add right') echo 'words drop pass-only' ;;
	'filter add both') echo 'words drop pass-only' ;;
	'set') echo 'words spin cpu wait hang_after bypass_filter link_propagation' \
		'vlan_pop vlan_map vlan_set vlan_push src_mac dst_mac loss corrupt' \
		'bit_errors duplicate reorder delay jitter jitter_shape' \
		'jitter_reorder rate rate_layer burst queue ageing seed hold tap' \
		'tap_to tap_filter tap_snap tap_queue tap_rotate_bytes' \
		'tap_rotate_time tap_rotate_frames tap_files' ;;
	'unset') echo 'words spin cpu wait hang_after bypass_filter' \
		'link_propagation vlan_pop vlan_map vlan_set vlan_push src_mac' \
		'dst_mac loss corrupt bit_errors duplicate reorder delay jitter' \
		'jitter_shape jitter_reorder rate rate_layer burst queue ageing seed' \
		'hold tap tap_to tap_filter tap_snap tap_queue tap_rotate_bytes' \
		'tap_rotate_time tap_rotate_frames tap_files' ;;
	'tap') echo 'words list start stop' ;;
	'log') echo 'words error warning info debug' ;;
	esac
}
# tables: end

# Those that match the word; the second argument is of compgen, with its values.
_bumpwire_offer() {
	mapfile -t COMPREPLY < <(compgen "${@:2}" -- "$1")
}

_bumpwire_interfaces() {
	local path
	for path in "${_bumpwire_net:-/sys/class/net}"/*; do
		[[ ! -d $path ]] || echo "${path##*/}" # bonding_masters is none
	done
}

_bumpwire_sockets() {
	local path
	for path in "${BUMPWIRE_RUN:-/run/bumpwire}"/*.sock; do
		[[ ! -S $path ]] || basename "$path" .sock
	done
}

# _bumpwire_complete KIND WORD: as the tables name it; "words A B" for a choice
_bumpwire_complete() {
	case $1 in
	words*) _bumpwire_offer "$2" -W "${1#words}" ;;
	interface) _bumpwire_offer "$2" -W "$(_bumpwire_interfaces)" ;;
	user) _bumpwire_offer "$2" -u ;;
	socket)
		_bumpwire_offer "$2" -W "$(_bumpwire_sockets)"
		[[ $2 != */* ]] || _bumpwire_complete file "$2"
		;;
	file)
		_bumpwire_offer "$2" -f
		compopt -o filenames 2>/dev/null # not outside of a completion
		;;
	esac
}

# _bumpwire_operands PROGRAM WORD...: put what is neither an option nor its
# value into the array `operands`, and what else tells into `config`
_bumpwire_operands() {
	local program=$1 only="" word
	shift
	operands=() config=
	while (($#)); do
		word=$1
		shift
		if [[ $only || $word != -?* ]]; then
			operands+=("$word")
			continue
		fi
		case $word in
		--) only=yes ;;
		-c | --config) config=yes ;;
		esac
		[[ ${1-} != = ]] || { # bash cuts --tx=ring into three words
			shift $(($# > 1 ? 2 : 1))
			continue
		}
		[[ ! $(_bumpwire_value "$program" "$word") ]] || shift $(($# > 0))
	done
}

# _bumpwire_operand PROGRAM WORD: complete one that is no option's
_bumpwire_operand() {
	local IFS=' '
	case $1 in
	bumpwire)
		if [[ ! $config ]] && ((${#operands[@]} < 2)); then
			_bumpwire_offer "$2" -W "$(_bumpwire_interfaces |
				grep -vx -e lo -e "${operands[0]-lo}")"
		fi
		;;
	bumpctl) _bumpwire_complete "$(_bumpwire_request "${operands[*]}")" "$2" ;;
	*) _bumpwire_complete file "$2" ;;
	esac
}

_bumpwire() {
	local program=${COMP_WORDS[0]##*/} n=$COMP_CWORD operands config
	local word=${COMP_WORDS[n]-} before=${COMP_WORDS[n - 1]}
	local kind=
	COMPREPLY=()
	if [[ $word = '=' ]]; then
		word=
	elif [[ $before = '=' ]] && ((n > 1)); then
		before=${COMP_WORDS[n - 2]}
	fi
	if ((n > 1)); then
		kind=$(_bumpwire_value "$program" "$before")
	fi
	_bumpwire_operands "$program" "${COMP_WORDS[@]:1:n - 1}"
	if [[ $kind ]]; then
		_bumpwire_complete "$kind" "$word"
	elif [[ $word = -* ]]; then
		_bumpwire_offer "$word" -W "$(_bumpwire_options "$program")"
	else
		_bumpwire_operand "$program" "$word"
	fi
}

complete -F _bumpwire bumpwire bumpctl bumpreplay bumpinject
