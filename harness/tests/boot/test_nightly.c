/* test_nightly.c - three nights with real guests: on the second a patch makes the candidate
 * slower; it is found, confirmed and named, and on the third known.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "boot_place.h"
#include "clock.h"
#include "files.h"
#include "memory.h"
#include "run_store_nights.h"
#include "test.h"

#define CULPRIT "0002-mm-check-nodes-of-cleared-folios.patch"

/* The candidate has the first patches of a series, the second of which is planted. */
static void write_campaign(const struct boot_place *place, unsigned int patches)
{
	cleanup_free char *variants = string_format("  - name: one\n  - name: two\n"
						    "    kernel: {series: [test-bisect@%u]}\n",
						    patches);

	boot_place_write_campaign(place, variants, "mode: exact\nseeds_count: 4\n"
				  "gate: {margin_percent: 0.5}\n");
}

static struct boot_place make_place(void)
{
	struct boot_place place = boot_place_make(NULL);

	boot_place_use_fallocate(&place);
	return place;
}

static bool build(const struct boot_place *place, unsigned int patches)
{
	write_campaign(place, patches);
	return boot_place_build(place);
}

/* The program's whole output, for the last line. */
static bool night(const struct boot_place *place, const char *hook, int expected,
		  struct strbuf *text)
{
	static const char *const parts[] = {
		"trial 9/9 ", "judging", "trial 8/24 ", "trial 16/24 ", "trial 24/24 ",
		"walking test-bisect", NULL
	};
	cleanup_program struct program program =
		start(place, "nightly", "small", "--budget", "30", "--no-fetch", "--hook", hook);
	bool as_expected;

	/* each part before the reader's deadline; a night without them is at its end */
	for (size_t i = 0; i < ARRAY_COUNT(parts) && program_read(&program, parts[i]);)
		i++;
	as_expected = program_check(&program, expected);
	strbuf_adds(text, program.text.data);
	return as_expected;
}

static void check_told(const char *path, const char *run_id)
{
	json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, NULL), *events;
	bool found = false;

	if (!test_check(object != NULL))
		return;
	events = json_object_get(object, "events");
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		const char *culprit = json_string_value(json_object_get(event, "culprit"));

		if (strcmp(json_string_value(json_object_get(event, "metric")),
			   "work_instructions"))
			continue;
		found = true;
		test_check_string(json_string_value(json_object_get(event, "state")), "confirmed");
		test_check_string(culprit, CULPRIT);
		test_check_string(json_string_value(json_object_get(event, "variant")), "two");
		CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(event, "ratio")), 1.013,
				       0.003);
	}
	CU_ASSERT_TRUE(found);
	test_check_string(json_string_value(json_object_get(object, "run")), run_id);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "status")), 1);
	json_decref(object);
}

/* Tonight is compared with a night that has it, and it still is told as large as it is. */
static void check_known(const char *path)
{
	json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	const json_t *event = json_array_get(json_object_get(object, "events"), 0);
	const char *reason = json_string_value(json_object_get(event, "reason"));
	const char *culprit = json_string_value(json_object_get(event, "culprit"));

	if (test_check(reason != NULL))
		test_check_contains(reason, "known since night ");
	test_check_string(culprit, CULPRIT);
	CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(event, "ratio")), 1.013, 0.003);
	json_decref(object);
}

static void check_store(const struct boot_place *place, char **ret_run)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	struct stored_night *nights = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !test_check(!run_store_nights(store, "small", 0, &nights, &count, &err)))
		return;
	CU_ASSERT_EQUAL(count, 2);
	if (count == 2) {
		CU_ASSERT_EQUAL(nights[0].status, 1);
		CU_ASSERT_EQUAL(nights[0].budget_minutes, 30);
		CU_ASSERT_EQUAL(nights[0].cells_count, 1);
		CU_ASSERT_TRUE(nights[0].cells[0].is_run);
		test_check_contains(nights[0].summary, "REGRESSED");
		test_check_contains(nights[0].summary, "0002");
		CU_ASSERT_EQUAL(nights[1].status, 0);
		CU_ASSERT_EQUAL(nights[1].events_count, 0);
		*ret_run = string_copy(nights[0].run_id);
	}
	stored_nights_free(nights, count);
}

static void test_planted_patch(void)
{
	cleanup_boot_place struct boot_place place = make_place();
	cleanup_strbuf struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	cleanup_strbuf struct strbuf third = STRBUF_INIT;
	cleanup_free char *told = path_join(place.folder, "told"), *run_id = NULL;
	cleanup_free char *hook = string_format("cat > '%s'", told);
	cleanup_free char *latest = path_join(place.results, "latest"), *report = NULL;
	char link[256] = "";

	if (!build(&place, 2) || !build(&place, 1))
		return;
	if (!night(&place, hook, 0, &first))
		return;
	test_check_contains(first.data, ": pass, 9 of 9 trials, ");
	write_campaign(&place, 2);
	if (!night(&place, hook, 1, &second))
		return;
	test_check_contains(second.data, "    by " CULPRIT "\n");
	check_store(&place, &run_id);
	if (!test_check(run_id != NULL))
		return;
	check_told(told, run_id);
	/* the night's run, not that of its confirmation or walk */
	CU_ASSERT_TRUE(readlink(latest, link, sizeof(link) - 1) > 0);
	test_check_string(link, run_id);
	report = string_format("%s/%s/report.html", place.results, run_id);
	CU_ASSERT_TRUE(path_exists(report));
	if (!night(&place, hook, 1, &third))
		return;
	test_check_contains(third.data, "    known since night ");
	check_known(told);
}

TEST_SUITE("nightly", {"a planted patch is found, confirmed and named", test_planted_patch})
