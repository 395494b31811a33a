/* report.c - `kerngate report`: a judged run as a page for people, or in the formats of
 * other programs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "comparison.h"
#include "files.h"
#include "gnuplot.h"
#include "log.h"
#include "memory.h"
#include "report_format.h"
#include "report_html.h"
#include "results_index.h"
#include "run_store.h"

#define FORMAT_HTML REPORT_FORMATS_COUNT

struct settings {
	const char *run, *output;
	enum report_format format; /* or FORMAT_HTML */
	bool text;
};

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static int make(struct run_store *store, const struct stored_run *run,
		const struct settings *settings, struct strbuf *out, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	bool has_figures = true;
	int rc = comparison_make(store, run, NULL, &comparison, err);

	if (!rc && settings->format != FORMAT_HTML)
		rc = report_format_write(settings->format, store, run, &comparison, out, err);
	else if (!rc && settings->text)
		rc = report_text_write(store, run, &comparison, out, err);
	else if (!rc)
		rc = report_html_write(store, run, &comparison, out, &has_figures, err);
	if (rc)
		return error_prefix(err, "run %s", run->id);
	if (!has_figures)
		log_warning("gnuplot is not installed (Debian: the package " GNUPLOT_PACKAGE "): the "
			    "report has no figures");
	return 0;
}

/* Where the report goes; owned, NULL: stdout. */
static char *output_path(struct run_store *store, const struct stored_run *run,
			 const struct settings *settings)
{
	cleanup_free char *folder = run_store_run_folder(store, run->id);

	if (settings->output)
		return strcmp(settings->output, "-") ? path_absolute(settings->output) : NULL;
	return settings->text || settings->format != FORMAT_HTML ?
		NULL : path_join(folder, "report.html");
}

static int deliver(const struct strbuf *text, const char *path, struct error *err)
{
	int rc;

	if (!path) {
		fwrite(text->data, 1, text->length, stdout);
		return 0;
	}
	rc = file_write_atomic(path, text->data, text->length, 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be written", path);
	printf("report: %s\n", path);
	return 0;
}

static int report(const struct globals *globals, const struct settings *settings,
		  struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *path = NULL;
	int rc = run_store_open(globals->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, settings->run, &run, err);
	if (!rc)
		rc = make(store, &run, settings, &text, err);
	if (rc)
		return rc;
	path = output_path(store, &run, settings);
	rc = deliver(&text, path, err);
	if (!rc && !settings->output && path)
		results_index_refresh(globals->results_dir);
	return rc;
}

/* EXIT_USAGE where it is not one of them, or two were asked for. */
static int parse_format(const char *name, struct settings *settings, struct error *err)
{
	struct error unknown = ERROR_INIT;

	if (!name || !strcmp(name, "html"))
		return 0;
	if (settings->text)
		return command_usage_error(err, "--text and --format %s: one of them", name);
	if (report_format_parse(name, &settings->format, &unknown))
		return command_usage_error(err, "--format: %s (html is the default)", unknown.message);
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .format = FORMAT_HTML };
	const char *format = NULL;
	const struct option_info options[] = {
		{ "--output", OPTION_TEXT, &settings.output, 0, 0 },
		{ "--format", OPTION_TEXT, &format, 0, 0 },
		{ "--text", OPTION_FLAG, &settings.text, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status)
		status = parse_format(format, &settings, err);
	if (status)
		return status;
	settings.run = argc > 1 ? argv[1] : NULL;
	return command_status(report(globals, &settings, err));
}

const struct command command_report = {
	.name = "report",
	.summary = "a run as a page to read: verdict, figures, findings",
	.usage = "report [RUN] [--format FORMAT] [--output FILE]\n"
		 "       kerngate report [RUN] --text [--output FILE]",
	.help = "Writes a judged run (default: results/latest) as one HTML file that opens from\n"
		"disk and loads nothing: results/RUN/report.html. docs/report.md has what is in\n"
		"it. Figures need gnuplot (package " GNUPLOT_PACKAGE ").\n"
		"\n"
		"  --output FILE    instead; - is stdout\n"
		"  --format FORMAT  html, or what other programs read, to stdout: junit, ktap,\n"
		"                   kcidb, benchfmt, lkp, bmf, csv, json (docs/formats.md)\n"
		"  --text           the table and the same figures, for the terminal\n"
		"\n"
		"exit status: 0 written, whatever the verdict (`kerngate gate` tells that); 2 it\n"
		"could not be; 64 wrong usage.\n"
		"\n"
		"examples:\n"
		"  kerngate report\n"
		"  kerngate report 20261121-21 --output /srv/www/nightly.html\n"
		"  kerngate report --format junit --output kerngate.xml\n"
		"  kerngate report --text | less\n",
	.run = run,
};
