/* list.c - `kerngate list`: what there is to build, boot, run and look at. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "campaign.h"
#include "cases.h"
#include "clock.h"
#include "command.h"
#include "files.h"
#include "guest_image.h"
#include "memory.h"
#include "run_store.h"
#include "suggest.h"
#include "table.h"

#define RUNS_MAX 30

/* Names of the files in ROOT/folder that end in ".yaml", without it. */
static int list_names(const struct globals *globals, const char *folder,
		      struct strvec *ret_names, struct error *err)
{
	cleanup_free char *path = path_join(globals->project_root, folder);
	cleanup_strvec struct strvec files = STRVEC_INIT;
	int code = folder_list(path, &files);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	for (size_t i = 0; i < files.count; i++) {
		size_t length = strlen(files.items[i]);

		if (length > 5 && strcmp(files.items[i] + length - 5, ".yaml") == 0)
			strvec_pushf(ret_names, "%.*s", (int)(length - 5),
				     files.items[i]);
	}
	return 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void join_names(struct strbuf *out, const char *name)
{
	if (out->length)
		strbuf_adds(out, ", ");
	strbuf_adds(out, name);
}

static void add_campaign_row(struct table *table, const struct campaign *campaign)
{
	cleanup_strbuf struct strbuf variants = STRBUF_INIT;
	cleanup_strbuf struct strbuf cells = STRBUF_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	char blocks[32];

	for (size_t i = 0; i < campaign->variants_count; i++)
		join_names(&variants, campaign->variants[i].name);
	for (size_t i = 0; i < campaign->cells_count; i++) {
		join_names(&cells, campaign->cells[i].guest.name);
		strbuf_addf(&cells, "/%s", campaign->cells[i].suite.name);
	}
	if (campaign->purpose)
		strbuf_addf(&text, "%s\n", campaign->purpose);
	strbuf_addf(&text, "%s; in %s", variants.data, cells.data);
	snprintf(blocks, sizeof(blocks), "%" PRIu32 "%s", campaign->blocks_count,
		 campaign->mode != MODE_EXACT ? "" :
		 campaign->blocks_count == 1 ? " seed" : " seeds");
	table_add(table, campaign->name, blocks, text.data);
}

static int list_campaigns(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(3);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = list_names(globals, "configs/campaigns", &names, err);

	table_add(&table, "CAMPAIGN", "BLOCKS", "PURPOSE; VARIANTS; GUEST/SUITE");
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_with(campaign_release) struct campaign campaign = {
			.name = NULL
		};

		code = campaign_load(globals->project_root, names.items[i],
				     &campaign, err);
		if (code == 0)
			add_campaign_row(&table, &campaign);
	}
	if (code == 0)
		table_print(&table, stdout);
	return code;
}

/* "pe-on.config" as "pe-on ". */
static void add_stem(struct strbuf *text, const char *name)
{
	strbuf_addf(text, "%.*s ", (int)strcspn(name, "."), name);
}

static void add_variant_row(struct table *table, const struct campaign *campaign,
			    const struct variant *variant)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct kernel_spec *kernel = &variant->kernel;

	for (size_t i = 0; i < kernel->series.count; i++)
		strbuf_addf(&text, "series %s, ",
			    path_base_name(kernel->series.items[i]));
	for (size_t i = 0; i < kernel->fragments.count; i++)
		add_stem(&text, path_base_name(kernel->fragments.items[i]));
	for (size_t i = 0; i < variant->cmdline.count; i++)
		strbuf_addf(&text, "\"%s\" ", variant->cmdline.items[i]);
	for (size_t i = 0; i < variant->sysctls.count; i++)
		strbuf_addf(&text, "%s ", variant->sysctls.items[i]);
	table_add(table, campaign->name, variant->name, or_empty(kernel->base.name),
		  text.data);
}

static int list_variants(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(4);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = list_names(globals, "configs/campaigns", &names, err);

	table_add(&table, "CAMPAIGN", "VARIANT", "BASE",
		  "SERIES, FRAGMENTS, ARGUMENTS, SYSCTLS");
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_with(campaign_release) struct campaign campaign = {
			.name = NULL
		};

		code = campaign_load(globals->project_root, names.items[i],
				     &campaign, err);
		for (size_t j = 0; code == 0 && j < campaign.variants_count; j++)
			add_variant_row(&table, &campaign, &campaign.variants[j]);
	}
	if (code == 0)
		table_print(&table, stdout);
	return code;
}

