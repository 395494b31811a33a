/* kernel_log_report.c - the reports that a kernel prints, as Linux 7.3 writes
 * them (and older forms where they differ): the message formats are those of
 * kernel/panic.c, lib/bug.c, arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c,
 * kernel/locking/lockdep.c, mm/kasan/report.c, kernel/kcsan/report.c,
 * lib/ubsan.c, kernel/watchdog.c, kernel/hung_task.c, kernel/rcu/tree_stall.h
 * and mm/oom_kill.c. Titles are built in kernel_log_title.c.
 */
#include "kernel_log_report.h"

#include <string.h>

#include "cleanup.h"
#include "kernel_log_line.h"

#define DEADLOCK "possible deadlock"

/* The first rule that fits counts: special ones come before general ones. */
static const struct report_rule rules[] = {
	{ "Kernel panic - not syncing: ", NULL, FINDING_PANIC, END_PANIC,
	  FUNCTION_NONE, NULL, false, "WDBL" },

	{ "BUG: KASAN: ", NULL, FINDING_KASAN, END_RULER, FUNCTION_LINE, NULL,
	  false, "B" },
	{ "BUG: KFENCE: ", NULL, FINDING_KASAN, END_RULER, FUNCTION_LINE, NULL,
	  false, "B" },
	{ "BUG: KMSAN: ", NULL, FINDING_KASAN, END_RULER, FUNCTION_LINE, NULL,
	  false, "B" },
	{ "BUG: KCSAN: ", NULL, FINDING_KCSAN, END_RULER, FUNCTION_NONE, NULL,
	  false, "" },
	{ "UBSAN: ", NULL, FINDING_UBSAN, END_TRACE, FUNCTION_STACK, NULL,
	  false, "" },

	{ "BUG: kernel NULL pointer dereference", NULL, FINDING_OOPS, END_TRACE,
	  FUNCTION_RIP, "kernel NULL pointer dereference", true, "D" },
	{ "BUG: unable to handle kernel NULL pointer dereference", NULL,
	  FINDING_OOPS, END_TRACE, FUNCTION_RIP,
	  "kernel NULL pointer dereference", true, "D" },
	{ "BUG: unable to handle", NULL, FINDING_OOPS, END_TRACE, FUNCTION_RIP,
	  "unable to handle page fault", true, "D" },
	{ "Unable to handle kernel ", NULL, FINDING_OOPS, END_TRACE,
	  FUNCTION_RIP, "unable to handle page fault", true, "D" },
	{ "kernel BUG at ", NULL, FINDING_BUG, END_TRACE, FUNCTION_RIP,
	  "kernel BUG", true, "D" },
	{ "BUG: ", "stack guard page was hit", FINDING_OOPS, END_TRACE,
	  FUNCTION_RIP, "stack guard page was hit", true, "D" },

	{ "watchdog: BUG: soft lockup - CPU#", NULL, FINDING_SOFT_LOCKUP,
	  END_STACK, FUNCTION_RIP, "soft lockup", false, "L" },
	{ "BUG: soft lockup - CPU#", NULL, FINDING_SOFT_LOCKUP, END_STACK,
	  FUNCTION_RIP, "soft lockup", false, "L" },
	{ "BUG: workqueue lockup - pool", NULL, FINDING_SOFT_LOCKUP, END_LINE,
	  FUNCTION_NONE, "workqueue lockup", false, "" },
	{ "watchdog: ", "Watchdog detected hard LOCKUP on cpu",
	  FINDING_HARD_LOCKUP, END_STACK, FUNCTION_RIP, "hard lockup", false, "" },
	{ "NMI watchdog: ", "Watchdog detected hard LOCKUP on cpu",
	  FINDING_HARD_LOCKUP, END_STACK, FUNCTION_RIP, "hard lockup", false, "" },
	{ "Watchdog detected hard LOCKUP on cpu", NULL, FINDING_HARD_LOCKUP,
	  END_STACK, FUNCTION_RIP, "hard lockup", false, "" },

	{ "INFO: task ", " for more than ", FINDING_HUNG_TASK, END_STACK,
	  FUNCTION_STACK, "task hung", false, "" },
	{ "rcu: INFO: ", "detected stall", FINDING_RCU_STALL, END_STACK,
	  FUNCTION_RIP, "rcu stall", false, "" },
	{ "rcu: INFO: ", "detected expedited stall", FINDING_RCU_STALL,
	  END_STACK, FUNCTION_RIP, "rcu stall", false, "" },
	{ "rcu: INFO: ", "self-detected stall", FINDING_RCU_STALL, END_STACK,
	  FUNCTION_RIP, "rcu stall", false, "" },
	{ "INFO: rcu_", "detected stall", FINDING_RCU_STALL, END_STACK,
	  FUNCTION_RIP, "rcu stall", false, "" },

	{ "WARNING: possible circular locking dependency detected", NULL,
	  FINDING_LOCKDEP, END_STACK, FUNCTION_LOCK, DEADLOCK, false, "" },
	{ "WARNING: possible recursive locking detected", NULL,
	  FINDING_LOCKDEP, END_STACK, FUNCTION_LOCK, DEADLOCK, false, "" },
	{ "WARNING: possible irq lock inversion dependency detected", NULL,
	  FINDING_LOCKDEP, END_STACK, FUNCTION_LOCK, DEADLOCK, false, "" },
	{ "WARNING: ", "-unsafe lock order detected", FINDING_LOCKDEP,
	  END_STACK, FUNCTION_LOCK, DEADLOCK, false, "" },
	{ "WARNING: inconsistent lock state", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_LOCK, "inconsistent lock state", false, "" },
	{ "[ BUG: Invalid wait context ]", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_LOCK, "invalid wait context", false, "" },
	{ "WARNING: bad unlock balance detected!", NULL, FINDING_LOCKDEP,
	  END_STACK, FUNCTION_STACK, "bad unlock balance", false, "" },
	{ "WARNING: bad contention detected!", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_STACK, "bad contention", false, "" },
	{ "WARNING: held lock freed!", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_STACK, "held lock freed", false, "" },
	{ "WARNING: Nested lock was not taken", NULL, FINDING_LOCKDEP,
	  END_STACK, FUNCTION_LOCK, "nested lock was not taken", false, "" },
	{ "WARNING: suspicious RCU usage", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_STACK, "suspicious RCU usage", false, "" },
	{ "WARNING: lock held when returning to user space!", NULL,
	  FINDING_LOCKDEP, END_LOCKS, FUNCTION_LOCK,
	  "lock held when returning to user space", false, "" },
	{ "WARNING: ", "still has locks held!", FINDING_LOCKDEP, END_STACK,
	  FUNCTION_LOCK, "task still has locks held", false, "" },
	{ "WARNING: chain_key collision", NULL, FINDING_LOCKDEP, END_STACK,
	  FUNCTION_STACK, "chain_key collision", false, "" },
	{ "INFO: trying to register non-static key.", NULL, FINDING_LOCKDEP,
	  END_STACK, FUNCTION_STACK, "trying to register non-static key",
	  false, "" },
	{ "BUG: looking up invalid subclass: ", NULL, FINDING_LOCKDEP,
	  END_STACK, FUNCTION_STACK, "looking up invalid subclass", false, "" },
	{ "BUG: MAX_", " too low!", FINDING_LOCKDEP, END_LINE, FUNCTION_NONE,
	  NULL, false, "" },
	{ "BUG: key ", "has not been registered!", FINDING_LOCKDEP, END_LINE,
	  FUNCTION_NONE, "lock key has not been registered", false, "" },

	{ "WARNING: CPU: ", " at ", FINDING_WARNING, END_TRACE, FUNCTION_LINE,
	  "WARNING", false, "WISC" },
	{ "WARNING: ", ", CPU#", FINDING_WARNING, END_TRACE, FUNCTION_LINE,
	  "WARNING", false, "WISC" },

	{ "BUG: sleeping function called from invalid context", NULL,
	  FINDING_BUG, END_STACK, FUNCTION_STACK,
	  "sleeping function called from invalid context", false, "W" },
	{ "BUG: scheduling while atomic", NULL, FINDING_BUG, END_STACK,
	  FUNCTION_STACK, "scheduling while atomic", false, "W" },
	{ "BUG: using ", "in preemptible", FINDING_BUG, END_STACK,
	  FUNCTION_STACK, "CPU-local access in preemptible code", false, "" },
	{ "BUG: Bad rss-counter state", NULL, FINDING_BUG, END_LINE,
	  FUNCTION_NONE, "Bad rss-counter state", false, "" },
	{ "BUG: non-zero pgtables_bytes", NULL, FINDING_BUG, END_LINE,
	  FUNCTION_NONE, "non-zero pgtables_bytes on freeing mm", false, "" },
	{ "BUG: Bad page state", NULL, FINDING_BUG, END_STACK, FUNCTION_STACK,
	  "Bad page state", false, "B" },
	{ "BUG: Bad page map", NULL, FINDING_BUG, END_STACK, FUNCTION_STACK,
	  "Bad page map", false, "B" },
	{ "BUG: ", NULL, FINDING_BUG, END_STACK, FUNCTION_STACK, NULL, false,
	  "WB" },
	{ "BUG ", "Not tainted): ", FINDING_BUG, END_STACK, FUNCTION_STACK,
	  NULL, false, "B" },
	{ "BUG ", " (Tainted: ", FINDING_BUG, END_STACK, FUNCTION_STACK, NULL,
	  false, "B" },
};

