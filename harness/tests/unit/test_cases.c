/* test_cases.c - kept cases: written, read back, found. */
#include "cases.h"

#include <errno.h>
#include <string.h>

#include "fake_world.h"
#include "files.h"
#include "kernel_builder.h"
#include "memory.h"
#include "test.h"

static char *case_path(const struct origin *origin, const char *name)
{
	return string_format("%s/cases/%s", origin->results, name);
}

static void check_names(const struct origin *origin, const char *expected)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(cases_list(origin->results, &names, &err), 0);
	for (size_t i = 0; i < names.count; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", names.items[i]);
	test_check_string(text.data, expected);
}

/* --- keeping ------------------------------------------------------------------------ */

static void check_guest(const struct guest_spec *a, const struct guest_spec *b)
{
	test_check_string(a->name, b->name);
	CU_ASSERT_EQUAL(a->vcpus_count, b->vcpus_count);
	CU_ASSERT_EQUAL(a->memory_mib, b->memory_mib);
	CU_ASSERT_EQUAL(a->memory_prealloc, b->memory_prealloc);
	CU_ASSERT_EQUAL(a->memory_reserve, b->memory_reserve);
	CU_ASSERT_EQUAL(a->memory_hugepages, b->memory_hugepages);
	CU_ASSERT_EQUAL(a->memory_max_mib, b->memory_max_mib);
	CU_ASSERT_EQUAL(a->memory_slots, b->memory_slots);
	CU_ASSERT_EQUAL(a->cells_count, b->cells_count);
	CU_ASSERT_EQUAL(memcmp(a->cells, b->cells, sizeof(a->cells)), 0);
	CU_ASSERT_EQUAL(a->iommu, b->iommu);
	CU_ASSERT_EQUAL(a->pmem_mib, b->pmem_mib);
	CU_ASSERT_EQUAL(a->pinning, b->pinning);
	CU_ASSERT_EQUAL(a->overcommit, b->overcommit);
	CU_ASSERT_EQUAL(a->first_byte_s, b->first_byte_s);
	CU_ASSERT_EQUAL(a->silence_s, b->silence_s);
	CU_ASSERT_EQUAL(a->total_s, b->total_s);
	if (test_check(b->cmdline.count == a->cmdline.count && a->cmdline.count == 1))
		test_check_string(b->cmdline.items[0], a->cmdline.items[0]);
}

static void check_suite(const struct replay_world *a, const struct replay_world *b)
{
	const struct metric_info *metric;

	test_check_string(b->suite.name, a->suite.name);
	if (!test_check(b->suite.rows_count == 1 && b->workloads[0].metrics_count == 1))
		return;
	test_check_string(b->suite.rows[0].name, "fill");
	test_check_string(b->suite.rows[0].workload, "hugetlb_fill");
	test_check_string(b->suite.rows[0].arguments.items[0], "size_mib=64");
	CU_ASSERT_EQUAL(b->suite.rows[0].timeout_s, 60);
	test_check_string(b->workloads[0].name, "hugetlb_fill");
	CU_ASSERT_TRUE(b->workloads[0].is_counted);
	metric = &b->workloads[0].metrics[0];
	test_check_string(metric->name, "fill_ns");
	test_check_string(metric->unit, "ns");
	test_check_string(metric->meaning, "one fill");
	CU_ASSERT_EQUAL(metric->better, BETTER_LOWER);
	CU_ASSERT_EQUAL(metric->kind, METRIC_TAIL);
	CU_ASSERT_TRUE(metric->secondary);
}

static void check_kernel(const struct replay_world *a, const struct kept_case *kept)
{
	const struct kernel_spec *spec = &kept->world.kernel;
	char key[65] = "", then[65] = "-";
	struct error err = ERROR_INIT;

	/* From the case's own copies. */
	CU_ASSERT_EQUAL(kernel_spec_key(&a->kernel, then, &err), 0);
	CU_ASSERT_EQUAL(kernel_spec_key(spec, key, &err), 0);
	test_check_string(key, then);
	test_check_string(kept->world.kernel_key, then);
	if (test_check(spec->series.count == 1 && spec->base.sources_count == 1))
		test_check_contains(spec->series.items[0], "/cases/" FAKE_CASE "/series/slow");
	test_check_string(spec->base.sources[0].url, "https://example.org/linux");
	CU_ASSERT_PTR_NULL(spec->base.sources[0].package);
	CU_ASSERT_PTR_NULL(spec->cc);
}

