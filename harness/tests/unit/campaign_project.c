/* campaign_project.c - see campaign_project.h. */
#include "campaign_project.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

bool campaign_project_write(const char *root, const char *name, const char *text)
{
	cleanup_free char *path = path_join(root, name);
	cleanup_free char *folder = path_folder(path);

	return test_check(folder_make(folder) == 0) &&
	       test_check(file_write_atomic(path, text, strlen(text), 0644) == 0);
}

#define BASE_TEXT                                                              \
	"version: \"7.3\"\nsources:\n  - {kind: dir, path: ../../tree}\n"

const char *campaign_project(void)
{
	static const char *const files[][2] = {
		{ "kernel/bases/linux.yaml", BASE_TEXT },
		{ "kernel/bases/other.yaml", BASE_TEXT },
		{ "kernel/fragments/base.config", "CONFIG_64BIT=y\n" },
		{ "kernel/fragments/vm.config", "CONFIG_PVH=y\n" },
		{ "kernel/fragments/pe-on.config", "CONFIG_SCHED_PROXY_EXEC=y\n" },
		{ "kernel/fragments/bad.config", "CONFIG_A=y\nCONFIG_B\n" },
		{ "kernel/series/pe/series", "0001-a.patch\n" },
		{ "kernel/series/pe/0001-a.patch", "" },
		{ "kernel/series/mt/series", "# none yet\n" },
		{ "kernel/series/hole/series", "0001-gone.patch\n" },
		{ "kernel/series/odd/series", "a.patch -p2\n" },
		{ "kernel/series/no-series/README", "" },
		{ "configs/guests/up.yaml", "vcpus_count: 1\nmemory_mib: 512\n" },
		{ "configs/guests/smp.yaml", "vcpus_count: 2\nmemory_mib: 512\n" },
		{ "configs/guests/broken.yaml", "vcpus_count: 0\nmemory_mib: 512\n" },
		{ "configs/more/up.yaml", "vcpus_count: 2\nmemory_mib: 512\n" },
		{ "configs/suites/boot.yaml", "rows: [{workload: boot}]\n" },
		{ "configs/suites/long.yaml", "rows: [{workload: boot}]\n" },
		{ "configs/more/boot.yaml", "rows: [{workload: boot}]\n" },
	};
	const char *root = test_temp_folder();

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		if (!campaign_project_write(root, files[i][0], files[i][1]))
			break;
	return root;
}

static int load(const char *text, struct campaign *campaign, struct error *err)
{
	const char *root = campaign_project();

	if (!campaign_project_write(root, "configs/campaigns/c.yaml", text))
		return -EIO;
	return campaign_load(root, "c", campaign, err);
}

bool campaign_load_good(const char *text, struct campaign *ret_campaign)
{
	struct error err = ERROR_INIT;

	if (test_check(load(text, ret_campaign, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

void campaign_refuse_as(int code, const char *file, const char *text, const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *whole = string_format("%s:%s", file, message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load(text, &campaign, &err), code);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(campaign.name);
}

void campaign_refuse(const char *text, const char *message)
{
	campaign_refuse_as(-EINVAL, "c.yaml", text, message);
}
