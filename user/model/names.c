/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "model/model.h"

/* runtime/traceruntime.go, traceBlockReasonStrings: Go 1.22-1.27 only append */
static const char *const block_reasons[TR_BLOCK_REASON_MAX] = {
	"unspecified",
	"forever",
	"network",
	"select",
	"sync.(*Cond).Wait",
	"sync",
	"chan send",
	"chan receive",
	"GC mark assist wait for work",
	"GC background sweeper wait",
	"system goroutine wait",
	"preempted",
	"wait for debug call",
	"wait until GC ends",
	"sleep",
	"GC weak to strong wait",
	"synctest",
};

/* runtime/proc.go, stwReasonStrings: the same in Go 1.21-1.27 */
static const char *const stw_kinds[TR_STW_KIND_MAX] = {
	"unknown",
	"GC mark termination",
	"GC sweep termination",
	"write heap dump",
	"goroutine profile",
	"goroutine profile cleanup",
	"all goroutines stack trace",
	"read mem stats",
	"AllThreadsSyscall",
	"GOMAXPROCS",
	"start trace",
	"stop trace",
	"CountPagesInUse (test)",
	"ReadMetricsSlow (test)",
	"ReadMemStatsSlow (test)",
	"PageCachePagesLeaked (test)",
	"ResetDebugLog (test)",
};

static const char *const stop_reasons[] = {"unspecified", "runtime.Gosched", "preempted"};

static const struct {
	enum tr_type type;
	const char *name;
} types[] = {
	{TR_PROCS_CHANGE, "ProcsChange"},
	{TR_PROC_START, "ProcStart"},
	{TR_PROC_STOP, "ProcStop"},
	{TR_PROC_STEAL, "ProcSteal"},
	{TR_PROC_STATUS, "ProcStatus"},
	{TR_GO_CREATE, "GoCreate"},
	{TR_GO_CREATE_SYSCALL, "GoCreateSyscall"},
	{TR_GO_START, "GoStart"},
	{TR_GO_DESTROY, "GoDestroy"},
	{TR_GO_DESTROY_SYSCALL, "GoDestroySyscall"},
	{TR_GO_STOP, "GoStop"},
	{TR_GO_BLOCK, "GoBlock"},
	{TR_GO_UNBLOCK, "GoUnblock"},
	{TR_GO_SYSCALL_BEGIN, "GoSyscallBegin"},
	{TR_GO_SYSCALL_END, "GoSyscallEnd"},
	{TR_GO_SYSCALL_END_BLOCKED, "GoSyscallEndBlocked"},
	{TR_STW_BEGIN, "STWBegin"},
	{TR_STW_END, "STWEnd"},
	{TR_GC_BEGIN, "GCBegin"},
	{TR_GC_END, "GCEnd"},
	{TR_GC_MARK_ASSIST_BEGIN, "GCMarkAssistBegin"},
	{TR_GC_MARK_ASSIST_END, "GCMarkAssistEnd"},
	{TR_HEAP_ALLOC, "HeapAlloc"},
	{TR_HEAP_GOAL, "HeapGoal"},
	{TR_GO_LABEL, "GoLabel"},
	{TR_USER_TASK_BEGIN, "UserTaskBegin"},
	{TR_USER_TASK_END, "UserTaskEnd"},
	{TR_USER_REGION_BEGIN, "UserRegionBegin"},
	{TR_USER_REGION_END, "UserRegionEnd"},
	{TR_USER_LOG, "UserLog"},
	{TR_GO_SWITCH, "GoSwitch"},
	{TR_GO_SWITCH_DESTROY, "GoSwitchDestroy"},
	{TR_GO_CREATE_BLOCKED, "GoCreateBlocked"},
	{TR_GO_STATUS, "GoStatusStack"},
	{TR_CPU_SAMPLE, "CPUSample"},
	{TR_END, "End"},
	{TR_OFF_CPU, "OffCPU"},
};

/* Which reason each gopark call of the runtime passes along with its wait reason (Go 1.26).
 * Up to Go 1.21 the tracer had no reasons; the words for the waits are the same. */
static const struct {
	const char *wait;
	uint16_t reason;
} waits[] = {
	{"chan receive (nil chan)", 1},
	{"chan send (nil chan)", 1},
	{"select (no cases)", 1},
	{"panicwait", 1},
	{"IO wait", 2},
	{"select", 3},
	{"sync.Cond.Wait", 4},
	{"semacquire", 5},
	{"sync.Mutex.Lock", 5},
	{"sync.RWMutex.RLock", 5},
	{"sync.RWMutex.Lock", 5},
	{"sync.WaitGroup.Wait", 5},
	{"chan send", 6},
	{"chan receive", 7},
	{"GC assist wait", 8},
	{"GC sweep wait", 9},
	{"GC scavenge wait", 10},
	{"finalizer wait", 10},
	{"force gc (idle)", 10},
	{"GOMAXPROCS updater (idle)", 10},
	{"trace reader (blocked)", 10},
	{"GC worker (idle)", 10},
	{"cleanup wait", 10},
	{"timer goroutine (idle)", 10},
	{"preempted", 11},
	{"debug call", 12},
	{"wait for GC cycle", 13},
	{"sleep", 14},
	{"GC weak to strong wait", 15},
	{"synctest.Run", 16},
	{"synctest.Wait", 16},
	{"chan receive (synctest)", 7},
	{"chan send (synctest)", 6},
	{"select (synctest)", 3},
	{"chan receive (durable)", 7},
	{"chan send (durable)", 6},
	{"select (durable)", 3},
	{"sync.WaitGroup.Wait (durable)", 5},
};

/* runtime2.go, isWaitingForSuspendG, and the same waits of the releases before it */
static const char *const running_waits[] = {
	"GC worker (active)",	"GC assist marking",	   "GC mark termination",
	"garbage collection",	"garbage collection scan", "stopping the world",
	"flushing proc caches", "trace goroutine status",  "trace proc status",
	"page trace flush",
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

const char *tr_block_reason__name(uint16_t reason)
{
	return reason < N(block_reasons) ? block_reasons[reason] : NULL;
}

const char *tr_stw_kind__name(uint16_t kind)
{
	return kind < N(stw_kinds) ? stw_kinds[kind] : NULL;
}

const char *tr_stop_reason__name(uint16_t reason)
{
	return reason < N(stop_reasons) ? stop_reasons[reason] : NULL;
}

const char *tr_type__name(enum tr_type t)
{
	for (size_t i = 0; i < N(types); i++) {
		if (types[i].type == t)
			return types[i].name;
	}
	return NULL;
}

uint16_t tr_block_reason__of_wait(const char *wait_reason)
{
	for (size_t i = 0; wait_reason && i < N(waits); i++) {
		if (!strcmp(waits[i].wait, wait_reason))
			return waits[i].reason;
	}
	return 0;
}

bool tr_wait_reason__runs(const char *wait_reason)
{
	for (size_t i = 0; wait_reason && i < N(running_waits); i++) {
		if (!strcmp(running_waits[i], wait_reason))
			return true;
	}
	return false;
}

const char *model_repair__name(enum model_repair r)
{
	static const char *const names[REPAIR_MAX] = {
		[REPAIR_UNBLOCK] = "unblock", [REPAIR_START] = "start",
		[REPAIR_STOP] = "stop",	      [REPAIR_PROC] = "proc",
		[REPAIR_STATUS] = "status",   [REPAIR_DROPPED] = "dropped",
	};

	return r < REPAIR_MAX ? names[r] : NULL;
}
