/* baseline.c - `kerngate baseline`: figures of a run in a file that git tracks. */
#include "baseline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "files.h"
#include "memory.h"
#include "table.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

struct settings {
	const struct globals *globals;
	const char *variant;
	bool replace;
};

static int export_run(const struct settings *settings, const char *run_id, const char *name,
		      struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(baseline_release) struct baseline baseline = { .run_id = NULL };
	const char *results_dir = settings->globals->results_dir;
	cleanup_free char *path = baseline_path(results_dir, name);
	int rc = run_store_open(results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, run_id, &run, err);
	if (!rc && strcmp(run.state, "finished"))
		rc = error_set(err, -EINVAL, "run %s is %s: a baseline is of a finished one",
			       run.id, run.state);
	if (!rc)
		rc = baseline_from_run(store, &run, settings->variant, &baseline, err);
	if (!rc)
		rc = baseline_save(results_dir, name, &baseline, settings->replace, err);
	if (!rc)
		printf("%s: %s of run %s\n", path, baseline.variant, run.id);
	return rc;
}

/* "dir/NAME.json" > "NAME"; owned. */
static char *name_of(const char *path)
{
	const char *name = path_base_name(path);
	size_t length = strlen(name);

	if (length > 5 && !strcmp(name + length - 5, ".json"))
		length -= 5;
	return string_copy_n(name, length);
}

static int import_file(const struct settings *settings, const char *path, struct error *err)
{
	cleanup_with(baseline_release) struct baseline baseline = { .run_id = NULL };
	const char *results_dir = settings->globals->results_dir;
	cleanup_free char *name = name_of(path);
	cleanup_free char *target = baseline_path(results_dir, name);
	int rc = baseline_load_file(path, &baseline, err);

	if (!rc)
		rc = baseline_save(results_dir, name, &baseline, settings->replace, err);
	if (!rc)
		printf("%s: %s of run %s\n", target, baseline.variant, baseline.run_id);
	return rc;
}

static size_t count_metrics(const struct baseline *baseline)
{
	size_t count = 0;

	for (size_t i = 0; i < baseline->count; i++)
		for (size_t k = 0; k < baseline->cells[i].count; k++)
			count += baseline->cells[i].rows[k].count;
	return count;
}

/* A file that cannot be read is told, and the others listed all the same. */
static int list(const struct settings *settings, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_table struct table table = TABLE_INIT(5);
	const char *results_dir = settings->globals->results_dir;
	int bad = 0, rc = baseline_names(results_dir, &names, err);

	if (rc)
		return rc;
	table_add(&table, "NAME", "VARIANT", "MEASURED", "METRICS", "RUN");
	for (size_t i = 0; i < names.count; i++) {
		cleanup_with(baseline_release) struct baseline baseline = { .run_id = NULL };
		cleanup_free char *metrics = NULL;
		struct error cause = ERROR_INIT;
		char when[CLOCK_TEXT_MAX];

		if (baseline_load(results_dir, names.items[i], &baseline, &cause)) {
			fprintf(stderr, "%s\n", cause.message);
			bad = cause.code;
			continue;
		}
		clock_format_utc(baseline.started_wall_ns, when);
		when[10] = '\0';
		metrics = string_format("%zu", count_metrics(&baseline));
		table_add(&table, names.items[i], baseline.variant, when, metrics, baseline.run_id);
	}
	if (names.count)
		table_print(&table, stdout);
	else
		puts("no baseline yet: kerngate baseline export RUN NAME makes one");
	return bad ? error_set(err, bad, "a baseline cannot be read, see above") : 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .globals = globals };
	const struct option_info options[] = {
		{ "--variant", OPTION_TEXT, &settings.variant, 0, 0 },
		{ "--replace", OPTION_FLAG, &settings.replace, 0, 0 },
		{ .name = NULL },
	};
	const char *verb;
	int status = command_parse_options(options, &argc, argv, err);

	if (status)
		return status;
	verb = argc > 1 ? argv[1] : "list";
	if (!strcmp(verb, "list") && argc <= 2)
		return command_status(list(&settings, err));
	if (!strcmp(verb, "export") && argc == 4)
		return command_status(export_run(&settings, argv[2], argv[3], err));
	if (!strcmp(verb, "import") && argc == 3)
		return command_status(import_file(&settings, argv[2], err));
	return command_usage_error(err, "expected export RUN NAME, import FILE or list");
}

const struct command command_baseline = {
	.name = "baseline",
	.summary = "keep a run's figures in a file, to gate against",
	.usage = "baseline [list]\n"
		 "       kerngate baseline export RUN NAME [--variant LABEL] [--replace]\n"
		 "       kerngate baseline import FILE [--replace]",
	.help = "A baseline is one variant of a run as figures of its boots, with the conditions\n"
		"they were measured under: results/baselines/NAME.json, which git tracks. It\n"
		"serves `kerngate gate --against NAME` where the run itself is not.\n"
		"\n"
		"  export RUN NAME  of a finished run (\"latest\": results/latest)\n"
		"  import FILE      checks a file from elsewhere and takes it over as NAME.json;\n"
		"                   what is wrong in it is told with line and column\n"
		"  list             what there is\n"
		"  --variant LABEL  instead of the run's last variant\n"
		"  --replace        write over one of that name\n"
		"\n"
		"exit status: 0 done; 2 it could not be; 64 wrong usage.\n"
		"\n"
		"example:\n"
		"  kerngate baseline export latest v7.3 && git add results/baselines\n",
	.run = run,
};