static void add_guest_row(struct table *table, const struct guest_spec *guest)
{
	cleanup_free char *traits = guest_spec_traits(guest);
	cleanup_free char *text = string_format("%s%s%s", or_empty(guest->purpose),
						guest->purpose && *traits ? "\n" : "", traits);
	char vcpus[16], memory[BYTES_TEXT_MAX], nodes[16];

	snprintf(vcpus, sizeof(vcpus), "%" PRIu32, guest->vcpus_count);
	snprintf(nodes, sizeof(nodes), "%" PRIu32,
		 guest->cells_count ? guest->cells_count : 1);
	table_add(table, guest->name, vcpus,
		  bytes_format(guest->memory_mib << 20, memory), nodes, text);
}

static int list_guests(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(5);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = list_names(globals, "configs/guests", &names, err);

	table_add(&table, "GUEST", "VCPUS", "MEMORY", "NODES", "PURPOSE; DEVICES, MARKS");
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_with(guest_spec_release) struct guest_spec guest = {
			.name = NULL
		};

		code = guest_spec_load(globals->project_root, names.items[i],
				       &guest, err);
		if (code == 0)
			add_guest_row(&table, &guest);
	}
	if (code == 0)
		table_print(&table, stdout);
	return code;
}

static int list_suites(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(4);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = list_names(globals, "configs/suites", &names, err);

	table_add(&table, "SUITE", "ROW", "TIMEOUT", "WORKLOAD AND ARGUMENTS");
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_with(suite_release) struct suite suite = { .name = NULL };

		code = suite_load(globals->project_root, names.items[i], &suite, err);
		for (size_t j = 0; code == 0 && j < suite.rows_count; j++) {
			const struct suite_row *row = &suite.rows[j];
			cleanup_free char *arguments = suite_row_arguments(row);
			cleanup_free char *text = string_format(
				"%s%s%s", row->workload, *arguments ? " " : "", arguments);
			char timeout[16];

			snprintf(timeout, sizeof(timeout), "%" PRIu32 " s",
				 row->timeout_s);
			table_add(&table, j == 0 ? suite.name : "", row->name,
				  timeout, text);
		}
	}
	if (code == 0)
		table_print(&table, stdout);
	return code;
}

static int list_workloads(const struct globals *globals, struct error *err)
{
	cleanup_with(workload_catalog_release) struct workload_catalog catalog = {
		.folder = NULL
	};
	cleanup_table struct table table = TABLE_INIT(2);
	cleanup_free char *folder = path_join(globals->build_dir, "workloads");
	int code = workload_catalog_load(folder, &catalog, err);

	if (code < 0)
		return code;
	table_add(&table, "WORKLOAD", "PURPOSE; METRICS; PARAMETERS");
	for (size_t i = 0; i < catalog.count; i++) {
		const struct workload_info *info = &catalog.items[i];
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		strbuf_adds(&text, or_empty(info->purpose));
		strbuf_adds(&text, "\nmetrics:");
		for (size_t j = 0; j < info->metrics_count; j++)
			strbuf_addf(&text, " %s (%s, %s is better)%s",
				    info->metrics[j].name, info->metrics[j].unit,
				    metric_direction_name(info->metrics[j].better),
				    j + 1 < info->metrics_count ? "," : "");
		if (info->parameters_count)
			strbuf_adds(&text, "\nparameters:");
		for (size_t j = 0; j < info->parameters_count; j++)
			strbuf_addf(&text, " %s=%s", info->parameters[j].name,
				    or_empty(info->parameters[j].default_value));
		if (info->can_load)
			strbuf_adds(&text, "\nas a load:");
		for (size_t j = 0; j < info->load_parameters.count; j++)
			strbuf_addf(&text, " %s", info->load_parameters.items[j]);
		table_add(&table, info->name, text.data);
	}
	table_print(&table, stdout);
	return 0;
}

static void cleanup_store(struct run_store **store)
{
	run_store_close(*store);
}

static int list_runs(const struct globals *globals, struct error *err)
{
	cleanup_with(cleanup_store) struct run_store *store = NULL;
	cleanup_table struct table table = TABLE_INIT(6);
	cleanup_free char *database = path_join(globals->results_dir, "store.sqlite");
	struct stored_run *runs = NULL;
	size_t count = 0;
	int code;

	/* Listing makes no folder and no database. */
	if (!path_exists(database)) {
		printf("no runs in %s\n", globals->results_dir);
		return 0;
	}
	code = run_store_open(globals->results_dir, &store, err);
	if (code == 0)
		code = run_store_list(store, RUNS_MAX, &runs, &count, err);
	if (code < 0)
		return code;
	table_add(&table, "RUN", "CAMPAIGN", "MODE", "STARTED", "TOOK", "STATE");
	for (size_t i = 0; i < count; i++) {
		char started[CLOCK_TEXT_MAX], took[CLOCK_TEXT_MAX];
		uint64_t end_ns = runs[i].finished_wall_ns;

		table_add(&table, runs[i].id, or_empty(runs[i].campaign),
			  run_mode_name(runs[i].mode),
			  clock_format_utc(runs[i].started_wall_ns, started),
			  end_ns > runs[i].started_wall_ns ?
			  duration_format(end_ns - runs[i].started_wall_ns, took) :
			  "-", or_empty(runs[i].state));
		stored_run_release(&runs[i]);
	}
	free(runs);
	table_print(&table, stdout);
	return 0;
}

