/* fake_world.c - see fake_world.h. */
#include "fake_world.h"

#include <string.h>

#include "cases.h"
#include "files.h"
#include "memory.h"
#include "test.h"

void origin_release(struct origin *origin)
{
	free(origin->results);
}

void origin_write(const char *folder, const char *name, const char *text)
{
	cleanup_free char *path = path_join(folder, name), *parent = path_folder(path);

	CU_ASSERT_EQUAL(folder_make(parent), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

struct origin origin_make(void)
{
	struct origin origin = { .folder = test_temp_folder() };

	origin.results = path_join(origin.folder, "results");
	origin_write(origin.folder, "common.cpio", "the programs");
	origin_write(origin.folder, "trial/plan.cpio", "the plan");
	origin_write(origin.folder, "trial/console.log", "[    0.000000] Linux\n");
	origin_write(origin.folder, "trial/results.log", "KG1 0 hello\n");
	origin_write(origin.folder, "kernel/series/slow/series", "a.patch\n# no more\n");
	origin_write(origin.folder, "kernel/series/slow/a.patch", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n"
		 "-a\n+b\n");
	origin_write(origin.folder, "kernel/fragments/base.config", "CONFIG_SMP=y\n");
	return origin;
}

static void set_kernel(const struct origin *origin, struct kernel_spec *spec)
{
	cleanup_free char *series = path_join(origin->folder, "kernel/series/slow");
	cleanup_free char *fragment = path_join(origin->folder, "kernel/fragments/base.config");

	spec->base.name = string_copy("demo");
	spec->base.version = string_copy("7.3");
	spec->base.sources = memory_alloc_array(1, sizeof(*spec->base.sources));
	spec->base.sources_count = 1;
	spec->base.sources[0] = (struct source_spec){ .kind = SOURCE_GIT,
		.url = string_copy("https://example.org/linux"), .ref = string_copy("v7.3") };
	strvec_push(&spec->series, series);
	strvec_push(&spec->fragments, fragment);
}

static void set_guest(struct guest_spec *guest)
{
	*guest = (struct guest_spec){
		.name = string_copy("two-nodes"), .vcpus_count = 2, .memory_mib = 512,
		.memory_reserve = true, .memory_max_mib = 1024, .memory_slots = 3,
		.cells = { { 1, 256, 2, { 10, 20 } }, { 1, 256, 2, { 20, 10 } } },
		.cells_count = 2, .iommu = GUEST_IOMMU_VIRTIO, .pmem_mib = 128,
		.overcommit = true, .first_byte_s = 31, .silence_s = 121, .total_s = 601,
	};
	strvec_push(&guest->cmdline, "numa=on");
}

static void set_suite(struct replay_world *world)
{
	struct workload_info *info;

	world->suite.name = string_copy("short");
	world->suite.rows = memory_alloc_array(1, sizeof(*world->suite.rows));
	world->suite.rows_count = 1;
	world->suite.rows[0] = (struct suite_row){ .name = string_copy("fill"),
		.workload = string_copy("hugetlb_fill"), .timeout_s = 60 };
	strvec_push(&world->suite.rows[0].arguments, "size_mib=64");
	world->workloads = memory_alloc_array(1, sizeof(*world->workloads));
	info = &world->workloads[0];
	info->name = string_copy("hugetlb_fill");
	info->is_counted = true;
	info->metrics = memory_alloc_array(1, sizeof(*info->metrics));
	info->metrics_count = 1;
	info->metrics[0] = (struct metric_info){ .name = string_copy("fill_ns"),
		.unit = string_copy("ns"), .meaning = string_copy("one fill"),
		.better = BETTER_LOWER, .kind = METRIC_TAIL, .secondary = true };
}

static void set_findings(struct replay_world *world)
{
	world->outcome = OUTCOME_FAILED;
	world->bad_row = 1;
	world->reason = string_copy("fill: 3 pages of 64 are gone");
	world->findings = memory_alloc_array(1, sizeof(*world->findings));
	world->findings_count = 1;
	world->findings[0] = (struct finding){ .kind = FINDING_WARNING,
		.title = string_copy("WARNING in return_pages"),
		.excerpt = string_copy("WARNING: mm/x.c:1\nCall Trace:\n \377"), .line = 212 };
}

struct replay_world world_make(const struct origin *origin)
{
	struct replay_world world = {
		.name = string_copy("20261122-010203-validate/12"),
		.variant = string_copy("debug"), .image_sha256 = string_copy("abc123"),
		.cmdline = string_copy("quiet sysctl:kernel.panic=1"),
		.policy = { .shift = 1, .counts = true, .by_instruction = true,
			    .jitter_us = 50 },
		.seed = exact_seed_make(7),
		.common_path = path_join(origin->folder, "common.cpio"),
		.plan_path = path_join(origin->folder, "trial/plan.cpio"),
		.initrd_sha256 = string_copy("def456"),
		.hypervisor = string_copy("libvirt 9.0.0, QEMU 7.2.22"),
		.folder = path_join(origin->folder, "trial"),
		.digest = string_copy("0123"),
	};

	set_guest(&world.guest);
	set_suite(&world);
	set_kernel(origin, &world.kernel);
	set_findings(&world);
	return world;
}

char *world_keep(const struct origin *origin, const struct replay_world *world)
{
	struct error err = ERROR_INIT;
	char *name = NULL;
	int rc = case_keep(origin->results, world, world->name, &name, &err);

	test_check_string(err.message, "");
	return rc ? string_copy("") : name;
}
