/* test_ab.c - what `kerngate ab` makes of what was asked: campaigns, cells, names. */
#include "ab.h"

#include <errno.h>
#include <string.h>

#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "sample_project.h"
#include "test.h"

/* What a test asks for; the lists are released with it. */
struct asked {
	struct ab_request request;
	struct strvec patches, suites, guests, workloads, cmdline, sysctls;
	struct strvec new_cmdline, new_sysctls, new_fragments;
};

static void ask(struct asked *asked)
{
	*asked = (struct asked){ .request = { .campaign = "test", .base = "demo",
					      .command = "kerngate ab" } };
	asked->request.patches = &asked->patches;
	asked->request.suites = &asked->suites;
	asked->request.guests = &asked->guests;
	asked->request.workloads = &asked->workloads;
	asked->request.cmdline = &asked->cmdline;
	asked->request.sysctls = &asked->sysctls;
	asked->request.new_cmdline = &asked->new_cmdline;
	asked->request.new_sysctls = &asked->new_sysctls;
	asked->request.new_fragments = &asked->new_fragments;
}

static void asked_release(struct asked *asked)
{
	struct strvec *const lists[] = {
		&asked->patches, &asked->suites, &asked->guests, &asked->workloads,
		&asked->cmdline, &asked->sysctls, &asked->new_cmdline, &asked->new_sysctls,
		&asked->new_fragments,
	};

	for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
		strvec_release(lists[i]);
}

static void free_ab(struct ab **ab)
{
	ab_free(*ab);
}

#define cleanup_asked cleanup_with(asked_release)
#define cleanup_ab cleanup_with(free_ab)

static bool begin(const struct place *place, const struct asked *asked, struct ab **ret_ab)
{
	struct error err = ERROR_INIT;
	int code = ab_begin(&asked->request, &place->options, false, ret_ab, &err);

	test_check_string(err.message, "");
	return test_check(code == 0);
}

static void refuse(const struct place *place, const struct asked *asked, int code,
		   const char *message)
{
	cleanup_ab struct ab *ab = NULL;
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_free char *folder = path_join(place->results, "ab");
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(ab_begin(&asked->request, &place->options, false, &ab, &err), code);
	test_check_contains(err.message, message);
	if (!folder_list(folder, &names))
		CU_ASSERT_EQUAL(names.count, 0);
}

/* --- kernels -------------------------------------------------------------------------------- */

static void test_one_set(void)
{
	cleanup_place struct place place = place_make();
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;
	cleanup_free char *state = NULL, *series = NULL, *first = NULL;
	const struct variant *patched;

	ask(&asked);
	strvec_push(&asked.patches, test_fixture_path("mail/thread.mbox"));
	strvec_push(&asked.cmdline, "quiet");
	strvec_push(&asked.new_cmdline, "nosmt");
	strvec_push(&asked.new_sysctls, "kernel.panic=1");
	if (!begin(&place, &asked, &ab))
		return;
	CU_ASSERT_EQUAL(ab->campaign.variants_count, 2);
	CU_ASSERT_EQUAL(ab->campaign.baseline, 0);
	test_check_string(ab->campaign.variants[0].name, "base");
	CU_ASSERT_EQUAL(ab->campaign.variants[0].kernel.series.count, 0);
	CU_ASSERT_EQUAL(ab->campaign.variants[0].cmdline.count, 1);
	patched = &ab->campaign.variants[1];
	test_check_string(patched->name, "patched");
	test_check_string(patched->kernel.base.name, "demo");
	CU_ASSERT_EQUAL(patched->cmdline.count, 2);
	CU_ASSERT_EQUAL(patched->sysctls.count, 1);
	if (!test_check(patched->kernel.series.count == 1))
		return;
	test_check_string(path_base_name(patched->kernel.series.items[0]), "thread");
	first = path_join(patched->kernel.series.items[0], "0001-lib-declare-twice.patch");
	CU_ASSERT_TRUE(path_exists(first));
	series = path_join(ab->folder, "thread");
	test_check_string(patched->kernel.series.items[0], series);
	state = path_join(ab->folder, "state.json");
	CU_ASSERT_TRUE(path_exists(state));
	/* the campaign's own: blocks, and no looks where it names a number of blocks */
	CU_ASSERT_EQUAL(ab->campaign.blocks_count, 3);
	CU_ASSERT_EQUAL(ab->campaign.looks_count, 1);
	CU_ASSERT_EQUAL(ab->campaign.seed, 77);
}

