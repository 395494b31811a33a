/* workload_arguments.c - the arguments of a suite's row, and of its load, against the
 * parameters that the workload describes.
 */
#include "workload_info.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "config_node.h"
#include "memory.h"
#include "workload_info_private.h"

static bool number_parse(const char *text, int64_t *ret_number)
{
	const char *digits = *text == '-' ? text + 1 : text;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return !errno && !*end;
}

/* What a parameter may be, appended for messages. */
static void expectation_add(struct strbuf *buf,
			    const struct parameter_info *parameter)
{
	if (parameter->is_number) {
		strbuf_addf(buf, "expected a whole number %jd..%jd",
			    (intmax_t)parameter->minimum,
			    (intmax_t)parameter->maximum);
		return;
	}
	strbuf_adds(buf, "expected one of ");
	for (size_t i = 0; i < parameter->choices.count; i++)
		strbuf_addf(buf, "%s%s", i ? ", " : "",
			    parameter->choices.items[i]);
}

int parameter_info_check_value(const struct parameter_info *parameter, const char *value,
			       struct error *err)
{
	cleanup_strbuf struct strbuf expected = STRBUF_INIT;
	int64_t number;

	if (parameter->is_number ? number_parse(value, &number) &&
					   number >= parameter->minimum &&
					   number <= parameter->maximum :
				   strvec_contains(&parameter->choices, value))
		return 0;
	expectation_add(&expected, parameter);
	return error_set(err, -EINVAL, "%s: %s, found '%.80s'", parameter->name,
			 expected.data, value);
}

const struct parameter_info *workload_info_find_parameter(
	const struct workload_info *info, const char *name)
{
	for (size_t i = 0; i < info->parameters_count; i++)
		if (!strcmp(info->parameters[i].name, name))
			return &info->parameters[i];
	return NULL;
}

const char *workload_need_device(const char *need)
{
	const char *colon = strchr(need, ':');

	return colon ? colon + 1 : need;
}

/* Whether the need is one with these arguments; NULL: the defaults. */
static bool need_applies(const struct workload_info *info, const struct strvec *arguments,
			 const char *need)
{
	size_t length = strcspn(need, ":"), name_length = strcspn(need, "=");

	if (!need[length])
		return true;
	for (size_t i = 0; arguments && i < arguments->count; i++)
		if (!strncmp(arguments->items[i], need, name_length + 1))
			return strlen(arguments->items[i]) == length &&
			       !strncmp(arguments->items[i], need, length);
	for (size_t i = 0; i < info->parameters_count; i++) {
		cleanup_free char *text = string_format("%s=%s:", info->parameters[i].name,
							info->parameters[i].default_value);

		if (!strncmp(need, text, strlen(text)))
			return true;
	}
	return false;
}

bool workload_info_needs_device(const struct workload_info *info,
				const struct strvec *arguments, const char *device)
{
	for (size_t i = 0; i < info->needs_devices.count; i++)
		if (!strcmp(workload_need_device(info->needs_devices.items[i]), device) &&
		    need_applies(info, arguments, info->needs_devices.items[i]))
			return true;
	return false;
}

static int refuse_parameter(const struct workload_info *info, const char *name,
			    struct error *err)
{
	cleanup_free const char **names = memory_alloc_array(
		info->parameters_count, sizeof(*names));
	cleanup_strbuf struct strbuf tail = STRBUF_INIT;

	for (size_t i = 0; i < info->parameters_count; i++)
		names[i] = info->parameters[i].name;
	config_add_candidates(&tail, name, names, info->parameters_count);
	return error_set(err, -EINVAL, "%s has no parameter '%.80s'%s",
			 info->name, name,
			 info->parameters_count ? tail.data : "; it takes none");
}

int workload_info_check_arguments(const struct workload_info *info,
				  const struct strvec *arguments,
				  struct error *err)
{
	cleanup_strvec struct strvec seen = STRVEC_INIT;

	for (size_t i = 0; i < arguments->count; i++) {
		cleanup_free char *name = string_copy(arguments->items[i]);
		const struct parameter_info *parameter;
		char *equals = strchr(name, '=');
		int r;

		if (!equals)
			return error_set(err, -EINVAL,
					 "expected NAME=VALUE, found '%.80s'",
					 name);
		*equals = '\0';
		parameter = workload_info_find_parameter(info, name);
		if (!parameter)
			return refuse_parameter(info, name, err);
		if (strvec_contains(&seen, name))
			return error_set(err, -EINVAL,
					 "the argument '%s' is there twice", name);
		strvec_push(&seen, name);
		r = parameter_info_check_value(parameter, equals + 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int workload_info_check_load(const struct workload_info *info,
			     const struct strvec *arguments, struct error *err)
{
	if (!info->can_load)
		return error_set(err, -EINVAL, "%s cannot be a load", info->name);
	for (size_t i = 0; i < arguments->count; i++) {
		cleanup_free char *name = string_copy_n(arguments->items[i],
							strcspn(arguments->items[i], "="));

		if (workload_info_find_parameter(info, name) &&
		    !strvec_contains(&info->load_parameters, name))
			return error_set(err, -EINVAL, "%s has no parameter '%s' as a load: it "
					 "goes on as long as the row does", info->name, name);
	}
	return workload_info_check_arguments(info, arguments, err);
}
