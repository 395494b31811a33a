/* scaling_render.c - a speed-up over vCPUs as tables and as JSON. */
#include "scaling_figure.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "run_json.h"

#define ESTIMATE_MAX 40

/* "1.966 [1.959, 1.972]"; without an interval where there is none. */
static const char *estimate_format(const struct scaling_estimate *estimate,
				   char text[ESTIMATE_MAX])
{
	const struct interval *interval = &estimate->interval;

	if (isfinite(interval->high))
		snprintf(text, ESTIMATE_MAX, "%.3f [%.3f, %.3f]", estimate->value, interval->low,
			 interval->high);
	else
		snprintf(text, ESTIMATE_MAX, "%.3f", estimate->value);
	return text;
}

/* --- text ------------------------------------------------------------------------------ */

static void add_head(const struct scaling_figure *figure, struct strbuf *out)
{
	render_field(out, "scaling", "%s in %s/%s, kernel %s", figure->row, figure->guest,
		     figure->suite, figure->variant);
	render_field(out, "on paper", "run %s: instructions counted by %s, 2^%u ns each",
		     figure->run_id, figure->policy.by_instruction ? "instruction" : "block",
		     figure->policy.shift);
	if (figure->timed_id)
		render_field(out, "measured", "run %s: %s on %s", figure->timed_id,
			     figure->timed_metric, figure->timed_accelerator);
}

static void add_paper(const struct scaling_figure *figure, struct strbuf *out)
{
	char heading[ESTIMATE_MAX], text[ESTIMATE_MAX];

	snprintf(heading, sizeof(heading), "speed-up, at most [%g %%]", 100 * figure->confidence);
	strbuf_addf(out, "\n%5s %12s %12s  %-24s %5s %7s %5s\n", "vCPUs", "work", "span", heading,
		    "of n", "work x", "seeds");
	for (size_t i = 0; i < figure->points_count; i++) {
		const struct scaling_point *point = &figure->points[i];
		cleanup_strbuf struct strbuf work = STRBUF_INIT, span = STRBUF_INIT;

		render_quantity(point->work, "insn", &work);
		render_quantity(point->span, "insn", &span);
		strbuf_addf(out, "%5u %12s %12s  %-24s %3.0f %% %7.3f %5zu\n",
			    point->vcpus_count, work.data, span.data,
			    estimate_format(&point->speedup, text),
			    100 * scaling_efficiency(point), point->overhead.value,
			    point->pairs_count);
	}
}

static const struct scaling_point *point_at(const struct scaling_figure *figure,
					    uint32_t vcpus_count)
{
	for (size_t i = 0; i < figure->points_count; i++)
		if (figure->points[i].vcpus_count == vcpus_count)
			return &figure->points[i];
	return NULL;
}

static void add_measured(const struct scaling_figure *figure, struct strbuf *out)
{
	char text[ESTIMATE_MAX];

	strbuf_addf(out, "\n%5s %12s  %-28s %8s %6s\n", "vCPUs", "time", "measured speed-up",
		    "on paper", "blocks");
	for (size_t i = 0; i < figure->measured_count; i++) {
		const struct scaling_measured *measured = &figure->measured[i];
		const struct scaling_point *point = point_at(figure, measured->vcpus_count);
		cleanup_strbuf struct strbuf time = STRBUF_INIT;

		render_quantity(measured->time, figure->timed_unit, &time);
		strbuf_addf(out, "%5u %12s  %-28s ", measured->vcpus_count, time.data,
			    estimate_format(&measured->speedup, text));
		if (point)
			strbuf_addf(out, "%8.3f", point->speedup.value);
		else
			strbuf_addf(out, "%8s", "-");
		strbuf_addf(out, " %6zu\n", measured->blocks_count);
	}
}

static void add_fit(const struct scaling_fit *fit, struct strbuf *out)
{
	cleanup_free char *text = NULL;

	if (!fit->is_defined)
		text = string_format("No serial share was fitted (Amdahl's law): %s.",
				     fit->why_not);
	else
		text = string_format("Fitted (Amdahl's law, least squares): %.2f %% is serial, "
				     "which would keep any number of vCPUs below %.1f x; no point "
				     "is more than %.1f %% off.", 100 * fit->serial_ratio,
				     fit->limit, 100 * fit->error_ratio);
	render_wrapped(out, "", 2, text);
}

void scaling_warnings(const struct scaling_figure *figure, struct strvec *ret_warnings)
{
	for (size_t i = 0; i < figure->inexact.count; i++)
		strvec_pushf(ret_warnings, "The cell %s is not exact (its canary differs): its counts "
			     "prove nothing.", figure->inexact.items[i]);
	for (size_t i = 0; i < figure->measured_count; i++) {
		const struct scaling_measured *measured = &figure->measured[i];
		const struct scaling_point *point = point_at(figure, measured->vcpus_count);

		if (point && scaling_is_below_paper(measured, point))
			strvec_pushf(ret_warnings, "With %u vCPUs it is %.3f x as fast, not the "
				     "%.3f x of the paper: what paper leaves out decides here.",
				     measured->vcpus_count, measured->speedup.value,
				     point->speedup.value);
	}
}

