/* workload_info_private.h - between workload_info.c and workload_arguments.c. */
#ifndef KERNGATE_MODEL_WORKLOAD_INFO_PRIVATE_H
#define KERNGATE_MODEL_WORKLOAD_INFO_PRIVATE_H

#include "workload_info.h"

/* Whether the parameter may be that; -EINVAL says what was expected. */
int parameter_info_check_value(const struct parameter_info *parameter, const char *value,
			       struct error *err) must_check;
/* Borrowed, or NULL. */
const struct parameter_info *workload_info_find_parameter(const struct workload_info *info,
							  const char *name);
/* The device of a need, with or without its condition; points into it. */
const char *workload_need_device(const char *need);

#endif
