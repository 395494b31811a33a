/* guest_title.c - see guest_title.h. */
#include "guest_title.h"

#include <jansson.h>

#include "guest_spec.h"
#include "memory.h"

static uint32_t record_number(const json_t *record, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(record, key));

	return value > 0 && value <= GUEST_VCPUS_MAX ? (uint32_t)value : 0;
}

char *guest_title(const struct stored_run *run, const struct stored_cell *cell)
{
	json_t *record = cell->guest_record ? json_loads(cell->guest_record, 0, NULL) : NULL;
	const struct guest_spec shape = {
		.vcpus_count = record_number(record, "vcpus_count"),
		.host_cpus_count = record_number(record, "host_cpus_count"),
		.overcommit = json_is_true(json_object_get(record, "overcommit")),
	};
	cleanup_free char *mark = run->mode == MODE_EXACT ? NULL : guest_spec_mark(&shape);

	json_decref(record);
	return mark ? string_format("%s (%s)", cell->guest, mark) : string_copy(cell->guest);
}
