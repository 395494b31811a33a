/* test_main.c - runs the registered suites and reports: what failed with file
 * and line, a count as the last line, JUnit XML on request. CUnit's own JUnit
 * writer aborts on a failing test (2.1-3) and its return codes are 0 with
 * failing tests, so both are done here.
 */
#include <CUnit/TestRun.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "suggest.h"
#include "test.h"

#define SUITES_MAX 256

struct suite_entry {
	const char *name;              /* borrowed */
	const struct test_case *cases; /* borrowed */
	size_t cases_count;
};

struct test_record {
	const char *suite, *name;      /* borrowed */
	uint64_t duration_ns;
	char *skipped;                 /* reason; owned; NULL if it ran */
	char *failures;                /* one a line; owned; NULL if none */
};

static struct suite_entry suites[SUITES_MAX];
static size_t suites_count;

static struct test_record *records; /* owned */
static size_t records_count;
static uint64_t test_began_ns;
static unsigned int asserts_before;
static char *skip_reason;           /* of the running test; owned */

static char *root;                  /* owned */
static char *temp_parent;           /* owned; NULL until used */
static struct strvec kept;          /* strings handed out */

void test_suite_register(const char *name, const struct test_case *cases,
			 size_t count)
{
	if (suites_count == SUITES_MAX) {
		fprintf(stderr, "too many suites\n");
		abort();
	}
	suites[suites_count++] = (struct suite_entry){ name, cases, count };
}

bool test_check_(bool holds, const char *text, const char *file, int line)
{
	return CU_assertImplementation(holds, (unsigned int)line, text, file,
				       "", CU_FALSE);
}

bool test_check_string_(const char *actual, const char *expected,
			const char *text, const char *file, int line)
{
	bool holds = actual && expected ? strcmp(actual, expected) == 0 :
					  actual == expected;
	cleanup_free char *message = NULL;

	if (holds)
		return test_check_(true, text, file, line);
	message = string_format("%s is \"%s\", expected \"%s\"", text,
				actual ? actual : "(null)",
				expected ? expected : "(null)");
	return test_check_(false, message, file, line);
}

bool test_check_contains_(const char *text, const char *part, const char *name,
			  const char *file, int line)
{
	cleanup_free char *message = NULL;

	if (text && strstr(text, part))
		return test_check_(true, name, file, line);
	message = string_format("%s is \"%s\", expected to hold \"%s\"", name,
				text ? text : "(null)", part);
	return test_check_(false, message, file, line);
}

void test_skip(const char *reason)
{
	free(skip_reason);
	skip_reason = string_copy(reason);
}

/* Upwards from a place, the folder that has harness/tests; owned or NULL. */
static char *find_root(const char *place)
{
	cleanup_free char *folder = path_absolute(place);

	for (;;) {
		cleanup_free char *mark = path_join(folder, "harness/tests");
		char *parent;

		if (path_is_folder(mark))
			return take_pointer(folder);
		if (strcmp(folder, "/") == 0)
			return NULL;
		parent = path_folder(folder);
		free(folder);
		folder = parent;
	}
}

const char *test_root(void)
{
	char program[PATH_MAX] = "";

	if (!root && readlink("/proc/self/exe", program, sizeof(program) - 1) > 0)
		root = find_root(program);
	if (!root)
		root = find_root(".");
	if (!root)
		root = string_copy(".");
	return root;
}

static const char *keep(char *text)
{
	strvec_push(&kept, text);
	free(text);
	return kept.items[kept.count - 1];
}

const char *test_fixture_path(const char *name)
{
	return keep(string_format("%s/harness/tests/fixtures/%s", test_root(),
				  name));
}

void test_check_golden(const char *name, const char *text)
{
	const char *path = test_fixture_path(name), *mode = getenv("KERNGATE_GOLDEN");
	cleanup_free char *expected = NULL;

	if (mode && strcmp(mode, "write") == 0)
		test_check(file_write_atomic(path, text, strlen(text), 0644) == 0);
	if (!test_check(file_read(path, 1 << 20, &expected, NULL) == 0))
		expected = string_copy("");
	test_check_string(text, expected);
}

const char *test_temp_folder(void)
{
	static unsigned int number;
	const char *place = getenv("TMPDIR"), *folder;

	if (!temp_parent) {
		temp_parent = string_format("%s/kerngate-tests.XXXXXX",
					    place && *place ? place : "/tmp");
		if (!mkdtemp(temp_parent)) {
			perror(temp_parent);
			abort();
		}
	}
	folder = keep(string_format("%s/%u", temp_parent, number++));
	if (folder_make(folder) < 0) {
		perror(folder);
		abort();
	}
	return folder;
}

/* --- handlers --------------------------------------------------------------- */

static void on_test_start(const CU_pTest test, const CU_pSuite suite)
{
	(void)test;
	(void)suite;
	test_began_ns = clock_monotonic_ns();
	asserts_before = CU_get_number_of_asserts();
}

