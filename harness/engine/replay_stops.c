/* replay_stops.c - see replay_stops.h. */
#include "replay_stops.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "debug_stops.h"
#include "elf_image.h"
#include "files.h"
#include "initramfs_read.h"
#include "log.h"
#include "memory.h"
#include "plugin_counts.h"

#define INIT_PROGRAM "init"
#define WORKLOADS_FOLDER "kerngate/workloads/"
/* Of workloads/runtime/marker.h, which the harness does not include. */
#define MARK_BEGIN(region) (0x4b470000u | (region))
#define MARK_END(region) (0x4b478000u | (region))
#define MARK_REGION(mark) ((mark) & 0xfffu)

static void step_release(struct replay_step *step)
{
	free(step->program);
	free(step->addresses);
}

void replay_stops_release(struct replay_stops *stops)
{
	for (size_t i = 0; i < stops->steps_count; i++)
		step_release(&stops->steps[i]);
	step_release(&stops->first_row);
	free(stops->what);
	free(stops->program);
	free(stops->program_path);
	*stops = (struct replay_stops){ .what = NULL };
}

int64_t replay_step_skip(const struct replay_stops *stops, const struct replay_step *step)
{
	bool is_passed = stops->first_row.mark && step->mark == stops->first_row.mark;

	return (int64_t)step->skip - is_passed;
}

/* --- where to ----------------------------------------------------------------------- */

static void add_step(struct replay_stops *stops, uint32_t mark, const char *program,
		     uint64_t skip)
{
	stops->steps[stops->steps_count++] = (struct replay_step){
		.mark = mark, .program = string_copy(program), .skip = skip,
	};
}

static char *workload_program(const struct replay_world *world, size_t row)
{
	return string_format(WORKLOADS_FOLDER "%s", world->suite.rows[row].workload);
}

static void stop_at_row(const struct replay_world *world, size_t row, bool at_end,
			struct replay_stops *stops)
{
	const char *name = world->suite.rows[row].name;

	add_step(stops, at_end ? MARK_END(PLUGIN_REGION_ROW) : MARK_BEGIN(PLUGIN_REGION_ROW),
		 INIT_PROGRAM, row);
	stops->program = string_copy(INIT_PROGRAM);
	stops->what = at_end ? string_format("row %zu (%s) is over", row + 1, name) :
			       string_format("before row %zu (%s)", row + 1, name);
}

static void stop_at_round(const struct replay_world *world, size_t row, uint64_t round,
			  struct replay_stops *stops)
{
	stops->program = workload_program(world, row);
	add_step(stops, MARK_BEGIN(PLUGIN_REGION_ROW), INIT_PROGRAM, row);
	add_step(stops, MARK_BEGIN(PLUGIN_REGION_ROUND), stops->program, round);
	stops->what = string_format("before round %" PRIu64 " of row %zu (%s)", round + 1,
				    row + 1, world->suite.rows[row].name);
}

static void stop_at_region(uint32_t region, uint64_t visit, struct replay_stops *stops)
{
	add_step(stops, MARK_BEGIN(region), NULL, visit);
	stops->what = string_format("before visit %" PRIu64 " of region %u", visit + 1, region);
}

static int find_row(const struct replay_world *world, const char *row, size_t *ret_index,
		    struct error *err)
{
	const struct suite *suite = &world->suite;
	cleanup_free const char **names = memory_alloc_array(suite->rows_count, sizeof(*names));

	for (size_t i = 0; i < suite->rows_count; i++)
		names[i] = suite->rows[i].name;
	return debug_stop_find_row(row, names, suite->rows_count, ret_index, err);
}

static int stop_until(const struct replay_world *world, const char *until,
		      struct replay_stops *stops, struct error *err)
{
	struct debug_stop stop;
	size_t row = 0;
	int rc = debug_stop_parse(until, &stop, err);

	if (!rc && (stop.kind == DEBUG_STOP_ROW || stop.kind == DEBUG_STOP_ROUND))
		rc = find_row(world, stop.row, &row, err);
	if (!rc && stop.kind == DEBUG_STOP_END && world->suite.rows_count == 0)
		rc = error_set(err, -ENOENT, "the suite has no row that could end");
	if (rc)
		return rc;
	switch (stop.kind) {
	case DEBUG_STOP_ROW:
		stop_at_row(world, row, false, stops);
		break;
	case DEBUG_STOP_ROUND:
		stop_at_round(world, row, stop.visit, stops);
		break;
	case DEBUG_STOP_REGION:
		stop_at_region(stop.region, stop.visit, stops);
		break;
	case DEBUG_STOP_END:
		stop_at_row(world, world->suite.rows_count - 1, true, stops);
		break;
	}
	return 0;
}

