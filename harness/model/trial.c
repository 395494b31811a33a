/* trial.c - outcomes, findings and results of one boot as data. It judges
 * nothing and reads nothing: see guest_lines.c and kernel_log.c for that.
 */
#include "trial.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "memory.h"

struct outcome_kind {
	const char *name;
	int severity;
};

static const struct outcome_kind outcomes[] = {
	[OUTCOME_PASSED] = { "passed", 0 },
	[OUTCOME_FAILED] = { "failed", 2 },
	[OUTCOME_SKIPPED] = { "skipped", 1 },
	[OUTCOME_BROKEN] = { "broken", 4 },
	[OUTCOME_CRASHED] = { "crashed", 5 },
	[OUTCOME_TIMED_OUT] = { "timed-out", 3 },
};

struct finding_class {
	const char *name;
	bool is_fatal;
};

static const struct finding_class finding_classes[FINDING_KINDS_COUNT] = {
	[FINDING_PANIC] = { "panic", true },
	[FINDING_OOPS] = { "oops", true },
	[FINDING_BUG] = { "bug", true },
	[FINDING_WARNING] = { "warning", false },
	[FINDING_LOCKDEP] = { "lockdep", false },
	[FINDING_KASAN] = { "kasan", false },
	[FINDING_KCSAN] = { "kcsan", false },
	[FINDING_UBSAN] = { "ubsan", false },
	[FINDING_SOFT_LOCKUP] = { "soft-lockup", true },
	[FINDING_HARD_LOCKUP] = { "hard-lockup", true },
	[FINDING_HUNG_TASK] = { "hung-task", false },
	[FINDING_RCU_STALL] = { "rcu-stall", false },
	[FINDING_OUT_OF_MEMORY] = { "out-of-memory", false },
	[FINDING_TAINT] = { "taint", false },
};

const char *outcome_name(enum outcome outcome)
{
	if ((size_t)outcome >= ARRAY_COUNT(outcomes))
		return "unknown";
	return outcomes[outcome].name;
}

int outcome_parse(const char *name, enum outcome *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
		if (strcmp(name, outcomes[i].name) == 0) {
			*ret = (enum outcome)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *finding_kind_name(enum finding_kind kind)
{
	if ((size_t)kind >= ARRAY_COUNT(finding_classes))
		return "unknown";
	return finding_classes[kind].name;
}

int finding_kind_parse(const char *name, enum finding_kind *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(finding_classes); i++) {
		if (strcmp(name, finding_classes[i].name) == 0) {
			*ret = (enum finding_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool finding_kind_is_fatal(enum finding_kind kind)
{
	return (size_t)kind < ARRAY_COUNT(finding_classes) &&
	       finding_classes[kind].is_fatal;
}

void trial_result_release(struct trial_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->rows_count; i++)
		free(result->rows[i].reason);
	for (size_t i = 0; i < result->samples_count; i++)
		free(result->samples[i].metric);
	for (size_t i = 0; i < result->findings_count; i++) {
		free(result->findings[i].title);
		free(result->findings[i].excerpt);
	}
	free(result->rows);
	free(result->samples);
	free(result->findings);
	free(result->reason);
	free(result->host.reason);
	free(result->kernel_release);
	free(result->digest);
	*result = TRIAL_RESULT_INIT;
}

void trial_result_add_sample(struct trial_result *result, uint32_t row,
			     const char *metric, uint32_t iteration, double value)
{
	size_t count = result->samples_count;

	/* The capacity is the next power of two: the array may have come from
	 * elsewhere, so it is grown at every power, never assumed larger. */
	if ((count & (count - 1)) == 0)
		result->samples = memory_realloc_array(result->samples,
						       count ? 2 * count : 1,
						       sizeof(*result->samples));
	result->samples[count] = (struct sample){
		.row = row,
		.metric = string_copy(metric),
		.iteration = iteration,
		.value = value,
	};
	result->samples_count = count + 1;
}

void trial_result_worsen(struct trial_result *result, enum outcome outcome,
			 const char *format, ...)
{
	va_list arguments;

	if (outcomes[outcome].severity <= outcomes[result->outcome].severity)
		return;
	va_start(arguments, format);
	free(result->reason);
	result->reason = string_vformat(format, arguments);
	va_end(arguments);
	result->outcome = outcome;
}
