/* history_render.c - see history_render.h. */
#include "history_render.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render.h"
#include "run_json.h"

void history_add_percent(struct strbuf *out, double ratio)
{
	double percent = 100 * (ratio - 1);

	strbuf_addf(out, fabs(percent) < 1 ? "%+.3f %%" : "%+.1f %%", percent);
}

static void add_date(struct strbuf *out, uint64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];

	/* "2026-11-21T21:30:00Z" > "2026-11-21 21:30" */
	clock_format_utc(wall_ns, text);
	text[10] = ' ';
	text[16] = '\0';
	strbuf_adds(out, text);
}

static void add_head(const struct history_series *series, struct strbuf *out)
{
	size_t with = 0;

	for (size_t i = 0; i < series->points_count; i++)
		with += !isnan(series->points[i].center);
	strbuf_addf(out, "%s.%s of %s/%s, variant %s\n", series->row, series->metric,
		    series->guest, series->suite, series->variant);
	strbuf_addf(out, "campaign %s, %s mode, %zu %s, ", series->campaign,
		    run_mode_name(series->mode), with, with == 1 ? "run" : "runs");
	add_date(out, series->points[0].wall_ns);
	strbuf_adds(out, " to ");
	add_date(out, series->points[series->points_count - 1].wall_ns);
	strbuf_adds(out, " UTC\n");
}

/* Only what is confirmed is called by a verdict's name. */
static const char *change_word(const struct history_series *series,
			       const struct history_change *change)
{
	bool is_worse = history_change_is_worse(series, change);

	if (change->state == CHANGE_CONFIRMED)
		return is_worse ? "regressed" : "improved";
	return is_worse ? "worse?" : "better?";
}

static void add_change(const struct history_series *series,
		       const struct history_change *change, struct strbuf *out)
{
	const struct history_point *before = &series->points[change->before];
	const struct history_point *after = &series->points[change->index];

	strbuf_adds(out, "  ");
	add_date(out, after->wall_ns);
	strbuf_adds(out, "  ");
	history_add_percent(out, change->ratio);
	strbuf_addf(out, " (x %.4f), p %.2g, %s: %s\n", change->ratio, change->p,
		    change_state_name(change->state), change_word(series, change));
	strbuf_addf(out, "    last before  %s\n    first after  %s\n", before->run_id,
		    after->run_id);
	if (change->run_id)
		strbuf_addf(out, "    %s by %s\n", change->state == CHANGE_SUSPECTED ?
			    "not settled" : change_state_name(change->state), change->run_id);
	if (change->reason)
		strbuf_addf(out, "    %s\n", change->reason);
}

static void add_changes(const struct history_series *series, struct strbuf *out)
{
	bool suspected = false;

	strbuf_adds(out, series->changes_count ? "changes:\n" : "changes: none\n");
	for (size_t i = 0; i < series->changes_count; i++) {
		add_change(series, &series->changes[i], out);
		suspected |= series->changes[i].state == CHANGE_SUSPECTED;
	}
	if (suspected)
		strbuf_addf(out, "  what is suspected is no verdict; a run of both kernels "
			    "settles it:\n  kerngate history %s.%s --confirm\n", series->row,
			    series->metric);
}

/* --- marks ------------------------------------------------------------------------------ */

struct mark {
	const struct history_point *point;
	const struct history_point *last; /* that had a center; NULL: none */
};

/* What is to be told of a point: lines; none for most. */
static int marks_of(struct run_store *store, const struct mark *mark, struct strvec *lines,
		    struct error *err)
{
	const struct history_point *point = mark->point;

	if (point->skipped_count)
		strvec_pushf(lines, "gap: about %u %s missing before it", point->skipped_count,
			     point->skipped_count == 1 ? "run is" : "runs are");
	if (isnan(point->center))
		strvec_push(lines, point->boots_count ?
			    "no figure: a boot's figure is zero or negative" :
			    "no figure: this run of the campaign did not measure it");
	if (!point->is_unlike)
		return 0;
	if (!point->conditions) {
		strvec_push(lines, "conditions differ within the run: compared with none");
		return 0;
	}
	strvec_push(lines, "other conditions than before: not compared across");
	return mark->last ? history_differences(store, mark->last->conditions,
						point->conditions, lines, err) : 0;
}

static int add_marks(struct run_store *store, const struct history_series *series,
		     struct strbuf *out, struct error *err)
{
	struct mark mark = { .last = NULL };
	bool any = false;

