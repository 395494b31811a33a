/* What a fleet makes of an exact guest before and after it runs, without one:
 * plugins, counts, the digest. Real guests are in tests/boot.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "fleet_guest_private.h"
#include "memory.h"
#include "test.h"

static char counted_metric[] = "spin_ns", counted_unit[] = "ns", counted_name[] = "w";

static struct metric_info metric = { .name = counted_metric, .unit = counted_unit };
static const struct workload_info counted = { .name = counted_name, .metrics = &metric,
					      .metrics_count = 1, .is_counted = true };
static const struct workload_info *const workloads[] = { &counted };
static const char *const row_names[] = { "w" };
static const struct guest_expectation expectation = {
	.trial_id = "exact", .rows_count = 1, .workloads = workloads, .row_names = row_names };

static const char good_counts[] = "kerngate-counts 1 api 1 vcpus 1 by block\n"
				  "region 3 0 500 20\n"
				  "region 1 0 900 30\n"
				  "total 5000 60\n"
				  "end 4\n";

/* A guest whose ports have said something, in a folder of its own. */
struct place {
	struct guest_spec spec;
	struct fleet_exact exact;
	struct fleet_guest guest;
};

static void write_file(const struct fleet_guest *guest, const char *name, const char *text)
{
	cleanup_free char *path = path_join(guest->job.folder, name);

	test_check(file_write_atomic(path, text, strlen(text), 0644) == 0);
}

static void place_make(struct place *place, uint32_t vcpus_count)
{
	*place = (struct place){ .spec = { .vcpus_count = vcpus_count },
				 .exact = { .policy = EXACT_POLICY_INIT } };
	place->exact.plugin_folder = test_temp_folder();
	place->guest.place.version = "libvirt 9.0.0, QEMU 7.2.22";
	place->guest.job = (struct fleet_job){ .guest = &place->spec,
					       .folder = test_temp_folder(),
					       .expectation = &expectation,
					       .exact = &place->exact };
	write_file(&place->guest, "console.log", "Linux\n");
	write_file(&place->guest, "results.log", "KG1 ...\n");
}

static void place_release(struct place *place)
{
	free(place->guest.counts_path);
	strvec_release(&place->guest.plugins);
}
#define cleanup_place cleanup_with(place_release)

static void add_objects(const struct place *place)
{
	static const char *const names[] = { "count-api1.so", "turns-api1.so" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *path = path_join(place->exact.plugin_folder, names[i]);

		test_check(file_write_atomic(path, "", 0, 0644) == 0);
	}
}