static char *failures_text(CU_pFailureRecord failure)
{
	struct strbuf text = STRBUF_INIT;

	for (; failure; failure = failure->pNext)
		strbuf_addf(&text, "%s:%u: %s\n", failure->strFileName,
			    failure->uiLineNumber, failure->strCondition);
	return strbuf_detach(&text);
}

static void on_test_complete(const CU_pTest test, const CU_pSuite suite,
			     const CU_pFailureRecord failure)
{
	struct test_record record = {
		.suite = suite->pName,
		.name = test->pName,
		.duration_ns = clock_monotonic_ns() - test_began_ns,
	};

	if (failure)
		record.failures = failures_text(failure);
	else if (skip_reason)
		record.skipped = take_pointer(skip_reason);
	else if (CU_get_number_of_asserts() == asserts_before)
		record.failures = string_copy("the test asserted nothing\n");
	free(skip_reason);
	skip_reason = NULL;
	if (record.failures)
		printf("FAILED %s: %s\n%s", record.suite, record.name,
		       record.failures);
	if (record.skipped)
		printf("skipped %s: %s: %s\n", record.suite, record.name,
		       record.skipped);
	fflush(stdout);
	records = memory_realloc_array(records, records_count + 1,
				       sizeof(*records));
	records[records_count++] = record;
}

/* So that somebody who waits sees it move. */
static void on_suite_complete(const CU_pSuite suite, const CU_pFailureRecord failure)
{
	uint64_t duration_ns = 0;
	size_t count = 0, failed = 0;

	(void)failure;
	for (size_t i = 0; i < records_count; i++) {
		if (strcmp(records[i].suite, suite->pName) != 0)
			continue;
		duration_ns += records[i].duration_ns;
		failed += records[i].failures != NULL;
		count++;
	}
	printf("  %-22s %3zu tests %7.1f s%s\n", suite->pName, count,
	       (double)duration_ns / 1e9, failed ? "  FAILED" : "");
	fflush(stdout);
}

/* --- reports ---------------------------------------------------------------- */

struct totals {
	size_t passed, failed, skipped;
};

static struct totals count_records(const char *suite)
{
	struct totals totals = { 0 };

	for (size_t i = 0; i < records_count; i++) {
		if (suite && strcmp(records[i].suite, suite) != 0)
			continue;
		totals.failed += records[i].failures != NULL;
		totals.skipped += records[i].skipped != NULL;
		totals.passed += !records[i].failures && !records[i].skipped;
	}
	return totals;
}

