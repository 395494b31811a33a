/* kunit.c - runs unit tests that are built into the kernel (lib/kunit), again and
 * again in a running system, and says what came of them.
 *
 * A suite is run by a write to /sys/kernel/debug/kunit/SUITE/run, which returns
 * when it is over; what it printed then stands in "results" beside it. Its tests
 * should not run at boot too (kunit.autorun=0).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "workload.h"

#define SUITES "/sys/kernel/debug/kunit"
#define TEXT_MAX (256u * 1024)
#define ALL "all"

static struct {
	char *text;                /* of all suites of a round; owned */
	size_t length;
	uint32_t suites_count;
	uint64_t duration_ns;
	struct ktap_totals totals; /* of all suites of a round */
} state;

static void setup(void)
{
	const char *suite = parameter_word("suite");
	char path[288];

	if (access(SUITES, F_OK) < 0)
		workload_broken("%s: %s", SUITES, strerror(errno));
	snprintf(path, sizeof(path), SUITES "/%s/run", suite);
	if (strcmp(suite, ALL) != 0 && access(path, F_OK) < 0)
		workload_broken("%s: %s; the kernel has no such suite", path,
				strerror(errno));
	state.text = malloc(TEXT_MAX);
	if (!state.text)
		workload_broken("out of memory");
}

static void totals_add(const struct ktap_totals *totals)
{
	if (!state.totals.failed && totals->failed) {
		memcpy(state.totals.failed_name, totals->failed_name,
		       sizeof(totals->failed_name));
		memcpy(state.totals.failed_message, totals->failed_message,
		       sizeof(totals->failed_message));
	}
	state.totals.passed += totals->passed;
	state.totals.failed += totals->failed;
	state.totals.skipped += totals->skipped;
}

static void suite_run(const char *suite)
{
	char path[288], message[256];
	char *text = state.text + state.length;
	size_t room = TEXT_MAX - state.length;
	struct ktap_totals totals;
	uint64_t start_ns;
	int length;

	snprintf(path, sizeof(path), SUITES "/%s/run", suite);
	start_ns = clock_now_ns();
	text_write_or_broken(path, "1");
	state.duration_ns += clock_now_ns() - start_ns;
	snprintf(path, sizeof(path), SUITES "/%s/results", suite);
	length = text_read(path, text, room);
	if (length < 0)
		workload_broken("reading %s: %s", path, strerror(-length));
	if ((size_t)length == room - 1)
		workload_broken("%s: more than %u bytes of results", path, TEXT_MAX);
	state.length += (size_t)length;
	state.suites_count++;
	if (ktap_parse(text, &totals, message, sizeof(message)) < 0) {
		artifact_add("kunit.ktap", state.text, state.length);
		workload_failed("suite %s: %s", suite, message);
	}
	totals_add(&totals);
}

static int is_suite(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void all_run(void)
{
	struct dirent **entries;
	int count = scandir(SUITES, &entries, is_suite, alphasort), i;

	if (count < 0)
		workload_broken("%s: %s", SUITES, strerror(errno));
	for (i = 0; i < count; i++) {
		suite_run(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static void measure(uint32_t round)
{
	const char *suite = parameter_word("suite");
	const struct ktap_totals *totals = &state.totals;

	state.length = 0;
	state.suites_count = 0;
	state.duration_ns = 0;
	memset(&state.totals, 0, sizeof(state.totals));
	if (strcmp(suite, ALL) != 0)
		suite_run(suite);
	else
		all_run();
	/* One artifact a run: of the round that failed, or of the last one. */
	if (totals->failed || round + 1 == (uint32_t)parameter_number("rounds"))
		artifact_add("kunit.ktap", state.text, state.length);
	if (totals->failed)
		workload_failed("%u of %u tests failed, first %s: %s", totals->failed,
				totals->failed + totals->passed + totals->skipped,
				totals->failed_name,
				*totals->failed_message ? totals->failed_message :
							  "no message");
	if (!totals->passed)
		workload_skipped("%u suites, %u tests, all skipped",
				 state.suites_count, totals->skipped);
	sample_add("passed_count", totals->passed);
	sample_add("skipped_count", totals->skipped);
	sample_add("tests_ns", (double)state.duration_ns);
}

static void cleanup(void)
{
	free(state.text);
	state.text = NULL;
}

static const char *const suites[] = { "padata_mt", "proxy_exec", ALL, NULL };
static const char *const options[] = { "CONFIG_KUNIT", "CONFIG_KUNIT_DEBUGFS",
				       NULL };

const struct workload workload = {
	.name = "kunit",
	.purpose = "Unit tests that are built into the kernel",
	.metrics = (const struct metric[]){
		{ "passed_count", "count", "higher", "count", false,
		  "Tests that passed, each case of a parameter as one" },
		{ "skipped_count", "count", "lower", "count", true,
		  "Tests that this guest cannot do" },
		{ "tests_ns", "ns", "lower", "time", true, "All tests of a round" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "suite", 0, 0, suites, "padata_mt",
		  "Which suite; all: every one that the kernel has" },
		{ "rounds", 1, 10000, NULL, "1", "How often" },
		{ .name = NULL },
	},
	.needs_options = options,
	.kernel_arguments = (const char *const[]){ "kunit.enable=1", "kunit.autorun=0",
						   NULL },
	.needs_memory_mib = 128,
	.needs_vcpus = 1,
	.is_counted = false,     /* tests wait for each other */
	.warmup_rounds = 0,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
