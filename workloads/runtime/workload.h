/* workload.h - what a workload declares, and what it may call.
 *
 * A workload is one C file that defines `const struct workload workload`.
 * main() is in workload.c: it reads "name=value" parameters, runs setup,
 * measure (warm-up rounds first, whose samples are dropped) and cleanup, and
 * sends samples, artifacts and the outcome when everything is over, so that
 * sending never disturbs measuring. `WORKLOAD --describe` prints the
 * declaration as JSON (docs/result-format.md).
 *
 * A workload that finds the kernel wrong calls workload_failed(); one that
 * cannot run here workload_skipped(); one whose measurement cannot be trusted
 * workload_broken(). They run cleanup, send what was collected and exit; the
 * first call counts, from whichever thread. A round that returns is good.
 */
#ifndef KERNGATE_RUNTIME_WORKLOAD_H
#define KERNGATE_RUNTIME_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marker.h"

#define printf_like(text, first) __attribute__((format(printf, text, first)))

struct metric {
	const char *name;          /* [a-z0-9_]+, its unit at the end */
	const char *unit;
	const char *better;        /* "lower" or "higher" */
	const char *kind;          /* "time", "rate", "count", "tail", "outcome" */
	bool secondary;            /* derived: shown, never gated */
	const char *meaning;
};

struct parameter {
	const char *name;
	int64_t minimum, maximum;  /* of a number, inclusive */
	const char *const *choices; /* of a word, NULL-terminated; NULL: a number */
	const char *default_value;
	const char *meaning;
};

struct workload {
	const char *name, *purpose;
	const struct metric *metrics;          /* to .name == NULL */
	const struct parameter *parameters;    /* to .name == NULL; may be NULL */
	const char *const *needs_options;      /* NULL-terminated lists; may be NULL */
	const char *const *needs_devices;
	const char *const *needs_tools;
	const char *const *kernel_arguments;
	uint64_t needs_memory_mib;
	uint32_t needs_vcpus;
	/* The instructions of its rounds, or of the regions of its own inside them,
	 * mean something (docs/exact-mode.md, "Markers and regions"). */
	bool is_counted;
	/* Rounds whose samples are dropped before those that count. A parameter
	 * named "rounds" says how many count; 1 without it. */
	uint32_t warmup_rounds;
	void (*setup)(void);                   /* may be NULL */
	void (*measure)(uint32_t round);       /* 0, 1, ... warm-up included */
	void (*cleanup)(void);                 /* may be NULL; after half a setup too */
	/* All three, or none: it can be a load beside another workload
	 * (docs/result-format.md, "Loads"). */
	const char *const *load_parameters;    /* those that a load takes; NULL-terminated */
	/* Instead of setup, measure and cleanup, in a process group of its own: goes on
	 * until it gets SIGTERM, and does not return (load_exec). No regions: those
	 * that are open are the other workload's. */
	void (*load)(void);
	/* Tasks (processes and threads, the first included) that there are when all of it
	 * runs. */
	uint32_t (*load_tasks)(void);
	/* It has ended, by SIGTERM or before its time: keeps its artifacts ("load." in
	 * front), and ends the workload where the load cannot be trusted. status as of
	 * wait(2), message the last line of its stderr. */
	void (*load_ended)(int status, const char *message);
};

extern const struct workload workload;

/* Values of parameters; ranges and choices have been checked. */
int64_t parameter_number(const char *name);
const char *parameter_word(const char *name);

/* Keeps a sample of a declared metric (memory is ready; no system call).
 * Only from the thread that runs measure(). */
void sample_add(const char *metric, double value);
/* Keeps a copy of a file's worth of data. name: [a-z0-9._-]+. */
void artifact_add(const char *name, const void *data, size_t length);
void artifact_add_file(const char *name, const char *path);

/* Asks the host to plug in a DIMM of that size; not in exact mode. The memory itself is
 * the answer, some time later: watch for it, with a deadline. Where the guest's shape
 * has no room or slot for it the host ends the trial as broken and says why. Once a
 * DIMM is there it stays until the guest ends. */
void host_request_dimm(uint64_t size_mib);

_Noreturn void workload_failed(const char *format, ...) printf_like(1, 2);
_Noreturn void workload_skipped(const char *format, ...) printf_like(1, 2);
_Noreturn void workload_broken(const char *format, ...) printf_like(1, 2);

uint64_t clock_now_ns(void);                   /* CLOCK_MONOTONIC */
void sleep_ns(uint64_t duration_ns);           /* 0: not at all */

/* Small files of /proc and /sys. The *_or_broken forms end the workload with
 * path and cause. */
int text_write(const char *path, const char *text); /* 0 or negative errno */
void text_write_or_broken(const char *path, const char *format, ...)
	printf_like(2, 3);
/* Bytes read (NUL-terminated, cut at size - 1) or negative errno. */
int text_read(const char *path, char *text, size_t size);
uint64_t number_read_or_broken(const char *path);
/* "HugePages_Free:    12 kB" > 12, of a file with such lines; broken if it is
 * not there. */
uint64_t field_read_or_broken(const char *path, const char *field);
/* Value of NAME=VALUE on the kernel's command line; false if it is not there. */
bool kernel_argument(const char *name, char *value, size_t size);

/* Calls read_record with each record of the kernel's log so far, in /dev/kmsg's form
 * ("priority,number,microseconds,flags;message"), NUL-terminated; it may change it.
 * Broken where the log has lost its beginning. */
void kernel_log_read(void (*read_record)(char *record));

/* Runs a tool, its stdout dropped; -1 and *ret_status (as of wait(2)), or the
 * exit status. The last line it wrote to stderr goes to message. */
int tool_run(const char *const *argv, char *message, size_t message_size,
	     int *ret_status);
/* The same, its stdout into a file; -1: dropped. */
int tool_run_to(const char *const *argv, int output_fd, char *message,
		size_t message_size, int *ret_status);
/* The same, counted as a region of the workload's own; a tool that fails makes the row
 * broken, by its name (argv[0]). */
void tool_measure(const char *const *argv, int output_fd);

/* Becomes that program; of the hook `load`. Does not return. */
_Noreturn void load_exec(const char *const *argv);

/* A no-op that an instruction-counting plugin sees: `0f 1f 84 00 imm32`. The
 * mark must be a constant. */
#define workload_marker(mark) marker_emit(mark)

/* What lies between them is counted in exact mode, and nothing happens elsewhere:
 * two no-ops. The region must be a constant. The runtime counts every round as a
 * whole; a workload that measures a part of a round puts regions of its own
 * (MARKER_REGION_OWN, then one more each) around that part, as closely as its
 * clock reads, and those then stand for the round. An own region begins and ends
 * inside one call of measure(), in any thread; it may come several times: its
 * visits, and all own regions, are added up. A round that ends the program
 * leaves its regions open, and PID 1 sees to it that they are dropped
 * (docs/exact-mode.md, "Markers and regions"). */
#define workload_region_begin(region) workload_marker(MARKER_BEGIN(region))
#define workload_region_end(region) workload_marker(MARKER_END(region))

#endif