static void test_two_sets(void)
{
	cleanup_place struct place place = place_make();
	cleanup_asked struct asked asked, alike;
	cleanup_ab struct ab *ab = NULL, *other = NULL;

	ask(&asked);
	strvec_push(&asked.patches, test_fixture_path("mail/single.mbox"));
	strvec_push(&asked.patches, test_fixture_path("mail/b4.mbox"));
	if (begin(&place, &asked, &ab) && test_check(ab->campaign.variants_count == 3)) {
		test_check_string(ab->campaign.variants[1].name, "v1");
		test_check_string(ab->campaign.variants[2].name, "v3");
	}
	/* of one version: by what they were called */
	ask(&alike);
	strvec_push(&alike.patches, test_fixture_path("mail/b4.mbox"));
	strvec_push(&alike.patches, test_fixture_path("mail/encodings.mbox"));
	strvec_push(&alike.patches, test_fixture_path("mail/b4.mbox"));
	if (!begin(&place, &alike, &other) || !test_check(other->campaign.variants_count == 4))
		return;
	test_check_string(other->campaign.variants[1].name, "b4");
	test_check_string(other->campaign.variants[2].name, "encodings");
	test_check_string(other->campaign.variants[3].name, "b4-2");
}

/* A name that JSON cannot hold loses what it cannot, not the patches. */
static void test_odd_name(void)
{
	cleanup_place struct place place = place_make();
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "v\xff.mbox");
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;
	const json_t *sets;

	CU_ASSERT_EQUAL(file_copy(test_fixture_path("mail/b4.mbox"), path, 0644), 0);
	ask(&asked);
	strvec_push(&asked.patches, path);
	if (!begin(&place, &asked, &ab))
		return;
	sets = json_object_get(ab->state, "sets");
	CU_ASSERT_EQUAL(json_array_size(sets), 1);
	test_check_contains(json_string_value(json_object_get(json_array_get(sets, 0), "source")),
			    "/v?.mbox");
}

/* A range without a base is measured against what it begins after. */
static void test_range_has_a_base(void)
{
	cleanup_place struct place place = place_make();
	const char *folder = test_temp_folder();
	cleanup_free char *range = string_format("%s:HEAD~1..", folder);
	const char *const make[] = {
		"sh", "-c",
		"git init -q -b main . && git config user.name t && git config user.email t@t && "
		"printf 'VERSION = 7\\nPATCHLEVEL = 3\\nSUBLEVEL = 4\\nEXTRAVERSION =\\n' > Makefile && "
		"git add -A && git commit -q -m base && echo '# more' >> Makefile && "
		"git commit -q -a -m 'make: say more'", NULL,
	};
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;

	if (!test_check(fake_run(folder, make)))
		return;
	ask(&asked);
	asked.request.base = NULL;
	strvec_push(&asked.patches, range);
	if (!begin(&place, &asked, &ab))
		return;
	test_check_string(ab->campaign.variants[0].kernel.base.name, "linux-7.3");
	CU_ASSERT_EQUAL(ab->campaign.variants[0].kernel.base.sources[0].kind, SOURCE_GIT);
	CU_ASSERT_EQUAL(strlen(ab->campaign.variants[0].kernel.base.sources[0].ref), 40);
}

static void test_another_kernel(void)
{
	cleanup_place struct place place = place_make();
	const char *tree = test_temp_folder();
	cleanup_asked struct asked asked, same;
	cleanup_ab struct ab *ab = NULL, *cmdline = NULL;

	place_write(tree, "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n"
		    "EXTRAVERSION =\n", 0666);
	ask(&asked);
	asked.request.base = tree;
	asked.request.other = "7.3"; /* by version */
	if (begin(&place, &asked, &ab) && test_check(ab->campaign.variants_count == 2)) {
		test_check_string(ab->campaign.variants[0].name, "linux-6.12");
		test_check_string(ab->campaign.variants[1].name, "demo");
		test_check_string(ab->campaign.variants[1].kernel.base.name, "demo");
		CU_ASSERT_EQUAL(ab->campaign.variants[0].kernel.base.sources[0].kind, SOURCE_DIR);
	}
	ask(&same);
	strvec_push(&same.new_cmdline, "nosmt");
	if (!begin(&place, &same, &cmdline))
		return;
	test_check_string(cmdline->campaign.variants[0].name, "base");
	test_check_string(cmdline->campaign.variants[1].name, "new");
	CU_ASSERT_EQUAL(cmdline->campaign.variants[1].cmdline.count, 1);
}