/* A finding is where the kernel says it; what a program saw, when its row is
 * over. */
static void stop_at_trouble(const struct replay_world *world, struct replay_stops *stops)
{
	bool has_row = world->bad_row && world->bad_row <= world->suite.rows_count;

	if (world->findings_count) {
		stops->at_finding = true;
		stops->what = string_format("at the finding (%s)",
					    finding_kind_name(world->findings[0].kind));
		if (has_row)
			stops->program = workload_program(world, world->bad_row - 1);
	} else if (has_row) {
		stop_at_row(world, world->bad_row - 1, true, stops);
	} else {
		log_info("%s has no finding and no row that did not pass: gdb stops at the "
			 "start", world->name);
	}
}

/* --- programs of the guest -------------------------------------------------------------- */

struct search {
	const char *folder;         /* borrowed */
	struct replay_stops *stops; /* borrowed */
};

static void add_addresses(struct replay_step *step, const uint64_t *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool is_known = false;

		for (size_t j = 0; j < step->addresses_count; j++)
			is_known |= step->addresses[j] == addresses[i];
		if (is_known)
			continue;
		step->addresses = memory_realloc_array(step->addresses,
						       step->addresses_count + 1,
						       sizeof(*step->addresses));
		step->addresses[step->addresses_count++] = addresses[i];
	}
}

/* Whether the program has the step's marker. */
static bool search_program(struct replay_step *step, const char *name,
			   const struct elf_image *image)
{
	cleanup_free uint64_t *addresses = NULL;
	size_t count = 0;

	if (!step->mark || (step->program && strcmp(step->program, name) != 0))
		return false;
	elf_image_find_marker(image, step->mark, &addresses, &count);
	add_addresses(step, addresses, count);
	return count > 0;
}

static int on_file(void *context, const char *name, const void *data, size_t length,
		   struct error *err)
{
	const struct search *search = context;
	struct replay_stops *stops = search->stops;
	struct elf_image image;
	int rc;

	if (strcmp(name, INIT_PROGRAM) != 0 &&
	    strncmp(name, WORKLOADS_FOLDER, strlen(WORKLOADS_FOLDER)) != 0)
		return 0;
	/* only programs that lie where they say can be stopped in by address */
	if (elf_image_open(data, length, &image, NULL) || !image.has_fixed_addresses)
		return 0;
	(void)search_program(&stops->first_row, name, &image);
	for (size_t i = 0; i < stops->steps_count; i++)
		if (search_program(&stops->steps[i], name, &image) && !stops->program)
			stops->program = string_copy(name);
	if (stops->program_path || !stops->program || strcmp(stops->program, name) != 0)
		return 0;
	stops->program_path = path_join(search->folder, path_base_name(name));
	rc = file_write_atomic(stops->program_path, data, length, 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be written", stops->program_path) : 0;
}

static int search_programs(const struct replay_world *world, const char *folder,
			   struct replay_stops *stops, struct error *err)
{
	struct search search = { .folder = folder, .stops = stops };
	int rc = initramfs_read(world->common_path, on_file, &search, err);

	for (size_t i = 0; !rc && i < stops->steps_count; i++)
		if (!stops->steps[i].addresses_count)
			rc = error_set(err, -ENOENT, "%s: no program of this trial has a marker "
				       "of region %u", stops->what,
				       MARK_REGION(stops->steps[i].mark));
	return rc;
}

int replay_stops_find(const struct replay_world *world, const char *until, const char *folder,
		      struct replay_stops *ret_stops, struct error *err)
{
	cleanup_with(replay_stops_release) struct replay_stops stops = { .what = NULL };
	int rc = 0;

	if (until)
		rc = stop_until(world, until, &stops, err);
	else
		stop_at_trouble(world, &stops);
	if (world->policy.kaslr)
		stops.first_row = (struct replay_step){
			.mark = MARK_BEGIN(PLUGIN_REGION_ROW),
			.program = string_copy(INIT_PROGRAM),
		};
	if (!rc)
		rc = search_programs(world, folder, &stops, err);
	if (rc)
		return rc;
	*ret_stops = stops;
	stops = (struct replay_stops){ .what = NULL };
	return 0;
}
