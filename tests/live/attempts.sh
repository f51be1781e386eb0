#!/usr/bin/env bash
# Second attempts, for the parts beside this file, which source it. What compares things measured in time
# may fail because the machine was busy: it is made once more from the start. The first
# failure is printed in full, "again NAME" follows, and what then passes is listed at the end of the run
# and bounded. What no busy machine excuses calls `harm` and gets no second attempt: the target
# was harmed, something was left behind, a refusal was none, the tool crashed.
# tests/drive/attempts is the same in Go and has the tests of both.
harmed_status=97 # of a program that found harm: attempts.HarmedStatus
again_limit=5    # more in one run, of some 200 attempts, are no accident

harm() { harmed=1; }

# unexcused STATUS: a program's that died of a signal, or told of harm
unexcused() { [ "$1" -ge 128 ] || [ "$1" -eq $harmed_status ]; }

# twice NAME FUNCTION [ARG]…: FUNCTION adds to passed, failed and skipped; the last attempt counts
twice() {
	local name=$1 p=$passed f=$failed s=$skipped
	shift
	harmed=
	"$@"
	[ "$failed" -eq "$f" ] && return 0
	[ -n "$harmed" ] && return 1
	echo "again $name"
	passed=$p failed=$f skipped=$s
	"$@"
	[ "$failed" -eq "$f" ] || return 1
	[ "$skipped" -eq "$s" ] && [ -n "${AGAIN_FILE:-}" ] && echo "$name" >>"$AGAIN_FILE"
	return 0
}

# command_counts COMMAND…: for twice: a command that is one test, by its exit status
command_counts() {
	local rc
	"$@"
	rc=$?
	if [ $rc -eq 0 ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	! unexcused $rc || harm
}

# again_told FILE: lists the names in it; false where they are too many
again_told() {
	local n
	n=$(wc -l <"$1")
	[ "$n" -eq 0 ] && return 0
	echo "passed only at the second attempt: $n ($(paste -sd ';' "$1" | sed 's/;/; /g'))"
	[ "$n" -le $again_limit ] && return 0
	echo "FAIL more than $again_limit second attempts were needed"
	return 1
}
