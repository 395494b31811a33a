/* workload_catalog.c - the workloads of this build, asked to describe
 * themselves, and whether they suit a guest and a kernel (guest_image.h).
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "guest_image.h"
#include "memory.h"
#include "process.h"
#include "suggest.h"

#define DESCRIBE_TIMEOUT_NS (UINT64_C(5) * 1000000000)
#define SIZE_PARAMETER "size_mib"

static int workload_describe(const char *folder, const char *name,
			     struct workload_info *ret_info, struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	const char *argv[] = { path, "--describe", NULL };
	struct process_options options = {
		.capture = true, .timeout_ns = DESCRIBE_TIMEOUT_NS,
	};
	cleanup_free char *output = NULL;
	struct workload_info info = { .name = NULL };
	int r = process_run(argv, &options, &output, err);

	if (r == 0)
		r = workload_info_parse(output, strlen(output), &info, err);
	if (r < 0)
		return error_prefix(err, "%s --describe", path);
	if (strcmp(info.name, name) != 0) {
		r = error_set(err, -EINVAL,
			      "%s --describe: it says it is %s, expected %s", path,
			      info.name, name);
		workload_info_release(&info);
		return r;
	}
	*ret_info = info;
	return 0;
}

int workload_catalog_load(const char *folder, struct workload_catalog *ret,
			  struct error *err)
{
	cleanup_with(workload_catalog_release) struct workload_catalog catalog = {
		.folder = string_copy(folder),
	};
	cleanup_strvec struct strvec names = STRVEC_INIT;
	size_t i;
	int r = folder_list(folder, &names);

	if (r < 0)
		return error_set_errno(err, r, "workloads in %s", folder);
	catalog.items = memory_alloc_array(names.count, sizeof(*catalog.items));
	for (i = 0; i < names.count; i++) {
		r = workload_describe(folder, names.items[i],
				      &catalog.items[catalog.count], err);
		if (r < 0)
			return r;
		catalog.count++;
	}
	*ret = catalog;
	catalog = (struct workload_catalog){ .folder = NULL };
	return 0;
}

void workload_catalog_release(struct workload_catalog *catalog)
{
	size_t i;

	for (i = 0; i < catalog->count; i++)
		workload_info_release(&catalog->items[i]);
	free(catalog->items);
	free(catalog->folder);
	*catalog = (struct workload_catalog){ .folder = NULL };
}

int workload_catalog_find(const struct workload_catalog *catalog, const char *name,
			  const struct workload_info **ret, struct error *err)
{
	cleanup_free const char **names =
		memory_alloc_array(catalog->count, sizeof(*names));
	const char *nearest;
	size_t i;

	for (i = 0; i < catalog->count; i++) {
		if (!strcmp(catalog->items[i].name, name)) {
			*ret = &catalog->items[i];
			return 0;
		}
		names[i] = catalog->items[i].name;
	}
	nearest = suggest_nearest(name, names, catalog->count);
	if (nearest)
		return error_set(err, -ENOENT,
				 "no workload is called '%s'; did you mean '%s'?",
				 name, nearest);
	return error_set(err, -ENOENT, "no workload is called '%s'", name);
}

/* --- does it suit the guest? ------------------------------------------------------- */

static const struct {
	const char *tool, *package;
} tool_packages[] = {
	{ "cyclictest", "rt-tests" },   { "hackbench", "rt-tests" },
	{ "pi_stress", "rt-tests" },    { "signaltest", "rt-tests" },
	{ "stress-ng", "stress-ng" },   { "fio", "fio" },
	{ "busybox", "busybox-static" },
};

static int check_tools(const struct workload_info *info, struct error *err)
{
	size_t i, j;

	for (i = 0; i < info->needs_tools.count; i++) {
		const char *tool = info->needs_tools.items[i];
		cleanup_free char *path = process_find_program(tool);
		const char *package = tool;

		if (path)
			continue;
		for (j = 0; j < ARRAY_COUNT(tool_packages); j++)
			if (!strcmp(tool_packages[j].tool, tool))
				package = tool_packages[j].package;
		return error_set(err, -ENOENT,
				 "%s needs the program %s on this host (Debian "
				 "package %s)", info->name, tool, package);
	}
	return 0;
}

/* An NVDIMM, or memory that the kernel is told to take for one (memmap=16G!4G). */
static bool guest_has_pmem(const struct guest_spec *guest)
{
	size_t i;

	for (i = 0; i < guest->cmdline.count; i++)
		if (!strncmp(guest->cmdline.items[i], "memmap=", strlen("memmap=")) &&
		    strchr(guest->cmdline.items[i], '!'))
			return true;
	return guest->pmem_mib > 0;
}

static bool guest_has_device(const struct guest_spec *guest, const char *device)
{
	if (!strcmp(device, "iommu"))
		return guest->iommu != GUEST_IOMMU_NONE;
	if (!strcmp(device, "pmem"))
		return guest_has_pmem(guest);
	if (!strcmp(device, "hotplug"))
		return guest->memory_slots > 0;
	if (!strcmp(device, "numa"))
		return guest->cells_count > 1;
	return false;
}

