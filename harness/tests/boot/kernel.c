#include "kernel.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "campaign.h"
#include "files.h"
#include "guest_image.h"
#include "kernel_builder.h"
#include "memory.h"
#include "test.h"

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

char *test_kernel(struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_with(built_kernel_release) struct built_kernel kernel = {
		.folder = NULL
	};
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	const char *named = getenv("KERNGATE_TEST_KERNEL");
	size_t index;
	int code;

	if (named && *named)
		return string_copy(named);
	code = campaign_load(test_root(), "quick", &campaign, err);
	if (code == 0)
		code = campaign_find_variant(&campaign, "stock", &index, err);
	if (code == 0)
		code = kernel_cache_open(NULL, 0, &cache, err);
	if (code == 0)
		code = kernel_find(cache, &campaign.variants[index].kernel,
				   &kernel, err);
	if (code == -ENOENT)
		error_set(err, code, "the boot tests need a kernel: run "
			  "build/kerngate build quick:stock");
	return code == 0 ? string_copy(kernel.image_path) : NULL;
}

/* Upwards from this program to the folder that has guest_init. */
char *test_build_dir(void)
{
	char program[PATH_MAX] = "";
	cleanup_free char *folder = NULL;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return string_copy("build");
	folder = path_folder(program);
	for (int i = 0; i < 3; i++) {
		cleanup_free char *init = path_join(folder, "guest_init");
		char *above;

		if (path_exists(init))
			break;
		above = path_folder(folder);
		free(folder);
		folder = above;
	}
	return take_pointer(folder);
}

static int write_initrd(const char *folder, const char *trial_id,
			const struct suite *suite, const char *path,
			struct error *err)
{
	cleanup_with(workload_catalog_release) struct workload_catalog catalog = {
		.count = 0
	};
	cleanup_free char *build = test_build_dir();
	cleanup_free char *workloads = path_join(build, "workloads");
	cleanup_free char *init = path_join(build, "guest_init");
	cleanup_free char *common = path_join(folder, "common.cpio");
	cleanup_free char *plan = path_join(folder, "plan.cpio");
	const struct strvec no_sysctls = STRVEC_INIT;
	int code = workload_catalog_load(workloads, &catalog, err);

	if (code == 0)
		code = guest_image_write_common(&catalog, init, suite, false,
						common, err);
	if (code == 0)
		code = guest_image_write_plan(suite, trial_id, &no_sysctls, 0,
					      plan, err);
	if (code == 0)
		code = guest_image_join(common, plan, path, err);
	(void)unlink(common);
	(void)unlink(plan);
	return code;
}

char *test_initrd(const char *folder, const char *trial_id, const char *act,
		  unsigned int timeout_s, struct error *err)
{
	char name[] = "t", workload[] = "selftest";
	struct suite_row row = { .name = name, .workload = workload,
				 .timeout_s = timeout_s };
	const struct suite suite = { .rows = &row, .rows_count = act ? 1 : 0 };
	cleanup_free char *path = path_join(folder, "initrd.cpio");
	int code = folder_make(folder);

	if (code < 0) {
		error_set_errno(err, code, "%s: cannot make it", folder);
		return NULL;
	}
	if (act)
		strvec_pushf(&row.arguments, "act=%s", act);
	code = write_initrd(folder, trial_id, &suite, path, err);
	strvec_release(&row.arguments);
	return code == 0 ? take_pointer(path) : NULL;
}
