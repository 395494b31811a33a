/* doctor.c - `kerngate doctor`: what this host can do, what is missing, and
 * the fix for each. It looks only; it mends nothing. With --exact (doctor_exact.c)
 * it runs guests instead.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "doctor_checks.h"
#include "memory.h"
#include "table.h"

static const char *const state_names[] = {
	[CHECK_OK] = "ok", [CHECK_NOTE] = "note", [CHECK_MISSING] = "missing",
};

void checks_add(struct checks *checks, enum check_state state, const char *name,
		const char *fix, const char *format, ...)
{
	struct check check = { .state = state };
	va_list arguments;

	check.name = string_copy(name);
	check.fix = string_copy(fix);
	va_start(arguments, format);
	check.detail = string_vformat(format, arguments);
	va_end(arguments);
	checks->items = memory_realloc_array(checks->items, checks->count + 1,
					     sizeof(check));
	checks->items[checks->count++] = check;
}

static void checks_release(struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		free(checks->items[i].name);
		free(checks->items[i].detail);
		free(checks->items[i].fix);
	}
	free(checks->items);
}

static size_t count_missing(const struct checks *checks)
{
	size_t count = 0;

	for (size_t i = 0; i < checks->count; i++)
		count += checks->items[i].state == CHECK_MISSING;
	return count;
}

static void print_text(const struct checks *checks)
{
	cleanup_table struct table table = TABLE_INIT(3);
	size_t missing = count_missing(checks);

	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->items[i];
		cleanup_free char *text =
			string_format("%s%s%s", check->detail,
				      check->fix ? "\nfix: " : "",
				      check->fix ? check->fix : "");

		table_add(&table, state_names[check->state], check->name, text);
	}
	table_print(&table, stdout);
	if (missing)
		printf("\n%zu missing: no run on this host until mended\n", missing);
	else
		printf("\nready: campaigns can run on this host\n");
}

static int print_json(const struct checks *checks, struct error *err)
{
	json_t *items = json_array(), *root;
	int failed = 0;

	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->items[i];

		failed |= json_array_append_new(
			items, json_pack("{s:s, s:s, s:s, s:s?}",
					 "name", check->name,
					 "state", state_names[check->state],
					 "detail", check->detail,
					 "fix", check->fix));
	}
	root = json_pack("{s:b, s:o}", "usable", count_missing(checks) == 0,
			 "checks", items);
	if (failed || !root || json_dumpf(root, stdout, JSON_INDENT(2)) < 0)
		failed = 1;
	putchar('\n');
	json_decref(root);
	return failed ? error_set(err, -EIO, "the report cannot be written as JSON") : 0;
}

static int run(const struct globals *globals, int argc, char **argv,
	       struct error *err)
{
	cleanup_with(checks_release) struct checks checks = { .items = NULL };
	bool as_json = false, is_exact = false;
	const struct option_info options[] = {
		{ "--exact", OPTION_FLAG, &is_exact, 0, 0 },
		{ "--json", OPTION_FLAG, &as_json, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);

	if (status == 0)
		status = command_check_operands(argc, argv, 0, err);
	if (status != 0)
		return status;
	if (is_exact)
		return doctor_exact(globals, as_json, err);
	doctor_check_host(globals, &checks);
	doctor_check_tools(globals, &checks);
	if (!as_json)
		print_text(&checks);
	else if (print_json(&checks, err) < 0)
		return EXIT_HARNESS;
	return count_missing(&checks) ? EXIT_HARNESS : EXIT_OK;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "what this host can do, what is missing, and the fix",
	.usage = "doctor [--exact] [--json]",
	.help = "Looks at accelerator, libvirt, memory, disk, tools and folders; changes\n"
		"nothing. A `note` is good to know and stops nothing.\n"
		"\n"
		"  --exact  proves exact mode on this host instead: boots the quick\n"
		"           campaign's baseline (built if it is not in the cache) with the\n"
		"           suite exact-proof in the guests up and smp2, again and again:\n"
		"           alone, beside a spinning process on every CPU, and as many\n"
		"           guests at once as there are CPUs. Console, results and counts\n"
		"           must be the same to the byte; else it shows where they part\n"
		"  --json   {\"usable\": ..., \"checks\": [{name, state, detail, fix}]}; with\n"
		"           --exact {\"exact\": ..., \"hypervisor\": ..., \"guests\": [{name,\n"
		"           exact, trials: [{condition, outcome, digest, ...}], difference}]}\n"
		"\n"
		"exit status: 0 campaigns can run here, or exact mode is exact here; 1 with\n"
		"--exact: a trial failed or differed; 2 something is missing, or the harness\n"
		"could not do its job; 64 wrong usage; 130 interrupted.\n",
	.supervised = true,
	.run = run,
};
