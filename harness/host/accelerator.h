/* accelerator.h - does KVM really run a guest here? /dev/kvm existing is no
 * proof: a one-vCPU guest runs a counted loop of 200,000 iterations in 64-bit
 * ring 0 and then `out`; usable only if KVM_RUN returns KVM_EXIT_IO within
 * 20 ms (best of 3).
 */
#ifndef KERNGATE_HOST_ACCELERATOR_H
#define KERNGATE_HOST_ACCELERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "guest_spec.h"

#define ACCELERATOR_LOOP_MAX_NS UINT64_C(20000000)

enum accelerator_choice { CHOICE_AUTO, CHOICE_KVM, CHOICE_TCG };
/* -EINVAL naming what was expected. */
int accelerator_choice_parse(const char *text, enum accelerator_choice *ret,
			     struct error *err) must_check;

struct accelerator_probe {
	bool usable;
	char reason[256];     /* one line for people, also when usable */
	uint64_t loop_ns;     /* 0 if the loop never ended */
};

/* Runs in a child process of its own, with a deadline of 2 s: never hangs. */
void accelerator_probe(struct accelerator_probe *ret_probe);

/* auto: KVM if proven, else TCG (the reason is in ret_probe, for the log and
 * the run's record). kvm: -ENOTSUP with the reason if not proven. */
int accelerator_choose(enum accelerator_choice choice, enum accelerator *ret,
		       struct accelerator_probe *ret_probe,
		       struct error *err) must_check;

/* How far the probe's child came; what is below is for the tests. */
enum accelerator_step {
	STEP_NOTHING,         /* the child said nothing at all */
	STEP_OPEN,            /* open(2) of /dev/kvm failed: error_number */
	STEP_VERSION,         /* another API version: api_version */
	STEP_SETUP,           /* an ioctl before KVM_RUN failed: name, error_number */
	STEP_RUN,             /* KVM_RUN itself failed: error_number */
	STEP_EXITED,          /* KVM_RUN returned: exit_reason */
};

/* What the child reports; plain data that goes through a pipe. */
struct accelerator_outcome {
	enum accelerator_step step;
	int error_number;
	int api_version;
	char name[32];        /* of the ioctl that failed */
	uint32_t exit_reason; /* KVM_EXIT_* (linux/kvm.h) */
	uint64_t detail;      /* hardware entry failure, or the suberror */
	uint64_t loop_ns;     /* best of the runs that ended in KVM_EXIT_IO */
	bool timed_out;       /* set by the parent: deadline passed */
};

/* The judgement alone. Pure. */
void accelerator_judge(const struct accelerator_outcome *outcome,
		       struct accelerator_probe *ret_probe);

#endif
