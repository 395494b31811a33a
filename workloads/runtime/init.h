/* init.h - between the files of the guest's PID 1 (guest_init.c, init_*.c).
 *
 * PID 1 must survive whatever a workload does: nothing here exits, and what a
 * workload says is checked before it is passed on.
 */
#ifndef KERNGATE_RUNTIME_INIT_H
#define KERNGATE_RUNTIME_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "line.h"

#define PLAN_PATH "/kerngate/plan"
#define WORKLOADS_FOLDER "/kerngate/workloads"
#define TOOLS_FOLDER "/kerngate/tools"
#define PLAN_ROWS_MAX 256
#define PLAN_SYSCTLS_MAX 64
#define ROW_ARGUMENTS_MAX 32
#define NAME_MAX_BYTES 64          /* of metrics and artifacts */
#define REASON_MAX_BYTES 512
#define RECORDS_MAX_BYTES (12u << 20) /* what one row may send */

/* --- init_plan.c: docs/result-format.md, "The plan" ------------------------ */
struct plan_program {
	const char *workload;      /* NULL: none */
	char *arguments[ROW_ARGUMENTS_MAX]; /* "name=value" */
	size_t arguments_count;
};

struct plan_row {
	const char *name;
	unsigned int timeout_s;
	struct plan_program program;
	struct plan_program load;  /* that runs beside it */
};

struct plan {                      /* strings borrowed from text */
	char *text;                /* owned */
	const char *trial;
	char *sysctls[PLAN_SYSCTLS_MAX]; /* "kernel.x=1" */
	size_t sysctls_count;
	struct plan_row rows[PLAN_ROWS_MAX];
	size_t rows_count;
};

/* False with a reason if the file is missing or not a whole plan. */
bool plan_load(const char *path, struct plan *plan, char *reason, size_t size);

/* --- init_port.c: the result port ------------------------------------------- */
struct port {
	int fd;
	uint64_t sequence;         /* of the next line */
};

int port_open(struct port *port, const char *path); /* 0 or negative errno */
/* Seals and writes a line that line_begin(port->sequence) began. */
void port_send(struct port *port, struct line *line);
void port_send_outcome(struct port *port, unsigned int row, const char *outcome,
		       const char *reason);
void port_drain(struct port *port);

/* --- init_records.c: what a workload says ----------------------------------- */
struct records {
	char *data;                /* owned */
	size_t length, capacity;
	bool overflow;             /* more than RECORDS_MAX_BYTES, or no memory */
};

/* Reads what is there from a non-blocking fd. False at its end. */
bool records_read(struct records *records, int fd);
void records_release(struct records *records);
/* Sends the requests that stand first in the records as lines, at once, and takes them
 * out. Among other records they are a mistake. */
void records_pass_requests(struct records *records, struct port *port, unsigned int row);

/* Takes the record "running", which a load sends when it is, out of the records that
 * begin with it; false where they do not, or not yet. */
bool records_take_running(struct records *records);

struct row_outcome {
	const char *outcome;       /* static */
	char reason[REASON_MAX_BYTES];
};

/* Checks all records and passes samples and artifacts on. The last record must
 * be the outcome; anything else makes the row broken. */
void records_send(const struct records *records, struct port *port,
		  unsigned int row, struct row_outcome *ret_outcome);

/* --- init_exact.c: what a seed of exact mode does in the guest --------------- */
struct perturbation {              /* all zero: none */
	uint64_t phase_turns;      /* kerngate.phase=TURNS */
	uint32_t jitter_us;        /* kerngate.jitter=US,SEED; 0: no jitter */
	uint64_t jitter_seed;
};

/* From the kernel's command line. False with a reason if a value will not do. */
bool perturbation_read(struct perturbation *ret_perturbation, char *reason,
		       size_t size);
/* Two instructions a turn of the phase, not one more or less in another build. */
void perturbation_spin(const struct perturbation *perturbation);
/* Processes at the highest real-time priority, one on each CPU, that wake up at
 * random times until somebody ends them, as row_run does with all that lives when
 * the row is over. Their process group. Nothing depends on them: 0 where there are
 * to be none or they cannot be had. */
pid_t jitter_start(const struct perturbation *perturbation, unsigned int row);

/* --- init_process.c: a workload's process, and what it sends ---------------------- */
struct process {
	pid_t pid;
	int records_fd;            /* read end, non-blocking; -1: at its end, or none */
	bool is_started, is_reaped;
	int status;                /* as of wait(2), of one that is reaped */
	struct records records;    /* read so far */
};

/* 0 or negative errno. process_release() either way. */
int process_start(const struct plan_program *program, bool is_load,
		  struct process *ret_process);
/* What is there to be read. */
void process_read(struct process *process);
/* Closes and frees; ends nothing. */
void process_release(struct process *process);
/* Sends the records as lines. Without an outcome of its own it has that of its end. */
void process_send(const struct process *process, struct port *port, unsigned int row,
		  struct row_outcome *ret_outcome);

/* --- init_row.c -------------------------------------------------------------- */
/* Runs a row to its end and sends its lines. False if its processes could not
 * be ended: nothing may be measured after it. */
bool row_run(const struct plan_row *row, unsigned int index,
	     const struct perturbation *perturbation, struct port *port);
/* Says that a row is broken without running it. */
void row_refuse(const struct plan_row *row, unsigned int index,
		struct port *port, const char *reason);

/* --- init_system.c ------------------------------------------------------------ */
void system_mount_all(void);
void system_open_console(void);
/* 0, or negative errno with a reason. */
int system_apply_sysctl(char *assignment, char *reason, size_t size);
/* Value of NAME=VALUE (or "" for a bare NAME) on the kernel command line. */
bool system_kernel_argument(const char *name, char *value, size_t size);
uint64_t system_now_ns(void);
/* Reads a small file whole; length or negative errno. */
int system_read_text(const char *path, char *text, size_t size);

struct system_counters {
	uint64_t steal_ns;
	uint64_t context_switches_count;
	uint64_t interrupts_count;
};

void system_read_counters(struct system_counters *ret_counters);
_Noreturn void system_power_off(void);

/* --- init_shell.c --------------------------------------------------------------- */
/* busybox sh on the console until it ends. */
void shell_run(void);

#endif
