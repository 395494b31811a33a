/* report_format_benchfmt.c - the Go benchmark data format (golang.org/design/14313),
 * which benchstat reads: a line for each boot's figure.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "render_parts.h"
#include "report_format_parts.h"

/* --- units -------------------------------------------------------------------- */

/* benchstat knows one direction a unit. Where the run has metrics of both, those
 * that want more have the unit with "-higher" behind it. */
static bool has_both_directions(const struct stored_run *run, const char *unit)
{
	bool has[2] = { false, false };

	for (size_t i = 0; i < run->cells_count; i++)
		for (size_t k = 0; k < run->cells[i].rows_count; k++)
			for (size_t m = 0; m < run->cells[i].rows[k].metrics_count; m++) {
				const struct metric_info *metric =
					&run->cells[i].rows[k].metrics[m];

				if (strcmp(metric->unit, unit) == 0)
					has[metric->better == BETTER_HIGHER] = true;
			}
	return has[0] && has[1];
}

/* One word. Owned. */
static char *unit_of(const struct stored_run *run, const struct metric_info *metric)
{
	cleanup_free char *word = format_word(metric->unit, "/%*._-");
	bool is_split = metric->better == BETTER_HIGHER && has_both_directions(run, metric->unit);

	return string_format("%s%s", word, is_split ? "-higher" : "");
}

static void add_units(const struct stored_run *run, struct strbuf *out)
{
	cleanup_strvec struct strvec seen = STRVEC_INIT;

	for (size_t i = 0; i < run->cells_count; i++)
		for (size_t k = 0; k < run->cells[i].rows_count; k++)
			for (size_t m = 0; m < run->cells[i].rows[k].metrics_count; m++) {
				const struct metric_info *metric =
					&run->cells[i].rows[k].metrics[m];
				cleanup_free char *unit = unit_of(run, metric);

				if (strvec_contains(&seen, unit))
					continue;
				strvec_push(&seen, unit);
				strbuf_addf(out, "Unit %s better=%s\n", unit,
					    metric_direction_name(metric->better));
			}
}

/* --- lines ----------------------------------------------------------------------- */

static void add_key(struct strbuf *out, const char *key, const char *value)
{
	cleanup_free char *text = format_text(value, false);

	if (text[0])
		strbuf_addf(out, "%s: %s\n", key, text);
}

/* vCPUs of a stored shape; 0 if its record does not say. */
static json_int_t vcpus_of(const struct stored_cell *cell)
{
	json_t *record = json_loads(cell->guest_record, 0, NULL);
	json_int_t count = json_integer_value(json_object_get(record, "vcpus_count"));

	json_decref(record);
	return count > 0 ? count : 0;
}

/* "Fill/guest=up/suite=quick/metric=fallocate_ns-1". The metric stands last and holds
 * no '-', so that what follows one is the number of CPUs. */
static char *line_name(const struct stored_run *run, const struct format_metric *metric)
{
	const struct stored_cell *cell = &run->cells[metric->cell];
	cleanup_free char *row = format_word(cell->rows[metric->row].name, "._-");
	cleanup_free char *guest = format_word(cell->guest, "._-");
	cleanup_free char *suite = format_word(cell->suite, "._-");
	cleanup_free char *name = format_word(metric->info->name, "._");
	json_int_t vcpus = vcpus_of(cell);
	struct strbuf text = STRBUF_INIT;

	if (row[0] >= 'a' && row[0] <= 'z')
		row[0] = (char)(row[0] - 'a' + 'A');
	strbuf_addf(&text, "%s/guest=%s/suite=%s/metric=%s", row, guest, suite, name);
	if (vcpus > 0)
		strbuf_addf(&text, "-%lld", (long long)vcpus);
	return strbuf_detach(&text);
}

struct writer {
	struct strbuf *out;
	uint32_t variant;        /* whose lines come last; UINT32_MAX: none yet */
};

static void add_line(struct writer *writer, const struct stored_run *run, uint32_t variant,
		     const char *name, const struct stored_samples *boot, double figure,
		     const char *unit)
{
	if (writer->variant != variant)
		add_key(writer->out, "variant", run->variants[variant].label);
	writer->variant = variant;
	strbuf_addf(writer->out, "Benchmark%s %zu ", name, boot->count);
	format_add_number(figure, writer->out);
	strbuf_addf(writer->out, " %s\n", unit);
}

static void write_metric(const struct format_input *input, const struct format_metric *metric,
			 void *context)
{
	const struct stored_run *run = input->run;
	cleanup_free char *name = line_name(run, metric);
	cleanup_free char *unit = unit_of(run, metric->info);

	for (uint32_t variant = 0; variant < run->variants_count; variant++)
		for (size_t i = 0; i < metric->boots_count; i++)
			if (format_counts(run, metric, i, variant))
				add_line(context, run, variant, name, &metric->boots[i],
					 format_figure(metric->info, &metric->boots[i]), unit);
}

int format_write_benchfmt(const struct format_input *input, struct strbuf *out,
			  struct error *err)
{
	const struct stored_run *run = input->run;
	cleanup_free char *cpu = render_fingerprint(run, -1, "host.cpu_model");
	struct writer writer = { out, UINT32_MAX };

	add_key(out, "goos", "linux");
	add_key(out, "goarch", "amd64");
	add_key(out, "cpu", cpu);
	add_key(out, "campaign", run->campaign);
	add_key(out, "run", run->id);
	add_key(out, "accelerator", run->accelerator);
	add_units(run, out);
	return format_each_metric(input, write_metric, &writer, err);
}