static void test_refuses_kernels(void)
{
	cleanup_place struct place place = place_make();
	const char *tree = test_temp_folder();
	cleanup_asked struct asked asked;

	ask(&asked);
	strvec_push(&asked.new_cmdline, "nosmt");
	asked.request.base = "7.4";
	refuse(&place, &asked, -ENOENT, "no kernel base '7.4': expected one of demo (7.3); or a "
	       "folder with a kernel's source, or REPOSITORY@REF");
	asked.request.base = tree;
	refuse(&place, &asked, -ENOENT, "Makefile");
	asked.request.base = "/nowhere/linux";
	refuse(&place, &asked, -ENOENT, "/nowhere/linux: no such folder or file");
	place_write(place.root, "kernel/bases/more.yaml",
		    "version: \"7.3\"\nsources:\n  - {kind: dir, path: /nonexistent}\n", 0666);
	asked.request.base = "7.3";
	refuse(&place, &asked, -EINVAL, "several kernel bases are of version 7.3: expected one of "
	       "demo (7.3), more (7.3)");
	asked.request.base = "more";
	strvec_push(&asked.patches, test_fixture_path("mail/incomplete.mbox"));
	refuse(&place, &asked, -ENODATA, "v3 lacks patch 2/3");
}

/* --- cells -------- */

static void test_cells(void)
{
	cleanup_place struct place place = place_make();
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;

	place_write(place.root, "configs/guests/two.yaml", "vcpus_count: 1\nmemory_mib: 256\n",
		    0666);
	ask(&asked);
	strvec_push(&asked.new_cmdline, "nosmt");
	strvec_push(&asked.guests, "tiny");
	strvec_push(&asked.guests, "two");
	strvec_push(&asked.suites, "turns");
	strvec_push(&asked.workloads, "spin,turns=5");
	strvec_push(&asked.workloads, "spin");
	if (!begin(&place, &asked, &ab) || !test_check(ab->campaign.cells_count == 4))
		return;
	test_check_string(ab->campaign.cells[1].guest.name, "tiny");
	test_check_string(ab->campaign.cells[1].suite.name, "workloads");
	test_check_string(ab->campaign.cells[2].guest.name, "two");
	test_check_string(ab->campaign.cells[2].suite.name, "turns");
	if (!test_check(ab->campaign.cells[3].suite.rows_count == 2))
		return;
	test_check_string(ab->campaign.cells[3].suite.rows[0].name, "spin");
	test_check_string(ab->campaign.cells[3].suite.rows[0].arguments.items[0], "turns=5");
	test_check_string(ab->campaign.cells[3].suite.rows[1].name, "spin-2");
}

static void test_refuses_workloads(void)
{
	static const struct {
		const char *text;
		int code;
		const char *message;
	} cases[] = {
		{ "spin,turns", -EINVAL, "--workload spin,turns: expected NAME, or NAME,argument" },
		{ "spin,turns=1,turns=2", -EINVAL, "each argument once" },
		{ "../x", -EINVAL, "--workload ../x: expected the name of a workload" },
		{ ",a=b", -EINVAL, "expected the name of a workload" },
		{ "spinn", -ENOENT, "spinn" },
		{ "spin,turns=11", -EINVAL, "turns" },
	};
	cleanup_place struct place place = place_make();

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_asked struct asked asked;

		ask(&asked);
		strvec_push(&asked.new_cmdline, "nosmt");
		strvec_push(&asked.workloads, cases[i].text);
		refuse(&place, &asked, cases[i].code, cases[i].message);
	}
}

static void test_policy(void)
{
	cleanup_place struct place place = place_make(), other = place_make();
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;

	ask(&asked);
	strvec_push(&asked.new_cmdline, "nosmt");
	asked.request.blocks_count = 30;
	asked.request.looks_count = 4;
	asked.request.margin_percent = 1.5;
	asked.request.budget_minutes = 7;
	asked.request.seed = 5;
	asked.request.name = "My Test";
	if (!begin(&place, &asked, &ab))
		return;
	CU_ASSERT_EQUAL(ab->campaign.blocks_count, 30);
	CU_ASSERT_EQUAL(ab->campaign.looks_count, 4);
	CU_ASSERT_EQUAL(ab->campaign.budget_minutes, 7);
	CU_ASSERT_EQUAL(ab->campaign.seed, 5);
	CU_ASSERT_DOUBLE_EQUAL(ab->campaign.gate.margin_percent, 1.5, 1e-9);
	CU_ASSERT_PTR_NOT_NULL(strstr(ab->id, "-my-test"));
	CU_ASSERT_EQUAL(strncmp(ab->campaign.name, "ab-2", 4), 0);
	asked.request.mode = "exact";
	refuse(&other, &asked, -EINVAL, "--looks is for timed mode");
}

