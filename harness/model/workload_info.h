/* workload_info.h - what a workload says of itself (`WORKLOAD --describe`),
 * read from its JSON: docs/result-format.md has the format. Pure.
 */
#ifndef KERNGATE_MODEL_WORKLOAD_INFO_H
#define KERNGATE_MODEL_WORKLOAD_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "kernel_spec.h"
#include "strbuf.h"

enum metric_direction { BETTER_LOWER, BETTER_HIGHER };
enum metric_kind {        /* how samples become one figure a boot */
	METRIC_TIME,      /* median of the samples */
	METRIC_RATE,      /* median of the samples */
	METRIC_COUNT,     /* median of the samples */
	METRIC_TAIL,      /* maximum of the samples: judged as a tail */
	METRIC_OUTCOME,   /* samples 0 or 1; a boot passed (1) if all did; better is
			     higher: judged by Fisher's test over boots */
};

const char *metric_direction_name(enum metric_direction); /* "lower", "higher" */
const char *metric_kind_name(enum metric_kind); /* "time", "rate", "count", "tail",
							   "outcome" */
/* -EINVAL without touching the result on an unknown name. */
int metric_direction_parse(const char *name, enum metric_direction *ret) must_check;
int metric_kind_parse(const char *name, enum metric_kind *ret) must_check;

struct metric_info {
	char *name;     /* [a-z0-9_]+, unit at its end: "fallocate_ns"; owned */
	char *unit;     /* "ns", "GiB/s", ...; owned */
	char *meaning;  /* one sentence; owned */
	enum metric_direction better;
	enum metric_kind kind;
	bool secondary; /* derived from another metric: shown, never gated */
};

struct parameter_info {
	char *name, *meaning;       /* owned */
	bool is_number;
	int64_t minimum, maximum;   /* numbers */
	struct strvec choices;      /* words */
	char *default_value;        /* owned */
};

struct workload_info {
	char *name, *purpose;       /* owned */
	struct metric_info *metrics;      size_t metrics_count;
	struct parameter_info *parameters; size_t parameters_count;
	struct strvec needs_options; /* "CONFIG_HUGETLBFS", must be y */
	struct strvec needs_devices; /* of the guest shape, workload_devices; or
					"PARAMETER=CHOICE:DEVICE", with that argument only */
	struct strvec needs_tools;   /* host programs packed into the initramfs: "cyclictest" */
	struct strvec kernel_arguments; /* it adds to the command line */
	uint64_t needs_memory_mib;   /* 0: any guest will do */
	uint32_t needs_vcpus;        /* 0: any */
	bool can_load;               /* it can be a load beside another workload */
	struct strvec load_parameters; /* those of its parameters that a load takes */
	bool is_counted;             /* the instructions of its rounds mean something:
					exact mode adds metrics (exact.h) */
};

int workload_info_parse(const char *text, size_t length,
			struct workload_info *ret_info, struct error *err) must_check;
void workload_info_release(struct workload_info *info);
/* "iommu", "pmem", "hotplug" (memory from the host while it runs), "numa", NULL. */
extern const char *const workload_devices[];
/* Whether with these arguments, which have been checked, it needs that device. */
bool workload_info_needs_device(const struct workload_info *info,
				const struct strvec *arguments, const char *device);
/* Borrowed, or NULL. */
const struct metric_info *workload_info_find_metric(
	const struct workload_info *info, const char *name);
/* Checks arguments ("name=value") against names, ranges and choices; -EINVAL
 * says which and what was expected. */
int workload_info_check_arguments(const struct workload_info *info,
				  const struct strvec *arguments,
				  struct error *err) must_check;
/* The same for a load: it must be able to be one, and takes fewer parameters. */
int workload_info_check_load(const struct workload_info *info,
			     const struct strvec *arguments, struct error *err) must_check;

/* What a row with a load has behind its workload's metrics: "load_cpu_ratio". */
extern const struct metric_info workload_load_metric;

#endif