static void add_xml(struct strbuf *xml, const char *text)
{
	cleanup_free char *clean = string_copy(text);

	/* XML 1.0 has no way to write the other control characters. */
	for (char *c = clean; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t')
			*c = '?';
	strbuf_add_xml(xml, clean);
}

static void junit_test(struct strbuf *xml, const struct test_record *record)
{
	strbuf_adds(xml, "    <testcase classname=\"");
	add_xml(xml, record->suite);
	strbuf_adds(xml, "\" name=\"");
	add_xml(xml, record->name);
	strbuf_addf(xml, "\" time=\"%.6f\">", (double)record->duration_ns / 1e9);
	if (record->failures) {
		strbuf_adds(xml, "<failure message=\"assertions failed\">");
		add_xml(xml, record->failures);
		strbuf_adds(xml, "</failure>");
	}
	if (record->skipped) {
		strbuf_adds(xml, "<skipped message=\"");
		add_xml(xml, record->skipped);
		strbuf_adds(xml, "\"/>");
	}
	strbuf_adds(xml, "</testcase>\n");
}

static int junit_write(const char *path)
{
	cleanup_strbuf struct strbuf xml = STRBUF_INIT;

	strbuf_adds(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			  "<testsuites>\n");
	for (size_t i = 0; i < suites_count; i++) {
		struct totals totals = count_records(suites[i].name);

		if (totals.passed + totals.failed + totals.skipped == 0)
			continue;
		strbuf_adds(&xml, "  <testsuite name=\"");
		add_xml(&xml, suites[i].name);
		strbuf_addf(&xml, "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n",
			    totals.passed + totals.failed + totals.skipped,
			    totals.failed, totals.skipped);
		for (size_t j = 0; j < records_count; j++)
			if (strcmp(records[j].suite, suites[i].name) == 0)
				junit_test(&xml, &records[j]);
		strbuf_adds(&xml, "  </testsuite>\n");
	}
	strbuf_adds(&xml, "</testsuites>\n");
	return file_write_atomic(path, xml.data, xml.length, 0644);
}

/* So that make can add up what several runners counted. */
static void append_counts(const struct totals *totals)
{
	const char *path = getenv("KERNGATE_COUNTS");
	FILE *file = path && *path ? fopen(path, "ae") : NULL;

	if (!file)
		return;
	fprintf(file, "%zu %zu %zu\n", totals->passed, totals->failed,
		totals->skipped);
	fclose(file);
}

static void print_totals(const char *runner, const struct totals *totals)
{
	printf("%s: %zu passed, %zu failed", path_base_name(runner),
	       totals->passed, totals->failed);
	if (totals->skipped)
		printf(", %zu skipped", totals->skipped);
	printf("\n");
	fflush(stdout);
}

/* --- selection -------------------------------------------------------------- */

static int compare_suites(const void *a, const void *b)
{
	const struct suite_entry *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static bool is_wanted(const struct strvec *wanted, const char *name)
{
	return wanted->count == 0 || strvec_contains(wanted, name);
}

static bool suite_is_known(const char *name)
{
	const char *names[SUITES_MAX], *nearest;

	for (size_t i = 0; i < suites_count; i++) {
		if (strcmp(suites[i].name, name) == 0)
			return true;
		names[i] = suites[i].name;
	}
	nearest = suggest_nearest(name, names, suites_count);
	fprintf(stderr, "no suite \"%s\"", name);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fprintf(stderr, "\n");
	return false;
}

static bool add_suites(const struct strvec *wanted)
{
	for (size_t i = 0; i < suites_count; i++) {
		CU_pSuite suite;

		if (!is_wanted(wanted, suites[i].name))
			continue;
		suite = CU_add_suite(suites[i].name, NULL, NULL);
		if (!suite || CU_get_error() != CUE_SUCCESS) {
			fprintf(stderr, "%s: %s\n", suites[i].name,
				CU_get_error_msg());
			return false;
		}
		for (size_t j = 0; j < suites[i].cases_count; j++) {
			const struct test_case *test = &suites[i].cases[j];

			if (!CU_add_test(suite, test->name, test->run) ||
			    CU_get_error() != CUE_SUCCESS) {
				fprintf(stderr, "%s: %s: %s\n", suites[i].name,
					test->name, CU_get_error_msg());
				return false;
			}
		}
	}
	return true;
}

static void list_suites(void)
{
	for (size_t i = 0; i < suites_count; i++)
		for (size_t j = 0; j < suites[i].cases_count; j++)
			printf("%s: %s\n", suites[i].name,
			       suites[i].cases[j].name);
}

static int run_suites(const char *runner, const char *junit_path)
{
	struct totals totals;
	bool failed;

	CU_set_test_start_handler(on_test_start);
	CU_set_test_complete_handler(on_test_complete);
	CU_set_suite_complete_handler(on_suite_complete);
	(void)CU_run_all_tests();
	totals = count_records(NULL);
	failed = CU_get_number_of_failure_records() > 0 ||
		 CU_get_number_of_suites_failed() > 0 || totals.failed > 0 ||
		 totals.passed + totals.failed + totals.skipped == 0;
	if (junit_path && junit_write(junit_path) < 0) {
		fprintf(stderr, "%s: cannot be written\n", junit_path);
		failed = true;
	}
	append_counts(&totals);
	print_totals(runner, &totals);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void release_all(void)
{
	if (temp_parent && folder_remove(temp_parent) < 0)
		fprintf(stderr, "%s: cannot be removed\n", temp_parent);
	for (size_t i = 0; i < records_count; i++) {
		free(records[i].failures);
		free(records[i].skipped);
	}
	free(records);
	free(temp_parent);
	free(root);
	strvec_release(&kept);
	CU_cleanup_registry();
}

/* "2/3": every third suite from the second on, so that several runners share
 * the work. */
static bool choose_shard(const char *text, struct strvec *wanted)
{
	unsigned int shard, shards;
	char end;

	if (sscanf(text, "%u/%u%c", &shard, &shards, &end) != 2 || shard < 1 ||
	    shard > shards)
		return false;
	for (size_t i = shard - 1; i < suites_count; i += shards)
		strvec_push(wanted, suites[i].name);
	return true;
}

int main(int argc, char **argv)
{
	cleanup_strvec struct strvec wanted = STRVEC_INIT;
	const char *junit_path = NULL;
	int status = EXIT_FAILURE;

	qsort(suites, suites_count, sizeof(suites[0]), compare_suites);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0) {
			list_suites();
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[i], "--junit") == 0 && i + 1 < argc) {
			junit_path = argv[++i];
		} else if (strcmp(argv[i], "--shard") == 0 && i + 1 < argc &&
			   choose_shard(argv[i + 1], &wanted)) {
			i++;
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "usage: %s [--list] [--junit FILE] "
				"[--shard K/N] [SUITE...]\n", argv[0]);
			return 64;
		} else if (suite_is_known(argv[i])) {
			strvec_push(&wanted, argv[i]);
		} else {
			return 64;
		}
	}
	if (CU_initialize_registry() == CUE_SUCCESS && add_suites(&wanted))
		status = run_suites(argv[0], junit_path);
	release_all();
	return status;
}