/* --- left behind -------- */

static void test_plan_leaves_nothing(void)
{
	cleanup_place struct place place = place_make();
	cleanup_asked struct asked asked;
	struct ab *ab = NULL;
	struct error err = ERROR_INIT;
	cleanup_free char *folder = NULL;

	ask(&asked);
	strvec_push(&asked.patches, test_fixture_path("mail/b4.mbox"));
	if (!test_check(ab_begin(&asked.request, &place.options, true, &ab, &err) == 0))
		return;
	folder = string_copy(ab->folder);
	CU_ASSERT_TRUE(path_is_folder(folder));
	/* the base's source is nowhere: nothing to say against the patches */
	CU_ASSERT_EQUAL(ab_check_patches(ab, false, &err), 0);
	ab_free(ab);
	CU_ASSERT_FALSE(path_exists(folder));
	CU_ASSERT_FALSE(path_exists(place.results));
}

static void test_resume(void)
{
	cleanup_place struct place place = place_make();
	cleanup_asked struct asked asked;
	cleanup_free char *id = NULL, *state = NULL;
	struct ab *ab = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(ab_resume(NULL, &place.options, &ab, &err), -ENOENT);
	test_check_contains(err.message, "nothing to resume");
	ask(&asked);
	strvec_push(&asked.patches, test_fixture_path("mail/b4.mbox"));
	if (!begin(&place, &asked, &ab))
		return;
	id = string_copy(ab->id);
	state = path_join(ab->folder, "state.json");
	{
		cleanup_ab struct ab *other = NULL;

		CU_ASSERT_EQUAL(ab_resume(id, &place.options, &other, &err), -EBUSY);
	}
	ab_free(ab);
	ab = NULL;
	if (test_check(ab_resume(NULL, &place.options, &ab, &err) == 0)) {
		test_check_string(ab->id, id);
		CU_ASSERT_EQUAL(json_array_size(json_object_get(ab->state, "sets")), 1);
	}
	ab_free(ab);
	ab = NULL;
	CU_ASSERT_EQUAL(ab_resume("../x", &place.options, &ab, &err), -ENOENT);
	test_check_contains(err.message, "no ab '../x'");
	CU_ASSERT_EQUAL(file_write_atomic(state, "{\"format\": 99}", 14, 0644), 0);
	CU_ASSERT_EQUAL(ab_resume(id, &place.options, &ab, &err), -EPROTO);
	CU_ASSERT_EQUAL(file_write_atomic(state, "x", 1, 0644), 0);
	CU_ASSERT_EQUAL(ab_resume(id, &place.options, &ab, &err), -EBADMSG);
	CU_ASSERT_PTR_NULL(ab);
}

/* A patch that does not apply is told before anything is built. */
static void test_checks_patches(void)
{
	cleanup_place struct place place = place_make();
	const char *tree = test_temp_folder();
	cleanup_asked struct asked asked;
	cleanup_ab struct ab *ab = NULL;
	struct error err = ERROR_INIT;

	place_write(tree, "Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n"
		    "EXTRAVERSION =\n", 0666);
	place_write(tree, "lib/add.h", "int add(int a, int b);\n", 0666);
	place_write(tree, "lib/add.c", "int sub(int a, int b)\n{\n\treturn a - b;\n}\n", 0666);
	ask(&asked);
	asked.request.base = tree;
	strvec_push(&asked.patches, test_fixture_path("mail/b4.mbox"));
	if (!begin(&place, &asked, &ab))
		return;
	CU_ASSERT_EQUAL(ab_check_patches(ab, true, &err), -EINVAL);
	test_check_string(err.message, "series b4: patch 0002-lib-add-twice-for-those-who-need-it."
			  "patch: lib/add.c: hunk 1 (line 4) does not apply");
	/* the source is in the cache now */
	CU_ASSERT_EQUAL(ab_check_patches(ab, false, &err), -EINVAL);
}

TEST_SUITE("ab",
	   {"one set of patches", test_one_set},
	   {"two sets of patches", test_two_sets},
	   {"a mailbox with an odd name", test_odd_name},
	   {"a range has a base", test_range_has_a_base},
	   {"another kernel, another command line", test_another_kernel},
	   {"refuses kernels and patches", test_refuses_kernels},
	   {"cells", test_cells},
	   {"refuses workloads", test_refuses_workloads},
	   {"policy", test_policy},
	   {"a plan leaves nothing behind", test_plan_leaves_nothing},
	   {"resume", test_resume},
	   {"checks patches first", test_checks_patches})
