/* test_cell_config.c - cells over vCPU counts: what they become, what is refused,
 * what a host too small leaves out. Each test writes a small project of its own.
 */
#include "campaign.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

#define cleanup_campaign cleanup_with(campaign_release)

#define KERNEL "kernel: {base: linux, fragments: [base]}"
#define HEAD "variants: [{name: a, " KERNEL "}]\nbaseline: a\ncells:\n" /* 3 lines */
#define LONG_NAME "a-name-of-sixty-letters-with-more-of-them-to-fill-it-up-well"

static bool write_file(const char *root, const char *name, const char *text)
{
	cleanup_free char *path = path_join(root, name);
	cleanup_free char *folder = path_folder(path);

	return test_check(folder_make(folder) == 0) &&
	       test_check(file_write_atomic(path, text, strlen(text), 0644) == 0);
}

static const char *project(void)
{
	static const char *const files[][2] = {
		{ "kernel/bases/linux.yaml",
		  "version: \"7.3\"\nsources:\n  - {kind: dir, path: ../../tree}\n" },
		{ "kernel/fragments/base.config", "CONFIG_64BIT=y\n" },
		{ "configs/guests/up.yaml", "vcpus_count: 1\nmemory_mib: 512\n"
					    "cmdline: [quiet]\n" },
		{ "configs/guests/shared.yaml", "vcpus_count: 1\nmemory_mib: 512\n"
						"overcommit: true\n" },
		{ "configs/guests/numa.yaml",
		  "vcpus_count: 2\nmemory_mib: 512\ncells:\n"
		  "  - {vcpus_count: 1, memory_mib: 256}\n"
		  "  - {vcpus_count: 1, memory_mib: 256}\n" },
		{ "configs/guests/up-2cpu.yaml", "vcpus_count: 2\nmemory_mib: 256\n" },
		{ "configs/guests/" LONG_NAME ".yaml", "vcpus_count: 1\nmemory_mib: 256\n" },
		{ "configs/suites/s.yaml",
		  "rows:\n"
		  "  - {workload: w, arguments: {threads: vcpus, file: vcpus2, n: 1}}\n"
		  "  - {workload: v, arguments: {a: vcpus, b: 'vcpus'}}\n" },
	};
	const char *root = test_temp_folder();

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		if (!write_file(root, files[i][0], files[i][1]))
			break;
	return root;
}

static int load(const char *cells, struct campaign *campaign, struct error *err)
{
	const char *root = project();
	cleanup_free char *text = string_format(HEAD "%s", cells);

	if (!write_file(root, "configs/campaigns/c.yaml", text))
		return -EIO;
	return campaign_load(root, "c", campaign, err);
}

static bool load_good(const char *cells, struct campaign *campaign)
{
	struct error err = ERROR_INIT;
	int rc = load(cells, campaign, &err);

	test_check_string(err.message, "");
	return test_check(rc == 0);
}

static void refuse(const char *cells, const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *whole = string_format("c.yaml:%s", message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load(cells, &campaign, &err), -EINVAL);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(campaign.name);
}

/* --- expansion ---------------------------------------------------------------------- */

static void test_counts(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_good("  - {guest: up, suite: s, vcpus_counts: [1, 4, 64]}\n"
		       "  - {guest: up, suite: s}\n", &campaign) ||
	    !test_check(campaign.cells_count == 4))
		return;
	test_check_string(campaign.cells[0].guest.name, "up-1cpu");
	test_check_string(campaign.cells[1].guest.name, "up-4cpu");
	test_check_string(campaign.cells[2].guest.name, "up-64cpu");
	test_check_string(campaign.cells[3].guest.name, "up");
	CU_ASSERT_EQUAL(campaign.cells[0].guest.vcpus_count, 1);
	CU_ASSERT_EQUAL(campaign.cells[1].guest.vcpus_count, 4);
	CU_ASSERT_EQUAL(campaign.cells[2].guest.vcpus_count, 64);
	CU_ASSERT_EQUAL(campaign.cells[3].guest.vcpus_count, 1);
	CU_ASSERT_TRUE(campaign.cells[2].is_scaled);
	CU_ASSERT_FALSE(campaign.cells[3].is_scaled);
	/* the rest of the shape is a copy */
	CU_ASSERT_EQUAL(campaign.cells[1].guest.memory_mib, 512);
	CU_ASSERT_EQUAL(campaign.cells[1].guest.cmdline.count, 1);
}

