/* case_record_read.c - case.json, read: every member has its type and range, and
 * what the rest of the program takes for granted of a world holds.
 */
#include <errno.h>
#include <string.h>

#include "case_record.h"
#include "files.h"
#include "memory.h"

#define ROWS_MAX 100
#define METRICS_MAX 256
#define FINDINGS_MAX 1024
#define MEMORY_MIB_MAX 16777216

static uint32_t read_u32(struct case_reader *reader, const json_t *object, const char *key,
			 uint32_t minimum, uint32_t maximum)
{
	return (uint32_t)case_read_number(reader, object, key, minimum, maximum);
}

static void read_cell(struct case_reader *reader, const json_t *object,
		      struct guest_cell *cell)
{
	const json_t *distances = case_read_member(reader, object, "distances", JSON_ARRAY);
	size_t count = json_array_size(distances);

	cell->vcpus_count = read_u32(reader, object, "vcpus_count", 0, GUEST_VCPUS_MAX);
	cell->memory_mib = case_read_number(reader, object, "memory_mib", 16, MEMORY_MIB_MAX);
	if (count > GUEST_CELLS_MAX) {
		case_complain(reader, "distances", "one for each cell");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_int_t value = json_integer_value(json_array_get(distances, i));

		if (value < 10 || value > 254)
			case_complain(reader, "distances", "10..254 each");
		cell->distances[cell->distances_count++] = (uint32_t)value;
	}
}

static void read_cells(struct case_reader *reader, const json_t *object,
		       struct guest_spec *guest)
{
	size_t count;
	const json_t *array = case_read_objects(reader, object, "cells", GUEST_CELLS_MAX,
						&count);

	guest->cells_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		read_cell(reader, json_array_get(array, i), &guest->cells[i]);
}

static void read_guest(struct case_reader *reader, const json_t *object,
		       struct guest_spec *guest)
{
	guest->name = case_read_text(reader, object, "name");
	guest->vcpus_count = read_u32(reader, object, "vcpus_count", 1, GUEST_VCPUS_MAX);
	guest->memory_mib = case_read_number(reader, object, "memory_mib", 128,
					     MEMORY_MIB_MAX);
	guest->memory_prealloc = case_read_flag(reader, object, "memory_prealloc");
	guest->memory_reserve = case_read_flag(reader, object, "memory_reserve");
	guest->memory_hugepages = case_read_flag(reader, object, "memory_hugepages");
	guest->memory_max_mib = case_read_number(reader, object, "memory_max_mib", 0,
						 MEMORY_MIB_MAX);
	guest->memory_slots = read_u32(reader, object, "memory_slots", 0, 255);
	read_cells(reader, object, guest);
	guest->iommu = (enum guest_iommu)read_u32(reader, object, "iommu", GUEST_IOMMU_NONE,
						  GUEST_IOMMU_VIRTIO);
	guest->pmem_mib = case_read_number(reader, object, "pmem_mib", 0, MEMORY_MIB_MAX);
	guest->pinning = case_read_flag(reader, object, "pinning");
	guest->overcommit = case_read_flag(reader, object, "overcommit");
	/* Cases of before do not have it. */
	if (json_object_get(object, "hugepage_kib"))
		guest->hugepage_kib = read_u32(reader, object, "hugepage_kib", 0, 1048576);
	case_read_texts(reader, object, "cmdline", &guest->cmdline);
	guest->first_byte_s = read_u32(reader, object, "first_byte_s", 1, 3600);
	guest->silence_s = read_u32(reader, object, "silence_s", 1, 3600);
	guest->total_s = read_u32(reader, object, "total_s", 1, 86400);
}

static void read_metric(struct case_reader *reader, const json_t *object,
			struct metric_info *metric)
{
	cleanup_free char *better = case_read_text(reader, object, "better");
	cleanup_free char *kind = case_read_text(reader, object, "kind");

	metric->name = case_read_text(reader, object, "name");
	metric->unit = case_read_text(reader, object, "unit");
	metric->meaning = case_read_text(reader, object, "meaning");
	if (metric_direction_parse(better, &metric->better))
		case_complain(reader, "better", "lower or higher");
	if (metric_kind_parse(kind, &metric->kind))
		case_complain(reader, "kind", "time, rate, count, tail or outcome");
	metric->secondary = case_read_flag(reader, object, "secondary");
}

static void read_load(struct case_reader *reader, const json_t *object,
		      struct suite_load *load)
{
	load->workload = case_read_text(reader, object, "workload");
	case_read_texts(reader, object, "arguments", &load->arguments);
}

static void read_row(struct case_reader *reader, const json_t *object, struct suite_row *row,
		     struct workload_info *info)
{
	size_t count;
	const json_t *metrics = case_read_objects(reader, object, "metrics", METRICS_MAX,
						  &count);

	row->name = case_read_text(reader, object, "name");
	row->workload = case_read_text(reader, object, "workload");
	case_read_texts(reader, object, "arguments", &row->arguments);
	if (json_object_get(object, "load"))
		read_load(reader, case_read_member(reader, object, "load", JSON_OBJECT), &row->load);
	row->timeout_s = read_u32(reader, object, "timeout_s", 1, 86400);
	row->origin = string_copy(CASE_RECORD);
	info->name = string_copy(row->workload);
	info->is_counted = case_read_flag(reader, object, "is_counted");
	info->metrics = memory_alloc_array(count, sizeof(*info->metrics));
	info->metrics_count = count;
	for (size_t i = 0; i < count; i++)
		read_metric(reader, json_array_get(metrics, i), &info->metrics[i]);
}

static void read_rows(struct case_reader *reader, const json_t *object,
		      struct replay_world *world)
{
	size_t count;
	const json_t *array = case_read_objects(reader, object, "rows", ROWS_MAX, &count);