static bool prepares(struct place *place)
{
	struct error err = ERROR_INIT;

	if (test_check(fleet_exact_prepare(&place->guest, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

static void refuses(struct place *place, int code, const char *message)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(fleet_exact_prepare(&place->guest, &err), code);
	test_check_contains(err.message, message);
}

/* --- plugins ------------------------------------------------------------------------- */

static void test_counting(void)
{
	cleanup_place struct place place;
	cleanup_free char *expected = NULL;

	place_make(&place, 1);
	add_objects(&place);
	if (!prepares(&place))
		return;
	expected = string_format("%s/count-api1.so,out=%s/counts,by=block",
				 place.exact.plugin_folder, place.guest.job.folder);
	CU_ASSERT_EQUAL(place.guest.plugins.count, 1);
	test_check_string(place.guest.plugins.items[0], expected);
}

static void test_turns_of_several(void)
{
	cleanup_place struct place place;

	place_make(&place, 2);
	add_objects(&place);
	place.exact.policy.by_instruction = true;
	if (!prepares(&place) || !test_check(place.guest.plugins.count == 2))
		return;
	test_check_contains(place.guest.plugins.items[0], "/turns-api1.so");
	CU_ASSERT_PTR_NULL(strchr(place.guest.plugins.items[0], ','));
	test_check_contains(place.guest.plugins.items[1], ",by=instruction");
}

/* Turns are not a matter of counting; one CPU without counts needs no plugin, and
 * so no QEMU that an object of ours knows. */
static void test_without_counts(void)
{
	cleanup_place struct place several, one;

	place_make(&several, 4);
	add_objects(&several);
	several.exact.policy.counts = false;
	if (prepares(&several))
		CU_ASSERT_EQUAL(several.guest.plugins.count, 1);
	CU_ASSERT_PTR_NULL(several.guest.counts_path);
	place_make(&one, 1);
	one.exact.policy.counts = false;
	one.guest.place.version = "libvirt 9.0.0, QEMU 9.0.1";
	if (prepares(&one))
		CU_ASSERT_EQUAL(one.guest.plugins.count, 0);
}

static void test_profile(void)
{
	cleanup_place struct place place, own;

	place_make(&place, 1);
	add_objects(&place);
	place.exact.profile_map = "/k/a,b/System.map";
	place.exact.profile_row = 2;
	if (prepares(&place))
		test_check_contains(place.guest.plugins.items[0],
				    ",map=/k/a,,b/System.map,profile=on,region=3,row=2");
	CU_ASSERT_PTR_NULL(strstr(place.guest.plugins.items[0], "inside="));
	place_make(&own, 1);
	add_objects(&own);
	own.exact.profile_map = "/k/System.map";
	own.exact.profile_region = 16;
	if (prepares(&own))
		test_check_contains(own.guest.plugins.items[0],
				    ",region=16,row=0,inside=3");
}

static void test_refused(void)
{
	cleanup_place struct place unknown, missing, deep;
	char socket[102];

	memset(socket, 'a', sizeof(socket) - 1);
	socket[0] = '/';
	socket[sizeof(socket) - 1] = '\0';
	place_make(&unknown, 1);
	unknown.guest.place.version = "libvirt 9.0.0, QEMU 9.0.1";
	refuses(&unknown, -ENOTSUP, "not 9.0;");
	place_make(&missing, 1);
	refuses(&missing, -ENOENT, "/count-api1.so: the plugin is not there; `make build`");
	missing.spec.vcpus_count = 2;
	refuses(&missing, -ENOENT, "/turns-api1.so: the plugin is not there");
	place_make(&deep, 1);
	add_objects(&deep);
	deep.exact.gdb_socket = socket;
	refuses(&deep, -ENAMETOOLONG, "a path of at most 100 bytes");
	socket[100] = '\0';
	CU_ASSERT_TRUE(prepares(&deep));
}

/* --- counts ---------------------------------------------------------------------------- */

static void finish(struct place *place, struct trial_result *result)
{
	struct error err = ERROR_INIT;

	if (!test_check(fleet_exact_finish(&place->guest, result, &err) == 0))
		test_check_string(err.message, "");
}

/* What the outcome and its reason are with these counts; NULL: no file. */
static void check_counts(const char *counts, enum outcome before, enum outcome after,
			 const char *reason)
{
	cleanup_place struct place place;
	struct trial_result result = TRIAL_RESULT_INIT;

	place_make(&place, 1);
	place.guest.counts_path = path_join(place.guest.job.folder, "counts");
	if (counts)
		write_file(&place.guest, "counts", counts);
	if (before != OUTCOME_PASSED)
		trial_result_worsen(&result, before, "before");
	finish(&place, &result);
	CU_ASSERT_EQUAL(result.outcome, after);
	if (reason)
		test_check_contains(result.reason, reason);
	else
		CU_ASSERT_PTR_NULL(result.reason);
	CU_ASSERT_PTR_NOT_NULL(result.digest);
	trial_result_release(&result);
}

static void test_counts(void)
{
	cleanup_place struct place place;
	struct trial_result result = TRIAL_RESULT_INIT;
	bool is_found = false;

	check_counts(good_counts, OUTCOME_SKIPPED, OUTCOME_SKIPPED, "before");
	place_make(&place, 1);
	place.guest.counts_path = path_join(place.guest.job.folder, "counts");
	write_file(&place.guest, "counts", good_counts);
	finish(&place, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_PASSED);
	for (size_t i = 0; i < result.samples_count; i++)
		is_found |= strcmp(result.samples[i].metric, "work_instructions") == 0 &&
			    result.samples[i].value == 520;
	CU_ASSERT_TRUE(is_found);
	trial_result_release(&result);
}

static void test_bad_counts(void)
{
	check_counts(NULL, OUTCOME_PASSED, OUTCOME_BROKEN, "the plugin wrote no counts");
	check_counts("nonsense\n", OUTCOME_PASSED, OUTCOME_BROKEN, "counts: ");
	check_counts("kerngate-counts 1 api 1 vcpus 1 by block\ntotal 1 1\n", OUTCOME_FAILED,
		     OUTCOME_BROKEN, "counts: ");
	check_counts("kerngate-counts 1 api 1 vcpus 1 by block\n"
		     "lost 3\nregion 3 0 5 2\nregion 1 0 9 3\ntotal 50 6\nend 5\n",
		     OUTCOME_PASSED, OUTCOME_BROKEN, "counts: ");
}

/* What a guest that was ended left behind says nothing more. */
static void test_counts_of_the_dead(void)
{
	check_counts(NULL, OUTCOME_TIMED_OUT, OUTCOME_TIMED_OUT, "before");
	check_counts("nonsense\n", OUTCOME_CRASHED, OUTCOME_CRASHED, "before");
}

/* --- the digest ------------------------------------------------------------------------ */

static char *digest_of(const char *console, const char *results, const char *counts)
{
	cleanup_place struct place place;
	struct trial_result result = TRIAL_RESULT_INIT;
	char *digest;

	place_make(&place, 1);
	write_file(&place.guest, "console.log", console);
	write_file(&place.guest, "results.log", results);
	if (counts) {
		place.guest.counts_path = path_join(place.guest.job.folder, "counts");
		write_file(&place.guest, "counts", counts);
	}
	finish(&place, &result);
	digest = take_pointer(result.digest);
	trial_result_release(&result);
	return digest;
}

#define REGIONS "region 3 0 500 20\nregion 1 0 900 30\n"

static void test_digest(void)
{
	cleanup_free char *first = digest_of("a\n", "b\n", good_counts);
	cleanup_free char *again = digest_of("a\n", "b\n", good_counts);
	cleanup_free char *later = digest_of(
		"a\n", "b\n", "kerngate-counts 1 api 1 vcpus 1 by block\n" REGIONS
			      "total 5001 60\nend 4\n");
	cleanup_free char *counted_otherwise = digest_of(
		"a\n", "b\n", "kerngate-counts 1 api 1 vcpus 1 by block\n"
			      "region 3 0 501 20\nregion 1 0 900 30\ntotal 5000 60\nend 4\n");
	cleanup_free char *other_console = digest_of("A\n", "b\n", good_counts);
	cleanup_free char *other_results = digest_of("a\n", "B\n", good_counts);
	cleanup_free char *moved = digest_of("a\nb\n", "", good_counts);
	cleanup_free char *uncounted = digest_of("a\n", "b\n", NULL);

	if (!test_check(first != NULL) || !test_check(uncounted != NULL))
		return;
	CU_ASSERT_EQUAL(strlen(first), 64);
	test_check_string(again, first);
	test_check_string(later, first);
	CU_ASSERT_TRUE(strcmp(counted_otherwise, first) != 0);
	CU_ASSERT_TRUE(strcmp(other_console, first) != 0);
	CU_ASSERT_TRUE(strcmp(other_results, first) != 0);
	CU_ASSERT_TRUE(strcmp(moved, first) != 0);
	CU_ASSERT_TRUE(strcmp(uncounted, first) != 0);
}

static void test_digest_of_nothing(void)
{
	cleanup_place struct place place;
	struct trial_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;
	cleanup_free char *console = NULL;

	place_make(&place, 1);
	console = path_join(place.guest.job.folder, "console.log");
	CU_ASSERT_EQUAL(unlink(console), 0);
	CU_ASSERT_EQUAL(fleet_exact_finish(&place.guest, &result, &err), -ENOENT);
	test_check_contains(err.message, console);
	CU_ASSERT_PTR_NULL(result.digest);
	trial_result_release(&result);
}

TEST_SUITE("fleet_exact",
	   {"the counting plugin", test_counting},
	   {"several CPUs take a plugin for their turns", test_turns_of_several},
	   {"without counts", test_without_counts},
	   {"a profile", test_profile},
	   {"refused", test_refused},
	   {"counts become samples", test_counts},
	   {"missing and bad counts", test_bad_counts},
	   {"counts of a guest that was ended", test_counts_of_the_dead},
	   {"the digest", test_digest},
	   {"no digest of nothing", test_digest_of_nothing})