static void add_warnings(const struct scaling_figure *figure, struct strbuf *out)
{
	cleanup_strvec struct strvec warnings = STRVEC_INIT;

	scaling_warnings(figure, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		render_wrapped(out, "! ", 2, warnings.items[i]);
}

void scaling_render_text(const struct scaling_figure *figure, struct strbuf *out)
{
	add_head(figure, out);
	add_paper(figure, out);
	if (figure->measured_count)
		add_measured(figure, out);
	strbuf_addc(out, '\n');
	add_warnings(figure, out);
	add_fit(&figure->fit, out);
	strbuf_adds(out, "The speed-up on paper is an upper bound. It leaves out:\n");
	for (size_t i = 0; scaling_left_out[i]; i++)
		render_wrapped(out, "- ", 2, scaling_left_out[i]);
}

/* --- JSON ------------------------------------------------------------------------------ */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_estimate(json_t *object, const char *key,
			 const struct scaling_estimate *estimate)
{
	json_t *item = json_object();

	set(item, "value", run_json_number(estimate->value));
	set(item, "low", run_json_number(estimate->interval.low));
	set(item, "high", run_json_number(estimate->interval.high));
	set(object, key, item);
}

static json_t *points_json(const struct scaling_figure *figure)
{
	json_t *list = json_array();

	for (size_t i = 0; i < figure->points_count; i++) {
		const struct scaling_point *point = &figure->points[i];
		json_t *item = json_object();

		set(item, "vcpus_count", run_json_count(point->vcpus_count));
		set(item, "pairs_count", run_json_count(point->pairs_count));
		set(item, "work", run_json_number(point->work));
		set(item, "span", run_json_number(point->span));
		set_estimate(item, "speedup", &point->speedup);
		set(item, "efficiency", run_json_number(scaling_efficiency(point)));
		set_estimate(item, "overhead", &point->overhead);
		set_estimate(item, "parallelism", &point->parallelism);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *measured_json(const struct scaling_figure *figure)
{
	json_t *list = json_array();

	for (size_t i = 0; i < figure->measured_count; i++) {
		const struct scaling_measured *measured = &figure->measured[i];
		const struct scaling_point *point = point_at(figure, measured->vcpus_count);
		json_t *item = json_object();

		set(item, "vcpus_count", run_json_count(measured->vcpus_count));
		set(item, "blocks_count", run_json_count(measured->blocks_count));
		set(item, "time", run_json_number(measured->time));
		set_estimate(item, "speedup", &measured->speedup);
		set(item, "is_below_paper",
		    point ? json_boolean(scaling_is_below_paper(measured, point)) : json_null());
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *fit_json(const struct scaling_fit *fit)
{
	json_t *object = json_object();

	set(object, "law", json_string("amdahl"));
	set(object, "is_defined", json_boolean(fit->is_defined));
	set(object, "why_not", run_json_text(fit->why_not));
	set(object, "serial_ratio", run_json_number(fit->serial_ratio));
	set(object, "limit", run_json_number(fit->limit));
	set(object, "error_ratio", run_json_number(fit->error_ratio));
	return object;
}

static json_t *texts_json(const char *const *texts)
{
	json_t *list = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(list, run_json_text(*texts));
	return list;
}

void scaling_render_json(const struct scaling_figure *figure, const char *svg_path,
			 struct strbuf *out)
{
	cleanup_strvec struct strvec warnings = STRVEC_INIT;
	json_t *object = json_object();
	char *text;

	set(object, "run_id", run_json_text(figure->run_id));
	set(object, "timed_id", run_json_text(figure->timed_id));
	set(object, "guest", run_json_text(figure->guest));
	set(object, "suite", run_json_text(figure->suite));
	set(object, "row", run_json_text(figure->row));
	set(object, "workload", run_json_text(figure->workload));
	set(object, "variant", run_json_text(figure->variant));
	set(object, "confidence", run_json_number(figure->confidence));
	set(object, "points", points_json(figure));
	set(object, "fit", fit_json(&figure->fit));
	set(object, "timed_metric", run_json_text(figure->timed_metric));
	set(object, "timed_unit", run_json_text(figure->timed_unit));
	set(object, "timed_accelerator", run_json_text(figure->timed_accelerator));
	set(object, "measured", measured_json(figure));
	set(object, "inexact", texts_json((const char *const *)figure->inexact.items));
	scaling_warnings(figure, &warnings);
	set(object, "warnings", texts_json((const char *const *)warnings.items));
	set(object, "left_out", texts_json(scaling_left_out));
	set(object, "svg_path", run_json_text(svg_path));
	text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	strbuf_addf(out, "%s\n", text);
	free(text);
}