	world->suite.rows = memory_alloc_array(count, sizeof(*world->suite.rows));
	world->suite.rows_count = count;
	world->workloads = memory_alloc_array(count, sizeof(*world->workloads));
	for (size_t i = 0; i < count; i++)
		read_row(reader, json_array_get(array, i), &world->suite.rows[i],
			 &world->workloads[i]);
}

static void read_policy(struct case_reader *reader, const json_t *object,
			struct exact_policy *policy)
{
	policy->shift = read_u32(reader, object, "shift", 0, EXACT_SHIFT_MAX);
	policy->counts = case_read_flag(reader, object, "counts");
	policy->by_instruction = case_read_flag(reader, object, "by_instruction");
	policy->profile = case_read_flag(reader, object, "profile");
	policy->jitter_us = read_u32(reader, object, "jitter_us", 0, EXACT_JITTER_MAX_US);
	policy->kaslr = case_read_flag(reader, object, "kaslr");
}

static void read_finding(struct case_reader *reader, const json_t *object,
			 struct finding *finding)
{
	cleanup_free char *kind = case_read_text(reader, object, "kind");

	if (finding_kind_parse(kind, &finding->kind))
		case_complain(reader, "kind", "that of a finding");
	finding->title = case_read_text(reader, object, "title");
	finding->excerpt = case_read_text_or_null(reader, object, "excerpt");
	finding->line = case_read_number(reader, object, "line", 0, INT64_MAX);
}

static void read_findings(struct case_reader *reader, const json_t *object,
			  struct replay_world *world)
{
	size_t count;
	const json_t *array = case_read_objects(reader, object, "findings", FINDINGS_MAX,
						&count);

	world->findings = memory_alloc_array(count, sizeof(*world->findings));
	world->findings_count = count;
	for (size_t i = 0; i < count; i++)
		read_finding(reader, json_array_get(array, i), &world->findings[i]);
}

static void read_world(struct case_reader *reader, const json_t *object, const char *folder,
		       struct replay_world *world)
{
	cleanup_free char *outcome = case_read_text(reader, object, "outcome");

	world->name = string_copy(path_base_name(folder));
	world->variant = case_read_text(reader, object, "variant");
	world->kernel_key = case_read_text(reader, object, "kernel_key");
	world->image_sha256 = case_read_text(reader, object, "image_sha256");
	world->cmdline = case_read_text(reader, object, "cmdline");
	world->seed = exact_seed_make(case_read_number(reader, object, "seed", 1, INT64_MAX));
	read_policy(reader, case_read_member(reader, object, "exact", JSON_OBJECT),
		    &world->policy);
	read_guest(reader, case_read_member(reader, object, "guest", JSON_OBJECT),
		   &world->guest);
	world->suite.name = case_read_text(reader, object, "suite");
	read_rows(reader, object, world);
	case_kernel_read(reader, case_read_member(reader, object, "kernel", JSON_OBJECT),
			 folder, &world->kernel);
	world->common_path = path_join(folder, CASE_COMMON);
	world->plan_path = path_join(folder, CASE_PLAN);
	world->initrd_sha256 = case_read_text(reader, object, "initrd_sha256");
	world->hypervisor = case_read_text(reader, object, "hypervisor");
	world->folder = string_copy(folder);
	world->digest = case_read_text_or_null(reader, object, "digest");
	if (outcome_parse(outcome, &world->outcome))
		case_complain(reader, "outcome", "passed, failed, ..., timed-out");
	world->reason = case_read_text_or_null(reader, object, "reason");
	world->bad_row = read_u32(reader, object, "bad_row", 0, ROWS_MAX);
	read_findings(reader, object, world);
}

static void read_expected(struct case_reader *reader, const json_t *object,
			  struct symptoms *expected)
{
	size_t count;
	const json_t *array = case_read_objects(reader, object, "expected", FINDINGS_MAX,
						&count);

	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);
		cleanup_free char *kind = case_read_text(reader, item, "kind");
		cleanup_free char *title = case_read_text(reader, item, "title");

		symptoms_add(expected, kind, title);
	}
	if (!expected->count)
		case_complain(reader, "expected", "at least one");
}

static void read_case(struct case_reader *reader, const json_t *object, const char *folder,
		      struct kept_case *kept)
{
	json_int_t format = json_integer_value(json_object_get(object, "format"));

	if (format > CASE_FORMAT) {
		reader->code = error_set(reader->err, -EPROTO, "it is of a newer kerngate "
					 "(format %lld, this one knows %d)",
					 (long long)format, CASE_FORMAT);
		return;
	}
	(void)case_read_number(reader, object, "format", CASE_FORMAT, CASE_FORMAT);
	kept->name = string_copy(path_base_name(folder));
	kept->origin = case_read_text(reader, object, "origin");
	kept->kept_wall_ns = case_read_number(reader, object, "kept_wall_ns", 0, INT64_MAX);
	read_expected(reader, object, &kept->expected);
	read_world(reader, object, folder, &kept->world);
}

int case_record_parse(const char *text, size_t length, const char *folder,
		      struct kept_case *ret_case, struct error *err)
{
	cleanup_kept_case struct kept_case kept = { .name = NULL };
	struct case_reader reader = { .err = err };
	json_error_t error;
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (!object)
		return error_set(err, -EBADMSG, "line %d: %s", error.line, error.text);
	if (json_is_object(object))
		read_case(&reader, object, folder, &kept);
	else
		case_complain(&reader, "the file", "an object");
	json_decref(object);
	if (reader.code)
		return reader.code;
	*ret_case = kept;
	kept = (struct kept_case){ .name = NULL };
	return 0;
}
