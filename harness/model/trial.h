/* trial.h - what came of one boot, as data. A trial is one boot of one variant
 * in one guest shape running one suite. A panicking kernel is an outcome, not
 * an error.
 */
#ifndef KERNGATE_MODEL_TRIAL_H
#define KERNGATE_MODEL_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "strbuf.h"

enum outcome {
	OUTCOME_PASSED,
	OUTCOME_FAILED,    /* the workload ran and found the kernel wrong */
	OUTCOME_SKIPPED,   /* the workload cannot run here */
	OUTCOME_BROKEN,    /* the measurement cannot be trusted or read */
	OUTCOME_CRASHED,   /* kernel panic or oops, or the workload was killed */
	OUTCOME_TIMED_OUT, /* a deadline of the guest or of the row */
};

const char *outcome_name(enum outcome outcome); /* "passed", ..., "timed-out" */
int outcome_parse(const char *name, enum outcome *ret) must_check;

struct sample {
	uint32_t row;          /* index into the suite's rows */
	char *metric;          /* owned */
	uint32_t iteration;    /* 0, 1, ... within row and metric */
	double value;          /* finite; integers exact up to 2^53 */
};

/* What the console says went wrong. */
enum finding_kind {
	FINDING_PANIC, FINDING_OOPS, FINDING_BUG, FINDING_WARNING,
	FINDING_LOCKDEP, FINDING_KASAN, FINDING_KCSAN, FINDING_UBSAN,
	FINDING_SOFT_LOCKUP, FINDING_HARD_LOCKUP, FINDING_HUNG_TASK,
	FINDING_RCU_STALL, FINDING_OUT_OF_MEMORY, FINDING_TAINT,
	FINDING_KINDS_COUNT
};

const char *finding_kind_name(enum finding_kind kind); /* "panic", "hung-task", ... */
int finding_kind_parse(const char *name, enum finding_kind *ret) must_check;
/* Whether a trial with it is `crashed` (panic, oops, BUG, lockups). */
bool finding_kind_is_fatal(enum finding_kind kind);

struct finding {
	enum finding_kind kind;
	char *title;           /* one line, addresses and ids removed: equal titles are the same bug; owned */
	char *excerpt;         /* console lines around it, bounded; owned */
	uint64_t line;         /* of the console, from 1 */
};

struct row_result {
	enum outcome outcome;
	char *reason;          /* why not passed; owned; NULL if passed */
};

struct trial_times {           /* clock_monotonic_ns; 0: never happened */
	uint64_t create_ns;      /* before the domain is created */
	uint64_t created_ns;     /* the call returned */
	uint64_t first_byte_ns;  /* of the console */
	uint64_t user_space_ns;  /* hello line of PID 1 */
	uint64_t end_marker_ns;  /* end line: power-off follows at once */
	uint64_t stopped_ns;     /* domain gone, its process reaped */
};

/* What the host did to the trial. */
struct host_evidence {
	double steal_ratio;      /* share of CPU time stolen from this host, 0..1 */
	double others_cpus;      /* mean number of CPUs busy with other processes */
	double pressure_memory_ratio; /* PSI memory "some", 0..1; NAN if the host has none */
	double frequency_mhz;    /* mean of the pinned CPUs at the end; NAN if unknown */
	bool disturbed;
	char *reason;            /* owned; NULL if not disturbed */
};

struct trial_result {
	enum outcome outcome;    /* the worst of the rows and of the guest */
	char *reason;            /* owned; NULL if passed */
	struct row_result *rows; size_t rows_count;     /* owned */
	struct sample *samples; size_t samples_count;   /* owned */
	struct finding *findings; size_t findings_count; /* owned */
	struct trial_times times;
	struct host_evidence host;
	char *kernel_release;    /* as the guest reported it; owned; may be NULL */
	char *digest;            /* exact mode: SHA-256 (hex) over console, result
				    lines and region counts: equal worlds have
				    equal digests; owned; NULL in timed mode */
};

#define TRIAL_RESULT_INIT ((struct trial_result){ .rows = NULL })

void trial_result_release(struct trial_result *result);
void trial_result_add_sample(struct trial_result *result, uint32_t row,
			     const char *metric, uint32_t iteration, double value);
/* Sets outcome and reason if worse than what stands (passed < skipped < failed
 * < timed-out < broken < crashed). */
void trial_result_worsen(struct trial_result *result, enum outcome outcome,
			 const char *format, ...) printf_like(3, 4);

#endif
