/* run_figures.c - see run_figures.h. */
#include "run_figures.h"

#include <string.h>

#include "memory.h"
#include "verdict.h"

/* --- figures ----------------------------------------------------------------------- */

static bool is_of(const struct stored_run *run, uint32_t variant, uint32_t trial_variant)
{
	return trial_variant == variant ||
	       (variant == run->baseline && (int64_t)trial_variant == run->control_variant);
}

static bool has_boot(const struct boot_figure *figures, size_t count, uint64_t boot)
{
	for (size_t i = 0; i < count; i++)
		if (figures[i].boot == boot)
			return true;
	return false;
}

int run_figures_load(struct run_store *store, const struct stored_run *run, uint32_t cell,
		     uint32_t row, uint32_t metric, uint32_t variant,
		     struct boot_figure **ret_figures, size_t *ret_count, struct error *err)
{
	const struct metric_info *info = &run->cells[cell].rows[row].metrics[metric];
	bool is_exact = run->mode == MODE_EXACT;
	enum boot_summary summary = verdict_boot_summary(info);
	struct stored_samples *samples;
	struct boot_figure *figures;
	size_t samples_count, count = 0;
	int rc = run_store_samples(store, run->id, cell, row, info->name, &samples,
				   &samples_count, err);

	if (rc)
		return rc;
	figures = memory_alloc_array(samples_count, sizeof(*figures));
	for (size_t i = 0; i < samples_count; i++) {
		const struct boot_samples boot = { .values = samples[i].values,
						   .count = samples[i].count };
		uint64_t number = samples[i].block + (is_exact ? run->seed : 0);

		if (!is_of(run, variant, samples[i].variant) || !samples[i].count ||
		    (is_exact && has_boot(figures, count, number)))
			continue;
		figures[count++] = (struct boot_figure){
			.boot = number,
			.value = statistics_boot_summary(&boot, summary),
		};
	}
	stored_samples_free(samples, samples_count);
	*ret_figures = figures;
	*ret_count = count;
	return 0;
}

/* --- conditions --------------------------------------------------------------------- */

static bool begins_with(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* Without what may differ (experiment_fingerprint.c says what the keys are). */
static char *common_lines(const struct stored_run *run, const char *fingerprint)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	while (*fingerprint) {
		size_t length = strcspn(fingerprint, "\n");

		if (!begins_with(fingerprint, "variant.") &&
		    !(run->mode == MODE_EXACT && begins_with(fingerprint, "host.")))
			strbuf_addf(&out, "%.*s\n", (int)length, fingerprint);
		fingerprint += length + (fingerprint[length] == '\n');
	}
	return strbuf_detach(&out);
}

char *run_figures_conditions(const struct stored_run *run, uint32_t cell, uint32_t variant)
{
	cleanup_free char *found = NULL;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		cleanup_free char *lines = NULL;

		if (trial->cell != cell || trial->superseded || !trial->fingerprint ||
		    trial->state != TRIAL_FINISHED || !is_of(run, variant, trial->variant))
			continue;
		lines = common_lines(run, trial->fingerprint);
		if (!found)
			found = take_pointer(lines);
		else if (strcmp(found, lines))
			return NULL;
	}
	return take_pointer(found);
}

/* The value of the line with that key (of key_length), or NULL; *ret_length its
 * length. */
static const char *find_value(const char *lines, const char *key, size_t key_length,
			      size_t *ret_length)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		if (length > key_length && lines[key_length] == '=' &&
		    !memcmp(lines, key, key_length)) {
			*ret_length = length - key_length - 1;
			return lines + key_length + 1;
		}
		lines += length + (lines[length] == '\n');
	}
	return NULL;
}

static void add_difference(struct strvec *differences, const char *key, size_t key_length,
			   const char *before, size_t before_length, const char *after,
			   size_t after_length)
{
	cleanup_free char *a = before ? string_format("\"%.*s\"", (int)before_length, before) :
					string_copy("nothing");
	cleanup_free char *b = after ? string_format("\"%.*s\"", (int)after_length, after) :
				       string_copy("nothing");

	strvec_pushf(differences, "%.*s: %s -> %s", (int)key_length, key, a, b);
}

/* Lines of `lines` that `others` has with another value, or lacks. */
static void compare_lines(const char *lines, const char *others, bool only_missing,
			  struct strvec *differences)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n"), other_length = 0;
		size_t key_length = strcspn(lines, "=\n"), value_length;
		const char *value = lines + key_length + (key_length < length);
		const char *other = find_value(others, lines, key_length, &other_length);

		value_length = (size_t)(lines + length - value);
		if (only_missing && !other)
			add_difference(differences, lines, key_length, NULL, 0, value,
				       value_length);
		else if (!only_missing && (!other || other_length != value_length ||
					   memcmp(value, other, value_length)))
			add_difference(differences, lines, key_length, value, value_length,
				       other, other_length);
		lines += length + (lines[length] == '\n');
	}
}

void conditions_compare(const char *before, const char *after, struct strvec *differences)
{
	compare_lines(before, after, false, differences);
	compare_lines(after, before, true, differences);
}