static void check_world(const struct replay_world *a, const struct replay_world *b)
{
	test_check_string(b->name, FAKE_CASE);
	test_check_string(b->variant, a->variant);
	test_check_string(b->image_sha256, a->image_sha256);
	test_check_string(b->cmdline, a->cmdline);
	CU_ASSERT_EQUAL(b->policy.shift, 1);
	CU_ASSERT_TRUE(b->policy.counts && b->policy.by_instruction && !b->policy.profile);
	CU_ASSERT_EQUAL(b->policy.jitter_us, 50);
	CU_ASSERT_EQUAL(memcmp(&b->seed, &a->seed, sizeof(a->seed)), 0);
	test_check_string(b->initrd_sha256, a->initrd_sha256);
	test_check_string(b->hypervisor, a->hypervisor);
	test_check_string(b->digest, a->digest);
	CU_ASSERT_EQUAL(b->outcome, OUTCOME_FAILED);
	CU_ASSERT_EQUAL(b->bad_row, 1);
	test_check_string(b->reason, a->reason);
	if (!test_check(b->findings_count == 1))
		return;
	CU_ASSERT_EQUAL(b->findings[0].kind, FINDING_WARNING);
	test_check_string(b->findings[0].title, "WARNING in return_pages");
	test_check_string(b->findings[0].excerpt, "(not UTF-8)");
	CU_ASSERT_EQUAL(b->findings[0].line, 212);
}

static void check_file(const char *path, const char *expected)
{
	cleanup_free char *text = NULL;

	CU_ASSERT_EQUAL(file_read(path, 4096, &text, NULL), 0);
	test_check_string(text, expected);
}

static void test_round_trip(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = world_keep(&origin, &world), *folder = case_path(&origin, name);
	cleanup_free char *console = path_join(folder, "console.log");
	cleanup_free char *counts = path_join(folder, "counts");
	cleanup_kept_case struct kept_case kept = { .name = NULL };
	struct error err = ERROR_INIT;

	test_check_string(name, FAKE_CASE);
	CU_ASSERT_EQUAL(case_open(folder, &kept, &err), 0);
	if (!test_check_string(err.message, ""))
		return;
	test_check_string(kept.name, FAKE_CASE);
	test_check_string(kept.origin, "20261122-010203-validate/12");
	CU_ASSERT_TRUE(kept.kept_wall_ns > 0);
	CU_ASSERT_EQUAL(kept.expected.count, 2);
	check_world(&world, &kept.world);
	check_guest(&world.guest, &kept.world.guest);
	check_suite(&world, &kept.world);
	check_kernel(&world, &kept);
	check_file(kept.world.common_path, "the programs");
	check_file(kept.world.plan_path, "the plan");
	check_file(console, "[    0.000000] Linux\n");
	CU_ASSERT_FALSE(path_exists(counts));
}

static void test_outlives_its_origin(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = world_keep(&origin, &world), *folder = case_path(&origin, name);
	cleanup_free char *trial = path_join(origin.folder, "trial");
	cleanup_free char *kernel = path_join(origin.folder, "kernel");
	cleanup_world struct replay_world loaded = { .name = NULL };
	struct error err = ERROR_INIT;
	char key[65];

	CU_ASSERT_EQUAL(folder_remove(trial), 0);
	CU_ASSERT_EQUAL(folder_remove(kernel), 0);
	CU_ASSERT_EQUAL(case_load(folder, &loaded, &err), 0);
	CU_ASSERT_EQUAL(kernel_spec_key(&loaded.kernel, key, &err), 0);
	test_check_string(err.message, "");
}

static void test_no_finding_is_kept_twice(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *first = world_keep(&origin, &world), *again, *other, *more;

	world.seed = exact_seed_make(9);
	again = world_keep(&origin, &world);
	test_check_string(again, FAKE_CASE);
	check_names(&origin, FAKE_CASE);
	/* Another finding beside it: a case of its own, whose first is known. */
	free(world.reason);
	world.reason = string_copy("fill: something else");
	more = world_keep(&origin, &world);
	test_check_string(more, FAKE_CASE);
	check_names(&origin, FAKE_CASE " warning-in-return_pages-seed9");
	/* Another kernel. */
	world.seed = exact_seed_make(7);
	origin_write(origin.folder, "kernel/fragments/base.config", "CONFIG_SMP=n\n");
	other = world_keep(&origin, &world);
	test_check_contains(other, FAKE_CASE "-");
	CU_ASSERT_EQUAL(strlen(other), strlen(FAKE_CASE) + 9);
	test_check_string(first, FAKE_CASE);
}

