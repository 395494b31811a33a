/* kernel_log_report.h - which console messages begin a report of the kernel,
 * where it ends, and the title that names its bug. Private to kernel_log*.c.
 */
#ifndef KERNGATE_MODEL_KERNEL_LOG_REPORT_H
#define KERNGATE_MODEL_KERNEL_LOG_REPORT_H

#include <stdbool.h>

#include "trial.h"

/* The last line of a report. */
enum report_end {
	END_LINE,    /* it is one line */
	END_TRACE,   /* "---[ end trace ..." */
	END_STACK,   /* "</TASK>": the stack of the task is what comes last */
	END_RULER,   /* a line of '=' */
	END_LOCKS,   /* the list of held locks */
	END_KILLED,  /* "Killed process ..." */
	END_PANIC,   /* "---[ end Kernel panic" */
};

/* Where the function in the title comes from. */
enum function_source {
	FUNCTION_NONE,
	FUNCTION_LINE,  /* first symbol+offset of the first line */
	FUNCTION_RIP,   /* instruction pointer in the kernel, else the stack */
	FUNCTION_STACK, /* first frame that is not the checker's own */
	FUNCTION_LOCK,  /* ", at: symbol" of the first lock, else the stack */
};

struct report_rule {
	const char *prefix;  /* the message begins so */
	const char *also;    /* and contains this; NULL: anything */
	enum finding_kind kind;
	enum report_end end;
	enum function_source function;
	const char *title;   /* NULL: made from the message */
	bool before_oops;    /* an "Oops:" line follows and belongs to it */
	const char *taints;  /* flags that it sets, see kernel/panic.c */
};

/* NULL if the message begins no report. Static. */
const struct report_rule *report_rule_find(const char *message);
/* "Oops: ...: 0002 [#1] ..." */
bool message_is_oops(const char *message);
/* The error code ("0002 [#1] ...") in such a message, else NULL; borrowed. */
const char *message_oops_code(const char *message);
/* "Out of memory: Killed process 12 (stress) ..." and its memory cgroup form. */
bool message_is_killed(const char *message);

#define REPORT_FUNCTION_MAX 128

/* What is known of a report while it is being printed. */
struct report_facts {
	const struct report_rule *rule;
	char *first_message;                  /* owned */
	char function[REPORT_FUNCTION_MAX];   /* "" if not known yet */
	char stack_function[REPORT_FUNCTION_MAX];
	const char *access;                   /* KASAN: "Read", "Write"; static */
	char *killed;                         /* name of the process; owned */
	bool in_stack, has_oops, has_locks;
};

void report_facts_begin(struct report_facts *facts,
			const struct report_rule *rule, const char *message);
/* Takes what a further line of the report says. */
void report_facts_learn(struct report_facts *facts, const char *message);
/* Whether the report ends with this line (true for END_LINE's first). */
bool report_facts_ends(const struct report_facts *facts, const char *message);
/* Owned by the caller; one line of printable ASCII. */
char *report_facts_title(const struct report_facts *facts);
void report_facts_release(struct report_facts *facts);

#endif
