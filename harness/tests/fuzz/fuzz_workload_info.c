/* fuzz_workload_info.c - whatever `--describe` may print: no crash, no leak, and
 * a description that is accepted accepts its own defaults.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workload_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_defaults(const struct workload_info *info)
{
	cleanup_strvec struct strvec arguments = STRVEC_INIT;
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < info->parameters_count; i++)
		strvec_pushf(&arguments, "%s=%s", info->parameters[i].name,
			     info->parameters[i].default_value);
	require(workload_info_check_arguments(info, &arguments, &err) == 0);
	strvec_push(&arguments, "no-such-parameter=1");
	require(workload_info_check_arguments(info, &arguments, &err) < 0);
	require(err.message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct workload_info info;
	struct error err = ERROR_INIT;
	size_t i;

	if (workload_info_parse((const char *)data, size, &info, &err) < 0) {
		require(err.code < 0 && err.message[0]);
		return 0;
	}
	require(info.name && info.purpose && info.metrics_count > 0);
	for (i = 0; i < info.metrics_count; i++)
		require(workload_info_find_metric(&info, info.metrics[i].name) ==
			&info.metrics[i]);
	check_defaults(&info);
	workload_info_release(&info);
	return 0;
}
