/* report_format_json.c - two formats that are maps of names to numbers: matrix.json of
 * LKP, and the Bencher Metric Format.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "report_format_parts.h"

#define MEASURE_MAX 64      /* bytes that Bencher allows in the name of a measure */
#define BENCHMARK_MAX 1024  /* and of a benchmark */

static void dump(json_t *root, struct strbuf *out)
{
	char *text = json_dumps(root, JSON_INDENT(2));

	strbuf_addf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}

/* Names that are one after the mapping stay two: the second is "NAME-2". Owned. */
static char *free_key(const json_t *object, const char *name)
{
	char *key = string_copy(name);

	for (unsigned number = 2; json_object_get(object, key); number++) {
		free(key);
		key = string_format("%s-%u", name, number);
	}
	return key;
}

/* "patched/up/quick/fill"; row NULL: "patched/up/quick/boot". A program's name ends at
 * the first dot, so it has none. Owned. */
static char *program_name(const struct stored_run *run, uint32_t variant, uint32_t cell,
			  const char *row)
{
	cleanup_free char *label = format_word(run->variants[variant].label, "_-");
	cleanup_free char *guest = format_word(run->cells[cell].guest, "_-");
	cleanup_free char *suite = format_word(run->cells[cell].suite, "_-");
	cleanup_free char *last = format_word(row, "_-");

	return string_format("%s/%s/%s/%s", label, guest, suite, last);
}

/* --- LKP ------------------------------------------------------------------------- */

static void write_matrix(const struct format_input *input, const struct format_metric *metric,
			 void *context)
{
	const struct stored_run *run = input->run;
	const char *row = run->cells[metric->cell].rows[metric->row].name;
	cleanup_free char *name = format_word(metric->info->name, "_-.");
	cleanup_free double *figures = memory_alloc_array(metric->boots_count, sizeof(*figures));

	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		size_t count = format_figures(run, metric, variant, figures);
		cleanup_free char *program = program_name(run, variant, metric->cell, row);
		cleanup_free char *wanted = string_format("%s.%s", program, name);
		cleanup_free char *key = free_key(context, wanted);
		json_t *values;

		if (count == 0)
			continue;
		values = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(values, json_real(figures[i]));
		json_object_set_new(context, key, values);
	}
}

/* 1 for each boot that passed, 0 for each other that was finished. */
static void add_boots(const struct stored_run *run, json_t *matrix)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		uint32_t side = format_side(run, trial->variant);
		cleanup_free char *program = program_name(run, side, trial->cell, "boot");
		cleanup_free char *key = string_format("%s.passed", program);
		json_t *values = json_object_get(matrix, key);

		if (trial->state != TRIAL_FINISHED || trial->superseded)
			continue;
		if (!values)
			json_object_set_new(matrix, key, values = json_array());
		json_array_append_new(values, json_integer(trial->outcome == OUTCOME_PASSED));
	}
}

int format_write_lkp(const struct format_input *input, struct strbuf *out,
		     struct error *err)
{
	json_t *matrix = json_object();
	int rc;

	add_boots(input->run, matrix);
	rc = format_each_metric(input, write_matrix, matrix, err);
	if (rc)
		json_decref(matrix);
	else
		dump(matrix, out);
	return rc;
}

/* --- Bencher ----------------------------------------------------------------------- */

static json_t *measure_of(const struct format_mean *mean)
{
	json_t *measure = json_pack("{s:f}", "value", mean->value);

	if (isfinite(mean->interval.low))
		json_object_update_new(measure, json_pack("{s:f, s:f}", "lower_value",
							  mean->interval.low, "upper_value",
							  mean->interval.high));
	return measure;
}

/* The object of a benchmark, made where it is missing; borrowed. */
static json_t *benchmark_of(json_t *root, const struct stored_run *run, uint32_t variant,
			    const struct format_metric *metric)
{
	const char *row = run->cells[metric->cell].rows[metric->row].name;
	cleanup_free char *name = program_name(run, variant, metric->cell, row);
	json_t *benchmark;

	if (strlen(name) > BENCHMARK_MAX)
		name[BENCHMARK_MAX] = '\0';
	benchmark = json_object_get(root, name);
	if (!benchmark)
		json_object_set_new(root, name, benchmark = json_object());
	return benchmark;
}

static void write_measures(const struct format_input *input, const struct format_metric *metric,
			   void *context)
{
	const struct stored_run *run = input->run;
	cleanup_free char *name = format_word(metric->info->name, "_-.");

	/* Room for the number that tells two apart. */
	if (strlen(name) > MEASURE_MAX)
		name[MEASURE_MAX - 4] = '\0';
	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		struct format_mean mean = format_mean(input, metric, variant);
		cleanup_free char *key = NULL;
		json_t *benchmark;

		if (!isfinite(mean.value))
			continue;
		benchmark = benchmark_of(context, run, variant, metric);
		key = free_key(benchmark, name);
		json_object_set_new(benchmark, key, measure_of(&mean));
	}
}

int format_write_bmf(const struct format_input *input, struct strbuf *out,
		     struct error *err)
{
	json_t *root = json_object();
	int rc = format_each_metric(input, write_measures, root, err);

	if (rc)
		json_decref(root);
	else
		dump(root, out);
	return rc;
}
