/* history.c - `kerngate history`: a metric over all runs, and where it changed. */
#include "history.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command_experiment.h"
#include "gnuplot.h"
#include "history_confirm.h"
#include "history_render.h"
#include "log.h"
#include "memory.h"
#include "render.h"
#include "suggest.h"
#include "table.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

struct series_list {
	struct history_series *items; /* owned */
	size_t count;
};

static void series_list_release(struct series_list *list)
{
	history_free(list->items, list->count);
	*list = (struct series_list){ .items = NULL };
}

struct settings {
	const struct globals *globals;
	struct history_key key;
	uint64_t runs, jobs;
	bool json, confirm;
};

/* --- the list of series ------------------------------------------------------------------ */

static void add_changes_cell(const struct history_series *series, struct strbuf *out)
{
	static const enum change_state order[] = { CHANGE_CONFIRMED, CHANGE_SUSPECTED,
						   CHANGE_REFUTED };

	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		size_t found = 0;

		for (size_t k = 0; k < series->changes_count; k++)
			found += series->changes[k].state == order[i];
		if (found)
			strbuf_addf(out, "%s%zu %s", out->length ? ", " : "", found,
				    change_state_name(order[i]));
	}
	if (!out->length)
		strbuf_adds(out, "none");
}

static bool is_same_place(const struct history_series *a, const struct history_series *b)
{
	return strcmp(a->campaign, b->campaign) == 0 && strcmp(a->guest, b->guest) == 0 &&
	       strcmp(a->suite, b->suite) == 0;
}

static void add_series(struct table *table, const struct history_series *series)
{
	cleanup_strbuf struct strbuf newest = STRBUF_INIT, changes = STRBUF_INIT;
	cleanup_free char *runs = string_format("%zu", series->points_count);
	cleanup_free char *name = string_format("%s.%s", series->row, series->metric);

	render_quantity(series->points[series->points_count - 1].center, series->info.unit,
			&newest);
	add_changes_cell(series, &changes);
	table_add(table, name, series->variant, runs, newest.data, changes.data);
}

/* The series of one cell of a campaign, from the first on; returns how many. */
static size_t print_place(const struct history_series *first, size_t count)
{
	cleanup_table struct table table = TABLE_INIT(5);
	size_t here = 0;

	table_add(&table, "METRIC", "VARIANT", "RUNS", "NEWEST", "CHANGES");
	for (; here < count && is_same_place(&first[here], first); here++)
		add_series(&table, &first[here]);
	printf("campaign %s, %s/%s\n", first->campaign, first->guest, first->suite);
	table_print(&table, stdout);
	return here;
}

static void print_list(const struct series_list *list)
{
	if (!list->count)
		puts("no series yet: they come from finished runs");
	for (size_t i = 0; i < list->count;) {
		if (i)
			putchar('\n');
		i += print_place(&list->items[i], list->count - i);
	}
}

/* --- one metric ---------------------------------------------------------------------------- */

/* Names of all series that there are, for "did you mean". */
static int refuse_metric(struct run_store *store, const struct settings *settings,
			 struct error *err)
{
	cleanup_with(series_list_release) struct series_list all = { .items = NULL };
	cleanup_strvec struct strvec names = STRVEC_INIT;
	const struct history_key any = { .metric = NULL };
	const char *nearest;
	int rc = history_load(store, &any, 1, &all.items, &all.count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < all.count; i++) {
		strvec_push(&names, all.items[i].metric);
		strvec_pushf(&names, "%s.%s", all.items[i].row, all.items[i].metric);
	}
	if (!names.count)
		return error_set(err, -ENOENT, "no finished run has a figure yet; `kerngate run` "
				 "makes one");
	if (strvec_contains(&names, settings->key.metric))
		return error_set(err, -ENOENT, "%s: no series of it with that --variant, --guest, "
				 "--suite or --campaign; `kerngate history` lists them",
				 settings->key.metric);
	nearest = suggest_nearest(settings->key.metric, (const char *const *)names.items,
				  names.count);
	return error_set(err, -ENOENT, "no series of the metric '%s'%s%s%s; `kerngate history` "
			 "lists them", settings->key.metric, nearest ? " (did you mean '" : "",
			 nearest ? nearest : "", nearest ? "'?)" : "");
}

static int print_series(struct run_store *store, const struct history_series *series,
			struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *drawing = NULL;
	struct error missing = ERROR_INIT;
	int rc = history_draw(series, &drawing, &missing);

	if (rc == -ENOENT || rc == -ENODATA)
		log_warning("%s: no figure", missing.message);
	else if (rc)
		return error_set(err, rc, "%s", missing.message);
	rc = history_render_text(store, series, drawing, &text, err);
	if (!rc)
		fputs(text.data, stdout);
	return rc;
}

static int print_json(struct run_store *store, const struct series_list *list,
		      struct error *err)
{
	json_t *array = NULL;
	cleanup_free char *text = NULL;
	int rc = history_render_json(store, list->items, list->count, &array, err);