	for (size_t i = 0; i < series->points_count; i++) {
		cleanup_strvec struct strvec lines = STRVEC_INIT;
		int rc;

		mark.point = &series->points[i];
		rc = marks_of(store, &mark, &lines, err);
		if (rc)
			return rc;
		if (lines.count)
			strbuf_addf(out, "%s  ", any ? "" : "marks:\n");
		for (size_t k = 0; k < lines.count; k++) {
			if (k == 0) {
				add_date(out, mark.point->wall_ns);
				strbuf_addf(out, "  %s\n", mark.point->run_id);
			}
			strbuf_addf(out, "    %s\n", lines.items[k]);
			any = true;
		}
		if (!isnan(mark.point->center))
			mark.last = mark.point;
	}
	return 0;
}

int history_render_text(struct run_store *store, const struct history_series *series,
			const char *drawing, struct strbuf *out, struct error *err)
{
	const struct history_point *last = &series->points[series->points_count - 1];

	add_head(series, out);
	if (drawing)
		strbuf_addf(out, "\n%s\n", drawing);
	strbuf_adds(out, "newest: ");
	render_quantity(last->center, series->info.unit, out);
	strbuf_addf(out, " (%u %s), %s\n", last->boots_count,
		    last->boots_count == 1 ? "boot" : "boots", last->run_id);
	add_changes(series, out);
	return add_marks(store, series, out, err);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static int add_point_json(struct run_store *store, const struct mark *mark, json_t *array,
			  struct error *err)
{
	const struct history_point *point = mark->point;
	cleanup_strvec struct strvec differences = STRVEC_INIT;
	json_t *object = json_object(), *lines = json_array();
	int rc = 0;

	if (point->is_unlike && mark->last)
		rc = history_differences(store, mark->last->conditions, point->conditions,
					 &differences, err);
	for (size_t i = 0; i < differences.count; i++)
		json_array_append_new(lines, run_json_text(differences.items[i]));
	set(object, "run_id", run_json_text(point->run_id));
	set(object, "wall_ns", run_json_count(point->wall_ns));
	set(object, "center", run_json_number(point->center));
	set(object, "low", run_json_number(point->low));
	set(object, "high", run_json_number(point->high));
	set(object, "boots_count", json_integer(point->boots_count));
	set(object, "skipped_count", json_integer(point->skipped_count));
	set(object, "is_unlike", json_boolean(point->is_unlike));
	set(object, "differences", lines);
	json_array_append_new(array, object);
	return rc;
}

static json_t *change_json(const struct history_series *series,
			   const struct history_change *change)
{
	json_t *object = json_object();

	set(object, "before", run_json_text(series->points[change->before].run_id));
	set(object, "after", run_json_text(series->points[change->index].run_id));
	set(object, "index", json_integer((json_int_t)change->index));
	set(object, "ratio", run_json_number(change->ratio));
	set(object, "p", run_json_number(change->p));
	set(object, "state", run_json_text(change_state_name(change->state)));
	set(object, "is_worse", json_boolean(history_change_is_worse(series, change)));
	set(object, "run_id", run_json_text(change->run_id));
	set(object, "reason", run_json_text(change->reason));
	return object;
}

static json_t *series_json(const struct history_series *series)
{
	json_t *object = json_object();

	set(object, "campaign", run_json_text(series->campaign));
	set(object, "mode", run_json_text(run_mode_name(series->mode)));
	set(object, "guest", run_json_text(series->guest));
	set(object, "suite", run_json_text(series->suite));
	set(object, "row", run_json_text(series->row));
	set(object, "metric", run_json_text(series->metric));
	set(object, "variant", run_json_text(series->variant));
	set(object, "unit", run_json_text(series->info.unit));
	set(object, "better", run_json_text(metric_direction_name(series->info.better)));
	set(object, "kind", run_json_text(metric_kind_name(series->info.kind)));
	set(object, "secondary", json_boolean(series->info.secondary));
	set(object, "minimum_effect", run_json_number(series->minimum_effect));
	return object;
}

int history_render_json(struct run_store *store, const struct history_series *series,
			size_t count, json_t **ret_array, struct error *err)
{
	json_t *array = json_array();
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		json_t *object = series_json(&series[i]);
		json_t *points = json_array(), *changes = json_array();
		struct mark mark = { .last = NULL };

		for (size_t k = 0; !rc && k < series[i].points_count; k++) {
			mark.point = &series[i].points[k];
			rc = add_point_json(store, &mark, points, err);
			if (!isnan(mark.point->center))
				mark.last = mark.point;
		}
		for (size_t k = 0; k < series[i].changes_count; k++)
			json_array_append_new(changes, change_json(&series[i],
								   &series[i].changes[k]));
		set(object, "points", points);
		set(object, "changes", changes);
		json_array_append_new(array, object);
	}
	if (rc) {
		json_decref(array);
		return rc;
	}
	*ret_array = array;
	return 0;
}
