/* case_record.c - case.json, written: guest, suite, policy, kernel and what the
 * trial showed. The guest has its deadlines here, which a run's record leaves out.
 * case_record_read.c reads it.
 */
#include "case_record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "run_json.h"

static void set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, run_json_text(value));
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void set_flag(json_t *object, const char *key, bool value)
{
	json_object_set_new(object, key, json_boolean(value));
}

static json_t *texts_json(const struct strvec *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, json_string(texts->items[i]));
	return array;
}

static json_t *cells_json(const struct guest_spec *guest)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < guest->cells_count; i++) {
		const struct guest_cell *cell = &guest->cells[i];
		json_t *object = json_object(), *distances = json_array();

		for (uint32_t j = 0; j < cell->distances_count; j++)
			json_array_append_new(distances, json_integer(cell->distances[j]));
		set_number(object, "vcpus_count", cell->vcpus_count);
		set_number(object, "memory_mib", cell->memory_mib);
		json_object_set_new(object, "distances", distances);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *guest_json(const struct guest_spec *guest)
{
	json_t *object = json_object();

	set_text(object, "name", guest->name);
	set_number(object, "vcpus_count", guest->vcpus_count);
	set_number(object, "memory_mib", guest->memory_mib);
	set_flag(object, "memory_prealloc", guest->memory_prealloc);
	set_flag(object, "memory_reserve", guest->memory_reserve);
	set_flag(object, "memory_hugepages", guest->memory_hugepages);
	set_number(object, "memory_max_mib", guest->memory_max_mib);
	set_number(object, "memory_slots", guest->memory_slots);
	json_object_set_new(object, "cells", cells_json(guest));
	set_number(object, "iommu", guest->iommu);
	set_number(object, "pmem_mib", guest->pmem_mib);
	set_flag(object, "pinning", guest->pinning);
	set_flag(object, "overcommit", guest->overcommit);
	set_number(object, "hugepage_kib", guest->hugepage_kib);
	json_object_set_new(object, "cmdline", texts_json(&guest->cmdline));
	set_number(object, "first_byte_s", guest->first_byte_s);
	set_number(object, "silence_s", guest->silence_s);
	set_number(object, "total_s", guest->total_s);
	return object;
}

static json_t *metrics_json(const struct workload_info *info)
{
	json_t *array = json_array();

	for (size_t i = 0; i < info->metrics_count; i++) {
		const struct metric_info *metric = &info->metrics[i];
		json_t *object = json_object();

		set_text(object, "name", metric->name);
		set_text(object, "unit", metric->unit);
		set_text(object, "meaning", metric->meaning);
		set_text(object, "better", metric_direction_name(metric->better));
		set_text(object, "kind", metric_kind_name(metric->kind));
		set_flag(object, "secondary", metric->secondary);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *load_json(const struct suite_load *load)
{
	json_t *object = json_object();

	set_text(object, "workload", load->workload);
	json_object_set_new(object, "arguments", texts_json(&load->arguments));
	return object;
}

static json_t *rows_json(const struct replay_world *world)
{
	json_t *array = json_array();

	for (size_t i = 0; i < world->suite.rows_count; i++) {
		const struct suite_row *row = &world->suite.rows[i];
		json_t *object = json_object();

		set_text(object, "name", row->name);
		set_text(object, "workload", row->workload);
		json_object_set_new(object, "arguments", texts_json(&row->arguments));
		if (row->load.workload)
			json_object_set_new(object, "load", load_json(&row->load));
		set_number(object, "timeout_s", row->timeout_s);
		json_object_set_new(object, "metrics", metrics_json(&world->workloads[i]));
		set_flag(object, "is_counted", world->workloads[i].is_counted);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *policy_json(const struct exact_policy *policy)
{
	json_t *object = json_object();

	set_number(object, "shift", policy->shift);
	set_flag(object, "counts", policy->counts);
	set_flag(object, "by_instruction", policy->by_instruction);
	set_flag(object, "profile", policy->profile);
	set_number(object, "jitter_us", policy->jitter_us);
	set_flag(object, "kaslr", policy->kaslr);
	return object;
}

static json_t *findings_json(const struct replay_world *world)
{
	json_t *array = json_array();

	for (size_t i = 0; i < world->findings_count; i++) {
		const struct finding *finding = &world->findings[i];
		json_t *object = json_object();

		set_text(object, "kind", finding_kind_name(finding->kind));
		set_text(object, "title", finding->title);
		set_number(object, "line", finding->line);
		set_text(object, "excerpt", finding->excerpt);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *expected_json(const struct symptoms *expected)
{
	json_t *array = json_array();

	for (size_t i = 0; i < expected->count; i++) {
		json_t *object = json_object();

		set_text(object, "kind", expected->items[i].kind);
		set_text(object, "title", expected->items[i].title);
		json_array_append_new(array, object);
	}
	return array;
}

static void set_world(json_t *object, const struct replay_world *world)
{
	set_text(object, "variant", world->variant);
	set_text(object, "kernel_key", world->kernel_key);
	set_text(object, "image_sha256", world->image_sha256);
	set_text(object, "cmdline", world->cmdline);
	set_number(object, "seed", world->seed.number);
	json_object_set_new(object, "exact", policy_json(&world->policy));
	json_object_set_new(object, "guest", guest_json(&world->guest));
	set_text(object, "suite", world->suite.name);
	json_object_set_new(object, "rows", rows_json(world));
	json_object_set_new(object, "kernel", case_kernel_json(&world->kernel));
	set_text(object, "initrd_sha256", world->initrd_sha256);
	set_text(object, "hypervisor", world->hypervisor);
	set_text(object, "digest", world->digest);
	set_text(object, "outcome", outcome_name(world->outcome));
	set_text(object, "reason", world->reason);
	set_number(object, "bad_row", world->bad_row);
	json_object_set_new(object, "findings", findings_json(world));
}

char *case_record_format(const struct kept_case *kept)
{
	json_t *object = json_object();
	char *text;

	set_number(object, "format", CASE_FORMAT);
	set_text(object, "origin", kept->origin);
	set_number(object, "kept_wall_ns", kept->kept_wall_ns);
	json_object_set_new(object, "expected", expected_json(&kept->expected));
	set_world(object, &kept->world);
	text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	return text;
}

