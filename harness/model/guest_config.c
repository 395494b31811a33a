/* guest_config.c - configs/guests/NAME.yaml > guest_spec. docs/configs.md has
 * the keys.
 */
#include "config_files.h"

#include <errno.h>

#include "memory.h"

#define DISK_MAX_MIB 1048576u /* of a sparse file */
#define MEMORY_MAX_MIB 16777216u
#define DISTANCE_LOCAL 10u

static void cleanup_spec(struct guest_spec *spec)
{
	guest_spec_release(spec);
}

static int read_distances(const struct config_node *node, size_t cell,
			  size_t cells_count, struct guest_cell *ret_cell,
			  struct error *err)
{
	if (node->count != cells_count)
		return config_error(err, -EINVAL, node,
				    "distances: expected one to each of %zu "
				    "cells, found %zu", cells_count, node->count);
	for (size_t i = 0; i < node->count; i++) {
		const bool is_local = i == cell;
		const struct config_field field = {
			CONFIG_U32("distances", &ret_cell->distances[i],
				   is_local ? DISTANCE_LOCAL : DISTANCE_LOCAL + 1,
				   is_local ? DISTANCE_LOCAL : 254)
		};
		int r = config_read_value(node->items[i], &field, err);

		if (r < 0)
			return r;
	}
	ret_cell->distances_count = (uint32_t)cells_count;
	return 0;
}

static int read_cells(const struct config_node *list, struct guest_spec *spec,
		      struct error *err)
{
	uint64_t memory_mib = 0;
	uint32_t vcpus_count = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct guest_cell *cell = &spec->cells[i];
		const struct config_node *distances = NULL;
		const struct config_field fields[] = {
			{ CONFIG_U32("vcpus_count", &cell->vcpus_count, 0,
				   GUEST_VCPUS_MAX) },
			{ CONFIG_U64("memory_mib", &cell->memory_mib, 16,
				     MEMORY_MAX_MIB), .required = true },
			{ CONFIG_LIST_OF("distances", &distances, 1,
				       GUEST_CELLS_MAX) },
		};
		int r = config_read(list->items[i], "cell", fields,
				    ARRAY_COUNT(fields), err);

		if (r == 0 && distances)
			r = read_distances(distances, i, list->count, cell, err);
		if (r == 0 && cell->distances_count !=
				      spec->cells[0].distances_count)
			r = config_error(err, -EINVAL, list->items[i],
					 "cells: expected distances in all "
					 "cells or in none");
		if (r < 0)
			return r;
		memory_mib += cell->memory_mib;
		vcpus_count += cell->vcpus_count;
	}
	if (vcpus_count != spec->vcpus_count)
		return config_error(err, -EINVAL, list,
				    "cells: expected %u vCPUs in all, as "
				    "vcpus_count says, found %u",
				    spec->vcpus_count, vcpus_count);
	if (memory_mib != spec->memory_mib)
		return config_error(err, -EINVAL, list,
				    "cells: expected %ju MiB in all, as "
				    "memory_mib says, found %ju",
				    (uintmax_t)spec->memory_mib,
				    (uintmax_t)memory_mib);
	spec->cells_count = (uint32_t)list->count;
	return 0;
}

/* The place of a key, or of the whole where it was left to its default. */
static const struct config_node *place(const struct config_node *root,
				       const char *key)
{
	const struct config_node *node = config_find(root, key);

	return node ? node : root;
}

static int check_memory(const struct config_node *root,
			const struct guest_spec *spec, struct error *err)
{
	if (!spec->memory_reserve && spec->memory_prealloc)
		return config_error(err, -EINVAL, place(root, "memory_reserve"),
				    "memory_reserve: false needs "
				    "memory_prealloc: false, or the memory is "
				    "taken all the same");
	if (!spec->memory_reserve && spec->memory_hugepages)
		return config_error(err, -EINVAL, place(root, "memory_reserve"),
				    "memory_reserve: false does not go with "
				    "memory_hugepages: true");
	if (!spec->memory_max_mib != !spec->memory_slots)
		return config_error(err, -EINVAL,
				    place(root, spec->memory_slots ?
							"memory_slots" :
							"memory_max_mib"),
				    "expected both memory_max_mib and "
				    "memory_slots above 0, or neither");
	if (spec->memory_max_mib && spec->memory_max_mib <= spec->memory_mib)
		return config_error(err, -EINVAL, place(root, "memory_max_mib"),
				    "memory_max_mib: expected more than "
				    "memory_mib (%ju), found %ju",
				    (uintmax_t)spec->memory_mib,
				    (uintmax_t)spec->memory_max_mib);
	return 0;
}

static int check_hugepages(const struct config_node *root, const struct guest_spec *spec,
			   struct error *err)
{
	uint64_t kib = spec->hugepage_kib;

	if (!kib)
		return 0;
	if (kib != 2048 && kib != 1048576)
		return config_error(err, -EINVAL, place(root, "hugepage_kib"),
				    "hugepage_kib: expected 2048 or 1048576, found %ju",
				    (uintmax_t)kib);
	if (!spec->memory_hugepages)
		return config_error(err, -EINVAL, place(root, "hugepage_kib"),
				    "hugepage_kib: goes with memory_hugepages: true");
	if (spec->memory_mib * 1024 % kib)
		return config_error(err, -EINVAL, place(root, "memory_mib"),
				    "memory_mib: expected whole pages of %ju MiB (hugepage_kib), "
				    "found %ju", (uintmax_t)(kib / 1024),
				    (uintmax_t)spec->memory_mib);
	for (uint32_t i = 0; i < spec->cells_count; i++)
		if (spec->cells[i].memory_mib * 1024 % kib)
			return config_error(err, -EINVAL, place(root, "cells"),
					    "cells: expected whole pages of %ju MiB "
					    "(hugepage_kib) in each, found %ju",
					    (uintmax_t)(kib / 1024),
					    (uintmax_t)spec->cells[i].memory_mib);
	return 0;
}

