/* scale.c - `kerngate scale`: the speed-up of a row over vCPU counts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "gnuplot.h"
#include "log.h"
#include "memory.h"
#include "run_store.h"
#include "scaling_figure.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

struct settings {
	struct scaling_request request;
	const char *run, *timed, *svg;
	bool json;
};

/* results/RUN/scaling-ROW.svg; of another variant than the baseline
 * scaling-ROW-VARIANT.svg. Owned. */
static char *svg_path(const struct run_store *store, const struct stored_run *run,
		      const struct scaling_figure *figure, const char *named)
{
	cleanup_free char *folder = run_store_run_folder(store, run->id);
	bool is_baseline = !strcmp(figure->variant, run->variants[run->baseline].name);

	if (named)
		return path_absolute(named);
	return string_format("%s/scaling-%s%s%s.svg", folder, figure->row,
			     is_baseline ? "" : "-", is_baseline ? "" : figure->variant);
}

/* Where gnuplot is missing there is no file, and *ret_path is NULL. */
static int write_svg(const struct scaling_figure *figure, char *path, char **ret_path,
		     struct error *err)
{
	cleanup_free char *svg = NULL, *owned = path;
	struct error missing = ERROR_INIT;
	int rc = scaling_draw(figure, SCALING_SVG, &svg, &missing);

	if (rc == -ENOENT) {
		log_warning("%s: no figure, only the table", missing.message);
		return 0;
	}
	if (rc)
		return error_set(err, rc, "%s", missing.message);
	rc = file_write_atomic(owned, svg, strlen(svg), 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be written", owned);
	*ret_path = take_pointer(owned);
	return 0;
}

static int print_text(const struct scaling_figure *figure, const char *svg, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *curve = NULL;
	int rc = svg ? scaling_draw(figure, SCALING_DUMB, &curve, err) : 0;

	if (rc)
		return rc;
	scaling_render_text(figure, &text);
	fputs(text.data, stdout);
	if (svg)
		printf("\n%sfigure: %s\n", curve, svg);
	return 0;
}

static int print_figure(struct run_store *store, const struct stored_run *run,
			const struct scaling_figure *figure, const struct settings *settings,
			struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *svg = NULL;
	int rc = write_svg(figure, svg_path(store, run, figure, settings->svg), &svg, err);

	if (rc)
		return rc;
	if (!settings->json)
		return print_text(figure, svg, err);
	scaling_render_json(figure, svg, &text);
	fputs(text.data, stdout);
	return 0;
}

static int scale(const struct globals *globals, const struct settings *settings,
		 struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(stored_run_release) struct stored_run timed = { .id = NULL };
	cleanup_with(scaling_figure_release) struct scaling_figure figure = { .run_id = NULL };
	int rc = run_store_open(globals->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, settings->run, &run, err);
	if (!rc && settings->timed)
		rc = run_store_load(store, settings->timed, &timed, err);
	if (!rc)
		rc = scaling_figure_make(store, &run, settings->timed ? &timed : NULL,
					 &settings->request, &figure, err);
	if (!rc)
		rc = print_figure(store, &run, &figure, settings, err);
	return rc;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .json = false };
	const struct option_info options[] = {
		{ "--timed", OPTION_TEXT, &settings.timed, 0, 0 },
		{ "--row", OPTION_TEXT, &settings.request.row, 0, 0 },
		{ "--variant", OPTION_TEXT, &settings.request.variant, 0, 0 },
		{ "--cells", OPTION_TEXT, &settings.request.cells, 0, 0 },
		{ "--svg", OPTION_TEXT, &settings.svg, 0, 0 },
		{ "--json", OPTION_FLAG, &settings.json, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (status)
		return status;
	settings.run = argc > 1 ? argv[1] : NULL;
	return command_status(scale(globals, &settings, err));
}

const struct command command_scale = {
	.name = "scale",
	.summary = "the speed-up over vCPUs, on paper and measured",
	.usage = "scale [RUN] [--timed RUN] [--row ROW] [--variant NAME]\n"
		 "       kerngate scale ... [--cells GUEST/SUITE] [--svg FILE] [--json]",
	.help = "From the instructions that an exact run (default: results/latest) counted in\n"
		"cells over vcpus_counts: work, span and the speed-up span(1) / span(n), with an\n"
		"interval over seeds, and what that leaves out. Draws a curve, here and into\n"
		"results/RUN/scaling-ROW.svg (both need gnuplot, package " GNUPLOT_PACKAGE ").\n"
		"\n"
		"  --timed RUN     a run of the same campaign in timed mode: its measured points\n"
		"                  beside the curve\n"
		"  --row ROW       where several rows are counted\n"
		"  --variant NAME  instead of the baseline\n"
		"  --cells GUEST/SUITE  where several shapes or suites are counted over\n"
		"  --svg FILE      instead of results/RUN/scaling-ROW.svg\n"
		"  --json          for programs\n"
		"\n"
		"exit status: 0 told; 2 it could not be; 64 wrong usage.\n"
		"\n"
		"examples:\n"
		"  kerngate run scaling && kerngate scale\n"
		"  kerngate run scaling --mode timed; kerngate scale 20261121-21 --timed latest\n",
	.run = run,
};