/* What the workload takes by its own account, and by its parameter size_mib. */
static uint64_t memory_needed_mib(const struct workload_info *info,
				  const struct strvec *arguments)
{
	const char *size = "0";
	size_t i, length = strlen(SIZE_PARAMETER "=");

	for (i = 0; i < info->parameters_count; i++)
		if (!strcmp(info->parameters[i].name, SIZE_PARAMETER))
			size = info->parameters[i].default_value;
	for (i = 0; i < arguments->count; i++)
		if (!strncmp(arguments->items[i], SIZE_PARAMETER "=", length))
			size = arguments->items[i] + length;
	return info->needs_memory_mib + strtoull(size, NULL, 10);
}

/* beside_mib: what runs beside it needs too. */
static int check_shape(const struct workload_info *info,
		       const struct strvec *arguments, uint64_t beside_mib,
		       const struct guest_spec *guest, struct error *err)
{
	uint64_t memory_mib = memory_needed_mib(info, arguments) + beside_mib;
	size_t i;

	for (i = 0; workload_devices[i]; i++)
		if (workload_info_needs_device(info, arguments, workload_devices[i]) &&
		    !guest_has_device(guest, workload_devices[i]))
			return error_set(err, -EINVAL,
					 "%s needs a guest with %s; guest '%s' has "
					 "none", info->name, workload_devices[i],
					 guest->name);
	if (guest->memory_mib < memory_mib)
		return error_set(err, -EINVAL,
				 "%s needs %llu MiB with these arguments%s; guest "
				 "'%s' has %llu", info->name,
				 (unsigned long long)memory_mib,
				 beside_mib ? " and its load" : "", guest->name,
				 (unsigned long long)guest->memory_mib);
	if (guest->vcpus_count < info->needs_vcpus)
		return error_set(err, -EINVAL,
				 "%s needs %u vCPUs; guest '%s' has %u", info->name,
				 info->needs_vcpus, guest->name,
				 guest->vcpus_count);
	return 0;
}

static int check_load(const struct workload_catalog *catalog, const struct suite_load *load,
		      const struct guest_spec *guest, uint64_t *ret_memory_mib,
		      struct error *err)
{
	const struct workload_info *info = NULL;
	int r;

	*ret_memory_mib = 0;
	if (!load->workload)
		return 0;
	r = workload_catalog_find(catalog, load->workload, &info, err);
	if (r == 0)
		r = workload_info_check_load(info, &load->arguments, err);
	if (r == 0)
		r = check_tools(info, err);
	if (r == 0)
		r = check_shape(info, &load->arguments, 0, guest, err);
	if (r < 0)
		return error_prefix(err, "load");
	*ret_memory_mib = memory_needed_mib(info, &load->arguments);
	return 0;
}

static int check_row(const struct workload_catalog *catalog,
		     const struct suite_row *row, const struct guest_spec *guest,
		     struct error *err)
{
	const struct workload_info *info = NULL;
	uint64_t load_mib = 0;
	int r = workload_catalog_find(catalog, row->workload, &info, err);

	if (r == 0)
		r = workload_info_check_arguments(info, &row->arguments, err);
	if (r == 0)
		r = check_tools(info, err);
	if (r == 0)
		r = check_load(catalog, &row->load, guest, &load_mib, err);
	if (r == 0)
		r = check_shape(info, &row->arguments, load_mib, guest, err);
	return r;
}

int guest_image_check_cell(const struct workload_catalog *catalog,
			   const struct campaign_cell *cell, struct error *err)
{
	const struct guest_spec *guest = &cell->guest;
	uint64_t timeouts_s = 0;
	size_t i;

	for (i = 0; i < cell->suite.rows_count; i++) {
		const struct suite_row *row = &cell->suite.rows[i];
		int r = check_row(catalog, row, guest, err);

		timeouts_s += row->timeout_s;
		/* A row's own deadline must be the one that ends it. */
		if (r == 0 && timeouts_s > guest->total_s)
			r = error_set(err, -EINVAL,
				      "the rows up to this one may take %llu s "
				      "(timeout_s); guest '%s' is ended after "
				      "total_s, %u s",
				      (unsigned long long)timeouts_s, guest->name,
				      guest->total_s);
		if (r < 0)
			return error_prefix(err, "%s",
					    row->origin ? row->origin : row->name);
	}
	return 0;
}

/* --- does it suit the kernel? ------------------------------------------------------- */

static int check_options(const struct workload_catalog *catalog, const char *workload,
			 const char *origin, const char *kernel_name,
			 const char *config_text, struct error *err)
{
	const struct workload_info *info = NULL;
	int r = workload_catalog_find(catalog, workload, &info, err);

	if (r < 0)
		return error_prefix(err, "%s", origin);
	for (size_t i = 0; i < info->needs_options.count; i++) {
		const char *option = info->needs_options.items[i];
		cleanup_free char *value = config_text_value(config_text, option);

		if (!strcmp(value, "y"))
			continue;
		return error_set(err, -EINVAL, "kernel '%s': %s=%s, but %s (%s) needs it "
				 "to be y", kernel_name, option, value, info->name, origin);
	}
	return 0;
}

int guest_image_check_kernel(const struct workload_catalog *catalog,
			     const struct suite *suite, const char *kernel_name,
			     const char *config_text, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < suite->rows_count; i++) {
		const struct suite_row *row = &suite->rows[i];
		const char *origin = row->origin ? row->origin : row->name;

		r = check_options(catalog, row->workload, origin, kernel_name, config_text,
				  err);
		if (r == 0 && row->load.workload)
			r = check_options(catalog, row->load.workload, origin, kernel_name,
					  config_text, err);
	}
	return r;
}