static int check_host_cpus(const struct config_node *root, const struct guest_spec *spec,
			   struct error *err)
{
	if (!spec->host_cpus_count)
		return 0;
	if (spec->host_cpus_count >= spec->vcpus_count)
		return config_error(err, -EINVAL, place(root, "host_cpus_count"),
				    "host_cpus_count: expected fewer than vcpus_count (%u), "
				    "found %u; without it each vCPU has a CPU of its own",
				    spec->vcpus_count, spec->host_cpus_count);
	if (!spec->overcommit)
		return config_error(err, -EINVAL, place(root, "host_cpus_count"),
				    "host_cpus_count: vCPUs that share CPUs need overcommit: true");
	return 0;
}

static int check_deadlines(const struct config_node *root,
			   const struct guest_spec *spec, struct error *err)
{
	if (spec->first_byte_s > spec->total_s)
		return config_error(err, -EINVAL, place(root, "first_byte_s"),
				    "first_byte_s: expected at most total_s "
				    "(%u), found %u", spec->total_s,
				    spec->first_byte_s);
	if (spec->silence_s > spec->total_s)
		return config_error(err, -EINVAL, place(root, "silence_s"),
				    "silence_s: expected at most total_s (%u), "
				    "found %u", spec->total_s, spec->silence_s);
	return 0;
}

static int read_root(const struct config_node *root, struct guest_spec *spec,
		     struct error *err)
{
	static const char *const iommus[] = { "none", "intel", "virtio", NULL };
	const struct config_node *cells = NULL;
	int iommu = GUEST_IOMMU_NONE;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("purpose", &spec->purpose, NULL) },
		{ CONFIG_U32("vcpus_count", &spec->vcpus_count, 1,
			     GUEST_VCPUS_MAX), .required = true },
		{ CONFIG_U64("memory_mib", &spec->memory_mib, 128,
			     MEMORY_MAX_MIB), .required = true },
		{ CONFIG_BOOL("memory_prealloc", &spec->memory_prealloc) },
		{ CONFIG_BOOL("memory_reserve", &spec->memory_reserve) },
		{ CONFIG_BOOL("memory_hugepages", &spec->memory_hugepages) },
		{ CONFIG_U32("hugepage_kib", &spec->hugepage_kib, 0, 1048576) },
		{ CONFIG_U64("memory_max_mib", &spec->memory_max_mib, 0,
			   MEMORY_MAX_MIB) },
		{ CONFIG_U32("memory_slots", &spec->memory_slots, 0, 255) },
		{ CONFIG_LIST_OF("cells", &cells, 1, GUEST_CELLS_MAX) },
		{ CONFIG_CHOICE("iommu", &iommu, iommus) },
		{ CONFIG_U64("pmem_mib", &spec->pmem_mib, 0, MEMORY_MAX_MIB) },
		{ CONFIG_U64("disk_mib", &spec->disk_mib, 0, DISK_MAX_MIB) },
		{ CONFIG_BOOL("pinning", &spec->pinning) },
		{ CONFIG_BOOL("overcommit", &spec->overcommit) },
		{ CONFIG_U32("host_cpus_count", &spec->host_cpus_count, 0,
			     GUEST_VCPUS_MAX - 1) },
		{ CONFIG_TEXTS("cmdline", &spec->cmdline, config_expect_word) },
		{ CONFIG_U32("first_byte_s", &spec->first_byte_s, 1, 3600) },
		{ CONFIG_U32("silence_s", &spec->silence_s, 1, 3600) },
		{ CONFIG_U32("total_s", &spec->total_s, 1, 86400) },
	};
	int r;

	r = config_read(root, "guest", fields, ARRAY_COUNT(fields), err);
	if (r < 0)
		return r;
	spec->iommu = (enum guest_iommu)iommu;
	if (cells)
		r = read_cells(cells, spec, err);
	if (r < 0)
		return r;
	r = check_memory(root, spec, err);
	if (r == 0)
		r = check_hugepages(root, spec, err);
	if (r == 0)
		r = check_host_cpus(root, spec, err);
	if (r < 0)
		return r;
	if (spec->pmem_mib % 128)
		return config_error(err, -EINVAL, place(root, "pmem_mib"),
				    "pmem_mib: expected a multiple of 128, "
				    "found %ju", (uintmax_t)spec->pmem_mib);
	return check_deadlines(root, spec, err);
}

int guest_spec_read(const char *project_root, const char *reference,
		    const struct config_node *at, struct guest_spec *ret_spec,
		    struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_with(cleanup_spec) struct guest_spec spec = {
		.memory_prealloc = true, .memory_reserve = true,
		.pinning = true, .first_byte_s = 30, .silence_s = 120,
		.total_s = 600,
	};
	cleanup_free char *path = NULL;
	int r;

	r = reference_resolve(&reference_guest, project_root, reference, at,
			      &path, err);
	if (r < 0)
		return r;
	r = reference_name(path, &spec.name, err);
	if (r < 0)
		return r;
	r = config_document_load(path, &document, err);
	if (r < 0)
		return r;
	r = read_root(config_document_root(document), &spec, err);
	if (r < 0)
		return r;
	*ret_spec = spec;
	spec = (struct guest_spec){ .name = NULL };
	return 0;
}

int guest_spec_load(const char *project_root, const char *name,
		    struct guest_spec *ret_spec, struct error *err)
{
	return guest_spec_read(project_root, name, NULL, ret_spec, err);
}