static const struct report_rule oops_rule = {
	.kind = FINDING_OOPS, .end = END_TRACE, .function = FUNCTION_RIP,
	.before_oops = true, .taints = "D",
};
static const struct report_rule invoked_rule = {
	.kind = FINDING_OUT_OF_MEMORY, .end = END_KILLED, .taints = "",
};
static const struct report_rule killed_rule = {
	.kind = FINDING_OUT_OF_MEMORY, .end = END_LINE, .taints = "",
};

const char *message_oops_code(const char *message)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = strstr(message, " [#");
	const char *start = end;

	if (!end || end[3] < '0' || end[3] > '9')
		return NULL;
	while (start > message && strchr(hex, start[-1]))
		start--;
	if (end - start < 4 || start == message || start[-1] != ' ')
		return NULL;
	return start;
}

bool message_is_oops(const char *message)
{
	return message_oops_code(message) != NULL;
}

bool message_is_killed(const char *message)
{
	return (text_starts(message, "Out of memory") ||
		text_starts(message, "Memory cgroup out of memory")) &&
	       strstr(message, ": Killed process ");
}

static bool rule_fits(const struct report_rule *rule, const char *message)
{
	if (!text_starts(message, rule->prefix))
		return false;
	return !rule->also || strstr(message + strlen(rule->prefix), rule->also);
}

const struct report_rule *report_rule_find(const char *message)
{
	for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
		if (rule_fits(&rules[i], message))
			return &rules[i];
	if (text_starts(message, "CPU") &&
	    strstr(message, ": Watchdog detected hard LOCKUP on cpu "))
		return report_rule_find("Watchdog detected hard LOCKUP on cpu");
	if (message_is_oops(message))
		return &oops_rule;
	if (message_is_killed(message))
		return &killed_rule;
	if (strstr(message, " invoked oom-killer: gfp_mask="))
		return &invoked_rule;
	return NULL;
}
