/* workload_info.c - a workload's description (JSON) > struct, strictly: every
 * key but "counted" must be there, none may be unknown, and what it says must
 * hold together. Runs nothing. What arguments it takes is
 * checked in workload_arguments.c.
 */
#include "workload_info.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "config_node.h"
#include "memory.h"
#include "workload_info_private.h"

#define LIST_MAX 256u
#define NAME_MAX_LENGTH 64u
#define SENTENCE_MAX_LENGTH 500u

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static void cleanup_info(struct workload_info *info)
{
	workload_info_release(info);
}

static const char *const direction_names[] = {
	[BETTER_LOWER] = "lower", [BETTER_HIGHER] = "higher"
};
static const char *const kind_names[] = {
	[METRIC_TIME] = "time", [METRIC_RATE] = "rate",
	[METRIC_COUNT] = "count", [METRIC_TAIL] = "tail",
	[METRIC_OUTCOME] = "outcome"
};

const char *metric_direction_name(enum metric_direction direction)
{
	return direction_names[direction];
}

const char *metric_kind_name(enum metric_kind kind)
{
	return kind_names[kind];
}

static int word_parse(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -EINVAL;
}

int metric_direction_parse(const char *name, enum metric_direction *ret)
{
	int r = word_parse(direction_names, ARRAY_COUNT(direction_names), name);

	if (r < 0)
		return r;
	*ret = (enum metric_direction)r;
	return 0;
}

int metric_kind_parse(const char *name, enum metric_kind *ret)
{
	int r = word_parse(kind_names, ARRAY_COUNT(kind_names), name);

	if (r < 0)
		return r;
	*ret = (enum metric_kind)r;
	return 0;
}

void workload_info_release(struct workload_info *info)
{
	free(info->name);
	free(info->purpose);
	for (size_t i = 0; i < info->metrics_count; i++) {
		free(info->metrics[i].name);
		free(info->metrics[i].unit);
		free(info->metrics[i].meaning);
	}
	free(info->metrics);
	for (size_t i = 0; i < info->parameters_count; i++) {
		free(info->parameters[i].name);
		free(info->parameters[i].meaning);
		free(info->parameters[i].default_value);
		strvec_release(&info->parameters[i].choices);
	}
	free(info->parameters);
	strvec_release(&info->needs_options);
	strvec_release(&info->needs_devices);
	strvec_release(&info->needs_tools);
	strvec_release(&info->kernel_arguments);
	strvec_release(&info->load_parameters);
	*info = (struct workload_info){ .name = NULL };
}

const struct metric_info *workload_info_find_metric(
	const struct workload_info *info, const char *name)
{
	for (size_t i = 0; i < info->metrics_count; i++)
		if (!strcmp(info->metrics[i].name, name))
			return &info->metrics[i];
	return NULL;
}

/* --- what texts may be ------------------------------------------------------ */

typedef bool text_test(const char *text);

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length && length <= NAME_MAX_LENGTH &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool is_sentence(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return length && length <= SENTENCE_MAX_LENGTH;
}

static bool is_word(const char *text)
{
	return !config_expect_word(text);
}

static bool is_unit(const char *text)
{
	return is_word(text) && strlen(text) <= 16;
}