	if (rc)
		return rc;
	text = json_dumps(array, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	puts(text);
	json_decref(array);
	return 0;
}

static int print(struct run_store *store, const struct settings *settings,
		 const struct series_list *list, struct error *err)
{
	int rc = 0;

	if (settings->json)
		return print_json(store, list, err);
	if (!settings->key.metric)
		print_list(list);
	for (size_t i = 0; !rc && settings->key.metric && i < list->count; i++) {
		if (i)
			putchar('\n');
		rc = print_series(store, &list->items[i], err);
	}
	return rc;
}

/* --- confirmation ---------------------------------------------------------------------------- */

static int confirm_series(struct run_store *store, const struct settings *settings,
			  const struct history_series *series, struct error *err)
{
	const struct experiment_options options =
		command_experiment_options(settings->globals, settings->jobs);
	int rc = 0;

	for (size_t i = 0; !rc && i < series->changes_count; i++) {
		cleanup_with(history_confirmation_release) struct history_confirmation result = {
			.state = CHANGE_SUSPECTED,
		};

		if (series->changes[i].state != CHANGE_SUSPECTED)
			continue;
		rc = history_confirm(store, series, &series->changes[i], &options, &result, err);
		if (!rc)
			log_info("%s.%s at %s: %s (%s)", series->row, series->metric,
				 series->points[series->changes[i].index].run_id,
				 change_state_name(result.state), result.reason);
	}
	return rc;
}

static int confirm(struct run_store *store, const struct settings *settings,
		   struct series_list *list, struct error *err)
{
	int rc = 0;

	command_catch_interrupts();
	for (size_t i = 0; !rc && i < list->count; i++)
		rc = confirm_series(store, settings, &list->items[i], err);
	series_list_release(list);
	if (!rc)
		rc = history_load(store, &settings->key, (uint32_t)settings->runs, &list->items,
				  &list->count, err);
	return rc;
}

static int perform(const struct settings *settings, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(series_list_release) struct series_list list = { .items = NULL };
	int rc = run_store_open(settings->globals->results_dir, &store, err);

	if (!rc)
		rc = history_load(store, &settings->key, (uint32_t)settings->runs, &list.items,
				  &list.count, err);
	if (!rc && settings->key.metric && !list.count)
		rc = refuse_metric(store, settings, err);
	if (!rc && settings->confirm)
		rc = confirm(store, settings, &list, err);
	return rc ? rc : print(store, settings, &list, err);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .globals = globals };
	const struct option_info options[] = {
		{ "--variant", OPTION_TEXT, &settings.key.variant, 0, 0 },
		{ "--guest", OPTION_TEXT, &settings.key.guest, 0, 0 },
		{ "--suite", OPTION_TEXT, &settings.key.suite, 0, 0 },
		{ "--campaign", OPTION_TEXT, &settings.key.campaign, 0, 0 },
		{ "--runs", OPTION_NUMBER, &settings.runs, 1, 1000000 },
		{ "--jobs", OPTION_NUMBER, &settings.jobs, 1, 4096 },
		{ "--json", OPTION_FLAG, &settings.json, 0, 0 },
		{ "--confirm", OPTION_FLAG, &settings.confirm, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (status)
		return status;
	settings.key.metric = argc > 1 ? argv[1] : NULL;
	if (settings.confirm && !settings.key.metric)
		return command_usage_error(err, "--confirm needs a METRIC: each confirmation is a "
					   "run");
	status = perform(&settings, err);
	if (status == -EINTR || status == -ECANCELED)
		return EXIT_INTERRUPTED;
	return command_status(status);
}

const struct command command_history = {
	.name = "history",
	.summary = "a metric over all runs, and where it changed",
	.usage = "history [METRIC] [--variant LABEL] [--guest NAME] [--suite NAME]\n"
		 "                        [--campaign NAME] [--runs N] [--json]\n"
		 "       kerngate history METRIC --confirm [--jobs N]",
	.help = "Draws a metric (\"row.metric\" or \"metric\") over the finished runs of each\n"
		"campaign and lists its change points. Without METRIC: all series. Runs are\n"
		"compared only under the same conditions; gaps, other conditions and runs\n"
		"without the metric are listed. The figure needs gnuplot (package " GNUPLOT_PACKAGE ").\n"
		"\n"
		"  --variant LABEL   default: the last variant of the campaign's newest run\n"
		"  --guest, --suite, --campaign NAME  only these\n"
		"  --runs N          only the newest N runs\n"
		"  --json            for programs\n"
		"  --confirm         settle each suspected change: boot the kernels of the runs\n"
		"                    before and after it against each other, with an A/A control,\n"
		"                    and record it as confirmed or refuted; one that was cut off\n"
		"                    goes on\n"
		"  --jobs N          compiler jobs, where a kernel is no longer cached\n"
		"\n"
		"exit status: 0 told, whatever there is; 2 it could not be; 64 wrong usage; 130\n"
		"interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate history\n"
		"  kerngate history hugetlb_fallocate.fallocate_ns --guest up --runs 60\n",
	.supervised = true,
	.run = run,
};