static void check_argument(const struct campaign *campaign, size_t cell, size_t row,
			   size_t argument, const char *expected)
{
	const struct suite *suite = &campaign->cells[cell].suite;

	test_check_string(suite->rows[row].arguments.items[argument], expected);
}

static void test_arguments(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_good("  - {guest: up, suite: s, vcpus_counts: [2, 16]}\n"
		       "  - {guest: numa, suite: s}\n", &campaign))
		return;
	check_argument(&campaign, 0, 0, 0, "threads=2");
	check_argument(&campaign, 0, 0, 1, "file=vcpus2");
	check_argument(&campaign, 0, 0, 2, "n=1");
	check_argument(&campaign, 0, 1, 0, "a=2");
	check_argument(&campaign, 0, 1, 1, "b=2");
	check_argument(&campaign, 1, 0, 0, "threads=16");
	check_argument(&campaign, 2, 0, 0, "threads=2");
}

/* A NUMA shape may be counted where the count is its own. */
static void test_numa(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_good("  - {guest: numa, suite: s, vcpus_counts: [2]}\n", &campaign))
		return;
	test_check_string(campaign.cells[0].guest.name, "numa-2cpu");
	CU_ASSERT_EQUAL(campaign.cells[0].guest.cells_count, 2);
}

/* The campaign that `kerngate scale` is shown with. */
static void test_shipped(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(!campaign_load(test_root(), "scaling", &campaign, &err)) ||
	    !test_check(campaign.cells_count == 5))
		return;
	CU_ASSERT_EQUAL(campaign.mode, MODE_EXACT);
	test_check_string(campaign.cells[4].guest.name, "scale-16cpu");
	test_check_string(campaign.cells[4].suite.rows[0].workload, "hugetlb_fallocate");
	CU_ASSERT_TRUE(strvec_contains(&campaign.cells[4].suite.rows[0].arguments,
				       "threads=16"));
	CU_ASSERT_TRUE(strvec_contains(&campaign.cells[0].suite.rows[0].arguments,
				       "threads=1"));
}

/* --- refusals ----------------------------------------------------------------------- */

static void test_bad_counts(void)
{
	refuse("  - {guest: up, suite: s, vcpus_counts: [0, 1]}\n",
	       "4:42: vcpus_counts: expected a whole number 1..64, found '0'");
	refuse("  - {guest: up, suite: s, vcpus_counts: [1, 65]}\n",
	       "4:45: vcpus_counts: expected a whole number 1..64, found '65'");
	refuse("  - {guest: up, suite: s, vcpus_counts: [1, two]}\n",
	       "4:45: vcpus_counts: expected a whole number 1..64, found 'two'");
	refuse("  - {guest: up, suite: s, vcpus_counts: [2, 2]}\n",
	       "4:45: vcpus_counts: expected more than 2 (ascending, none twice), found 2");
	refuse("  - {guest: up, suite: s, vcpus_counts: [4, 2]}\n",
	       "4:45: vcpus_counts: expected more than 4 (ascending, none twice), found 2");
	refuse("  - {guest: up, suite: s, vcpus_counts: []}\n",
	       "4:41: vcpus_counts: expected 1..64 elements, found 0");
	refuse("  - {guest: up, suite: s, vcpus_counts: 4}\n",
	       "4:41: vcpus_counts: expected a list, found '4'");
	refuse("  - {guest: numa, suite: s, vcpus_counts: [2, 4]}\n",
	       "4:47: vcpus_counts: the NUMA cells of the guest 'numa' hold 2 vCPUs, not 4");
	refuse("  - {guest: up, suite: s, vcpu_counts: [1]}\n",
	       "4:27: unknown key 'vcpu_counts' in cell; expected one of guest, suite, "
	       "vcpus_counts, priority (did you mean 'vcpus_counts'?)");
}

static void test_bad_names(void)
{
	refuse("  - {guest: up, suite: s, vcpus_counts: [1, 2]}\n"
	       "  - {guest: up, suite: s, vcpus_counts: [2, 4]}\n",
	       "5:5: the cell of guest 'up-2cpu' and suite 's' is there twice; first at "
	       "line 4");
	refuse("  - {guest: up-2cpu, suite: s}\n"
	       "  - {guest: up, suite: s, vcpus_counts: [1, 2]}\n",
	       "5:13: another guest 'up-2cpu', of another file, is in the cell at line 4");
	refuse("  - {guest: " LONG_NAME ", suite: s, vcpus_counts: [1]}\n",
	       "4:13: vcpus_counts: the name '" LONG_NAME "-1cpu', made of the guest's, is "
	       "longer than 64");
}

