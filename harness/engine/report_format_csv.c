/* report_format_csv.c - every raw sample with its names, a record each (RFC 4180). */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "report_format_parts.h"

static const char header[] =
	"run,campaign,mode,block,seed,trial,started_wall_ns,disturbed,guest,suite,variant,copy,"
	"kernel_key,row,workload,arguments,metric,unit,better,kind,secondary,iteration,value\r\n";

/* Lines within a field are allowed, bare carriage returns are a trap for readers. */
static void add_field(struct strbuf *record, const char *value)
{
	cleanup_free char *text = format_text(value, true);

	if (!strpbrk(text, ",\"\n")) {
		strbuf_addf(record, "%s,", text);
		return;
	}
	strbuf_addc(record, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\n')
			strbuf_addc(record, *c == '"' ? '"' : '\r');
		strbuf_addc(record, *c);
	}
	strbuf_adds(record, "\",");
}

static void add_trial(const struct stored_run *run, const struct stored_samples *boot,
		      struct strbuf *record)
{
	const struct stored_trial *trial = format_trial(run, boot->trial_id);

	add_field(record, run->id);
	add_field(record, run->campaign);
	add_field(record, run_mode_name(run->mode));
	strbuf_addf(record, "%u,", boot->block);
	if (run->mode == MODE_EXACT && trial)
		strbuf_addf(record, "%" PRIu64, trial->seed);
	strbuf_addc(record, ',');
	if (trial)
		strbuf_addf(record, "%u,%" PRIu64 ",%d,", trial->order + 1,
			    trial->started_wall_ns, trial->disturbed);
	else
		strbuf_adds(record, ",,,");
}

static void add_metric(const struct stored_run *run, const struct format_metric *metric,
		       const struct stored_samples *boot, struct strbuf *record)
{
	const struct stored_cell *cell = &run->cells[metric->cell];
	const struct stored_row *row = &cell->rows[metric->row];
	const struct stored_variant *variant = &run->variants[boot->variant];

	add_field(record, cell->guest);
	add_field(record, cell->suite);
	add_field(record, run->variants[format_side(run, boot->variant)].label);
	add_field(record, format_is_side(run, boot->variant) ? "" : "control");
	add_field(record, variant->kernel_key);
	add_field(record, row->name);
	add_field(record, row->workload);
	add_field(record, row->arguments);
	add_field(record, metric->info->name);
	add_field(record, metric->info->unit);
	add_field(record, metric_direction_name(metric->info->better));
	add_field(record, metric_kind_name(metric->info->kind));
	strbuf_addf(record, "%d,", metric->info->secondary);
}

/* What all samples of a boot have in common is formatted once. */
static void write_metric(const struct format_input *input, const struct format_metric *metric,
			 void *context)
{
	struct strbuf *out = context;

	for (size_t i = 0; i < metric->boots_count; i++) {
		const struct stored_samples *boot = &metric->boots[i];
		cleanup_strbuf struct strbuf record = STRBUF_INIT;

		add_trial(input->run, boot, &record);
		add_metric(input->run, metric, boot, &record);
		for (size_t k = 0; k < boot->count; k++) {
			strbuf_add(out, record.data, record.length);
			strbuf_addf(out, "%zu,", k);
			if (isfinite(boot->values[k]))
				format_add_number(boot->values[k], out);
			strbuf_adds(out, "\r\n");
		}
	}
}

int format_write_csv(const struct format_input *input, struct strbuf *out,
		     struct error *err)
{
	strbuf_adds(out, header);
	return format_each_metric(input, write_metric, out, err);
}