static bool is_option(const char *text)
{
	const char *rest = text + strlen("CONFIG_");

	return !strncmp(text, "CONFIG_", strlen("CONFIG_")) && *rest &&
	       is_word(text) &&
	       !rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

const char *const workload_devices[] = { "iommu", "pmem", "hotplug", "numa", NULL };

/* The condition is looked at when the parameters are known. */
static bool is_device(const char *text)
{
	return word_parse(workload_devices, ARRAY_COUNT(workload_devices) - 1,
			  workload_need_device(text)) >= 0;
}

static bool is_tool(const char *text)
{
	return is_word(text) && !strchr(text, '/') && text[0] != '.' &&
	       text[0] != '-';
}

static int check_text(const char *key, const char *text, text_test *is_good,
		      struct error *err)
{
	if (is_good(text))
		return 0;
	return error_set(err, -EINVAL, "%s: '%.80s' will not do", key, text);
}

/* A list of distinct texts. */
static int read_list(const char *key, json_t *list, text_test *is_good,
		     struct strvec *ret_items, struct error *err)
{
	if (!json_is_array(list) || json_array_size(list) > LIST_MAX)
		return error_set(err, -EINVAL,
				 "%s: expected a list of at most %u texts", key,
				 LIST_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		int r;

		if (!text)
			return error_set(err, -EINVAL,
					 "%s: expected texts only", key);
		r = check_text(key, text, is_good, err);
		if (r < 0)
			return r;
		if (strvec_contains(ret_items, text))
			return error_set(err, -EINVAL, "%s: '%s' is there twice",
					 key, text);
		strvec_push(ret_items, text);
	}
	return 0;
}

/* --- metrics and parameters --------------------------------------------------- */

static int read_metric(json_t *json, struct metric_info *metric,
		       struct error *err)
{
	const char *name, *unit, *meaning, *better, *kind;
	json_error_t problem;
	int secondary, r;

	if (json_unpack_ex(json, &problem, JSON_STRICT,
			   "{s:s, s:s, s:s, s:s, s:s, s:b}", "name", &name,
			   "unit", &unit, "meaning", &meaning, "better", &better,
			   "kind", &kind, "secondary", &secondary) < 0)
		return error_set(err, -EINVAL, "%s", problem.text);
	metric->name = string_copy(name);
	metric->unit = string_copy(unit);
	metric->meaning = string_copy(meaning);
	metric->secondary = secondary;
	r = check_text("name", name, is_name, err);
	if (r == 0)
		r = check_text("unit", unit, is_unit, err);
	if (r == 0)
		r = check_text("meaning", meaning, is_sentence, err);
	if (r < 0)
		return r;
	if (metric_direction_parse(better, &metric->better) < 0)
		return error_set(err, -EINVAL,
				 "better: expected lower or higher, found '%.80s'",
				 better);
	if (metric_kind_parse(kind, &metric->kind) < 0)
		return error_set(err, -EINVAL,
				 "kind: expected time, rate, count, tail or "
				 "outcome, found '%.80s'", kind);
	if (metric->kind == METRIC_OUTCOME && metric->better != BETTER_HIGHER)
		return error_set(err, -EINVAL,
				 "better: expected higher for an outcome (1: "
				 "passed), found '%.80s'", better);
	return 0;
}

static int check_parameter(const struct parameter_info *parameter,
			   struct error *err)
{
	int r = check_text("name", parameter->name, is_name, err);

	if (r == 0)
		r = check_text("meaning", parameter->meaning, is_sentence, err);
	if (r == 0)
		r = check_text("default_value", parameter->default_value,
			       is_word, err);
	if (r < 0)
		return r;
	if (parameter->is_number) {
		if (parameter->choices.count ||
		    parameter->minimum > parameter->maximum)
			return error_set(err, -EINVAL,
					 "a number has minimum <= maximum and "
					 "no choices");
	} else if (!parameter->choices.count || parameter->minimum ||
		   parameter->maximum) {
		return error_set(err, -EINVAL, "a word has choices, and 0 as "
					       "minimum and maximum");
	}
	r = parameter_info_check_value(parameter, parameter->default_value, err);
	return r < 0 ? error_prefix(err, "default_value") : 0;
}

static int read_parameter(json_t *json, struct parameter_info *parameter,
			  struct error *err)
{
	const char *name, *meaning, *default_value;
	json_int_t minimum, maximum;
	json_error_t problem;
	json_t *choices;
	int is_number, r;

	if (json_unpack_ex(json, &problem, JSON_STRICT,
			   "{s:s, s:s, s:b, s:I, s:I, s:o, s:s}", "name", &name,
			   "meaning", &meaning, "is_number", &is_number,
			   "minimum", &minimum, "maximum", &maximum, "choices",
			   &choices, "default_value", &default_value) < 0)
		return error_set(err, -EINVAL, "%s", problem.text);
	parameter->name = string_copy(name);
	parameter->meaning = string_copy(meaning);
	parameter->default_value = string_copy(default_value);
	parameter->is_number = is_number;
	parameter->minimum = minimum;
	parameter->maximum = maximum;
	r = read_list("choices", choices, is_word, &parameter->choices, err);
	if (r < 0)
		return r;
	return check_parameter(parameter, err);
}

/* --- the whole ------------------------------------------------------------------ */

static int read_metrics(json_t *list, struct workload_info *info,
			struct error *err)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || !count || count > LIST_MAX)
		return error_set(err, -EINVAL,
				 "metrics: expected a list of 1..%u", LIST_MAX);
	info->metrics = memory_alloc_array(count, sizeof(*info->metrics));
	for (size_t i = 0; i < count; i++) {
		struct metric_info *metric = &info->metrics[i];
		int r = read_metric(json_array_get(list, i), metric, err);

		if (r == 0 && workload_info_find_metric(info, metric->name))
			r = error_set(err, -EINVAL, "'%s' is there twice",
				      metric->name);
		info->metrics_count++;
		if (r < 0)
			return error_prefix(err, "metrics[%zu]", i);
	}
	return 0;
}

static int read_parameters(json_t *list, struct workload_info *info,
			   struct error *err)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > LIST_MAX)
		return error_set(err, -EINVAL,
				 "parameters: expected a list of at most %u",
				 LIST_MAX);
	info->parameters = memory_alloc_array(count, sizeof(*info->parameters));
	for (size_t i = 0; i < count; i++) {
		struct parameter_info *parameter = &info->parameters[i];
		int r = read_parameter(json_array_get(list, i), parameter, err);

		if (r == 0 && workload_info_find_parameter(info, parameter->name))
			r = error_set(err, -EINVAL, "'%s' is there twice",
				      parameter->name);
		info->parameters_count++;
		if (r < 0)
			return error_prefix(err, "parameters[%zu]", i);
	}
	return 0;
}