static void add_case_row(struct table *table, const struct kept_case *kept)
{
	const struct replay_world *world = &kept->world;
	cleanup_free char *place = string_format("%s/%s", world->guest.name, world->suite.name);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	char seed[24];

	snprintf(seed, sizeof(seed), "%" PRIu64, world->seed.number);
	strbuf_addf(&text, "%s\n", kept->name);
	for (size_t i = 0; i < kept->expected.count; i++)
		strbuf_addf(&text, "%s: %s\n", kept->expected.items[i].kind,
			    kept->expected.items[i].title);
	strbuf_addf(&text, "kernel %.12s, from %s", world->kernel_key, kept->origin);
	table_add(table, seed, world->variant, place, text.data);
}

static int list_cases(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(4);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = cases_list(globals->results_dir, &names, err);

	if (code == 0 && names.count == 0)
		printf("no cases in %s/%s\n", globals->results_dir, CASES_FOLDER);
	table_add(&table, "SEED", "VARIANT", "GUEST/SUITE", "CASE; WHAT SHOWED");
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_kept_case struct kept_case kept = { .name = NULL };
		cleanup_free char *folder = string_format("%s/%s/%s", globals->results_dir,
							  CASES_FOLDER, names.items[i]);

		code = case_open(folder, &kept, err);
		if (code == 0)
			add_case_row(&table, &kept);
	}
	if (code == 0 && names.count)
		table_print(&table, stdout);
	return code;
}

static int list_commands(const struct globals *globals, struct error *err)
{
	cleanup_table struct table table = TABLE_INIT(2);

	(void)globals;
	(void)err;
	table_add(&table, "COMMAND", "PURPOSE");
	for (size_t i = 0; command_table[i]; i++)
		table_add(&table, command_table[i]->name, command_table[i]->summary);
	table_print(&table, stdout);
	return 0;
}

static const struct topic {
	const char *name;
	int (*list)(const struct globals *globals, struct error *err);
} topics[] = {
	{ "campaigns", list_campaigns },
	{ "variants", list_variants },
	{ "guests", list_guests },
	{ "suites", list_suites },
	{ "workloads", list_workloads },
	{ "runs", list_runs },
	{ "cases", list_cases },
	{ "commands", list_commands },
};

#define TOPICS_SHORT 5 /* of them, those listed without an argument */

static int list_several(const struct globals *globals, struct error *err)
{
	for (size_t i = 0; i < TOPICS_SHORT; i++) {
		int code = topics[i].list(globals, err);

		if (code < 0)
			return code;
		if (i + 1 < TOPICS_SHORT)
			putchar('\n');
	}
	return 0;
}

static int unknown_topic(const char *name, struct error *err)
{
	const char *names[ARRAY_COUNT(topics)], *nearest;

	for (size_t i = 0; i < ARRAY_COUNT(topics); i++)
		names[i] = topics[i].name;
	nearest = suggest_nearest(name, names, ARRAY_COUNT(names));
	if (nearest)
		return command_usage_error(err, "cannot list \"%s\" (did you mean \"%s\"?)",
					   name, nearest);
	return command_usage_error(err, "cannot list \"%s\"", name);
}

static int run(const struct globals *globals, int argc, char **argv,
	       struct error *err)
{
	const struct option_info options[] = { { .name = NULL } };
	int status = command_parse_options(options, &argc, argv, err);

	if (status == 0)
		status = command_check_operands(argc, argv, 1, err);
	if (status != 0)
		return status;
	if (argc == 1)
		return command_status(list_several(globals, err));
	for (size_t i = 0; i < ARRAY_COUNT(topics); i++)
		if (strcmp(topics[i].name, argv[1]) == 0)
			return command_status(topics[i].list(globals, err));
	return unknown_topic(argv[1], err);
}

const struct command command_list = {
	.name = "list",
	.summary = "campaigns, variants, guests, suites, workloads, runs, cases ...",
	.usage = "list [TOPIC]",
	.help = "TOPIC is campaigns, variants, guests, suites, workloads, runs, cases or\n"
		"commands; without one: the first five.\n"
		"\n"
		"All files are read and checked; a mistake in one is reported with file,\n"
		"line and column.\n",
	.run = run,
};