static void test_too_many(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "  - {guest: shared, suite: s}\n"
			   "  - guest: up\n    suite: s\n    vcpus_counts: [1");
	for (int i = 2; i <= 64; i++)
		strbuf_addf(&text, ", %d", i);
	strbuf_adds(&text, "]\n");
	refuse(text.data, "5:5: cells: expected at most 64 in all, those of vcpus_counts "
			  "included");
}

/* --- hosts with fewer CPUs ----------------------------------------------------------- */

#define COUNTED "  - {guest: up, suite: s, vcpus_counts: [1, 2, 4, 8]}\n"
#define SHARED "  - {guest: shared, suite: s, vcpus_counts: [4]}\n"
#define PLAIN "  - {guest: numa, suite: s}\n"

static void test_leave_out(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *note = NULL;
	struct error err = ERROR_INIT;

	if (!load_good(COUNTED SHARED PLAIN, &campaign))
		return;
	campaign.mode = MODE_TIMED;
	CU_ASSERT_EQUAL(campaign_leave_out_cells(&campaign, 2, &note, &err), 0);
	test_check_string(note, "left out, with more vCPUs than the 2 CPUs that the host "
				"has for guests: up-4cpu/s, up-8cpu/s");
	if (!test_check(campaign.cells_count == 4))
		return;
	test_check_string(campaign.cells[0].guest.name, "up-1cpu");
	test_check_string(campaign.cells[1].guest.name, "up-2cpu");
	test_check_string(campaign.cells[2].guest.name, "shared-4cpu");
	test_check_string(campaign.cells[3].guest.name, "numa");
}

/* A shape that was written with too many vCPUs is no count that can be spared:
 * it stays, to be refused by the check of the run. */
static void test_leave_out_only_counts(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *note = NULL;
	struct error err = ERROR_INIT;

	if (!load_good(COUNTED PLAIN, &campaign))
		return;
	campaign.mode = MODE_TIMED;
	CU_ASSERT_EQUAL(campaign_leave_out_cells(&campaign, 1, &note, &err), 0);
	CU_ASSERT_EQUAL(campaign.cells_count, 2);
	test_check_string(campaign.cells[1].guest.name, "numa");
}

static void test_keep_all(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	char *note = NULL;
	struct error err = ERROR_INIT;

	if (!load_good(COUNTED, &campaign))
		return;
	campaign.mode = MODE_TIMED;
	CU_ASSERT_EQUAL(campaign_leave_out_cells(&campaign, 8, &note, &err), 0);
	CU_ASSERT_PTR_NULL(note);
	campaign.mode = MODE_EXACT;
	CU_ASSERT_EQUAL(campaign_leave_out_cells(&campaign, 1, &note, &err), 0);
	CU_ASSERT_PTR_NULL(note);
	CU_ASSERT_EQUAL(campaign.cells_count, 4);
}

static void test_none_left(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	char *note = NULL;
	struct error err = ERROR_INIT;

	if (!load_good("  - {guest: up, suite: s, vcpus_counts: [4, 8]}\n", &campaign))
		return;
	campaign.mode = MODE_TIMED;
	CU_ASSERT_EQUAL(campaign_leave_out_cells(&campaign, 2, &note, &err), -E2BIG);
	test_check_string(err.message, "campaign c: no cell is left: all have more vCPUs than "
				       "the 2 CPUs that this host has for guests");
	CU_ASSERT_PTR_NULL(note);
	CU_ASSERT_EQUAL(campaign.cells_count, 2);
}

TEST_SUITE("cell_config",
	   {"a cell for each count", test_counts},
	   {"the number of vCPUs as an argument", test_arguments},
	   {"NUMA shapes", test_numa},
	   {"the campaign scaling", test_shipped},
	   {"refuses bad counts", test_bad_counts},
	   {"refuses names that clash", test_bad_names},
	   {"refuses too many cells", test_too_many},
	   {"leaves out what the host is too small for", test_leave_out},
	   {"leaves out counts only", test_leave_out_only_counts},
	   {"keeps what fits, and all in exact mode", test_keep_all},
	   {"refuses to run nothing", test_none_left})