/* "source=dimm" of "source=dimm:hotplug" must be an argument that it takes. */
static int check_conditions(const struct workload_info *info, struct error *err)
{
	for (size_t i = 0; i < info->needs_devices.count; i++) {
		const char *need = info->needs_devices.items[i];
		cleanup_strvec struct strvec argument = STRVEC_INIT;
		int r;

		if (workload_need_device(need) == need)
			continue;
		strvec_pushf(&argument, "%.*s", (int)strcspn(need, ":"), need);
		r = workload_info_check_arguments(info, &argument, err);
		if (r < 0)
			return error_prefix(err, "needs_devices: '%.80s'", need);
	}
	return 0;
}

static int read_needs(json_t *options, json_t *devices, json_t *tools,
		      json_t *arguments, struct workload_info *info,
		      struct error *err)
{
	int r = read_list("needs_options", options, is_option,
			  &info->needs_options, err);

	if (r == 0)
		r = read_list("needs_devices", devices, is_device,
			      &info->needs_devices, err);
	if (r == 0)
		r = read_list("needs_tools", tools, is_tool, &info->needs_tools,
			      err);
	if (r == 0)
		r = read_list("kernel_arguments", arguments, is_word,
			      &info->kernel_arguments, err);
	return r;
}

/* Kernel arguments of a load would be those of all rows of its suite. */
static int read_load(json_t *list, struct workload_info *info, struct error *err)
{
	int r = read_list("load_parameters", list, is_name, &info->load_parameters, err);

	for (size_t i = 0; r == 0 && i < info->load_parameters.count; i++)
		if (!workload_info_find_parameter(info, info->load_parameters.items[i]))
			r = error_set(err, -EINVAL, "load_parameters: it has no parameter '%s'",
				      info->load_parameters.items[i]);
	if (r == 0 && info->kernel_arguments.count)
		r = error_set(err, -EINVAL, "load_parameters: a workload with kernel_arguments "
			      "cannot be a load");
	info->can_load = r == 0;
	return r;
}

static int read_info(json_t *root, struct workload_info *info, struct error *err)
{
	json_t *metrics, *parameters, *options, *devices, *tools, *arguments, *load = NULL;
	json_int_t memory_mib, vcpus;
	const char *name, *purpose;
	json_error_t problem;
	int counted = false, r;

	if (json_unpack_ex(root, &problem, JSON_STRICT, "{s:s, s:s, s:o, s:o, "
			   "s:o, s:o, s:o, s:o, s:I, s:I, s?b, s?o}",
			   "name", &name, "purpose", &purpose, "metrics",
			   &metrics, "parameters", &parameters, "needs_options",
			   &options, "needs_devices", &devices, "needs_tools",
			   &tools, "kernel_arguments", &arguments,
			   "needs_memory_mib", &memory_mib, "needs_vcpus",
			   &vcpus, "counted", &counted, "load_parameters", &load) < 0)
		return error_set(err, -EINVAL, "%s", problem.text);
	info->name = string_copy(name);
	info->purpose = string_copy(purpose);
	r = check_text("name", name, is_name, err);
	if (r == 0)
		r = check_text("purpose", purpose, is_sentence, err);
	if (r == 0 && (memory_mib < 0 || memory_mib > 16777216))
		r = error_set(err, -EINVAL, "needs_memory_mib: expected "
			      "0..16777216, found %jd", (intmax_t)memory_mib);
	if (r == 0 && (vcpus < 0 || vcpus > 64))
		r = error_set(err, -EINVAL, "needs_vcpus: expected 0..64, "
			      "found %jd", (intmax_t)vcpus);
	if (r < 0)
		return r;
	info->needs_memory_mib = (uint64_t)memory_mib;
	info->needs_vcpus = (uint32_t)vcpus;
	info->is_counted = counted;
	r = read_metrics(metrics, info, err);
	if (r == 0 && workload_info_find_metric(info, workload_load_metric.name))
		r = error_set(err, -EINVAL, "metrics: '%s' is that of a row with a load",
			      workload_load_metric.name);
	if (r == 0)
		r = read_parameters(parameters, info, err);
	if (r < 0)
		return r;
	r = read_needs(options, devices, tools, arguments, info, err);
	if (r == 0)
		r = check_conditions(info, err);
	return r == 0 && load ? read_load(load, info, err) : r;
}

int workload_info_parse(const char *text, size_t length,
			struct workload_info *ret_info, struct error *err)
{
	cleanup_with(cleanup_info) struct workload_info info = { .name = NULL };
	cleanup_with(cleanup_json) json_t *root = NULL;
	json_error_t problem;
	int r;

	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
	if (!root)
		return error_set(err, -EINVAL, "description: line %d, column "
				 "%d: %s", problem.line, problem.column,
				 problem.text);
	r = read_info(root, &info, err);
	if (r < 0)
		return error_prefix(err, "description");
	*ret_info = info;
	info = (struct workload_info){ .name = NULL };
	return 0;
}

const struct metric_info workload_load_metric = {
	.name = (char[]){ "load_cpu_ratio" },
	.unit = (char[]){ "1" },
	.meaning = (char[]){ "CPU time of the row's load over the time it ran; 1 is a CPU" },
	.better = BETTER_HIGHER,
	.kind = METRIC_RATE,
	.secondary = true,
};