static void test_names(void)
{
	static const struct {
		const char *reason, *name;
	} cases[] = {
		{ "fill: 3 pages", "fill-n-pages-seed7" },
		{ "-- //", "seed7" },
		{ "../../etc/passwd", "etc-passwd-seed7" },
		{ "a very long reason that goes on and on and on",
		  "a-very-long-reason-that-goes-on-and-seed7" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_origin struct origin origin = origin_make();
		cleanup_world struct replay_world world = world_make(&origin);
		cleanup_free char *name = NULL;

		free(world.findings[0].title);
		free(world.findings[0].excerpt);
		world.findings_count = 0;
		free(world.reason);
		world.reason = string_copy(cases[i].reason);
		name = world_keep(&origin, &world);
		test_check_string(name, cases[i].name);
	}
}

static void check_not_kept(const struct origin *origin, const struct replay_world *world,
			   int code, const char *message)
{
	struct error err = ERROR_INIT;
	char *name = NULL;

	CU_ASSERT_EQUAL(case_keep(origin->results, world, "run/1", &name, &err), code);
	CU_ASSERT_PTR_NULL(name);
	test_check_contains(err.message, message);
	check_names(origin, "");
}

static void test_what_cannot_be_kept(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *plan = path_join(origin.folder, "trial/plan.cpio");
	cleanup_free char *cases = path_join(origin.results, "cases");
	cleanup_free char *twin = path_join(origin.folder, "elsewhere/base.config");
	cleanup_strvec struct strvec left = STRVEC_INIT;

	origin_write(origin.folder, "elsewhere/base.config", "CONFIG_NUMA=y\n");
	strvec_push(&world.kernel.fragments, twin);
	check_not_kept(&origin, &world, -EEXIST, "have the same name");
	free(take_pointer(world.kernel.fragments.items[1]));
	world.kernel.fragments.count = 1;
	CU_ASSERT_EQUAL(unlink(plan), 0);
	check_not_kept(&origin, &world, -ENOENT, "trial/plan.cpio");
	/* Nothing half written is left. */
	CU_ASSERT_EQUAL(folder_list(cases, &left), 0);
	CU_ASSERT_EQUAL(left.count, 0);
	world.outcome = OUTCOME_PASSED;
	free(world.findings[0].title);
	free(world.findings[0].excerpt);
	world.findings_count = 0;
	check_not_kept(&origin, &world, -EINVAL, "there is nothing to keep");
}

/* --- finding ------------------------------------------------------------------------ */

static void test_resolving(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = world_keep(&origin, &world), *folder = case_path(&origin, name);
	cleanup_free char *by_name = NULL, *by_path = NULL;
	char *none = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(case_resolve(origin.results, name, &by_name, &err), 0);
	test_check_string(by_name, folder);
	CU_ASSERT_EQUAL(case_resolve("/nowhere", folder, &by_path, &err), 0);
	test_check_string(by_path, folder);
	CU_ASSERT_EQUAL(case_resolve(origin.results, "warning-in-return_page-seed7", &none,
				     &err), -ENOENT);
	test_check_contains(err.message, "did you mean \"" FAKE_CASE "\"?");
	CU_ASSERT_EQUAL(case_resolve(origin.folder, name, &none, &err), -ENOENT);
	CU_ASSERT_EQUAL(case_resolve(origin.results, ".", &none, &err), -ENOENT);
	CU_ASSERT_PTR_NULL(none);
}

static void test_listing(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = NULL;

	check_names(&origin, "");
	name = world_keep(&origin, &world);
	origin_write(origin.results, "cases/.new-x-1/case.json", "{}");
	origin_write(origin.results, "cases/something/else", "");
	check_names(&origin, FAKE_CASE);
}

static void check_found(const struct origin *origin, const char *kind, const char *title,
			const char *key, const char *expected)
{
	cleanup_free char *kind_copy = string_copy(kind), *title_copy = string_copy(title);
	cleanup_free char *name = NULL;
	const struct symptom symptom = { kind_copy, title_copy };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(cases_find(origin->results, &symptom, key, &name, &err), 0);
	test_check_string(name, expected);
}

static void test_finding_by_symptom(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = NULL;
	struct error err = ERROR_INIT;
	char key[65] = "";

	CU_ASSERT_EQUAL(kernel_spec_key(&world.kernel, key, &err), 0);
	check_found(&origin, "warning", "WARNING in return_pages", key, NULL);
	name = world_keep(&origin, &world);
	check_found(&origin, "warning", "WARNING in return_pages", key, FAKE_CASE);
	check_found(&origin, "failed", "fill: N pages of N are gone", key, FAKE_CASE);
	check_found(&origin, "warning", "WARNING in return_pages", "another", NULL);
	check_found(&origin, "oops", "WARNING in return_pages", key, NULL);
}

TEST_SUITE("cases", { "round trip", test_round_trip },
	   { "outlives its origin", test_outlives_its_origin },
	   { "no finding is kept twice", test_no_finding_is_kept_twice },
	   { "names", test_names }, { "what cannot be kept", test_what_cannot_be_kept },
	   { "resolving", test_resolving }, { "listing", test_listing },
	   { "finding by symptom", test_finding_by_symptom })
