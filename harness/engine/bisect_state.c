/* bisect_state.c - state.json: written whole after every change. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bisect_private.h"
#include "clock.h"
#include "files.h"
#include "kernel_records.h"
#include "memory.h"

int bisect_state_save(const struct bisect *bisect, struct error *err)
{
	return record_save(bisect->folder, "state.json", bisect->state, err);
}

static json_t *member(const struct bisect *bisect, const char *name, bool is_array)
{
	json_t *value = json_object_get(bisect->state, name);

	if (value)
		return value;
	value = is_array ? json_array() : json_object();
	json_object_set_new(bisect->state, name, value);
	return value;
}

json_t *bisect_state_runs(const struct bisect *bisect)
{
	return member(bisect, "runs", true);
}

size_t bisect_state_count(const struct bisect *bisect, const char *kind)
{
	const json_t *runs = bisect_state_runs(bisect), *run;
	size_t index, count = 0;

	json_array_foreach(runs, index, run)
		count += !strcmp(record_text(run, "kind"), kind);
	return count;
}

static bool position_of(const struct bisect *bisect, const char *name, size_t *ret_position)
{
	for (size_t i = 0; i <= bisect->model.last; i++) {
		if (strcmp(bisect_item(bisect, i)->name, name))
			continue;
		*ret_position = i;
		return true;
	}
	return false;
}

static void set_twins(struct bisect *bisect)
{
	json_t *images = member(bisect, "images", false);
	const char *one, *other;
	json_t *image, *again;

	json_object_foreach(images, one, image) {
		json_object_foreach(images, other, again) {
			size_t a, b;

			if (one != other && json_equal(image, again) &&
			    position_of(bisect, one, &a) && position_of(bisect, other, &b))
				bisection_set_twin(&bisect->model, a, b);
		}
	}
}

int bisect_state_apply(struct bisect *bisect, struct error *err)
{
	const json_t *skipped = member(bisect, "skipped", true), *item;
	size_t index, position;

	json_array_foreach(skipped, index, item) {
		if (!position_of(bisect, record_text(item, "name"), &position))
			return error_set(err, -EBADMSG, "%s/state.json: skipped: no kernel '%s'",
					 bisect->folder, record_text(item, "name"));
		bisection_skip(&bisect->model, position);
	}
	set_twins(bisect);
	return 0;
}

int bisect_state_skip(struct bisect *bisect, size_t position, const char *why,
		      struct error *err)
{
	const char *name = bisect_item(bisect, position)->name;
	json_t *reason = json_string(why);

	json_array_append_new(member(bisect, "skipped", true),
			      json_pack("{s:s, s:o}", "name", name, "why",
					reason ? reason : json_string("(not UTF-8)")));
	bisection_skip(&bisect->model, position);
	return bisect_state_save(bisect, err);
}

bool bisect_state_image(struct bisect *bisect, size_t position, const char *image_sha256)
{
	json_t *images = member(bisect, "images", false);

	json_object_set_new(images, bisect_item(bisect, position)->name,
			    json_string(image_sha256));
	set_twins(bisect);
	return bisect->model.twins[position] != position;
}

void bisect_state_spend(struct bisect *bisect)
{
	uint64_t now_ns = clock_monotonic_ns();
	json_int_t spent_ms = (json_int_t)record_number(bisect->state, "spent_ms");

	spent_ms += (json_int_t)((now_ns - bisect->began_ns) / NS_PER_MS);
	bisect->began_ns = now_ns;
	json_object_set_new(bisect->state, "spent_ms", json_integer(spent_ms));
}

uint32_t bisect_state_left_minutes(const struct bisect *bisect)
{
	uint64_t budget_ms = record_number(bisect->state, "budget_minutes") * 60000;
	uint64_t spent_ms = record_number(bisect->state, "spent_ms");

	if (!budget_ms)
		return UINT32_MAX;
	return spent_ms >= budget_ms ? 0 : (uint32_t)((budget_ms - spent_ms + 59999) / 60000);
}
